"""The reader of the Open-i collection, on made-up files and on the real archive."""

import errno
import io
import logging
import tarfile
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from asg_core.sources.read import read_source
from asg_core.sources.reading.files import SourceError
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.shard import SourceTables
from asg_core.tables.shards import shard_of
from support.faults import break_calls
from support.reference import open_i_archive

SECTIONS = {
    "COMPARISON": "",
    "INDICATION": "Cough",
    "FINDINGS": "Heart &lt; half.\n  Lungs clear.",
    "IMPRESSION": " Normal. ",
}


def xml(
    number: int,
    *,
    sections: dict[str, str] | None = None,
    images: tuple[str, ...] = (),
    uid: str | None = None,
) -> bytes:
    texts = "".join(
        f'<AbstractText Label="{label}">{text}</AbstractText>'
        for label, text in (SECTIONS if sections is None else sections).items()
    )
    shown = "".join(
        f'<parentImage id="{name}"><caption>x</caption></parentImage>'
        for name in images
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<eCitation><uId id="{uid or f"CXR{number}"}"/><MedlineCitation><Article>'
        f"<Abstract>{texts}</Abstract></Article></MedlineCitation>{shown}</eCitation>"
    ).encode()


def write_folder(root: Path, files: dict[str, bytes]) -> None:
    folder = root / "ecgen-radiology"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def write_archive(root: Path, files: dict[str, bytes]) -> Path:
    path = root / "NLMCXR_reports.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"ecgen-radiology/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_png(root: Path, name: str, *, size: tuple[int, int]) -> None:
    (root / "NLMCXR_png").mkdir(exist_ok=True)
    Image.new("L", size).save(root / "NLMCXR_png" / f"{name}.png")


def read(root: Path, **keys: object) -> SourceTables:
    fixed = {"source": "open_i", "root": root, "images": "none", "shards": 1}
    config = CorpusConfig.model_validate(fixed | keys)
    return read_source(config=config, root=root, shard=0)


def reasons(tables: SourceTables) -> list[tuple[str, str]]:
    return tables.rejects.select("item_id", "reason").rows()


def test_sections_become_lines_in_their_own_words(tmp_path: Path) -> None:
    write_folder(tmp_path, {"7.xml": xml(7), "readme.txt": b"no report"})

    tables = read(tmp_path)

    text = "INDICATION: Cough\nFINDINGS: Heart < half.\n  Lungs clear.\nIMPRESSION: Normal."
    assert tables.reports.rows() == [("CXR7", text)]
    assert tables.studies.rows() == [("CXR7", "CXR7", "train")]
    assert tables.images.is_empty()
    assert reasons(tables) == []


def test_a_report_without_any_text_is_kept_empty(tmp_path: Path) -> None:
    write_folder(tmp_path, {"7.xml": xml(7, sections={"FINDINGS": " "})})

    assert read(tmp_path).reports.rows() == [("CXR7", "")]


def test_folder_and_archive_read_the_same(tmp_path: Path) -> None:
    files = {f"{number}.xml": xml(number) for number in (1, 2, 10)}
    write_folder(tmp_path / "folder", files)
    (tmp_path / "packed").mkdir()
    write_archive(tmp_path / "packed", files)

    folder, packed = read(tmp_path / "folder"), read(tmp_path / "packed")

    by_study = [tables.reports.sort("study_id") for tables in (folder, packed)]
    assert by_study[0].equals(by_study[1])
    assert by_study[0]["study_id"].to_list() == ["CXR1", "CXR10", "CXR2"]


def test_shards_divide_the_archive(tmp_path: Path) -> None:
    write_archive(tmp_path, {f"{number}.xml": xml(number) for number in range(20)})
    config = CorpusConfig(source="open_i", root=tmp_path, images="none", shards=3)

    shards = [read_source(config=config, root=tmp_path, shard=n) for n in range(3)]

    for number, tables in enumerate(shards):
        expected = [
            f"CXR{study}"
            for study in range(20)
            if shard_of(f"CXR{study}", num_shards=3) == number
        ]
        assert sorted(tables.reports["study_id"]) == sorted(expected)


