"""A faulty quote, a name that stands twice, a long cell: in every CSV that is read."""

import csv
import gzip
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from asg_core.benchmarks.chexpert.read import COLUMNS
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.checking.sheet import COLUMNS as SHEET_COLUMNS
from asg_core.checking.spreadsheet import SheetError, read_sheet
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.read import read_annotations
from asg_core.sources.inventory import check_annotations, check_source
from asg_core.sources.read import read_source
from asg_core.sources.reading.files import SourceError
from asg_core.sources.registry import CorpusConfig
from asg_core.tables.catalog import IMAGES, STUDIES

NUM_ROWS = 40
LONG = "12 3 " * 60_000
"""A cell of 300,000 characters, as a mask of a large image has."""

TABLE_COLUMNS = {"image_path": "file", "text": "words", "view": "view"}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A CSV of 40 sound rows, what else lies beside it, and who reads it."""

    file: str
    header: Sequence[str]
    row: Callable[[int], Sequence[str]]
    read: Callable[[Path], object]
    text: int
    """The column that a fault is put into: it may hold any text."""

    named: str
    """A column that is read."""

    beside: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Path], object] | None = None
    """What looks at the header before the first job; by default the reader."""


def corpus(root: Path, **keys: object) -> CorpusConfig:
    return CorpusConfig.model_validate({"root": root, "shards": 1, **keys})


def reading(**keys: object) -> Callable[[Path], object]:
    def read(root: Path) -> object:
        return read_source(config=corpus(root, **keys), root=root, shard=0)

    return read


def checking(**keys: object) -> Callable[[Path], object]:
    return lambda root: check_source(corpus(root, **keys), root)


def annotating(**keys: object) -> tuple[Callable[[Path], object], ...]:
    config = AnnotationsConfig.model_validate(keys)
    image = {"image_id": "s1", "study_id": "s1", "path": "p", "view": "PA"}
    images = IMAGES.frame([image | {"width": 99, "height": 99}])
    study = {"study_id": "s1", "patient_id": "s1", "split": "train"}

    def read(root: Path) -> object:
        studies = STUDIES.frame([study])
        return read_annotations(
            config=config, root=root, images=images, studies=studies
        )

    return read, lambda root: check_annotations(config, root)


def scoring(name: str) -> Callable[[Path], object]:
    def read(root: Path) -> object:
        return read_benchmark(
            name, config=BenchmarksConfig(), root=root, require_images=False
        )

    return read


def marking(root: Path) -> object:
    content = (root / "sheet.csv").read_bytes()
    return read_sheet(content, columns=SHEET_COLUMNS, where=str(root / "sheet.csv"))


NIH_HEADER = (
    *("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age"),
    *("Patient Gender", "View Position", "OriginalImage[Width", "Height]"),
)
NIH_ROW = "{}.png,No Finding,0,{},57,M,PA,2682,2749"
NIH_BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
NIH_LISTS = {
    "train_val_list.txt": "".join(f"{number}.png\n" for number in range(1, NUM_ROWS)),
    "test_list.txt": f"{NUM_ROWS}.png\n",
}
MIMIC = (
    "dicom_id",
    "subject_id",
    "study_id",
    "ViewPosition",
    "Rows",
    "Columns",
    "note",
)
MIMIC_SPLIT = "dicom_id,study_id,subject_id,split\n"
VALID = ",".join(COLUMNS) + "\nC/valid/patient64541/study1/v.jpg,Frontal,AP"
BOXES = annotating(source="table", table={"file": "boxes.csv"})
GRAPHS = annotating(source="chest_imagenome")

READERS = {
    "a table": Reader(
        named="words",
        file="rows.csv",
        header=("file", "words", "view"),
        row=lambda number: ("a.png", f"Text {number}.", "PA"),
        text=1,
        read=reading(
            source="table", table={"file": "rows.csv", "columns": TABLE_COLUMNS}
        ),
        check=checking(
            source="table", table={"file": "rows.csv", "columns": TABLE_COLUMNS}
        ),
    ),
    "a packed table": Reader(
        named="file",
        file="rows.csv.gz",
        header=("file", "words", "view"),
        row=lambda number: ("a.png", f"Text {number}.", "PA"),
        text=1,
        read=reading(
            source="table", table={"file": "rows.csv.gz", "columns": TABLE_COLUMNS}
        ),
    ),
    "the metadata of MIMIC-CXR": Reader(
        named="ViewPosition",
        file="mimic-cxr-2.0.0-metadata.csv.gz",
        header=MIMIC,
        row=lambda number: (f"i{number}", "10000001", "50000001", "PA", "9", "9", "x"),
        text=6,
        read=reading(source="mimic_cxr"),
        check=checking(source="mimic_cxr"),
        beside={
            "mimic-cxr-2.0.0-split.csv": MIMIC_SPLIT,
            "files/p10/p10000001/s50000001.txt": "Clear.",
        },
    ),
    "the splits of MIMIC-CXR": Reader(
        named="split",
        file="mimic-cxr-2.0.0-split.csv",
        header=("dicom_id", "study_id", "subject_id", "split"),
        row=lambda number: (f"i{number}", "50000001", "10000001", "train"),
        text=3,
        read=reading(source="mimic_cxr"),
        beside={
            "mimic-cxr-2.0.0-metadata.csv": ",".join(MIMIC) + "\n",
            "files/p10/p10000001/s50000001.txt": "Clear.",
        },
    ),
    "the views of Open-i": Reader(
        named="View Position",
        file="views.csv",
        header=("imageid", "View Position", "note"),
        row=lambda number: (f"i{number}", "PA", "x"),
        text=2,
        read=reading(
            source="open_i", images="none", open_i={"dicom_metadata": "views.csv"}
        ),
        beside={"ecgen-radiology/1.xml": "<x/>"},
    ),
    "a table of boxes": Reader(
        named="x1",
        file="boxes.csv",
        header=("image_id", "region", "x1", "y1", "x2", "y2", "licence"),
        row=lambda number: (f"s{number}", "spine", "1", "1", "9", "9", "x"),
        text=6,
        read=BOXES[0],
        check=BOXES[1],
    ),
    "the splits of Chest ImaGenome": Reader(
        named="dicom_id",
        file="silver_dataset/splits/train.csv",
        header=("", "dicom_id", "path"),
        row=lambda number: (f"{number}", f"s{number}", "files/x.dcm"),
        text=2,
        read=GRAPHS[0],
        check=GRAPHS[1],
        beside={
            "silver_dataset/splits/valid.csv": "dicom_id\n",
            "silver_dataset/splits/test.csv": "dicom_id\n",
            "silver_dataset/splits/images_to_avoid.csv": "dicom_id\n",
            "silver_dataset/scene_graph/x.json": "{}",
        },
    ),
    "the labels of NIH": Reader(
        named="Finding Labels",
        file="Data_Entry_2017.csv",
        header=NIH_HEADER,
        row=lambda number: NIH_ROW.format(number, number).split(","),
        text=4,
        read=scoring("nih"),
        beside={"BBox_List_2017.csv": f"{NIH_BOXES}\n", **NIH_LISTS},
    ),
    "the boxes of NIH": Reader(
        named="y",
        file="BBox_List_2017.csv",
        header=NIH_BOXES.split(","),
        row=lambda number: (f"{number}.png", "Mass", "1", "1", "9", "9", "", "", ""),
        text=8,
        read=scoring("nih"),
        beside={
            "Data_Entry_2017.csv": "\n".join(
                [",".join(NIH_HEADER)]
                + [NIH_ROW.format(number, number) for number in range(1, NUM_ROWS + 1)]
            ),
            **NIH_LISTS,
        },
    ),
    "the labels of CheXpert": Reader(
        named="Path",
        file="train.csv",
        header=("Age", *COLUMNS),
        row=lambda number: (
            *("60", f"C/train/patient{number:05}/study1/v.jpg", "Frontal", "AP"),
            *[""] * 14,
        ),
        text=0,
        read=scoring("chexpert"),
        beside={"valid.csv": VALID + "," * 14 + "\n"},
    ),
    "the labels of RSNA": Reader(
        named="Target",
        file="stage_2_train_labels.csv",
        header=("patientId", "x", "y", "width", "height", "Target", "note"),
        row=lambda number: (f"s{number}", "", "", "", "", "0", ""),
        text=6,
        read=scoring("rsna"),
    ),
    "the masks of SIIM": Reader(
        named="ImageId",
        file="train-rle.csv",
        header=("ImageId", " EncodedPixels"),
        row=lambda number: (f"1.2.{number}", " -1"),
        text=1,
        read=scoring("siim"),
    ),
    "a marked sheet": Reader(
        named="verdict",
        file="sheet.csv",
        header=SHEET_COLUMNS,
        row=lambda number: (str(number), *["x"] * (len(SHEET_COLUMNS) - 1)),
        text=len(SHEET_COLUMNS) - 1,
        read=marking,
    ),
}


def lines_of(reader: Reader) -> list[list[str]]:
    rows = [list(reader.row(number)) for number in range(1, NUM_ROWS + 1)]
    return [list(reader.header), *rows]


def write(root: Path, reader: Reader, lines: Sequence[Sequence[str]]) -> Path:
    """Write the cells with commas and nothing else, as careless programs do."""
    Image.new("L", (30, 20)).save(root / "a.png")
    content = "".join(",".join(cells) + "\r\n" for cells in lines).encode("utf-8-sig")
    for name, text in reader.beside.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    path = root / reader.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return READERS[request.param]


def test_the_sound_file_is_read(tmp_path: Path, reader: Reader) -> None:
    write(tmp_path, reader, lines_of(reader))

    reader.read(tmp_path)


def test_a_quote_that_is_never_closed_stops_the_read_with_its_line(
    tmp_path: Path, reader: Reader
) -> None:
    lines = lines_of(reader)
    lines[7][reader.text] = '"open'
    path = write(tmp_path, reader, lines)

    with pytest.raises((SourceError, SheetError)) as caught:
        reader.read(tmp_path)

    assert str(caught.value).startswith(
        f"{path}, line 8: expected the cell that begins there with a quote to end with "
        "one, found none to the end of the file: lines 8 to 41 would be one cell."
    )


def test_a_quote_that_closes_by_swallowing_rows_stops_the_read(
    tmp_path: Path, reader: Reader
) -> None:
    lines = lines_of(reader)
    lines[7][reader.text] = '"open'
    lines[19][reader.text] = 'shut"'
    path = write(tmp_path, reader, lines)

    with pytest.raises((SourceError, SheetError)) as caught:
        reader.read(tmp_path)

    assert str(caught.value).startswith(
        f"{path}, line 8: expected a row in every line, found a cell that begins with a "
        "quote there and ends with one in line 20"
    )


def test_a_name_that_stands_twice_stops_the_read(
    tmp_path: Path, reader: Reader
) -> None:
    lines = lines_of(reader)
    for number, line in enumerate(lines):
        line.append(reader.named if number == 0 else "other")
    path = write(tmp_path, reader, lines)

    with pytest.raises((SourceError, SheetError)) as caught:
        (reader.check or reader.read)(tmp_path)

    assert str(path) in str(caught.value)
    assert re.search(
        rf"once, found (missing \[\], twice \['{reader.named}'\]|"
        rf"'{reader.named}' in the columns \d+ and {len(lines[0])}\.)",
        str(caught.value),
    )


def test_a_cell_of_many_characters_is_read(tmp_path: Path, reader: Reader) -> None:
    lines = lines_of(reader)
    lines[7][reader.text] = LONG
    write(tmp_path, reader, lines)

    reader.read(tmp_path)


def test_a_long_text_and_its_lines_arrive_whole(tmp_path: Path) -> None:
    texts = [LONG, "Clear, mostly.\r\nNo effusion, no edema.\r\n7, 8", "Short."]
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["words"])
        rows.writerows([text] for text in texts)
    table = {"file": "rows.csv", "columns": {"text": "words"}}
    config = corpus(tmp_path, source="table", images="none", table=table)

    tables = read_source(config=config, root=tmp_path, shard=0)

    assert sorted(tables.reports["text"]) == sorted(texts)
    assert tables.rejects.is_empty()


def test_two_hundred_rows_with_an_open_quote_are_not_twenty_one(tmp_path: Path) -> None:
    rows = [f"s{number},Clear.,PA" for number in range(1, 201)]
    rows[20] = 's21,"Clear.,PA'
    lines = ["study,words,view", *rows]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    columns = {"study_id": "study", "text": "words"}
    table = {"file": "rows.csv", "columns": columns}
    config = corpus(tmp_path, source="table", images="none", table=table)

    with pytest.raises(SourceError, match=r"rows.csv, line 22: .* lines 22 to 201"):
        read_source(config=config, root=tmp_path, shard=0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("the views of Open-i", "1 of 40 rows have more or fewer cells"),
        ("the splits of Chest ImaGenome", "1 rows have more or fewer cells"),
    ],
)
def test_a_malformed_row_of_a_list_is_told(
    tmp_path: Path, name: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines = lines_of(READERS[name])
    lines[7] = lines[7][:2]
    path = write(tmp_path, READERS[name], lines)

    with caplog.at_level(logging.WARNING):
        READERS[name].read(tmp_path)

    assert any(message.startswith(f"{path}: {told}") for message in caplog.messages)


def test_a_row_of_the_metadata_with_too_few_cells_is_rejected(tmp_path: Path) -> None:
    reader = READERS["the metadata of MIMIC-CXR"]
    lines = lines_of(reader)
    lines[7] = lines[7][:4]
    write(tmp_path, reader, lines)

    tables = read_source(
        config=corpus(tmp_path, source="mimic_cxr"), root=tmp_path, shard=0
    )

    item_id = "mimic-cxr-2.0.0-metadata.csv.gz:7"
    row = tables.rejects.filter(pl.col("item_id") == item_id).row(0, named=True)
    assert row["reason"] == "malformed_row"
    assert row["detail"] == f"{item_id}: expected as many cells as the header has"
