"""The digest of a dataset's files, per shard, and the check before any job."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.inventory import (
    AS_GENERATED,
    check_annotations,
    check_source,
    inventories,
    inventory_annotations,
    inventory_synthetic_benchmark,
)
from asg_core.sources.reading.files import SourceError
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.sources.registry import CorpusConfig
from asg_core.tables.shards import shard_name, shard_names, shard_of
from support.faults import break_calls

NUM_SHARDS = 3
METADATA = "dicom_id,subject_id,study_id,ViewPosition,Rows,Columns\n"
SPLIT = "dicom_id,study_id,subject_id,split\n"
PATIENTS = [str(number) for number in range(10_000_000, 10_000_012)]
SPLIT_FILE = "mimic-cxr-2.0.0-split.csv"


def write(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def report_of(patient: str) -> str:
    return f"files/p10/p{patient}/s5{patient[1:]}.txt"


def image_of(patient: str) -> str:
    return f"files/p10/p{patient}/s5{patient[1:]}/i{patient}.jpg"


def write_mimic(root: Path) -> None:
    write(root / "mimic-cxr-2.0.0-metadata.csv", METADATA)
    write(root / SPLIT_FILE, SPLIT)
    for patient in PATIENTS:
        write(root / report_of(patient))
        write(root / image_of(patient))


def write_synthetic(root: Path) -> None:
    write_mimic(root)
    write(root / "silver_dataset/scene_graph/a_SceneGraph.json")
    write(root / "nih/images/1.png")
    write_manifest(root)


def write_manifest(root: Path) -> None:
    stats = {
        path.relative_to(root).as_posix(): path.stat()
        for path in root.rglob("*")
        if path.is_file()
    }
    files = {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}
    write(root / "manifest.json", json.dumps({"version": 1, "files": files}))


def mimic(root: Path, **keys: object) -> CorpusConfig:
    fixed = {"source": "mimic_cxr", "root": root, "shards": NUM_SHARDS}
    return CorpusConfig.model_validate(fixed | keys)


def table(root: Path, **keys: object) -> CorpusConfig:
    columns = {"image_path": "file", "patient_id": "person"}
    layout = {"file": "rows.csv", "columns": columns}
    return mimic(root, source="table", table=layout, **keys)


UNTOUCHED = f"{AS_GENERATED}, {AS_GENERATED}"


def inventory(*, config: CorpusConfig, root: Path) -> dict[str, str]:
    """Return the digests of images and reports of each shard in one."""
    parts = inventories(config=config, root=root)
    assert list(parts) == ["images", "reports"]
    return {
        name: f"{images}, {parts['reports'][name]}"
        for name, images in parts["images"].items()
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert list(before) == list(after) == shard_names(NUM_SHARDS)
    return {name for name in before if before[name] != after[name]}


def shard(patient: str) -> str:
    index = shard_of(patient, num_shards=NUM_SHARDS)
    return shard_name(index, num_shards=NUM_SHARDS)


@pytest.mark.parametrize("source", ["mimic_cxr", "synthetic"])
def test_an_edited_file_changes_its_shard_alone(tmp_path: Path, source: str) -> None:
    write_synthetic(tmp_path)
    config = mimic(tmp_path)
    if source == "synthetic":
        config = CorpusConfig(shards=NUM_SHARDS)
    before = inventory(config=config, root=tmp_path)

    for name in (report_of(PATIENTS[4]), image_of(PATIENTS[4])):
        write(tmp_path / name, "something longer")
        after = inventory(config=config, root=tmp_path)

        assert changed(before, after) == {shard(PATIENTS[4])}
        before = after


def test_a_file_of_another_name_changes_its_shard(tmp_path: Path) -> None:
    """Its size and its time are as before: the name is what makes another image of it."""
    write_mimic(tmp_path)
    before = inventory(config=mimic(tmp_path), root=tmp_path)

    image = tmp_path / image_of(PATIENTS[4])
    image.rename(image.with_name("another.jpg"))

    after = inventory(config=mimic(tmp_path), root=tmp_path)
    assert changed(before, after) == {shard(PATIENTS[4])}


@pytest.mark.parametrize("source", ["mimic_cxr", "synthetic"])
def test_files_that_come_and_go_change_their_shard(tmp_path: Path, source: str) -> None:
    write_synthetic(tmp_path)
    config = mimic(tmp_path)
    if source == "synthetic":
        config = CorpusConfig(shards=NUM_SHARDS)
    before = inventory(config=config, root=tmp_path)

    (tmp_path / report_of(PATIENTS[0])).unlink()
    without = inventory(config=config, root=tmp_path)
    write(tmp_path / f"files/p10/p{PATIENTS[0]}/s59.txt")
    another = inventory(config=config, root=tmp_path)

    assert changed(before, without) == {shard(PATIENTS[0])}
    assert changed(without, another) == {shard(PATIENTS[0])}
    assert changed(before, another) == {shard(PATIENTS[0])}


@pytest.mark.parametrize("source", ["mimic_cxr", "synthetic"])
def test_an_edited_index_changes_every_shard(tmp_path: Path, source: str) -> None:
    write_synthetic(tmp_path)
    config = mimic(tmp_path)
    if source == "synthetic":
        config = CorpusConfig(shards=NUM_SHARDS)
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / SPLIT_FILE, SPLIT + "i,5,1,train\n")

    after = inventory(config=config, root=tmp_path)
    assert changed(before, after) == set(shard_names(NUM_SHARDS))


def test_a_changed_time_alone_counts(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    before = inventory(config=mimic(tmp_path), root=tmp_path)

    os.utime(tmp_path / report_of(PATIENTS[4]), ns=(1, 1))

    after = inventory(config=mimic(tmp_path), root=tmp_path)
    assert changed(before, after) == {shard(PATIENTS[4])}


def test_an_index_inventory_looks_at_index_files_only(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    config = mimic(tmp_path, inventory="index")
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / report_of(PATIENTS[4]), "something longer")
    edited = inventory(config=config, root=tmp_path)
    write(tmp_path / SPLIT_FILE, SPLIT + "i,5,1,train\n")
    index = inventory(config=config, root=tmp_path)

    assert changed(before, edited) == set()
    assert changed(edited, index) == set(shard_names(NUM_SHARDS))


@pytest.mark.parametrize("source", ["mimic_cxr", "synthetic"])
def test_without_images_only_reports_count(tmp_path: Path, source: str) -> None:
    write_synthetic(tmp_path)
    config = mimic(tmp_path, images="none")
    if source == "synthetic":
        config = CorpusConfig(shards=NUM_SHARDS, images="none")
    before = inventory(config=config, root=tmp_path)
    assert (set(before.values()) == {UNTOUCHED}) == (source == "synthetic")

    write(tmp_path / image_of(PATIENTS[4]), "something longer")
    image = inventory(config=config, root=tmp_path)
    write(tmp_path / report_of(PATIENTS[4]), "something longer")
    report = inventory(config=config, root=tmp_path)

    assert changed(before, image) == set()
    assert changed(image, report) == {shard(PATIENTS[4])}


def test_reports_in_a_folder_of_their_own_count(tmp_path: Path) -> None:
    write_mimic(tmp_path / "jpg")
    path = write(tmp_path / "texts" / report_of(PATIENTS[4]))
    config = mimic(tmp_path / "jpg", mimic_cxr={"report_path": tmp_path / "texts"})
    before = inventory(config=config, root=tmp_path / "jpg")

    write(tmp_path / "jpg" / report_of(PATIENTS[4]), "not the one that is read")
    unread = inventory(config=config, root=tmp_path / "jpg")
    write(path, "something longer")
    read = inventory(config=config, root=tmp_path / "jpg")

    assert changed(before, unread) == set()
    assert changed(unread, read) == {shard(PATIENTS[4])}


def test_a_synthetic_corpus_not_yet_made_equals_an_untouched_one(
    tmp_path: Path,
) -> None:
    config = CorpusConfig(shards=NUM_SHARDS)

    unmade = inventory(config=config, root=tmp_path / "source")
    write_synthetic(tmp_path / "source")
    made = inventory(config=config, root=tmp_path / "source")

    assert unmade == made == dict.fromkeys(shard_names(NUM_SHARDS), UNTOUCHED)


def test_what_lies_beside_a_synthetic_corpus_does_not_count(tmp_path: Path) -> None:
    write_synthetic(tmp_path)
    write(tmp_path / "silver_dataset/scene_graph/a_SceneGraph.json", "edited")
    write(tmp_path / "nih/images/1.png", "edited")

    digests = inventory(config=CorpusConfig(shards=NUM_SHARDS), root=tmp_path)

    assert set(digests.values()) == {UNTOUCHED}


def test_an_edit_that_is_taken_back_counts_no_more(tmp_path: Path) -> None:
    write_synthetic(tmp_path)
    path = tmp_path / report_of(PATIENTS[4])
    stat = path.stat()
    write(path, "something longer")
    write(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    digests = inventory(config=CorpusConfig(shards=NUM_SHARDS), root=tmp_path)

    assert set(digests.values()) == {UNTOUCHED}


@pytest.mark.parametrize("content", ["{", "[]", '{"files": {"a": 3}}', "{}"])
def test_a_manifest_that_is_none_stops_the_run(tmp_path: Path, content: str) -> None:
    write(tmp_path / "manifest.json", content)

    with pytest.raises(
        SourceError, match=r"manifest.json: expected the manifest of a sy"
    ):
        inventory(config=CorpusConfig(), root=tmp_path)


def test_open_i_files_belong_to_their_study(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path / f"ecgen-radiology/{number}.xml")
        write(tmp_path / f"NLMCXR_png/CXR{number}_IM-1.png")
    config = CorpusConfig(source="open_i", root=tmp_path, shards=NUM_SHARDS)
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / "ecgen-radiology/4.xml", "something longer")
    report = inventory(config=config, root=tmp_path)
    write(tmp_path / "NLMCXR_png/CXR4_IM-1.png", "something longer")
    image = inventory(config=config, root=tmp_path)

    assert changed(before, report) == changed(report, image) == {shard("CXR4")}


def test_an_archive_counts_for_every_shard(tmp_path: Path) -> None:
    write(tmp_path / "NLMCXR_reports.tgz")
    config = CorpusConfig(
        source="open_i", root=tmp_path, images="none", shards=NUM_SHARDS
    )
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / "NLMCXR_reports.tgz", "something longer")

    after = inventory(config=config, root=tmp_path)
    assert changed(before, after) == set(shard_names(NUM_SHARDS))


def test_images_of_a_table_belong_to_the_patient_of_their_row(tmp_path: Path) -> None:
    lines = ["file,person", *(f"i{n}.png,p{n}" for n in range(12)), "../x.png,p4"]
    write(tmp_path / "rows.csv", "\n".join(lines) + "\n")
    for number in range(11):  # the last one is missing
        Image.new("L", (2, 2)).save(tmp_path / f"i{number}.png")
    config = table(tmp_path)
    before = inventory(config=config, root=tmp_path)

    Image.new("L", (9, 9)).save(tmp_path / "i4.png")
    edited = inventory(config=config, root=tmp_path)
    Image.new("L", (2, 2)).save(tmp_path / "i11.png")
    appeared = inventory(config=config, root=tmp_path)
    write(tmp_path / "rows.csv", "\n".join(lines[:-1]) + "\n")
    index = inventory(config=config, root=tmp_path)

    assert changed(before, edited) == {shard("p4")}
    assert changed(edited, appeared) == {shard("p11")}
    assert changed(appeared, index) == set(shard_names(NUM_SHARDS))


def test_an_index_inventory_of_a_table_is_the_table(tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", "file,person\na.png,p4\n")
    config = table(tmp_path, inventory="index")
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / "a.png")
    image = inventory(config=config, root=tmp_path)
    write(tmp_path / "rows.csv", "file,person\na.png,p5\n\n")
    index = inventory(config=config, root=tmp_path)

    assert changed(before, image) == set()
    assert changed(image, index) == set(shard_names(NUM_SHARDS))


def test_annotations_have_one_digest(tmp_path: Path) -> None:
    corpus = mimic(tmp_path)
    config = AnnotationsConfig(source="chest_imagenome", root=tmp_path)
    for name in ("train", "valid", "test", "images_to_avoid"):
        write(tmp_path / f"silver_dataset/splits/{name}.csv", "dicom_id\n")
    path = write(tmp_path / "silver_dataset/scene_graph/a_SceneGraph.json")

    def digest(inventory_of: str = "files") -> str:
        corpus = mimic(tmp_path, inventory=inventory_of)
        return inventory_annotations(config=config, corpus=corpus, root=tmp_path)

    before, before_index = digest(), digest("index")
    write(path, "something longer")
    graph, graph_index = digest(), digest("index")
    write(tmp_path / "silver_dataset/splits/train.csv", "dicom_id\na\n")
    split, split_index = digest(), digest("index")
    write(tmp_path / "silver_dataset/splits/images_to_avoid.csv", "dicom_id\na\n")

    assert len({before, graph, split, digest()}) == 4
    assert before_index == graph_index
    assert len({graph_index, split_index, digest("index")}) == 3
    check_annotations(config, tmp_path)
    assert inventory_annotations(
        config=AnnotationsConfig(source="none"), corpus=corpus, root=tmp_path
    )


def test_synthetic_annotations_count_when_they_were_edited(tmp_path: Path) -> None:
    corpus, config = CorpusConfig(), AnnotationsConfig(source="chest_imagenome")
    root = tmp_path / "source"

    unmade = inventory_annotations(config=config, corpus=corpus, root=root)
    write_synthetic(root)
    made = inventory_annotations(config=config, corpus=corpus, root=root)
    write(root / report_of(PATIENTS[4]), "no annotation")
    report = inventory_annotations(config=config, corpus=corpus, root=root)
    write(root / "silver_dataset/scene_graph/a_SceneGraph.json", "edited")
    edited = inventory_annotations(config=config, corpus=corpus, root=root)

    assert unmade == made == report == AS_GENERATED
    assert edited != AS_GENERATED


def test_a_table_of_boxes_has_a_digest(tmp_path: Path) -> None:
    write(tmp_path / "boxes.csv", "image_id,region,x1,y1,x2,y2\n")
    config = AnnotationsConfig.model_validate(
        {"source": "table", "root": tmp_path, "table": {"file": "boxes.csv"}}
    )
    corpus = mimic(tmp_path)
    before = inventory_annotations(config=config, corpus=corpus, root=tmp_path)

    write(tmp_path / "boxes.csv", "image_id,region,x1,y1,x2,y2\na,spine,1,1,2,2\n")

    check_annotations(config, tmp_path)
    after = inventory_annotations(config=config, corpus=corpus, root=tmp_path)
    assert before != after


def test_a_missing_root_is_one_sentence(tmp_path: Path) -> None:
    root = tmp_path / "mimic"

    for check in (
        lambda: check_source(mimic(root), root),
        lambda: inventory(config=mimic(root), root=root),
    ):
        with pytest.raises(SourceError) as raised:
            check()

        assert str(raised.value) == (
            f"{root}: expected a folder with the MIMIC-CXR-JPG release, found nothing of "
            "that name. Set corpus.root to the folder of the dataset as it was "
            "distributed."
        )


def test_a_root_that_is_a_file_says_so(tmp_path: Path) -> None:
    root = write(tmp_path / "mimic")

    with pytest.raises(SourceError, match="the MIMIC-CXR-JPG release, found a file"):
        check_source(mimic(root), root)


def test_the_check_names_missing_columns_and_files(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    check_source(mimic(tmp_path), tmp_path)

    write(tmp_path / SPLIT_FILE, "dicom_id,study_id,split\n")
    with pytest.raises(
        SourceError, match=r"split.csv: expected the columns \['subject"
    ):
        check_source(mimic(tmp_path), tmp_path)

    (tmp_path / SPLIT_FILE).unlink()
    with pytest.raises(
        SourceError, match=r"expected mimic-cxr-2.0.0-split.csv.gz .* fou"
    ):
        check_source(mimic(tmp_path), tmp_path)


def test_the_check_wants_a_report_among_the_images(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    for patient in PATIENTS:
        (tmp_path / report_of(patient)).unlink()

    with pytest.raises(
        SourceError, match=r"files: expected reports such as p10/p100000"
    ):
        check_source(mimic(tmp_path), tmp_path)


def test_a_synthetic_corpus_needs_no_check(tmp_path: Path) -> None:
    check_source(CorpusConfig(), tmp_path / "not made yet")


def test_twenty_thousand_files_take_half_a_second(tmp_path: Path) -> None:
    write(tmp_path / "mimic-cxr-2.0.0-metadata.csv", METADATA)
    write(tmp_path / SPLIT_FILE, SPLIT)
    for patient in range(10_000_000, 10_005_000):
        folder = tmp_path / f"files/p10/p{patient}"
        (folder / "s5").mkdir(parents=True)
        for name in ("s5.txt", "s6.txt", "s5/a.jpg", "s5/b.jpg"):
            (folder / name).touch()

    def seconds() -> float:
        start = time.process_time()
        inventory(config=mimic(tmp_path), root=tmp_path)
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.5


def test_the_inventory_imports_nothing_heavy() -> None:
    heavy = ["polars", "pyarrow", "numpy", "torch", "spacy", "mlflow", "PIL", "pydicom"]
    code = (
        "import sys, asg_core.sources.inventory\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("source", ["mimic_cxr", "synthetic"])
def test_an_edited_report_is_no_change_of_the_images(
    tmp_path: Path, source: str
) -> None:
    write_synthetic(tmp_path)
    is_synthetic = source == "synthetic"
    config = CorpusConfig(shards=1) if is_synthetic else mimic(tmp_path, shards=1)
    patient = PATIENTS[0]

    def parts() -> tuple[str, str]:
        parts = inventories(config=config, root=tmp_path)
        name = shard_name(0, num_shards=1)
        return parts["images"][name], parts["reports"][name]

    before = parts()
    write(tmp_path / report_of(patient), "another text")
    edited_report = parts()
    write(tmp_path / image_of(patient), "another picture")
    edited_image = parts()
    (tmp_path / report_of(patient)).unlink()
    removed_report = parts()

    assert edited_report[0] == before[0]
    assert edited_report[1] != before[1]
    assert edited_image[0] != before[0]
    assert edited_image[1] == edited_report[1]
    assert removed_report[0] != edited_image[0]
    assert removed_report[1] != edited_image[1]


def test_a_file_that_cannot_be_looked_at_now_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mimic(tmp_path)
    with monkeypatch.context() as faults:
        break_calls(faults, name=f"p{PATIENTS[0]}", number=errno.EACCES)
        with pytest.raises(PassingFaultError, match=f"p{PATIENTS[0]}: .*EACCES"):
            inventory(config=mimic(tmp_path), root=tmp_path)

    look = os.stat

    def stale(path: str | Path, **options: bool) -> os.stat_result:
        if str(path).endswith(image_of(PATIENTS[0])):
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return look(path, **options)

    monkeypatch.setattr(os, "stat", stale)
    with pytest.raises(PassingFaultError, match="ESTALE"):
        inventory(config=mimic(tmp_path), root=tmp_path)


def test_what_macos_left_is_no_change(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    before = inventory(config=mimic(tmp_path), root=tmp_path)

    for name in (report_of(PATIENTS[0]), image_of(PATIENTS[0])):
        path = tmp_path / name
        write(path.with_name(f"._{path.name}"))
    write(tmp_path / f"files/__MACOSX/p{PATIENTS[0]}/s1.txt")

    assert inventory(config=mimic(tmp_path), root=tmp_path) == before


def test_what_holds_images_and_reports_belongs_to_both_parts(tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", "file,person\na.PNG,p4\n")
    write(tmp_path / "a.PNG")
    config = table(tmp_path)
    before = inventories(config=config, root=tmp_path)

    write(tmp_path / "a.PNG", "something longer")
    image = inventories(config=config, root=tmp_path)
    write(tmp_path / "rows.csv", "file,person\na.PNG,p5\n")
    rows = inventories(config=config, root=tmp_path)

    assert changed(before["images"], image["images"]) == {shard("p4")}
    assert changed(before["reports"], image["reports"]) == set()
    for part in ("images", "reports"):
        assert changed(image[part], rows[part]) == set(shard_names(NUM_SHARDS))


def test_a_report_that_a_link_leads_nowhere_from_is_not_there(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    path = tmp_path / report_of(PATIENTS[0])
    there = inventories(config=mimic(tmp_path), root=tmp_path)["images"]

    path.unlink()
    path.symlink_to("nowhere.txt")

    gone = inventories(config=mimic(tmp_path), root=tmp_path)["images"]
    assert changed(there, gone) == {shard(PATIENTS[0])}


def test_a_synthetic_benchmark_counts_by_itself(tmp_path: Path) -> None:
    def digests() -> tuple[str, str]:
        nih, rsna = (
            inventory_synthetic_benchmark(tmp_path, benchmark=name)
            for name in ("nih", "rsna")
        )
        return nih, rsna

    assert digests() == (AS_GENERATED, AS_GENERATED)  # not made yet
    write_mimic(tmp_path)
    image = write(tmp_path / "benchmarks/nih/images_001/images/1.png")
    write(tmp_path / "benchmarks/rsna/stage_2_train_labels.csv")
    write_manifest(tmp_path)
    assert digests() == (AS_GENERATED, AS_GENERATED)

    write(tmp_path / report_of(PATIENTS[0]), "of the corpus and of no benchmark")
    assert digests() == (AS_GENERATED, AS_GENERATED)
    write(image, "something longer")
    edited = digests()
    write(tmp_path / "benchmarks/nih/more.csv")
    more = digests()
    image.unlink()

    assert edited[1] == more[1] == digests()[1] == AS_GENERATED
    assert len({AS_GENERATED, edited[0], more[0], digests()[0]}) == 4


def test_nothing_to_check_where_there_is_no_corpus(tmp_path: Path) -> None:
    check_source(CorpusConfig(source="none"), tmp_path / "nowhere")


def test_only_the_images_of_a_study_count(tmp_path: Path) -> None:
    write_mimic(tmp_path)
    folder = (tmp_path / image_of(PATIENTS[0])).parent
    before = inventory(config=mimic(tmp_path), root=tmp_path)

    write(folder / "index.html")
    page = inventory(config=mimic(tmp_path), root=tmp_path)
    write(folder / "another.jpg")

    assert page == before
    after = inventory(config=mimic(tmp_path), root=tmp_path)
    assert changed(before, after) == {shard(PATIENTS[0])}


@pytest.mark.parametrize("inventory_of", ["files", "index"])
def test_packed_reports_count_for_every_shard(
    tmp_path: Path, inventory_of: str
) -> None:
    write_mimic(tmp_path)
    archive = write(tmp_path / "mimic-cxr-reports.zip")
    config = mimic(tmp_path, inventory=inventory_of)
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / report_of(PATIENTS[0]), "not the one that is read")
    assert inventory(config=config, root=tmp_path) == before

    write(archive, "something longer")
    after = inventory(config=config, root=tmp_path)
    assert changed(before, after) == set(shard_names(NUM_SHARDS))


def test_the_metadata_of_open_i_count_for_every_shard(tmp_path: Path) -> None:
    write(tmp_path / "ecgen-radiology/1.xml")
    write(tmp_path / "views.csv", "imageid,View Position\n")
    config = CorpusConfig.model_validate(
        {"source": "open_i", "root": tmp_path, "images": "none", "shards": NUM_SHARDS}
        | {"open_i": {"dicom_metadata": "views.csv"}}
    )
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / "views.csv", "imageid,View Position\na,PA\n")

    after = inventory(config=config, root=tmp_path)
    assert changed(before, after) == set(shard_names(NUM_SHARDS))


def test_a_changed_time_counts_in_a_synthetic_corpus_too(tmp_path: Path) -> None:
    write_synthetic(tmp_path)
    config = CorpusConfig(shards=NUM_SHARDS)
    before = inventory(config=config, root=tmp_path)

    os.utime(tmp_path / report_of(PATIENTS[4]), ns=(1, 1))

    after = inventories(config=config, root=tmp_path)
    assert set(after["images"].values()) == {AS_GENERATED}  # it is still there
    assert {
        name for name, digest in after["reports"].items() if digest != AS_GENERATED
    } == {shard(PATIENTS[4])}
    assert set(before.values()) == {UNTOUCHED}


def test_an_index_inventory_of_a_synthetic_corpus_looks_at_index_files(
    tmp_path: Path,
) -> None:
    write_synthetic(tmp_path)
    config = CorpusConfig(shards=NUM_SHARDS, inventory="index")

    write(tmp_path / image_of(PATIENTS[4]), "something longer")
    edited = inventory(config=config, root=tmp_path)
    write(tmp_path / SPLIT_FILE, SPLIT + "i,5,1,train\n")

    assert set(edited.values()) == {UNTOUCHED}
    assert UNTOUCHED not in inventory(config=config, root=tmp_path).values()


def test_annotations_with_a_root_of_their_own_are_no_part_of_the_synthetic_corpus(
    tmp_path: Path,
) -> None:
    write(tmp_path / "boxes.csv", "image_id,region,x1,y1,x2,y2\n")
    config = AnnotationsConfig.model_validate(
        {"source": "table", "root": tmp_path, "table": {"file": "boxes.csv"}}
    )

    digest = inventory_annotations(config=config, corpus=CorpusConfig(), root=tmp_path)

    assert digest != AS_GENERATED


def test_without_images_those_of_a_table_do_not_count(tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", "file,person,words\na.png,p4,Clear.\n")
    columns = {"image_path": "file", "patient_id": "person", "text": "words"}
    layout = {"file": "rows.csv", "columns": columns}
    config = mimic(tmp_path, source="table", images="none", table=layout)
    before = inventory(config=config, root=tmp_path)

    write(tmp_path / "a.png")

    assert inventory(config=config, root=tmp_path) == before
