"""The reader of any table that names image files and report texts."""

import csv
import errno
import logging
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from asg_core.alignment.config import AlignmentConfig
from asg_core.images.config import ImagesConfig
from asg_core.sources.read import read_source
from asg_core.sources.reading.files import SourceError
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.shard import SourceTables
from asg_core.tables.catalog import (
    IMAGES,
    REJECTS,
    REPORTS,
    STUDIES,
    VIEW_COUNTS,
)
from asg_core.tables.shards import shard_of
from support.faults import break_calls
from support.reference import reference_data

HEADER = ("image", "file", "words", "study", "person", "view", "part")
COLUMNS = {
    "image_id": "image",
    "image_path": "file",
    "text": "words",
    "study_id": "study",
    "patient_id": "person",
    "view": "view",
    "split": "part",
}


def write_rows(
    root: Path, rows: Sequence[Sequence[str]], *, header: Sequence[str] = HEADER
) -> None:
    root.mkdir(exist_ok=True)
    with (root / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def write_images(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (30, 20)).save(root / name)


def write_dicom(path: Path, *, rows: int, columns: int) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    data.Rows, data.Columns = rows, columns
    data.save_as(path, enforce_file_format=True)


def read(
    root: Path, columns: dict[str, str] | None = None, **keys: object
) -> SourceTables:
    table = {"file": "rows.csv", "columns": COLUMNS if columns is None else columns}
    fixed = {"source": "table", "root": root, "shards": 1, "table": table}
    config = CorpusConfig.model_validate(fixed | keys)
    tables = read_source(config=config, root=root, shard=0)
    for frame, schema in (
        (tables.studies, STUDIES),
        (tables.images, IMAGES),
        (tables.reports, REPORTS),
        (tables.views, VIEW_COUNTS),
        (tables.rejects, REJECTS),
    ):
        schema.check(frame, where="test")
    return tables


def reasons(tables: SourceTables) -> list[tuple[str, str]]:
    return tables.rejects.select("item_id", "reason").rows()


def test_every_column_fills_its_own(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png", "b/b.jpg")
    rows = [
        ("i1", "a.png", "Clear, mostly.", "s1", "p1", "pa", "Train"),
        ("i2", "./b/../b/b.jpg", "Clear, mostly.", "s1", "p1", "LL", "train"),
        ("", "", 'Only "text".\nTwo lines.', "s2", "p2", "", "valid"),
    ]
    write_rows(tmp_path, rows)

    tables = read(tmp_path)

    assert tables.studies.rows() == [("s1", "p1", "train"), ("s2", "p2", "validate")]
    assert tables.images.rows() == [
        ("i1", "s1", "a.png", "PA", "pa", 30, 20),
        ("i2", "s1", "b/b.jpg", "LATERAL", "LL", 30, 20),
    ]
    assert tables.reports.rows() == [
        ("s1", "Clear, mostly."),
        ("s2", 'Only "text".\nTwo lines.'),
    ]
    assert reasons(tables) == []


def test_absent_columns_have_their_defaults(tmp_path: Path) -> None:
    write_images(tmp_path, "x/a.png")
    write_rows(tmp_path, [("x/a.png",)], header=["file"])
    table = {"file": "rows.csv", "columns": {"image_path": "file"}}

    tables = read(tmp_path, table=table | {"default_view": "AP"}, test_share=1.0)

    assert tables.images.rows() == [
        ("x/a.png", "x/a.png", "x/a.png", "AP", None, 30, 20)
    ]
    assert tables.studies.rows() == [("x/a.png", "x/a.png", "test")]
    assert tables.reports.is_empty()


def test_a_blank_line_is_no_row(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png")
    (tmp_path / "rows.csv").write_text("file,words\n\na.png,Clear.\n\n")

    tables = read(tmp_path, {"image_path": "file", "text": "words"})

    assert tables.reports.rows() == [("a.png", "Clear.")]
    assert reasons(tables) == []


def test_texts_alone_need_no_image(tmp_path: Path) -> None:
    rows = [
        ("i1", "gone.png", "Clear.", "s1", "p1", "", ""),
        ("", "", "Two.", *[""] * 4),
    ]
    write_rows(tmp_path, rows)

    tables = read(tmp_path, images="none")

    assert tables.reports.rows() == [("s1", "Clear."), ("rows.csv:2", "Two.")]
    assert tables.images.is_empty()
    assert reasons(tables) == []


@pytest.mark.parametrize(
    ("row", "item_id", "reason"),
    [
        (("i9", "gone.png", "", "s9", "p9", "", ""), "i9", "missing_image"),
        (("i9", "bad.png", "", "s9", "p9", "", ""), "i9", "unreadable_image"),
        (("i9", "bad.dcm", "", "s9", "p9", "", ""), "i9", "unreadable_image"),
        (("i9", "../a.png", "", "s9", "p9", "", ""), "rows.csv:2", "path_outside_root"),
        (("i9", "/a.png", "", "s9", "p9", "", ""), "rows.csv:2", "path_outside_root"),
        (("i1", "a.png", "", "s9", "p9", "", ""), "rows.csv:2", "duplicate_id"),
        (("i9", "a.png", "", "s1", "p9", "", ""), "rows.csv:2", "patient_conflict"),
        (("i9", "a.png", "", "s9", "p9", "", "dev"), "rows.csv:2", "unknown_split"),
        (("i9", "", "  ", "s9", "p9", "", ""), "rows.csv:2", "empty_row"),
        (("i9", "a.png"), "rows.csv:2", "malformed_row"),
        (("", "", "Other.", "s1", "p1", "", ""), "rows.csv:2/text", "conflicting_text"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected(
    tmp_path: Path, row: Sequence[str], item_id: str, reason: str
) -> None:
    write_images(tmp_path, "a.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (tmp_path / "bad.dcm").write_bytes(b"no DICOM")
    write_rows(tmp_path, [("i1", "a.png", "Clear.", "s1", "p1", "PA", "train"), row])

    tables = read(tmp_path)

    assert reasons(tables) == [(item_id, reason)]
    assert tables.images["image_id"].to_list() == ["i1"]
    assert tables.reports.rows() == [("s1", "Clear.")]


@pytest.mark.parametrize("stated", ["/films/of me/a.png", "/a.png", "//store/f/a.png"])
def test_a_reject_names_no_folder_of_the_machine(tmp_path: Path, stated: str) -> None:
    write_images(tmp_path, "a.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    texts = [("i1", stated, "", "s1", "p1"), ("i2", "bad.png", "", "s2", "p2")]
    write_rows(tmp_path, [(*row, "PA", "train") for row in texts])

    rejects = read(tmp_path).rejects

    details = rejects.sort("reason")["detail"].to_list()
    assert details[0] == (
        "rows.csv:1: expected an image below the root, found '.../a.png'"
    )
    assert not any(str(tmp_path) in detail for detail in details)


@pytest.mark.parametrize("text", ["Small effusion. " * 20_000, "No, edema\n" * 20_000])
def test_a_text_of_any_length_is_read(tmp_path: Path, text: str) -> None:
    # The csv module stops at 131,072 characters unless it is told otherwise.
    csv.field_size_limit(131_072)
    write_rows(
        tmp_path,
        [("", "", text, "s1", "p1", "", ""), ("", "", "Clear.", "s2", "p2", "", "")],
    )

    tables = read(tmp_path, images="none")

    assert tables.reports.rows() == [("s1", text), ("s2", "Clear.")]
    assert reasons(tables) == []


def test_a_patient_in_two_splits_is_rejected(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png")
    rows = [
        ("i1", "a.png", "Clear.", "s1", "p1", "", "train"),
        ("i2", "a.png", "Clear.", "s2", "p1", "", "test"),
        ("i3", "a.png", "Clear.", "s3", "p3", "", "test"),
        ("i4", "a.png", "Clear.", "s4", "p3", "", ""),
    ]
    write_rows(tmp_path, rows)

    tables = read(tmp_path)

    assert tables.studies.rows() == [("s3", "p3", "test"), ("s4", "p3", "test")]
    assert reasons(tables) == [
        ("rows.csv:1", "split_conflict"),
        ("rows.csv:2", "split_conflict"),
    ]
    assert tables.rejects["detail"][0] == (
        "rows.csv:1: expected one split for patient p1, found ['test', 'train']"
    )


def test_views_and_splits_can_be_chosen(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png")
    rows = [
        ("i1", "a.png", "", "s1", "p1", "PA", "train"),
        ("i2", "a.png", "", "s1", "p1", "LATERAL", "train"),
        ("i3", "gone.png", "", "s3", "p3", "PA", "test"),
    ]
    write_rows(tmp_path, rows)

    tables = read(tmp_path, views=["PA", "AP"], splits=["train"])

    assert tables.images["image_id"].to_list() == ["i1"]
    assert tables.studies["study_id"].to_list() == ["s1"]
    assert reasons(tables) == []
    # The images of another split were not wanted; the lateral was left out by its view.
    assert tables.views.rows() == [("PA", "PA", 1), ("LATERAL", "LATERAL", 1)]


def views_table(tmp_path: Path, spellings: Sequence[str]) -> None:
    write_images(tmp_path, "a.png")
    rows = [
        (f"i{number}", "a.png", "", f"s{number}", f"p{number}", spelling, "train")
        for number, spelling in enumerate(spellings)
    ]
    write_rows(tmp_path, rows)


def test_films_of_which_nobody_says_pa_or_ap_are_frontal_films(tmp_path: Path) -> None:
    views_table(tmp_path, ["PA"] * 90 + ["AP"] * 47 + ["frontal"] * 63)

    tables = read(tmp_path)

    used = tables.images.filter(pl.col("view").is_in(ImagesConfig().views))
    assert len(used) == 200
    assert AlignmentConfig().views == ImagesConfig().views
    assert tables.views.rows() == [
        ("PA", "PA", 90),
        ("AP", "AP", 47),
        ("FRONTAL", "frontal", 63),
    ]


def test_views_that_are_left_out_are_logged_by_spelling(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    views_table(tmp_path, ["PA"] * 89 + ["LL"] * 6 + ["Lateral"] * 3 + ["COSTAL", ""])

    with caplog.at_level(logging.INFO, logger="asg_core.sources.views"):
        tables = read(tmp_path, views=["PA", "AP", "UNKNOWN"])

    assert len(tables.images) == 90
    assert [(record.levelname, record.getMessage()) for record in caplog.records][
        :1
    ] == [
        (
            "WARNING",
            "corpus.views leaves out 10 of 100 images (10.0 %) by their view: LATERAL "
            "'LL' 6, LATERAL 'Lateral' 3, OTHER 'COSTAL' 1",
        )
    ]


def test_a_few_views_left_out_are_logged_without_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    views_table(tmp_path, ["PA"] * 95 + ["LL"] * 5)

    with caplog.at_level(logging.INFO, logger="asg_core.sources.views"):
        read(tmp_path, views=["PA"])

    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "5 of 100 images (5.0 %)" in caplog.text


def test_spellings_that_nobody_has_listed_are_kept_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    views_table(tmp_path, ["PA", "Thorax im Liegen", "Thorax im Liegen", " ", "N/A"])

    tables = read(tmp_path)

    assert tables.images["view_as_given"].to_list() == [
        "PA",
        "Thorax im Liegen",
        "Thorax im Liegen",
        None,
        "N/A",
    ]
    assert tables.views.rows() == [
        ("PA", "PA", 1),
        ("UNKNOWN", "", 1),
        ("UNKNOWN", "N/A", 1),
        ("UNKNOWN", "Thorax im Liegen", 2),
    ]
    assert (
        "2 of 5 images have a view that asg_core/terms/views.tsv does not have, and count "
        "as UNKNOWN: UNKNOWN 'Thorax im Liegen' 2. Add the spelling there."
    ) in caplog.messages


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png", "b.png")
    frame = pl.DataFrame(
        {
            "image": [7, 8],
            "file": ["a.png", "b.png"],
            "words": ["Clear.", None],
            "study": [1, 2],
        }
    )
    frame.write_parquet(tmp_path / "rows.parquet")
    names = {"image_id": "image", "image_path": "file", "text": "words"}
    table = {"file": "rows.parquet", "columns": names | {"study_id": "study"}}

    tables = read(tmp_path, table=table)

    assert tables.images["image_id"].to_list() == ["7", "8"]
    assert tables.reports.rows() == [("1", "Clear.")]
    assert tables.studies["patient_id"].to_list() == ["1", "2"]


def test_each_shard_reads_its_own_patients(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png")
    rows = [
        (f"i{n}", "a.png", f"Text {n}.", f"s{n}", f"p{n // 2}", "PA", "")
        for n in range(12)
    ]
    write_rows(tmp_path, rows)
    table = {"file": "rows.csv", "columns": COLUMNS}
    config = CorpusConfig.model_validate(
        {"source": "table", "root": tmp_path, "shards": 3, "table": table}
    )

    shards = [read_source(config=config, root=tmp_path, shard=n) for n in range(3)]

    for number, tables in enumerate(shards):
        for patient_id in tables.studies["patient_id"]:
            assert shard_of(patient_id, num_shards=3) == number
    images = pl.concat([tables.images for tables in shards])
    assert sorted(images["image_id"]) == sorted(f"i{n}" for n in range(12))


def test_a_missing_column_stops_the_read(tmp_path: Path) -> None:
    write_rows(tmp_path, [], header=["file", "notes"])

    with pytest.raises(SourceError) as raised:
        read(tmp_path, {"image_path": "file", "text": "words"})

    assert str(raised.value) == (
        f"{tmp_path / 'rows.csv'}: expected the columns ['words'], found ['file', "
        "'notes']. Use the file as it was distributed, or correct corpus.table.columns."
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "rows.txt",
            b"file\n",
            "expected a name that ends in .csv, .csv.gz or .parquet",
        ),
        ("rows.csv", b"file\na.png\n\xff\xfe\n", "expected CSV in UTF-8, found what"),
        ("rows.csv.gz", b"file\n", "expected CSV in UTF-8, found what"),
        ("rows.parquet", b"file\n", "expected a Parquet file, found one that cannot"),
    ],
)
def test_a_table_that_is_none_stops_the_read(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=message):
        read(tmp_path, table={"file": name, "columns": {"image_path": "file"}})


def test_a_missing_table_stops_the_read(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"rows.csv: expected a file with one image or"
    ):
        read(tmp_path)


def test_real_images_of_three_formats_are_read() -> None:
    root = reference_data("realcxr/manifest.csv").parent
    columns = {
        "image_id": "image_id",
        "image_path": "file",
        "text": "notes",
        "patient_id": "patient_id",
        "view": "view",
    }

    tables = read(root, table={"file": "manifest.csv", "columns": columns})

    listed = pl.read_csv(root / "manifest.csv").select("image_id", "width", "height")
    found = tables.images.select("image_id", "width", "height").sort("image_id")
    assert found.rows() == listed.sort("image_id").rows()
    assert len(found) == 898
    assert tables.views.rows() == [
        ("PA", "PA", 509),
        ("AP", "AP", 326),
        ("FRONTAL", "frontal", 63),
    ]
    suffixes = tables.images["path"].str.extract(r"\.(\w+)$")
    assert dict(suffixes.value_counts().iter_rows()) == {
        "png": 773,
        "jpg": 118,
        "dcm": 7,
    }
    assert reasons(tables) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
def test_an_image_that_cannot_be_read_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_images(tmp_path, "a.png", "b.png")
    write_rows(tmp_path, [("i1", "a.png", *[""] * 5), ("i2", "b.png", *[""] * 5)])

    with monkeypatch.context() as faults:
        break_calls(faults, name="b.png", number=number)
        with pytest.raises(PassingFaultError, match=errno.errorcode[number]):
            read(tmp_path)

    tables = read(tmp_path)
    assert tables.images["image_id"].to_list() == ["i1", "i2"]
    assert reasons(tables) == []


def test_what_is_no_image_never_ends_the_shard(tmp_path: Path) -> None:
    write_images(tmp_path, "good.png")
    several = tmp_path / "several.dcm"
    write_dicom(several, rows=20, columns=30)
    data = several.read_bytes()
    rows = data.index(b"\x28\0\x10\0US\2\0")
    several.write_bytes(data[:rows] + b"\x28\0\x10\0US\4\0\3\0\3\0" + data[rows + 10 :])
    picture = Image.new("RGBA", (30, 20), "red")
    picture.save(tmp_path / "whole.dds", "DDS")
    cut = (tmp_path / "whole.dds").read_bytes()[:90]
    (tmp_path / "cut.dds").write_bytes(cut[:84] + b"NONE" + cut[88:])
    picture.save(tmp_path / "picture.webp", "WEBP")
    (tmp_path / "pointer.png").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\nsize 12\n"
    )
    (tmp_path / "circle.png").symlink_to("circle.png")
    names = [
        *("several.dcm", "whole.dds", "cut.dds", "picture.webp", "pointer.png"),
        *("circle.png", "long" * 100, "good.png"),
    ]
    write_rows(tmp_path, [(name, name, *[""] * 5) for name in names])

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["good.png"]
    assert dict(reasons(tables)) == {
        **dict.fromkeys(names[:5], "unreadable_image"),
        **dict.fromkeys(names[5:7], "missing_image"),
    }


def test_a_text_under_the_id_of_an_image_is_not_the_image(tmp_path: Path) -> None:
    write_images(tmp_path, "a.png")
    rows = [
        (" i1 ", "", "Clear.", " s1 ", " p1 ", "", ""),
        (" i1", "a.png", "", "s1", "p1", "", ""),
    ]
    write_rows(tmp_path, rows)

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["i1"]
    assert tables.reports.rows() == [("s1", "Clear.")]
    assert reasons(tables) == []
