"""What lies in the folders of a run, and what of it a submitted job believes."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from asg_core.config import ConfigError, resolve_config
from asg_core.plan.inventory import (
    Inventory,
    save_inventory,
    saved_inventory,
    take_inventory,
)
from asg_core.plan.run import RunPlan
from asg_core.sources.inventory import AS_GENERATED
from support.faults import break_calls

SHARDS = ("0000-of-0002", "0001-of-0002")
PIXELS = {"pixels": {"kind": "pixels"}}


def plan_of(**sections: object) -> RunPlan:
    return RunPlan(resolve_config(sections))


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_films(root: Path) -> dict[str, Any]:
    """Write two films with a row each, and boxes beside them."""
    root.mkdir()
    (root / "rows.csv").write_text(
        "file,text,patient,view\na.png,x,1,PA\nb.png,y,2,PA\n"
    )
    for name in ("a.png", "b.png"):
        (root / name).write_bytes(b"not looked into")
    (root / "boxes.csv").write_text("image,region,x0,y0,x1,y1\n")
    columns = {
        "image_path": "file",
        "text": "text",
        "patient_id": "patient",
        "view": "view",
    }
    return {
        "name": "films",
        "source": "table",
        "root": str(root),
        "shards": 2,
        "table": {"file": "rows.csv", "columns": columns},
    }


def test_what_the_run_makes_itself_is_as_generated() -> None:
    inventory = take_inventory(plan_of(corpus={"source": "synthetic", "shards": 2}))

    untouched = dict.fromkeys(SHARDS, AS_GENERATED)
    assert inventory.images == inventory.reports == untouched
    assert inventory.annotations == AS_GENERATED
    names = ("nih", "chexpert", "rsna", "covidx", "siim")
    assert inventory.benchmarks == dict.fromkeys(names, AS_GENERATED)


def test_an_edited_image_changes_its_shard_and_no_report(tmp_path: Path) -> None:
    corpus = write_films(tmp_path / "films")
    plan = plan_of(corpus=corpus, regions={"backend": "none"})
    before = take_inventory(plan)

    (tmp_path / "films" / "a.png").write_bytes(b"another film")
    after = take_inventory(plan)

    assert before.annotations is None
    assert before.benchmarks == {}
    assert list(before.images) == list(before.reports) == list(SHARDS)
    changed = [name for name in SHARDS if before.images[name] != after.images[name]]
    assert len(changed) == 1
    assert before.reports == after.reports


def test_without_a_corpus_only_benchmarks_are_looked_at(tmp_path: Path) -> None:
    root = tmp_path / "siim"
    evaluation = {"encoders": PIXELS, "benchmarks": {"siim": {"root": str(root)}}}
    plan = plan_of(evaluation=evaluation)

    with pytest.raises(ConfigError, match=str(root)):
        take_inventory(plan)

    write_siim(root)
    inventory = take_inventory(plan)
    assert inventory.images == inventory.reports == {}
    assert list(inventory.benchmarks) == ["siim"]


def write_siim(root: Path) -> None:
    (root / "dicom-images-train").mkdir(parents=True)
    (root / "train-rle.csv").write_text("ImageId, EncodedPixels\n")


def test_every_benchmark_has_the_digest_of_its_own_folder(tmp_path: Path) -> None:
    """Beside a synthetic corpus too, which makes those that have no root."""
    write_siim(tmp_path / "siim")
    siim = {"siim": {"root": str(tmp_path / "siim")}}
    plan = plan_of(
        corpus={"source": "synthetic"},
        evaluation={"benchmarks": siim, "encoders": PIXELS},
    )
    before = take_inventory(plan).benchmarks

    (tmp_path / "siim" / "train-rle.csv").write_text("ImageId, EncodedPixels\n1,-1\n")
    after = take_inventory(plan).benchmarks

    assert before.pop("siim") != after.pop("siim")
    made = dict.fromkeys(("nih", "chexpert", "rsna", "covidx"), AS_GENERATED)
    assert before == after == made


def test_annotations_of_their_own_root_have_its_digest(tmp_path: Path) -> None:
    corpus = write_films(tmp_path / "films")
    (tmp_path / "boxes").mkdir()
    boxes = (tmp_path / "films" / "boxes.csv").rename(tmp_path / "boxes" / "boxes.csv")
    columns = {"file": "boxes.csv", "image_id": "image"}
    columns |= {"x1": "x0", "y1": "y0", "x2": "x1", "y2": "y1"}
    annotations = {"source": "table", "root": str(boxes.parent), "table": columns}
    plan = plan_of(corpus=corpus, regions={"annotations": annotations})
    before = take_inventory(plan)

    boxes.write_text(boxes.read_text() + "a.png,spine,0,0,1,1\n")
    after = take_inventory(plan)

    assert before.annotations != after.annotations
    assert (before.images, before.reports) == (after.images, after.reports)


def test_a_column_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    corpus = write_films(tmp_path / "films")
    corpus["table"]["columns"]["text"] = "words"

    with pytest.raises(ConfigError, match=r"expected the columns \['words'\]"):
        take_inventory(plan_of(corpus=corpus, regions={"backend": "none"}))


def test_a_fault_of_the_disk_stops_the_run_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = write_films(tmp_path / "films")
    break_calls(monkeypatch, name="rows.csv", number=errno.EIO)

    with pytest.raises(ConfigError, match=r"rows\.csv"):
        take_inventory(plan_of(corpus=corpus, regions={"backend": "none"}))


OPEN_I = {"name": "x", "source": "open_i", "root": "nowhere", "images": "none"}


@pytest.mark.parametrize(
    ("sections", "missing"),
    [
        ({"corpus": OPEN_I}, "nowhere"),
        ({"regions": {"annotations": {"root": "no_graphs"}}}, "no_graphs"),
    ],
)
def test_what_cannot_be_read_stops_the_run(
    sections: dict[str, object], missing: str
) -> None:
    plan = plan_of(**sections)

    with pytest.raises(ConfigError, match=missing):
        take_inventory(plan)


def of_demo(*, shards: int = 2, benchmarks: dict[str, str] | None = None) -> Inventory:
    names = [f"{index:04d}-of-{shards:04d}" for index in range(shards)]
    return Inventory(
        images=dict.fromkeys(names, "a"),
        reports=dict.fromkeys(names, "b"),
        annotations="c",
        benchmarks=benchmarks
        or dict.fromkeys(("nih", "chexpert", "rsna", "covidx", "siim"), "d"),
    )


def test_a_submitted_job_reads_what_the_main_process_found() -> None:
    plan = plan_of(corpus={"source": "synthetic", "shards": 2})

    assert saved_inventory(plan) is None
    save_inventory(plan, of_demo())

    assert saved_inventory(plan) == of_demo()
    path = Path("results/synthetic/inventory.json")
    assert json.loads(path.read_text())["annotations"] == "c"


@pytest.mark.parametrize(
    "other", [of_demo(shards=3), of_demo(benchmarks={"nih": "d"})], ids=repr
)
def test_digests_of_another_configuration_are_not_believed(other: Inventory) -> None:
    plan = plan_of(corpus={"source": "synthetic", "shards": 2})

    save_inventory(plan, other)

    assert saved_inventory(plan) is None
