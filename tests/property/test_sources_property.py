"""What holds for any source: shards partition it, paths stay inside, boxes too."""

import csv
import math
import tempfile
from collections import Counter
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asg_core.sources.annotations.boxes import Corners, GivenBox, check_boxes
from asg_core.sources.mimic_cxr.reports import decode_report
from asg_core.sources.read import read_source
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.rejects import RejectLog
from asg_core.sources.shard import SourceTables
from asg_core.sources.splits import drawn_split
from asg_core.sources.table.rows import path_inside
from asg_core.terms.regions import REGIONS

HEADER = ("image", "file", "words", "study", "person", "part")
few = st.sampled_from(["", "1", "2", "3"])
rows = st.lists(
    st.tuples(
        few,
        st.sampled_from(["", "a.png", "b.png", "gone.png", "../a.png", "cut.png"]),
        st.sampled_from(["", "Clear.", "Effusion.", "Two\nlines."]),
        few,
        few,
        st.sampled_from(["", "", "train", "test", "dev"]),
    ),
    max_size=12,
)
odd = st.sampled_from([float("nan"), float("inf"), 0.0, -40.0, 500.0])


@st.composite
def drawn_corners(draw: st.DrawFn) -> Corners:
    """Draw a box that may leave its image; one in ten has odd corners."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.tuples(odd, odd, odd, odd))
    x0, y0 = draw(st.integers(-20, 200)), draw(st.integers(-20, 200))
    return x0, y0, x0 + draw(st.integers(1, 90)), y0 + draw(st.integers(1, 90))


boxes = st.lists(
    st.builds(GivenBox, region=st.sampled_from(REGIONS[:16]), corners=drawn_corners()),
    max_size=12,
)


def write_source(root: Path, table: list[tuple[str, ...]]) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (3, 2)).save(root / name)
    (root / "cut.png").write_bytes(b"\x89PNG")
    with (root / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *table])


def read_all(root: Path, *, num_shards: int, images: str) -> list[SourceTables]:
    names = ("image_id", "image_path", "text", "study_id", "patient_id", "split")
    table = {"file": "rows.csv", "columns": dict(zip(names, HEADER, strict=True))}
    config = CorpusConfig.model_validate(
        {
            "source": "table",
            "root": root,
            "shards": num_shards,
            "images": images,
            "table": table,
        }
    )
    return [
        read_source(config=config, root=root, shard=number)
        for number in range(num_shards)
    ]


@settings(max_examples=40, deadline=None)
@given(
    table=rows, num_shards=st.integers(2, 4), images=st.sampled_from(["files", "none"])
)
def test_shards_partition_the_corpus(
    table: list[tuple[str, ...]], num_shards: int, images: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_source(Path(folder), table)
        whole = read_all(Path(folder), num_shards=1, images=images)[0]
        parts = read_all(Path(folder), num_shards=num_shards, images=images)

    for name in ("studies", "images", "reports"):
        frame = pl.concat([getattr(part, name) for part in parts])
        assert frame.sort(frame.columns).equals(
            getattr(whole, name).sort(frame.columns)
        )
    # Ids of rejects carry a count within the shard, so reasons are compared.
    reasons = Counter(row for part in parts for row in part.rejects["reason"])
    assert reasons == Counter(whole.rejects["reason"])


@settings(max_examples=40, deadline=None)
@given(table=rows)
def test_every_row_is_kept_or_rejected_and_keys_are_unique(
    table: list[tuple[str, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_source(Path(folder), table)
        tables = read_all(Path(folder), num_shards=1, images="files")[0]

    whole_rows = tables.rejects.filter(pl.col("reason") != "conflicting_text")
    rejected = set(whole_rows["detail"].str.extract(r"^rows\.csv:(\d+):").cast(int))
    accepted = [
        row
        for number, row in enumerate(table, start=1)
        if row[1] and number not in rejected
    ]
    assert len(tables.images) == len(accepted)
    assert len(rejected) == len(whole_rows)
    assert tables.images["image_id"].is_unique().all()
    assert tables.reports["study_id"].is_unique().all()
    assert tables.rejects["item_id"].is_unique().all()
    known = set(tables.studies["study_id"])
    assert set(tables.images["study_id"]) | set(tables.reports["study_id"]) <= known


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.sampled_from(["..", ".", "a", "b c", ""]), max_size=6),
    start=st.sampled_from(["", "/", "/data/set/"]),
)
def test_a_path_is_inside_exactly_if_it_never_ends_above(
    parts: list[str], start: str
) -> None:
    # The slow way: walk, and look where one stands at the end.
    place = {"": ["data", "set"], "/": [], "/data/set/": ["data", "set"]}[start]
    for part in parts:
        if part == "..":
            place = place[:-1]
        elif part not in {".", ""}:
            place = [*place, part]
    expected = "/".join(place[2:]) or "." if place[:2] == ["data", "set"] else None

    path = start + "/".join(parts).lstrip("/")

    assert path_inside(path, root=Path("/data/set")) == expected


@settings(max_examples=200, deadline=None)
@given(given_boxes=boxes, width=st.integers(1, 250), height=st.integers(1, 250))
def test_boxes_are_what_is_left_of_them_in_the_image_or_rejected(
    given_boxes: list[GivenBox], width: int, height: int
) -> None:
    rejects = RejectLog("read_annotations")

    checked = check_boxes(
        given_boxes, image_id="a", width=width, height=height, rejects=rejects
    )

    assert len(checked.boxes) + len(rejects.frame()) == len(given_boxes)
    assert list(checked.boxes) == sorted(checked.boxes, key=REGIONS.index)
    inside = [
        (box.region, pixels_in(box.corners, width=width, height=height))
        for box in given_boxes
    ]
    first = {region: cut for region, cut in reversed(inside) if cut is not None}
    for region, corners in checked.boxes.items():
        assert corners == first[region]
    # Nothing is missing but what lies on the wrong side.
    is_swapped = {
        side
        for right in first
        if right.startswith("right ")
        and (left := right.replace("right ", "left ")) in first
        and centre_of(first[right]) >= centre_of(first[left])
        for side in (right, left)
    }
    assert set(checked.boxes) == set(first) - is_swapped


def centre_of(corners: Corners) -> float:
    return corners[0] + corners[2]


def pixels_in(corners: Corners, *, width: int, height: int) -> Corners | None:
    """Return the hull of the unit squares of the image that a box covers, if any."""
    if not all(math.isfinite(corner) for corner in corners):
        return None
    x0, y0, x1, y1 = (int(corner) for corner in corners)
    columns = [x for x in range(width) if x0 <= x < x1]
    rows = [y for y in range(height) if y0 <= y < y1]
    if not (columns and rows):
        return None
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@settings(deadline=None)
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_a_text_and_the_bytes_can_be_had_again(raw: bytes) -> None:
    text, is_latin = decode_report(raw)

    again = text.encode("latin-1" if is_latin else "utf-8")

    assert again == raw.removeprefix(b"" if is_latin else b"\xef\xbb\xbf")


@settings(max_examples=30, deadline=None)
@given(
    patients=st.sets(st.text(max_size=8), max_size=30),
    validate=st.floats(0, 0.5),
    more=st.floats(0, 0.5),
)
def test_a_larger_share_keeps_the_patients_it_had(
    patients: set[str], validate: float, more: float
) -> None:
    small = CorpusConfig(validate_share=validate)
    large = CorpusConfig(validate_share=validate + more)

    for patient_id in patients:
        if drawn_split(patient_id, config=small) == "validate":
            assert drawn_split(patient_id, config=large) == "validate"
