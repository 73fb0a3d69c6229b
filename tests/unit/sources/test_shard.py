"""What every reader fills: studies, images, reports and what is left out."""

import logging
from pathlib import Path

import pytest
from PIL import Image

from asg_core.sources.reading.walk import Part
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.shard import ShardReading
from asg_core.sources.views import GivenView
from asg_core.tables.shards import shard_of
from asg_core.terms.views import View

PA = GivenView(View.PA, "pa")


def reading(
    root: Path, *, shard: int = 0, part: Part = "all", **keys: object
) -> ShardReading:
    config = CorpusConfig.model_validate({"shards": 3} | keys)
    return ShardReading(config=config, root=root, shard=shard, part=part)


def test_a_patient_is_of_one_shard(tmp_path: Path) -> None:
    patients = [f"p{number}" for number in range(20)]

    for shard in range(3):
        mine = [name for name in patients if reading(tmp_path, shard=shard).has(name)]
        assert mine == [
            name for name in patients if shard_of(name, num_shards=3) == shard
        ]


def test_splits_that_are_not_wanted_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shard = reading(tmp_path, splits=["train"])

    found = [shard.leaves_out(name) for name in ("train", "test", None, "test")]
    with caplog.at_level(logging.INFO):
        shard.tables()

    assert found == [False, True, False, True]
    assert shard.left_out == {"split test": 2}
    assert caplog.messages[0] == (
        "shard 0: 0 images, 0 reports; rejected {}; left out by choice {'split test': 2}"
    )


def test_a_study_keeps_its_first_patient_and_split(tmp_path: Path) -> None:
    shard = reading(tmp_path)

    shard.enter_study("s1", patient_id="p1", split="train")
    shard.enter_study("s1", patient_id="p2", split="test")

    assert shard.tables().studies.rows() == [("s1", "p1", "train")]


def test_the_size_of_an_image_is_given_or_read(tmp_path: Path) -> None:
    Image.new("L", (30, 20)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    shard = reading(tmp_path)

    def add(name: str, size: tuple[int, int] | None = None) -> str | None:
        problem = shard.add_image(
            name, study_id="s1", path=f"{name}.png", given=PA, size=size
        )
        return problem and problem[0]

    assert add("a") is None
    assert add("b") == "unreadable_image"
    assert add("c") == "missing_image"
    assert add("d", size=(9, 7)) is None  # believed, and not looked for
    assert shard.tables().images.rows() == [
        ("a", "s1", "a.png", "PA", "pa", 30, 20),
        ("d", "s1", "d.png", "PA", "pa", 9, 7),
    ]


@pytest.mark.parametrize(("part", "num_reports"), [("images", 0), ("reports", 1)])
def test_texts_are_no_part_of_the_images(
    tmp_path: Path, part: Part, num_reports: int
) -> None:
    shard = reading(tmp_path, part=part)
    shard.reports["s1"] = "Clear."

    assert len(shard.tables().reports) == num_reports
