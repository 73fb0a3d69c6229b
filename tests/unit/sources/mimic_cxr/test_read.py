"""The reader of MIMIC-CXR, on small trees in the layout that PhysioNet distributes."""

import csv
import errno
import gzip
import logging
import os
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
import pytest

from asg_core.sources.mimic_cxr import index
from asg_core.sources.read import read_source
from asg_core.sources.reading.files import SourceError
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.shard import SourceTables
from asg_core.tables.catalog import IMAGES, REJECTS, REPORTS, STUDIES
from asg_core.tables.shards import shard_of
from support.faults import break_calls

METADATA = (
    "dicom_id",
    "subject_id",
    "study_id",
    "PerformedProcedureStepDescription",
    "ViewPosition",
    "Rows",
    "Columns",
    "StudyDate",
    "StudyTime",
    "ProcedureCodeSequence_CodeMeaning",
    "ViewCodeSequence_CodeMeaning",
)
SPLIT = ("dicom_id", "study_id", "subject_id", "split")

# Two patients; image a2 is a lateral of the study of a1.
A1 = ("a1", "10000001", "50000001", "", "PA", "300", "200", "", "", "", "")
A2 = ("a2", "10000001", "50000001", "", "LL", "310", "210", "", "", "", "")
B1 = ("b1", "11000002", "50000002", "", "AP", "320", "220", "", "", "", "")
IMAGES_ON_DISK = (A1, A2, B1)
SPLITS = (
    ("a1", "50000001", "10000001", "train"),
    ("a2", "50000001", "10000001", "train"),
    ("b1", "50000002", "11000002", "validate"),
)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def image_path(row: Sequence[str]) -> str:
    return f"files/p{row[1][:2]}/p{row[1]}/s{row[2]}/{row[0]}.jpg"


def write_corpus(
    root: Path,
    *,
    listed: Sequence[Sequence[str]] = IMAGES_ON_DISK,
    on_disk: Sequence[Sequence[str]] = IMAGES_ON_DISK,
    splits: Sequence[Sequence[str]] = SPLITS,
    reports: dict[str, bytes] | None = None,
) -> None:
    write_csv(root / "mimic-cxr-2.0.0-metadata.csv.gz", METADATA, listed)
    write_csv(root / "mimic-cxr-2.0.0-split.csv.gz", SPLIT, splits)
    for row in on_disk:
        path = root / image_path(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"the reader does not open images")
    if reports is None:
        reports = {
            "p10/p10000001/s50000001.txt": b" FINAL REPORT\n Clear lungs.\n",
            "p11/p11000002/s50000002.txt": b" FINAL REPORT\n Effusion.\n",
        }
    for name, raw in reports.items():
        path = root / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)


def read(root: Path, **keys: object) -> SourceTables:
    fixed = {"source": "mimic_cxr", "root": root, "shards": 1}
    config = CorpusConfig.model_validate(fixed | keys)
    tables = read_source(config=config, root=root, shard=0)
    for frame, schema in (
        (tables.studies, STUDIES),
        (tables.images, IMAGES),
        (tables.reports, REPORTS),
        (tables.rejects, REJECTS),
    ):
        schema.check(frame, where="test")
    return tables


def reasons(tables: SourceTables) -> list[tuple[str, str]]:
    return tables.rejects.select("item_id", "reason").rows()


def test_a_sound_corpus_is_read_whole(tmp_path: Path) -> None:
    write_corpus(tmp_path)

    tables = read(tmp_path)

    assert tables.studies.rows() == [
        ("50000001", "10000001", "train"),
        ("50000002", "11000002", "validate"),
    ]
    folder = "files/p10/p10000001/s50000001"
    assert tables.images.rows() == [
        ("a1", "50000001", f"{folder}/a1.jpg", "PA", "PA", 200, 300),
        ("a2", "50000001", f"{folder}/a2.jpg", "LATERAL", "LL", 210, 310),
        (
            "b1",
            "50000002",
            "files/p11/p11000002/s50000002/b1.jpg",
            "AP",
            "AP",
            220,
            320,
        ),
    ]
    assert tables.reports.rows() == [
        ("50000001", " FINAL REPORT\n Clear lungs.\n"),
        ("50000002", " FINAL REPORT\n Effusion.\n"),
    ]
    assert reasons(tables) == []


