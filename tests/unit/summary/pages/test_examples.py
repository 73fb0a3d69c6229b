from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asg_core.summary.inputs import SummaryInputs
from asg_core.summary.pages.examples import Piece, choose_examples, cut_report
from asg_core.tables.catalog import TRIPLETS
from asg_core.tables.schema import read_table, write_table
from support.fake_corpus import FRAME, report_text
from support.fake_results import fake_results
from support.faults import unreadable_file


def test_pieces_are_cut_where_words_begin_and_end() -> None:
    pieces = cut_report("abcdefgh", spans={0: [(1, 4)], 1: [(3, 6)]}, read=[(1, 6)])

    assert pieces == [
        Piece(text="a", units=(), is_read=False),
        Piece(text="bc", units=(0,), is_read=True),
        Piece(text="d", units=(0, 1), is_read=True),
        Piece(text="ef", units=(1,), is_read=True),
        Piece(text="gh", units=(), is_read=False),
    ]


def test_an_empty_report_has_no_pieces() -> None:
    assert cut_report("", spans={}, read=[]) == []


def test_line_breaks_inside_sentences_are_not_shown() -> None:
    assert Piece(text="no acute\nfracture", units=(), is_read=True).shown == (
        "no acute fracture"
    )
    assert Piece(text="\n", units=(), is_read=False).shown == " "
    assert Piece(text="\n\nIMPRESSION:\n", units=(), is_read=False).shown == (
        "\n\nIMPRESSION:\n"
    )


def test_an_example_has_boxes_words_and_claims(inputs: SummaryInputs) -> None:
    (example,) = choose_examples(inputs, num_examples=1, size=64)

    assert "".join(piece.text for piece in example.pieces) == report_text()
    assert [unit.box.label for unit in example.units] == [
        "left lower lung zone",
        "left lung, right lung",
        "cardiac silhouette",
    ]
    box = example.units[1].box
    assert (box.x, box.y, box.width, box.height) == (20.0, 40.0, 160.0, 150.0)
    assert example.units[0].words == "Small left pleural effusion at the base."
    assert [(claim.region, claim.units) for claim in example.claims] == [
        ("left lower lung zone", (0,)),
        ("right lung", (1,)),
        ("left lung", (1,)),
        ("cardiac silhouette", (2,)),
    ]
    assert len(example.regions) == 4
    assert (example.width, example.height) == (FRAME.width, FRAME.height)


def test_small_boxes_lie_on_top_of_large_ones(inputs: SummaryInputs) -> None:
    (example,) = choose_examples(inputs, num_examples=1, size=64)

    areas = [unit.box.width * unit.box.height for unit in example.boxes]
    assert areas == sorted(areas, reverse=True)


def test_an_image_keeps_its_shape_without_the_padding(inputs: SummaryInputs) -> None:
    (example,) = choose_examples(inputs, num_examples=1, size=64)

    with Image.open(BytesIO(example.jpeg)) as image:
        assert image.size == (53, 64)  # of 80 x 96 in the cache, 200 x 240 in the file
        assert np.asarray(image).min() > 0  # the padding is black


def test_an_image_file_is_shown_rather_than_its_cached_copy(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    white = np.full((FRAME.height, FRAME.width), 255, dtype=np.uint8)
    (tmp_path / "files").mkdir()
    Image.fromarray(white).save(tmp_path / "files" / "study-00.png")
    with_files = replace(inputs, corpus_root=tmp_path)

    examples = choose_examples(with_files, num_examples=4, size=512)

    sizes = {}
    for example in examples:
        with Image.open(BytesIO(example.jpeg)) as image:
            sizes[example.image_id] = image.size
    assert sizes["image-study-00"] == (200, 240)
    assert sizes["image-study-01"] == (80, 96)  # no file: from the cache


def test_an_image_file_that_may_not_be_read_is_shown_from_the_cache(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "study-00.png").symlink_to(unreadable_file())

    examples = choose_examples(
        replace(inputs, corpus_root=tmp_path), num_examples=4, size=512
    )

    assert "image-study-00" in {example.image_id for example in examples}


def test_an_image_that_is_gone_is_left_out_with_a_count(
    inputs: SummaryInputs, caplog: pytest.LogCaptureFixture
) -> None:
    examples = choose_examples(
        replace(inputs, pixels=inputs.pixels[1:]), num_examples=4, size=64
    )

    assert [example.study_id for example in examples] == ["study-10", "study-11"]
    assert "2 images of examples can no longer be read" in caplog.text


def test_examples_cover_new_findings_first(tmp_path: Path) -> None:
    inputs = fake_results(tmp_path)
    path = inputs.tables["triplets"][1]
    triplets = read_table(path, schema=TRIPLETS).to_dicts()
    for row in triplets:
        if row["study_id"] == "study-11" and row["finding"] == "cardiomegaly":
            row["finding"] = "edema"
    write_table(TRIPLETS.frame(triplets), path, schema=TRIPLETS)

    examples = choose_examples(inputs, num_examples=2, size=64)

    assert [example.study_id for example in examples] == ["study-00", "study-11"]


def test_only_as_many_shards_are_read_as_are_needed(
    inputs: SummaryInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / inputs.tables["alignments"][1].name
    tables = {name: [paths[0], gone] for name, paths in inputs.tables.items()}
    monkeypatch.setattr("asg_core.summary.pages.examples._CANDIDATES_PER_EXAMPLE", 2)

    examples = choose_examples(replace(inputs, tables=tables), num_examples=1, size=64)

    assert [example.study_id for example in examples] == ["study-00"]


def test_a_run_without_alignments_has_no_examples() -> None:
    assert choose_examples(SummaryInputs(corpus="x"), num_examples=8, size=64) == []