def test_files_that_cannot_be_used_are_rejected(tmp_path: Path) -> None:
    files = {
        "1.xml": b"<eCitation><uId id='CXR1'/>",
        "2.xml": xml(2, uid="CXR3"),
        "4.xml": b"<eCitation/>",
        "5.xml": xml(5),
    }
    write_folder(tmp_path, files)

    tables = read(tmp_path)

    assert tables.reports["study_id"].to_list() == ["CXR5"]
    assert reasons(tables) == [
        ("CXR1", "unreadable_report"),
        ("CXR2", "id_mismatch"),
        ("CXR4", "id_mismatch"),
    ]
    assert tables.rejects["detail"][1] == "CXR2: expected the uId CXR2, found CXR3"


def test_a_number_that_is_packed_twice_is_rejected_once(tmp_path: Path) -> None:
    path = tmp_path / "twice.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for folder in ("old", "new"):
            content = xml(1, sections={"FINDINGS": folder})
            member = tarfile.TarInfo(f"{folder}/1.xml")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

    tables = read(tmp_path, open_i={"report_path": "twice.tgz"})

    assert tables.reports.rows() == [("CXR1", "FINDINGS: old")]
    assert reasons(tables) == [("CXR1", "duplicate_id")]


def test_images_have_the_size_of_their_file_and_the_view_of_the_metadata(
    tmp_path: Path,
) -> None:
    ids = ("CXR7_IM-1", "CXR7_IM-2", "CXR7_IM-3", "CXR7_IM-4", "../CXR7", "CXR7_IM-1")
    write_folder(tmp_path, {"7.xml": xml(7, images=ids)})
    write_png(tmp_path, "CXR7_IM-1", size=(30, 40))
    write_png(tmp_path, "CXR7_IM-2", size=(50, 60))
    (tmp_path / "NLMCXR_png" / "CXR7_IM-4.png").write_bytes(b"no image")
    (tmp_path / "views.csv").write_text("imageid,View Position\nCXR7_IM-1,PA\n")

    tables = read(tmp_path, images="files", open_i={"dicom_metadata": "views.csv"})

    assert tables.images.rows() == [
        ("CXR7_IM-1", "CXR7", "NLMCXR_png/CXR7_IM-1.png", "PA", "PA", 30, 40),
        ("CXR7_IM-2", "CXR7", "NLMCXR_png/CXR7_IM-2.png", "UNKNOWN", None, 50, 60),
    ]
    assert reasons(tables) == [
        ("CXR7_IM-3", "missing_image"),
        ("CXR7_IM-4", "unreadable_image"),
        ("../CXR7", "invalid_id"),
        ("CXR7_IM-1", "duplicate_id"),
    ]


def test_splits_are_drawn_by_study(tmp_path: Path) -> None:
    write_archive(tmp_path, {f"{number}.xml": xml(number) for number in range(200)})

    drawn = read(tmp_path, validate_share=0.3, test_share=0.2).studies["split"]

    counts = dict(drawn.value_counts().iter_rows())
    # 60 and 40 are expected of 200; the draw itself must never change
    assert counts == {"train": 96, "validate": 66, "test": 38}


def test_only_chosen_splits_are_read(tmp_path: Path) -> None:
    write_archive(tmp_path, {f"{number}.xml": xml(number) for number in range(200)})

    tables = read(tmp_path, validate_share=0.3, splits=["validate"])

    assert len(tables.reports) == 66
    assert set(tables.studies["split"]) == {"validate"}


def test_a_root_without_reports_stops_the_read(tmp_path: Path) -> None:
    (tmp_path / "something.txt").touch()

    with pytest.raises(
        SourceError, match=r"expected ecgen-radiology or NLMCXR_reports.t"
    ):
        read(tmp_path)


def test_a_missing_folder_of_images_stops_the_read(tmp_path: Path) -> None:
    write_folder(tmp_path, {"7.xml": xml(7)})

    with pytest.raises(SourceError, match="NLMCXR_png: expected a folder with the PNG"):
        read(tmp_path, images="files")