def test_the_newest_version_is_read_and_plain_csv_too(tmp_path: Path) -> None:
    write_corpus(tmp_path, listed=[])
    write_csv(tmp_path / "mimic-cxr-2.1.0-metadata.csv", METADATA, IMAGES_ON_DISK)

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["a1", "a2", "b1"]


def test_a_listed_image_without_a_file_is_rejected(tmp_path: Path) -> None:
    write_corpus(tmp_path, on_disk=[A1, B1])

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["a1", "b1"]
    assert reasons(tables) == [("a2", "missing_image")]
    assert tables.rejects["detail"][0] == (
        "mimic-cxr-2.0.0-metadata.csv.gz:2: expected the file "
        "files/p10/p10000001/s50000001/a2.jpg, found none"
    )


def test_the_first_of_two_rows_with_one_id_is_kept(tmp_path: Path) -> None:
    other = ("a1", "10000001", "50000001", "", "AP", "999", "999", "", "", "", "")
    write_corpus(tmp_path, listed=[A1, A2, B1, other])

    tables = read(tmp_path)

    assert tables.images.filter(image_id="a1")["width"].to_list() == [200]
    assert reasons(tables) == [("mimic-cxr-2.0.0-metadata.csv.gz:4", "duplicate_id")]


def test_a_duplicate_in_another_shard_is_rejected_there(tmp_path: Path) -> None:
    ids = [str(number) for number in range(10_000_000, 10_000_040)]
    first = next(name for name in ids if shard_of(name, num_shards=2) == 0)
    second = next(name for name in ids if shard_of(name, num_shards=2) == 1)
    rows = [
        ("x", patient, f"5{patient[1:]}", "", "PA", "10", "10", "", "", "", "")
        for patient in (first, second)
    ]
    splits = [("x", f"5{patient[1:]}", patient, "train") for patient in (first, second)]
    write_corpus(tmp_path, listed=rows, on_disk=rows, splits=splits, reports={})
    config = CorpusConfig(source="mimic_cxr", root=tmp_path, shards=2)

    tables = [
        read_source(config=config, root=tmp_path, shard=shard) for shard in (0, 1)
    ]

    assert [len(table.images) for table in tables] == [1, 0]
    assert reasons(tables[1]) == [("mimic-cxr-2.0.0-metadata.csv.gz:2", "duplicate_id")]


def test_a_study_without_a_report_keeps_its_images(tmp_path: Path) -> None:
    write_corpus(tmp_path, reports={"p10/p10000001/s50000001.txt": b"Clear."})

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["a1", "a2", "b1"]
    assert tables.studies["study_id"].to_list() == ["50000001", "50000002"]
    assert reasons(tables) == [("50000002", "missing_report")]


def test_a_report_without_images_is_kept_with_its_patients_split(
    tmp_path: Path,
) -> None:
    write_corpus(tmp_path)
    (tmp_path / "files/p11/p11000002/s59999999.txt").write_bytes(b"Normal.")
    (tmp_path / "files/p12/p12000003").mkdir(parents=True)
    (tmp_path / "files/p12/p12000003/s58888888.txt").write_bytes(b"Normal.")

    tables = read(tmp_path, test_share=1.0)

    assert tables.studies.rows()[2:] == [
        ("59999999", "11000002", "validate"),
        ("58888888", "12000003", "test"),  # in no split file: drawn, here surely test
    ]
    assert len(tables.reports) == 4
    assert reasons(tables) == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"Temp 37\xb0.\r\n", "Temp 37\xb0.\r\n"),  # Latin-1
        ("Temp 37\xb0.".encode(), "Temp 37\xb0."),
        (b"\xef\xbb\xbfClear.", "Clear."),  # the mark is no part of the text
    ],
)
def test_the_text_is_what_the_file_says(tmp_path: Path, raw: bytes, text: str) -> None:
    write_corpus(tmp_path, reports={"p10/p10000001/s50000001.txt": raw})

    tables = read(tmp_path)

    assert tables.reports.rows() == [("50000001", text)]


