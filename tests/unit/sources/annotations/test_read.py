"""Boxes that come with a corpus: Chest ImaGenome scene graphs, and tables of boxes."""

import errno
import json
import logging
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from asg_core.sources.annotations.collected import AnnotationTables
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.read import read_annotations
from asg_core.sources.reading.files import SourceError
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.tables.catalog import ANNOTATED_BOXES, IMAGES, REJECTS, STUDIES
from support.faults import break_calls
from support.reference import reference_data

Corners = tuple[float, float, float, float]

RIGHT: Corners = (10, 10, 40, 90)
LEFT: Corners = (60, 10, 90, 90)
COLUMNS = "subject_id,study_id,dicom_id,path,ViewPosition"


def graph(*boxes: tuple[str, object]) -> bytes:
    objects = [
        {
            "object_id": f"x_{region}",
            "bbox_name": region,
            "x1": 1,
            "y1": 1,
            "x2": 2,
            "y2": 2,
            **dict(
                zip(
                    ("original_x1", "original_y1", "original_x2", "original_y2"),
                    corners if isinstance(corners, tuple) else (corners,) * 4,
                    strict=True,
                )
            ),
        }
        for region, corners in boxes
    ]
    return json.dumps({"image_id": "x", "viewpoint": "AP", "objects": objects}).encode()


def write_imagenome(
    root: Path,
    graphs: Mapping[str, bytes],
    *,
    splits: Mapping[str, Sequence[str]],
    avoid: Sequence[str] = (),
    folder: str = "scene_graph",
) -> None:
    silver = root / "silver_dataset"
    (silver / "splits").mkdir(parents=True)
    for split in ("train", "valid", "test"):
        lines = [f",{COLUMNS}"]  # these three have an index column without a name
        for number, image_id in enumerate(splits.get(split, [])):
            lines.append(f"{number},10000001,50000001,{image_id},files/x.dcm,AP")
        (silver / "splits" / f"{split}.csv").write_text("\n".join(lines) + "\n")
    lines = [COLUMNS, *(f"1,5,{image_id},files/x.dcm,AP" for image_id in avoid)]
    (silver / "splits" / "images_to_avoid.csv").write_text("\n".join(lines) + "\n")
    if folder == "scene_graph.zip":
        with zipfile.ZipFile(silver / folder, "w") as archive:
            for image_id, content in graphs.items():
                archive.writestr(f"scene_graph/{image_id}_SceneGraph.json", content)
        return
    (silver / folder).mkdir(parents=True)
    for image_id, content in graphs.items():
        (silver / folder / f"{image_id}_SceneGraph.json").write_bytes(content)


