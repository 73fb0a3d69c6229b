from pathlib import Path

import cv2
import numpy as np
import pytest

from asg_core.benchmarks.gather import Corners, Gathering, ImageEntry, corners_of
from asg_core.benchmarks.layout import Layout
from asg_core.sources.reading.files import SourceError
from asg_core.sources.rejects import RejectLog
from asg_core.terms.stages import Stage


@pytest.fixture
def gathering(tmp_path: Path) -> Gathering:
    return Gathering(
        root=tmp_path,
        layout=Layout(files={}, image_folders=("a", "b"), missing_folders=()),
        require_images=True,
        rejects=RejectLog(Stage.READ_BENCHMARK),
    )


def image(root: Path, name: str, *, width: int = 3, height: int = 2) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((height, width), np.uint8))


def rejected(gathering: Gathering) -> list[tuple[str, str]]:
    frame = gathering.rejects.frame()
    return frame.select("item_id", "reason").rows()


def test_rows_have_the_cells_of_named_columns_and_unnamed_ones_may_be_missing(
    gathering: Gathering, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("name , x,y,,\n a,1, 2 ,,\nb,3,4\n\nc,5\n d ,6,7,8,9,10\ne,,9,\n")

    rows = list(gathering.rows(path, columns=("y", "name")))

    # A blank line is no row, so the row of c is the third.
    assert rows == [
        ("rows.csv:1", ["2", "a"]),
        ("rows.csv:2", ["4", "b"]),
        ("rows.csv:5", ["9", "e"]),
    ]
    assert rejected(gathering) == [
        ("rows.csv:3", "malformed_row"),
        ("rows.csv:4", "malformed_row"),
    ]
    assert gathering.malformed == {"c", "d"}


def test_lines_are_numbered_as_in_the_file_and_begin_behind_a_byte_order_mark(
    gathering: Gathering, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfa.png\r\n\n  b.png \n")
    assert list(gathering.lines(path)) == [
        ("list.txt:1", "a.png"),
        ("list.txt:3", "b.png"),
    ]

    path.write_bytes(b"a\xff.png\n")
    with pytest.raises(SourceError, match="expected a text in UTF-8"):
        list(gathering.lines(path))


@pytest.mark.parametrize(
    ("cells", "corners"),
    [
        (["1", "2.5", "3", "4"], (1, 2.5, 4, 6.5)),
        (["-1", "2", "3", "4"], (-1, 2, 2, 6)),
        (["1", "2", "0", "4"], None),
        (["1", "2", "3", "0"], None),
        (["1", "2", "3", "-4"], None),
        (["1", "2", "3", "inf"], None),
        (["nan", "2", "3", "4"], None),
        (["1", "", "3", "4"], None),
        (["1", "2", "3"], None),
    ],
)
def test_corners_of_x_y_width_height(cells: list[str], corners: Corners | None) -> None:
    assert corners_of(cells) == corners


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((5, 6, 30, 15), [5, 6, 30, 15]),
        ((-1, 6, 30, 15), [0, 6, 30, 15]),
        ((5, -6, 30, 15), [5, 0, 30, 15]),
        ((5, 6, 50, 15), [5, 6, 40, 15]),
        ((5, 6, 30, 25), [5, 6, 30, 20]),
    ],
)
def test_a_box_is_cut_to_a_frame_that_is_wider_than_high(
    gathering: Gathering, box: Corners, cut: list[float]
) -> None:
    gathering.add_box("a", target="Mass", box=box, size=(40, 20), where="f:1")

    (row,) = gathering.boxes
    assert row["box_xyxy"] == cut
    assert gathering.counts["boxes_cut_to_the_image"] == (list(box) != cut)


@pytest.mark.parametrize("box", [(40, 1, 50, 5), (1, 20, 5, 30), (-5, 1, 0, 5)])
def test_a_box_outside_the_frame_is_rejected(
    gathering: Gathering, box: Corners
) -> None:
    gathering.add_box("a", target="Mass", box=box, size=(40, 20), where="f:1")

    assert gathering.boxes == []
    assert rejected(gathering) == [("f:1", "box_outside_image")]


def test_boxes_are_numbered_by_image_and_target(gathering: Gathering) -> None:
    for image_id, target in (
        ("a", "Mass"),
        ("a", "Edema"),
        ("b", "Mass"),
        ("a", "Mass"),
    ):
        box = (0.0, 0.0, 1.0, 1.0)
        gathering.add_box(image_id, target=target, box=box, size=None, where="f:1")

    found = [
        (row["image_id"], row["target"], row["box_index"]) for row in gathering.boxes
    ]
    assert found == [
        ("a", "Mass", 0),
        ("a", "Edema", 0),
        ("b", "Mass", 0),
        ("a", "Mass", 1),
    ]


def test_images_are_added_with_their_sizes_and_others_are_counted(
    gathering: Gathering, tmp_path: Path
) -> None:
    image(tmp_path, "a/x.png", width=7, height=4)
    image(tmp_path, "a/not kept.png")
    image(tmp_path, "b/unnamed.png")
    entries = [
        ImageEntry(image_id=name, patient_id="p", path=f"a/{name}.png", labels={"T": 1})
        for name in ("x", "gone")
    ]

    sizes = gathering.add_images(
        entries,
        places={"x": {"validate": 3}, "gone": {"train": 0}},
        paths=gathering.paths(),
        named=["a/x.png", "a/gone.png", "a/not kept.png"],
    )

    assert sizes == {"x": (7, 4)}
    (row,) = gathering.images
    assert (row["width"], row["height"]) == (7, 4)
    assert (row["split"], row["split_index"]) == ("validate", 3)
    assert gathering.labels == {"image_id": ["x"], "target": ["T"], "value": [1]}
    assert gathering.counts["extra_images"] == 1
    assert rejected(gathering) == [("gone", "missing_image")]


def test_files_are_found_by_stem_in_linked_folders_and_whatever_the_case(
    gathering: Gathering, tmp_path: Path
) -> None:
    image(tmp_path, "elsewhere/deep/y.png")
    image(tmp_path, "a/x.png")
    (tmp_path / "a" / "x.png").rename(tmp_path / "a" / "x.PNG")
    image(tmp_path, "b/x.jpg")
    (tmp_path / "b" / "notes.txt").write_text("no image")
    (tmp_path / "b" / "linked").symlink_to(tmp_path / "elsewhere")

    assert gathering.files() == {"x": "a/x.PNG", "y": "b/linked/deep/y.png"}
    assert gathering.counts["images_of_one_name"] == 1


def test_images_of_every_tested_patient_are_left_out(gathering: Gathering) -> None:
    patient_of = {"a": "p", "b": "q", "c": "r", "d": "q"}

    kept = gathering.without_tested(patient_of, tested=["q", "s", "p"])

    assert kept == {"c": "r"}
    assert rejected(gathering) == [
        (image_id, "patient_in_two_parts") for image_id in ("a", "b", "d")
    ]