def test_reports_are_read_from_the_zip(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "jpg", tmp_path / "reports"
    write_corpus(root, reports={})
    elsewhere.mkdir()
    with zipfile.ZipFile(elsewhere / "mimic-cxr-reports.zip", "w") as archive:
        archive.writestr("files/p11/p11000002/s50000002.txt", "Effusion.")
        archive.writestr("files/p10/p10000001/s50000001.txt", "Clear.")
        archive.writestr("files/p10/index.html", "not a report")

    for path in (elsewhere, elsewhere / "mimic-cxr-reports.zip"):
        tables = read(root, mimic_cxr={"report_path": path})

        assert tables.reports.rows() == [
            ("50000001", "Clear."),
            ("50000002", "Effusion."),
        ]
        assert reasons(tables) == []


def test_a_damaged_member_of_the_zip_is_rejected(tmp_path: Path) -> None:
    write_corpus(tmp_path, reports={})
    path = tmp_path / "mimic-cxr-reports.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("files/p10/p10000001/s50000001.txt", "Clear lungs.")
        archive.writestr("files/p11/p11000002/s50000002.txt", "Effusion.")
    path.write_bytes(path.read_bytes().replace(b"Clear lungs.", b"Clear wings."))

    tables = read(tmp_path)

    assert tables.reports["study_id"].to_list() == ["50000002"]
    assert reasons(tables) == [("p10000001/s50000001.txt", "unreadable_report")]


def test_a_file_called_zip_that_is_none_stops_the_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    (tmp_path / "mimic-cxr-reports.zip").write_bytes(b"no zip")

    with pytest.raises(SourceError, match=r"reports.zip: expected a zip .* not a zip"):
        read(tmp_path)


def test_a_zip_without_reports_stops_the_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    with zipfile.ZipFile(tmp_path / "mimic-cxr-reports.zip", "w") as archive:
        archive.writestr("files/p10/p10000001/s50000001/a1.jpg", "")

    with pytest.raises(SourceError, match="found 1 members and none of that kind"):
        read(tmp_path)


def test_reports_alone_need_no_image_and_no_index(tmp_path: Path) -> None:
    path = tmp_path / "files/p10/p10000001/s50000001.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"Clear.")

    tables = read(tmp_path, images="none")

    assert tables.reports.rows() == [("50000001", "Clear.")]
    assert tables.studies.rows() == [("50000001", "10000001", "train")]
    assert tables.images.is_empty()


def test_reports_alone_take_the_splits_that_are_there(tmp_path: Path) -> None:
    write_corpus(tmp_path)

    tables = read(tmp_path, images="none")

    assert tables.studies["split"].to_list() == ["train", "validate"]
    assert tables.images.is_empty()


def test_views_and_splits_can_be_chosen(tmp_path: Path) -> None:
    write_corpus(tmp_path, on_disk=[A1])

    tables = read(tmp_path, views=["PA"], splits=["train"])

    assert tables.images["image_id"].to_list() == ["a1"]
    assert tables.studies["study_id"].to_list() == ["50000001"]
    assert tables.reports["study_id"].to_list() == ["50000001"]
    assert reasons(tables) == []  # neither a2 nor b1 is missed: they were not wanted
    assert tables.views.rows() == [("PA", "PA", 1), ("LATERAL", "LL", 1)]


def test_the_coded_meaning_stands_in_for_a_blank_view_position(tmp_path: Path) -> None:
    def row(image_id: str, position: str, meaning: str) -> tuple[str, ...]:
        ids = (image_id, "10000001", "50000001")
        return (*ids, "", position, "10", "10", "", "", "", meaning)

    rows = [
        row("r1", "", "antero-posterior"),
        row("r2", "", "Left lateral"),
        row("r3", "", ""),
        row("r4", "SWIMMERS", "lateral"),
        row("r5", "as ordered", "POSTERO_ANTERIOR"),
        row("r6", "as ordered", ""),
    ]
    write_corpus(tmp_path, listed=rows, on_disk=rows)

    tables = read(tmp_path)

    assert tables.images.select("view", "view_as_given").rows() == [
        ("AP", "antero-posterior"),
        ("LATERAL", "Left lateral"),
        ("UNKNOWN", None),
        ("OTHER", "SWIMMERS"),
        ("PA", "POSTERO_ANTERIOR"),
        ("UNKNOWN", "as ordered"),
    ]


@pytest.mark.parametrize(
    ("row", "item_id", "reason"),
    [
        (("../../x", *A1[1:]), "mimic-cxr-2.0.0-metadata.csv.gz:1", "invalid_id"),
        (("", *A1[1:]), "mimic-cxr-2.0.0-metadata.csv.gz:1", "invalid_id"),
        (("a1", "p1/..", *A1[2:]), "mimic-cxr-2.0.0-metadata.csv.gz:1", "invalid_id"),
        (("a1", "", *A1[2:]), "mimic-cxr-2.0.0-metadata.csv.gz:1", "invalid_id"),
        ((*A1[:5], "", "200", "", "", "", ""), "a1", "invalid_size"),
        ((*A1[:5], "300", "2.5", "", "", "", ""), "a1", "invalid_size"),
        ((*A1[:5], "300", "-200", "", "", "", ""), "a1", "invalid_size"),
        (("c1", "13000000", "50000009", *A1[3:]), "c1", "missing_split"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected(
    tmp_path: Path, row: Sequence[str], item_id: str, reason: str
) -> None:
    reports = {"p11/p11000002/s50000002.txt": b"Effusion."}
    write_corpus(tmp_path, listed=[row, B1], on_disk=[A1, B1], reports=reports)

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["b1"]
    assert (item_id, reason) in reasons(tables)


def test_whole_numbers_may_be_written_with_a_point(tmp_path: Path) -> None:
    rows = [(*A1[:5], "300.0", "200.0", "", "", "", "")]
    write_corpus(tmp_path, listed=rows)

    tables = read(tmp_path)

    assert tables.images.select("width", "height").rows() == [(200, 300)]


def test_a_patient_in_two_splits_is_rejected(tmp_path: Path) -> None:
    splits = [*SPLITS, ("a2", "50000001", "10000001", "test")]
    write_corpus(tmp_path, splits=splits)

    tables = read(tmp_path)

    assert tables.studies["study_id"].to_list() == ["50000002"]
    assert sorted(reasons(tables)) == [
        ("a1", "split_conflict"),
        ("a2", "split_conflict"),
        ("p10000001/s50000001.txt", "split_conflict"),
    ]


def test_a_split_of_another_name_is_rejected(tmp_path: Path) -> None:
    splits = [*SPLITS, ("a2", "50000001", "10000001", "holdout")]
    write_corpus(tmp_path, splits=splits)

    tables = read(tmp_path)

    assert len(tables.images) == 3
    assert reasons(tables) == [("mimic-cxr-2.0.0-split.csv.gz:4", "unknown_split")]


def test_a_study_of_two_patients_is_the_first_ones(tmp_path: Path) -> None:
    stray = ("b2", "11000002", "50000001", *A1[3:])
    write_corpus(tmp_path, listed=[*IMAGES_ON_DISK, stray])
    (tmp_path / "files/p11/p11000002/s50000001.txt").write_bytes(b"Another text.")

    tables = read(tmp_path)

    assert ("50000001", "10000001", "train") in tables.studies.rows()
    assert tables.reports.rows()[0] == ("50000001", " FINAL REPORT\n Clear lungs.\n")
    assert reasons(tables) == [
        ("mimic-cxr-2.0.0-metadata.csv.gz:4", "patient_conflict"),
        ("p11000002/s50000001.txt", "patient_conflict"),
    ]


def test_each_shard_reads_its_own_patients(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config = CorpusConfig(source="mimic_cxr", root=tmp_path, shards=3)

    shards = [read_source(config=config, root=tmp_path, shard=n) for n in range(3)]

    for number, tables in enumerate(shards):
        for patient_id in tables.studies["patient_id"]:
            assert shard_of(patient_id, num_shards=3) == number
    images = pl.concat([tables.images for tables in shards]).sort("image_id")
    assert images.equals(read(tmp_path).images)


def test_a_shard_that_is_none_is_refused(tmp_path: Path) -> None:
    config = CorpusConfig(source="mimic_cxr", root=tmp_path, shards=3)

    with pytest.raises(ValueError, match="expected a shard from 0 to 2, found 3"):
        read_source(config=config, root=tmp_path, shard=3)


def test_a_synthetic_corpus_is_read_in_the_same_layout(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config = CorpusConfig(shards=1)

    tables = read_source(config=config, root=tmp_path, shard=0)

    assert tables.images.equals(read(tmp_path).images)


def test_images_may_be_dicom_files_in_a_folder_of_their_own(tmp_path: Path) -> None:
    write_corpus(tmp_path / "mimic-cxr" / "2.1.0", on_disk=[])
    path = tmp_path / "mimic-cxr/2.1.0/files/p10/p10000001/s50000001/a1.dcm"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    layout = {
        "image_folder": "mimic-cxr/2.1.0",
        "report_path": "mimic-cxr/2.1.0",
        "image_suffix": ".dcm",
    }

    tables = read(tmp_path, mimic_cxr=layout)

    assert tables.images["path"].to_list() == [path.relative_to(tmp_path).as_posix()]
    assert reasons(tables) == [("a2", "missing_image"), ("b1", "missing_image")]


def test_an_index_without_a_column_stops_the_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    header = [name for name in METADATA if name != "Rows"]
    write_csv(tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz", header, [])

    with pytest.raises(SourceError) as raised:
        read(tmp_path)

    message = str(raised.value)
    assert "mimic-cxr-2.0.0-metadata.csv.gz: expected the columns ['Rows']" in message
    assert "found ['dicom_id', 'subject_id'" in message


@pytest.mark.parametrize("kind", ["metadata", "split"])
def test_a_missing_index_stops_the_read(tmp_path: Path, kind: str) -> None:
    write_corpus(tmp_path)
    (tmp_path / f"mimic-cxr-2.0.0-{kind}.csv.gz").unlink()

    with pytest.raises(SourceError, match=rf"expected mimic-cxr-2.0.0-{kind}.csv.gz"):
        read(tmp_path)


def test_an_index_that_is_no_gzip_stops_the_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    (tmp_path / "mimic-cxr-2.0.0-split.csv.gz").write_bytes(b"plain text")

    with pytest.raises(
        SourceError, match=r"split.csv.gz: expected CSV in UTF-8, found"
    ):
        read(tmp_path)


def test_a_missing_root_stops_the_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere: expected a folder with the MIMIC"):
        read(tmp_path / "nowhere")


def test_a_missing_folder_of_reports_stops_the_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)

    with pytest.raises(
        SourceError, match=r"texts: expected a folder with files/ or mi"
    ):
        read(tmp_path, mimic_cxr={"report_path": "texts"})


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_report_that_cannot_be_read_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_corpus(tmp_path)

    with monkeypatch.context() as faults:
        break_calls(faults, name="s50000001.txt", number=number)
        with pytest.raises(PassingFaultError, match=errno.errorcode[number]):
            read(tmp_path)

    assert reasons(read(tmp_path)) == []  # the next try


def test_an_image_that_cannot_be_looked_at_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path)
    look = os.stat

    def stale(path: Path, **options: bool) -> os.stat_result:
        if str(path).endswith("a1.jpg"):
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return look(path, **options)

    monkeypatch.setattr(os, "stat", stale)

    with pytest.raises(PassingFaultError, match=r"a1.jpg: .*ESTALE"):
        read(tmp_path)


def test_a_link_to_no_report_is_a_reject(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    path = tmp_path / "files/p10/p10000001/s50000001.txt"
    path.unlink()
    path.symlink_to("nowhere.txt")

    tables = read(tmp_path)

    assert reasons(tables) == [("p10000001/s50000001.txt", "unreadable_report")]
    assert tables.rejects["detail"].to_list() == [
        "p10000001/s50000001.txt: expected a report, found no file"
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_what_macos_left_is_skipped_and_counted(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    packed: bool,  # noqa: FBT001
) -> None:
    reports = {
        "p10/p10000001/s50000001.txt": b"Clear.",
        "p10/p10000001/._s50000001.txt": b"\0\5\x16\7",
        "p11/p11000002/s50000002.txt": b"Effusion.",
        "__MACOSX/p10/p10000001/s50000003.txt": b"\0\5\x16\7",
    }
    write_corpus(tmp_path, reports={} if packed else reports)
    if packed:
        with zipfile.ZipFile(tmp_path / "mimic-cxr-reports.zip", "w") as archive:
            for name, raw in reports.items():
                archive.writestr(f"files/{name}", raw)

    with caplog.at_level(logging.INFO):
        tables = read(tmp_path)

    assert tables.reports["study_id"].to_list() == ["50000001", "50000002"]
    assert reasons(tables) == []
    assert "'file of macOS': 2" in caplog.text


def test_a_study_in_the_folders_of_two_patients_is_the_first_ones(
    tmp_path: Path,
) -> None:
    reports = {
        "p10/p10000001/s50000001.txt": b"Clear.",
        "p11/p11000002/s50000001.txt": b"Effusion.",
    }
    write_corpus(tmp_path, reports=reports)

    tables = read(tmp_path, images="none")

    assert tables.reports.rows() == [("50000001", "Clear.")]
    assert tables.studies.rows() == [("50000001", "10000001", "train")]
    assert reasons(tables) == [("p11000002/s50000001.txt", "duplicate_id")]


def test_for_the_images_no_report_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path)
    config = CorpusConfig(source="mimic_cxr", root=tmp_path, shards=1)
    break_calls(monkeypatch, name="s50000001.txt", number=errno.EIO)

    tables = read_source(config=config, root=tmp_path, shard=0, part="images")

    assert len(tables.images) == 3
    assert tables.reports.is_empty()
    assert reasons(tables) == []


def test_for_the_reports_no_image_is_looked_for(tmp_path: Path) -> None:
    write_corpus(tmp_path, on_disk=[])
    (tmp_path / "files").mkdir(exist_ok=True)
    config = CorpusConfig(source="mimic_cxr", root=tmp_path, shards=1)

    tables = read_source(config=config, root=tmp_path, shard=0, part="reports")

    assert len(tables.reports) == 2
    assert reasons(tables) == []


def test_texts_that_are_not_utf_8_are_counted_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reports = {
        "p10/p10000001/s50000001.txt": b"37\xb0",
        "p11/p11000002/s50000002.txt": b"Clear.",
    }
    write_corpus(tmp_path, reports=reports)

    with caplog.at_level(logging.INFO):
        read(tmp_path)

    assert "{'reports that are not UTF-8, read as Latin-1': 1}" in caplog.text


def test_of_one_version_the_packed_file_is_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    write_csv(tmp_path / "mimic-cxr-2.0.0-metadata.csv", METADATA, [])
    write_csv(tmp_path / "mimic-cxr-10.0.0-split.csv", SPLIT, SPLITS[:2])

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["a1", "a2"]
    assert reasons(tables) == [("b1", "missing_split")]  # 10 is newer than 2


def test_rows_are_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_ROWS_PER_FRAME", 2)
    write_corpus(tmp_path, listed=[*IMAGES_ON_DISK, A1])

    tables = read(tmp_path)

    assert tables.images["image_id"].to_list() == ["a1", "a2", "b1"]
    assert reasons(tables) == [("mimic-cxr-2.0.0-metadata.csv.gz:4", "duplicate_id")]