def corpus(splits: Mapping[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return images and studies: one 100 x 100 image a study, named by its image."""
    images = IMAGES.frame(
        {
            "image_id": image_id,
            "study_id": f"s-{image_id}",
            "path": f"{image_id}.jpg",
            "view": "AP",
            "width": 100,
            "height": 100,
        }
        for image_id in splits
    )
    studies = STUDIES.frame(
        {"study_id": f"s-{image_id}", "patient_id": f"p-{image_id}", "split": split}
        for image_id, split in splits.items()
    )
    return images, studies


def read(
    root: Path,
    splits: Mapping[str, str],
    *,
    config: AnnotationsConfig | None = None,
) -> AnnotationTables:
    images, studies = corpus(splits)
    config = config or AnnotationsConfig(source="chest_imagenome")
    tables = read_annotations(config=config, root=root, images=images, studies=studies)
    ANNOTATED_BOXES.check(tables.annotated_boxes, where="test")
    REJECTS.check(tables.rejects, where="test")
    return tables


def boxes_of(tables: AnnotationTables) -> list[tuple[str, str, list[float], str]]:
    columns = tables.annotated_boxes.select("image_id", "region", "box_xyxy", "split")
    return [(*row[:2], list(row[2]), row[3]) for row in columns.iter_rows()]


def reasons(tables: AnnotationTables) -> list[tuple[str, str]]:
    return tables.rejects.select("item_id", "reason").rows()


@pytest.mark.parametrize(
    "folder", ["scene_graph", "scene_graph/scene_graph", "scene_graph.zip"]
)
def test_the_29_regions_are_read_in_the_original_frame(
    tmp_path: Path, folder: str
) -> None:
    others = [("left upper abdomen", LEFT), ("left cardiac silhouette", LEFT)]
    content = graph(("left lung", LEFT), ("right lung", RIGHT), *others)
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]}, folder=folder)

    tables = read(tmp_path, {"a": "train"})

    assert boxes_of(tables) == [
        ("a", "right lung", [10, 10, 40, 90], "train"),
        ("a", "left lung", [60, 10, 90, 90], "train"),
    ]
    assert set(tables.annotated_boxes["origin"]) == {"chest_imagenome"}
    assert (tables.num_ignored, tables.num_clipped) == (2, 0)
    assert reasons(tables) == []


@pytest.mark.parametrize(
    "place",
    [
        "chest-imagenome-dataset-1.0.0",
        "chest-imagenome/1.0.0",
        "physionet.org/files/chest-imagenome/1.0.0",
    ],
)
def test_the_usual_folders_are_found(tmp_path: Path, place: str) -> None:
    content = graph(("trachea", LEFT))
    write_imagenome(tmp_path / place, {"a": content}, splits={"train": ["a"]})

    assert len(read(tmp_path, {"a": "train"}).annotated_boxes) == 1


@pytest.mark.parametrize(
    ("corpus_split", "listed", "expected"),
    [
        ("train", "train", "train"),
        ("train", "valid", "validate"),
        ("train", "test", "test"),
        ("validate", "train", "validate"),
        ("test", "train", "test"),
        ("train", "avoid", "test"),
        ("train", "", "test"),  # a graph that no split lists
    ],
)
def test_a_box_is_as_held_out_as_either_split(
    tmp_path: Path, corpus_split: str, listed: str, expected: str
) -> None:
    write_imagenome(
        tmp_path,
        {"a": graph(("trachea", LEFT))},
        splits={listed: ["a"]},
        avoid=["a"] if listed == "avoid" else [],
    )

    tables = read(tmp_path, {"a": corpus_split})

    assert tables.annotated_boxes["split"].to_list() == [expected]


def test_an_image_to_avoid_never_trains_even_if_a_split_lists_it(
    tmp_path: Path,
) -> None:
    content = graph(("trachea", LEFT))
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]}, avoid=["a"])

    tables = read(tmp_path, {"a": "train"})

    assert tables.annotated_boxes["split"].to_list() == ["test"]


def test_blanks_around_a_listed_id_do_not_count(tmp_path: Path) -> None:
    content = graph(("trachea", LEFT))
    write_imagenome(tmp_path, {"a": content}, splits={"train": [" a "]})

    tables = read(tmp_path, {"a": "train"})

    assert tables.annotated_boxes["split"].to_list() == ["train"]


def test_a_region_that_is_no_name_is_ignored(tmp_path: Path) -> None:
    content = json.dumps(
        {"objects": [{"bbox_name": ["spine"]}, {"bbox_name": None}, "spine", {}]}
    ).encode()
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]})

    tables = read(tmp_path, {"a": "train"})

    assert tables.annotated_boxes.is_empty()
    assert tables.rejects.is_empty()
    assert tables.num_ignored == 4


def test_a_listed_image_without_a_graph_is_rejected(tmp_path: Path) -> None:
    splits = {"train": ["a", "b"], "valid": ["not-in-the-corpus"]}
    write_imagenome(tmp_path, {"a": graph(("trachea", LEFT))}, splits=splits)

    tables = read(tmp_path, {"a": "train", "b": "train", "lateral": "train"})

    assert reasons(tables) == [("b", "missing_scene_graph")]


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b"[]", b'{"objects": 3}', b'{"image_id": "a"}'],
)
@pytest.mark.parametrize("folder", ["scene_graph", "scene_graph.zip"])
def test_a_graph_that_is_none_is_rejected(
    tmp_path: Path, content: bytes, folder: str
) -> None:
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]}, folder=folder)

    tables = read(tmp_path, {"a": "train"})

    assert tables.annotated_boxes.is_empty()
    assert reasons(tables) == [("a", "unreadable_scene_graph")]


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ((10, 10, 10, 90), "empty_box"),
        ((40, 10, 10, 90), "empty_box"),
        ((10, 90, 40, 90), "empty_box"),
        ((110, 10, 140, 90), "box_outside_image"),
        ((-40, 10, 0, 90), "box_outside_image"),
        ((10, -90, 40, -10), "box_outside_image"),
        ((10, 100, 40, 190), "box_outside_image"),
        ("left of it", "invalid_box"),
        (None, "invalid_box"),
        ((10, 10, float("nan"), 90), "invalid_box"),
        ((10, 10, float("inf"), 90), "invalid_box"),
    ],
)
def test_a_box_that_is_none_is_rejected(
    tmp_path: Path, corners: object, reason: str
) -> None:
    content = graph(("trachea", corners), ("spine", LEFT))
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]})

    tables = read(tmp_path, {"a": "train"})

    assert reasons(tables) == [("a/trachea", reason)]
    assert tables.annotated_boxes["region"].to_list() == ["spine"]


def test_a_box_over_the_edge_is_cut_there_and_counted(tmp_path: Path) -> None:
    content = graph(("trachea", (-5, 10, 40, 130)), ("spine", (0, 0, 100, 100)))
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]})

    tables = read(tmp_path, {"a": "train"})

    assert boxes_of(tables) == [
        ("a", "trachea", [0, 10, 40, 100], "train"),
        ("a", "spine", [0, 0, 100, 100], "train"),
    ]
    assert tables.num_clipped == 1
    assert reasons(tables) == []


def test_of_two_boxes_of_a_region_the_first_sound_one_is_kept(tmp_path: Path) -> None:
    content = graph(
        ("trachea", (5, 5, 5, 5)),
        ("trachea", (10, 10, 40, 90)),
        ("trachea", (20, 20, 30, 30)),
        ("trachea", (10, 10, 40, 90)),
    )
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]})

    tables = read(tmp_path, {"a": "train"})

    assert boxes_of(tables) == [("a", "trachea", [10, 10, 40, 90], "train")]
    assert reasons(tables) == [
        ("a/trachea", "empty_box"),
        ("a/trachea#2", "duplicate_region"),
        ("a/trachea#3", "duplicate_region"),
    ]


def test_sides_that_are_swapped_are_rejected_in_pairs(tmp_path: Path) -> None:
    content = graph(
        ("right lung", LEFT),
        ("left lung", RIGHT),
        ("right clavicle", RIGHT),
        ("left clavicle", LEFT),
        ("right atrium", LEFT),  # a chamber: no pair
        ("left hemidiaphragm", RIGHT),  # its counterpart is not in the image
    )
    write_imagenome(tmp_path, {"a": content}, splits={"train": ["a"]})

    tables = read(tmp_path, {"a": "train"})

    assert tables.annotated_boxes["region"].to_list() == [
        "left hemidiaphragm",
        "right clavicle",
        "left clavicle",
        "right atrium",
    ]
    assert reasons(tables) == [
        ("a/right lung", "sides_swapped"),
        ("a/left lung", "sides_swapped"),
    ]
    assert tables.rejects["detail"][0] == (
        "a/right lung: expected the right lung on the image's left of the left lung, "
        "found their centres at x = 75 and 25"
    )


def test_no_annotations_give_empty_tables(tmp_path: Path) -> None:
    tables = read(tmp_path, {"a": "train"}, config=AnnotationsConfig(source="none"))

    assert tables.annotated_boxes.is_empty()
    assert tables.rejects.is_empty()


def test_a_root_without_the_dataset_stops_the_read(tmp_path: Path) -> None:
    (tmp_path / "gold_dataset").mkdir()

    with pytest.raises(
        SourceError, match="expected Chest ImaGenome with its folder sil"
    ):
        read(tmp_path, {"a": "train"})


def test_a_missing_split_file_stops_the_read(tmp_path: Path) -> None:
    write_imagenome(tmp_path, {}, splits={})
    (tmp_path / "silver_dataset/splits/images_to_avoid.csv").unlink()

    with pytest.raises(
        SourceError, match=r"avoid.csv: expected a file with the images"
    ):
        read(tmp_path, {"a": "train"})


def test_missing_scene_graphs_stop_the_read(tmp_path: Path) -> None:
    write_imagenome(tmp_path, {}, splits={})
    (tmp_path / "silver_dataset/scene_graph").rmdir()

    with pytest.raises(
        SourceError, match=r"expected scene_graph.zip or the folder scen"
    ):
        read(tmp_path, {"a": "train"})


def test_scene_graphs_in_a_broken_zip_stop_the_read(tmp_path: Path) -> None:
    write_imagenome(tmp_path, {}, splits={}, folder="scene_graph.zip")
    (tmp_path / "silver_dataset/scene_graph.zip").write_bytes(b"no zip")

    with pytest.raises(
        SourceError, match="expected a zip of scene graphs, found a file"
    ):
        read(tmp_path, {"a": "train"})


def table_config(name: str = "boxes.csv", **columns: str) -> AnnotationsConfig:
    return AnnotationsConfig.model_validate(
        {"source": "table", "table": {"file": name, **columns}}
    )


def test_a_table_of_boxes_is_checked_as_scene_graphs_are(tmp_path: Path) -> None:
    lines = [
        "image_id,region,x1,y1,x2,y2,licence",
        "a,right lung,10,10,40.5,90,x",
        "a,left lung,60,10,130,90,x",
        "a,left lung,60,10,90,90,x",
        "b,trachea,10,10,?,90,x",
        "b,gizzard,10,10,40,90,x",
        "b,spine,10,10",
        "elsewhere,spine,10,10,40,90,x",
    ]
    (tmp_path / "boxes.csv").write_text("\n".join(lines) + "\n")

    tables = read(tmp_path, {"a": "train", "b": "test"}, config=table_config())

    assert boxes_of(tables) == [
        ("a", "right lung", [10, 10, 40.5, 90], "train"),
        ("a", "left lung", [60, 10, 100, 90], "train"),
    ]
    assert set(tables.annotated_boxes["origin"]) == {"table"}
    assert reasons(tables) == [
        ("boxes.csv:5", "unknown_region"),
        ("boxes.csv:6", "malformed_row"),
        ("a/left lung", "duplicate_region"),
        ("b/trachea", "invalid_box"),
    ]
    assert (tables.num_clipped, tables.num_ignored) == (1, 1)


def test_a_table_of_boxes_may_be_parquet_with_names_of_its_own(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"dicom": ["a"], "region": ["spine"], "l": [1], "t": [2], "r": [3.5], "b": [4]}
    )
    frame.write_parquet(tmp_path / "boxes.parquet")
    names = {"image_id": "dicom", "x1": "l", "y1": "t", "x2": "r", "y2": "b"}

    tables = read(
        tmp_path, {"a": "validate"}, config=table_config("boxes.parquet", **names)
    )

    assert boxes_of(tables) == [("a", "spine", [1, 2, 3.5, 4], "validate")]


def test_a_table_of_boxes_without_a_column_stops_the_read(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("image_id,region,x1,y1,x2\n")

    with pytest.raises(SourceError, match=r"boxes.csv: expected the columns \['y2'\]"):
        read(tmp_path, {"a": "train"}, config=table_config())


def test_real_lung_boxes_are_read() -> None:
    root = reference_data("realcxr/boxes.csv").parent
    manifest = pl.read_csv(root / "manifest.csv", infer_schema=False)
    images, studies = corpus(dict.fromkeys(manifest["image_id"], "train"))
    sizes = manifest.select("image_id", pl.col("width", "height").cast(pl.Int32))
    images = images.drop("width", "height").join(sizes, on="image_id")

    tables = read_annotations(
        config=table_config(), root=root, images=images, studies=studies
    )

    assert len(tables.annotated_boxes) == 114
    assert tables.annotated_boxes["image_id"].n_unique() == 57
    assert reasons(tables) == []


def test_a_graph_that_cannot_be_read_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"a": graph(("trachea", LEFT))}
    write_imagenome(tmp_path, content, splits={"train": ["a"]})

    with monkeypatch.context() as faults:
        break_calls(faults, name="a_SceneGraph.json", number=errno.EACCES)
        with pytest.raises(PassingFaultError, match="EACCES"):
            read(tmp_path, {"a": "train"})

    assert reasons(read(tmp_path, {"a": "train"})) == []


def test_a_zip_that_cannot_be_read_now_is_no_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"a": graph(("trachea", LEFT))}
    splits = {"train": ["a"]}
    write_imagenome(tmp_path, content, splits=splits, folder="scene_graph.zip")

    def stale(*_: object) -> bytes:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as faults:
        faults.setattr(zipfile.ZipExtFile, "read", stale)
        with pytest.raises(PassingFaultError, match="ESTALE"):
            read(tmp_path, {"a": "train"})

    assert reasons(read(tmp_path, {"a": "train"})) == []


def test_what_macos_packed_beside_a_graph_is_not_the_graph(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = {"a": graph(("trachea", LEFT))}
    splits = {"train": ["a"]}
    write_imagenome(tmp_path, content, splits=splits, folder="scene_graph.zip")
    path = tmp_path / "silver_dataset/scene_graph.zip"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/scene_graph/a_SceneGraph.json", b"\0\5\x16\7")

    with caplog.at_level(logging.INFO):
        tables = read(tmp_path, {"a": "train"})

    assert reasons(tables) == []
    assert len(tables.annotated_boxes) == 1
    assert "scene_graph.zip: left out {'file of macOS': 1}" in caplog.text
