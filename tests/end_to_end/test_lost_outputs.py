"""What a finished run misses when files are gone: exactly the lost ones' remake."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from support.ask import dry_runs
from support.checkout import Checkout
from support.kills import kill_inside

pytestmark = pytest.mark.slow

# What the values of wildcards are replaced by: one file of a kind stands for all.
WILDCARDS = (
    (r"shard-\d{4}-of-\d{4}", "shard"),
    (r"\b(nih|chexpert|rsna|covidx|siim)\b", "benchmark"),
    (r"(runs|evaluation|features|pretrain_encoders)/(full|ira|pixels)\b", r"\1/name"),
    (r"summary/tables/.*(\.\w+)$", r"summary/tables/name\1"),
)


def one_of_each_kind(files: Sequence[str]) -> list[str]:
    kinds: dict[str, str] = {}
    for file in files:
        kind = file
        for pattern, name in WILDCARDS:
            kind = re.sub(pattern, name, kind)
        kinds[kind] = file
    return list(kinds.values())


Graph = list[tuple[list[str], list[str]]]


@pytest.fixture(scope="module")
def graph(own: Checkout) -> Graph:
    """Return what every job makes, and what it reads."""
    return [(made, read) for made, read in dry_runs(own, {"graph": True})[0]]


@pytest.fixture(scope="module")
def outputs(graph: Graph) -> list[str]:
    """Return every output of every job."""
    return [file for made, _ in graph for file in made]


def made_again(graph: Graph, lost: str) -> list[str]:
    """Return what the job of a lost file makes, and all jobs that follow it."""
    found = {lost}
    while True:
        jobs = [made for made, read in graph if found & {*made, *read}]
        more = found.union(*jobs)
        if more == found:
            return sorted(found)
        found = more


def test_plain_snakemake_asks_for_every_output_of_every_job(
    own: Checkout, outputs: list[str]
) -> None:
    done = own.snakemake("--dry-run", "--forceall", "--cores", "1")
    wanted = re.search(r"^rule all:\n    input: (.+)$", done.stdout, flags=re.MULTILINE)

    assert wanted is not None
    assert sorted(wanted[1].split(", ")) == sorted(outputs)
    assert [file for file in outputs if not (own.root / file).exists()] == []


def test_every_file_of_runs_and_summary_is_an_output(
    own: Checkout, outputs: list[str]
) -> None:
    results = Path("results/test")
    folders = [results / name for name in ("summary", "pixels", "detector", "features")]
    folders += [results / name for name in ("evaluation", "datasets", "tokenizer")]
    folders += sorted(own.root.glob("results/test/runs/*"))
    files = {
        path.relative_to(own.root).as_posix()
        for folder in folders
        for path in (own.root / folder).rglob("*")
        if path.is_file() and "work" not in path.parts
    }

    assert sorted(files - set(outputs)) == []


def test_a_lost_output_of_any_kind_is_made_again_and_nothing_else(
    own: Checkout, graph: Graph, outputs: list[str]
) -> None:
    kinds = one_of_each_kind(outputs)

    plans = dry_runs(own, *({"lost": file} for file in kinds))

    assert len(kinds) > 50
    assert [
        file
        for file, plan in zip(kinds, plans, strict=True)
        if plan != made_again(graph, file)
    ] == []


@pytest.mark.parametrize("target", ["boxes", "alignments", "pretrain", "evaluate"])
def test_a_target_misses_every_output_of_its_stage(own: Checkout, target: str) -> None:
    results = own.root / "results" / "test"
    lost = {
        "boxes": next((results / "tables/rejects/detect_regions").iterdir()),
        "alignments": next((results / "tables/tag_targets").iterdir()),
        "pretrain": results / "runs/full/model.safetensors",
        "evaluate": results / "evaluation/full/nih/notes.json",
    }[target]
    hidden = lost.rename(lost.with_suffix(".hidden"))
    try:
        planned = own.planned(target)
    finally:
        hidden.rename(lost)

    assert planned


def test_what_a_kill_inside_a_forced_stage_took_is_made_again(
    finished: Checkout, tmp_path: Path
) -> None:
    root = shutil.copytree(finished.root, tmp_path / "copy", symlinks=True)
    killed = replace(finished, root=root)
    expected = killed.tables()

    was_inside = kill_inside(killed, "--cores", "2", stage="evaluate_encoder")
    killed.snakemake("--unlock")
    planned = dict(killed.planned())
    killed.snakemake("--cores", "2")

    assert was_inside
    assert planned.pop("evaluate_encoder", 0) >= 1
    # The rejects of evaluation were lost too, and are counted.
    assert planned == {"build_summary": 1, "count_tables": 1}
    assert killed.tables() == expected
    assert killed.planned() == {}