def test_a_truncated_archive_stops_the_read(tmp_path: Path) -> None:
    files = {f"{number}.xml": xml(number) for number in range(50)}
    path = write_archive(tmp_path, files)
    content = path.read_bytes()

    for broken in (content[: len(content) // 2], b"no archive"):
        path.write_bytes(broken)

        with pytest.raises(SourceError, match="an archive that cannot be read"):
            read(tmp_path)


def test_the_real_archive_is_read_whole() -> None:
    root = open_i_archive().parent
    config = CorpusConfig(source="open_i", root=root, images="none")

    shards = [read_source(config=config, root=root, shard=n) for n in range(4)]

    reports = pl.concat([tables.reports for tables in shards])
    has_claims = reports["text"].str.contains("FINDINGS: |IMPRESSION: ")
    assert len(reports) == reports["study_id"].n_unique() == 3955
    assert (~has_claims).sum() == 28
    assert sum(len(tables.rejects) for tables in shards) == 0


def test_a_report_that_cannot_be_read_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, {"1.xml": xml(1), "2.xml": xml(2)})

    with monkeypatch.context() as faults:
        break_calls(faults, name="1.xml", number=errno.EIO)
        with pytest.raises(PassingFaultError, match=r"1.xml: .*EIO"):
            read(tmp_path)

    assert reasons(read(tmp_path)) == []


def test_an_archive_that_cannot_be_read_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path, {"1.xml": xml(1)})

    def stale(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    for call in ("getmembers", "extractfile"):
        with monkeypatch.context() as faults:
            faults.setattr(tarfile.TarFile, call, stale)
            with pytest.raises(PassingFaultError, match="ESTALE"):
                read(tmp_path)
    assert reasons(read(tmp_path)) == []


def test_links_that_lead_nowhere_are_rejects(tmp_path: Path) -> None:
    write_folder(tmp_path / "folder", {"1.xml": xml(1)})
    (tmp_path / "folder/ecgen-radiology/2.xml").symlink_to("none.xml")
    (tmp_path / "packed").mkdir()
    path = write_archive(tmp_path / "packed", {"1.xml": xml(1)})
    with tarfile.open(path, "w:gz") as archive:
        content = xml(1)
        member = tarfile.TarInfo("ecgen-radiology/1.xml")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("ecgen-radiology/2.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "none.xml"
        archive.addfile(link)

    for root in (tmp_path / "folder", tmp_path / "packed"):
        tables = read(root)
        assert tables.reports["study_id"].to_list() == ["CXR1"]
        assert reasons(tables) == [("CXR2", "unreadable_report")]


@pytest.mark.parametrize("packed", [False, True])
def test_what_macos_left_is_skipped_and_counted(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    packed: bool,  # noqa: FBT001
) -> None:
    files = {"1.xml": xml(1), "._1.xml": b"\0\5\x16\7"}
    if packed:
        write_archive(tmp_path, files | {"../__MACOSX/2.xml": b"\0"})
    else:
        write_folder(tmp_path, files)

    with caplog.at_level(logging.INFO):
        tables = read(tmp_path)

    assert tables.reports["study_id"].to_list() == ["CXR1"]
    assert reasons(tables) == []
    assert f"'file of macOS': {1 + packed}" in caplog.text


def test_a_section_is_all_of_its_words_with_or_without_a_label(tmp_path: Path) -> None:
    content = xml(7, sections={"FINDINGS": "Heart <i>very</i> large"})
    unlabelled = content.replace(b' Label="FINDINGS"', b"")
    write_folder(tmp_path / "one", {"7.xml": content})
    write_folder(tmp_path / "other", {"7.xml": unlabelled})

    assert read(tmp_path / "one").reports["text"][0] == "FINDINGS: Heart very large"
    assert read(tmp_path / "other").reports["text"][0] == "Heart very large"


def test_an_image_without_an_id_is_rejected_under_its_study(tmp_path: Path) -> None:
    write_folder(tmp_path, {"7.xml": xml(7, images=("",))})
    (tmp_path / "NLMCXR_png").mkdir()

    tables = read(tmp_path, images="files")

    assert reasons(tables) == [("CXR7/image", "invalid_id")]


def test_what_macos_left_is_counted_in_one_shard(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_folder(tmp_path, {"1.xml": xml(1), "._1.xml": b""})
    config = CorpusConfig(source="open_i", root=tmp_path, images="none", shards=3)

    with caplog.at_level(logging.INFO):
        for shard in range(3):
            read_source(config=config, root=tmp_path, shard=shard)

    assert caplog.text.count("'file of macOS': 1") == 1
