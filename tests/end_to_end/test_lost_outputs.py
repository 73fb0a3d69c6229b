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


@pytest.fixture(scope="module")
def outputs(finished: Checkout) -> list[str]:
    """Return every output of every job."""
    return dry_runs(finished, {"all": True})[0]


def test_plain_snakemake_asks_for_every_output_of_every_job(
    finished: Checkout, outputs: list[str]
) -> None:
    done = finished.snakemake("--dry-run", "--forceall", "--cores", "1")
    wanted = re.search(r"^rule all:\n    input: (.+)$", done.stdout, flags=re.MULTILINE)

    assert wanted is not None
    assert sorted(wanted[1].split(", ")) == sorted(outputs)
    assert [file for file in outputs if not (finished.root / file).exists()] == []


def test_every_file_of_runs_and_summary_is_an_output(
    finished: Checkout, outputs: list[str]
) -> None:
    results = Path("results/test")
    folders = [results / name for name in ("summary", "pixels", "detector", "features")]
    folders += [results / name for name in ("evaluation", "datasets", "tokenizer")]
    folders += sorted(finished.root.glob("results/test/runs/*"))
    files = {
        path.relative_to(finished.root).as_posix()
        for folder in folders
        for path in (finished.root / folder).rglob("*")
        if path.is_file() and "work" not in path.parts
    }

    assert sorted(files - set(outputs)) == []


def test_a_lost_output_of_any_kind_is_made_again_and_nothing_else(
    finished: Checkout, outputs: list[str]
) -> None:
    kinds = one_of_each_kind(outputs)

    plans = dry_runs(
        finished,
        *({"lost": file} for file in kinds),
        *({"forced": file} for file in kinds),
    )

    lost, forced = plans[: len(kinds)], plans[len(kinds) :]
    assert len(kinds) > 50
    assert [file for file, plan in zip(kinds, lost, strict=True) if not plan] == []
    # Forcing its job plans that job and what follows: neither more nor less is wanted.
    wrong = [
        file
        for file, found, expected in zip(kinds, lost, forced, strict=True)
        if found != expected or file not in found
    ]
    assert wrong == []


@pytest.mark.parametrize("target", ["boxes", "alignments", "pretrain", "evaluate"])
def test_a_target_misses_every_output_of_its_stage(
    finished: Checkout, target: str
) -> None:
    results = finished.root / "results" / "test"
    lost = {
        "boxes": next((results / "tables/rejects/detect_regions").iterdir()),
        "alignments": next((results / "tables/tag_targets").iterdir()),
        "pretrain": results / "runs/full/model.safetensors",
        "evaluate": results / "evaluation/full/nih/notes.json",
    }[target]
    hidden = lost.rename(lost.with_suffix(".hidden"))
    try:
        planned = finished.planned(target)
    finally:
        hidden.rename(lost)

    assert planned


def test_what_a_kill_inside_a_forced_stage_took_is_made_again(
    finished: Checkout, tmp_path: Path
) -> None:
    # Others look at the finished run, and at what was tracked of it.
    root = shutil.copytree(finished.root, tmp_path / "copy", symlinks=True)
    own = replace(finished, root=root)
    expected = own.tables()

    was_inside = kill_inside(own, stage="evaluate_encoder")
    own.snakemake("--unlock")
    planned = dict(own.planned())
    own.snakemake("--cores", "2")

    assert was_inside
    assert planned.pop("evaluate_encoder", 0) >= 1
    # The rejects of evaluation were lost too, and are counted.
    assert planned == {"build_summary": 1, "count_tables": 1}
    assert own.tables() == expected
    assert own.planned() == {}
