"""The files of a folder, and which of them belong to images and reports."""

from pathlib import Path

from asg_core.sources.reading.walk import (
    FileStat,
    files_below,
    name_below,
    of_part,
    path_stat,
)

FILES = [
    FileStat("p1", "s1.txt", 10, 5),
    FileStat("p1", "gone.txt", -1, 0),
    FileStat("p1", "a.JPG", 20, 6),
    FileStat("p1", "b.dcm", 21, 7),
    FileStat(None, "rows.csv", 30, 8),
]


def test_images_do_not_depend_on_what_a_report_says_but_on_which_there_are() -> None:
    assert list(of_part(FILES, part="images")) == [
        FileStat("p1", "s1.txt", 0, 0),
        FileStat("p1", "gone.txt", -1, 0),
        *FILES[2:],
    ]


def test_reports_do_not_depend_on_image_files() -> None:
    assert list(of_part(FILES, part="reports")) == [*FILES[:2], FILES[4]]
    assert list(of_part(FILES, part="all")) == FILES


def test_files_are_found_in_all_folders_below_in_order(tmp_path: Path) -> None:
    for name in ("b/2.json", "b/1.json", "a.json", "b/c/3.json", "b/._1.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    found = list(files_below(tmp_path, name="graphs"))

    names = ["graphs/a.json", "graphs/b/1.json", "graphs/b/2.json", "graphs/b/c/3.json"]
    assert [file.name for file in found] == names
    assert [file.size for file in found] == [6, 8, 8, 10]
    assert {file.patient_id for file in found} == {None}
    assert list(files_below(tmp_path / "none", name="x")) == []


def test_a_file_is_called_by_its_place_below_the_root(tmp_path: Path) -> None:
    assert name_below(tmp_path, tmp_path / "a" / "b.csv") == "a/b.csv"
    assert name_below(tmp_path / "x", tmp_path / "b.csv") == (
        (tmp_path / "b.csv").as_posix()
    )
    assert path_stat(tmp_path / "none.csv", root=tmp_path, patient_id="p1") == (
        FileStat("p1", "none.csv", -1, 0)
    )
