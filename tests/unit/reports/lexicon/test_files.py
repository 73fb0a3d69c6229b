from pathlib import Path

import pytest

from asg_core.reports.lexicon.files import expand, read_rows

COLUMNS = ("phrase", "state", "reason")


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        ("scar", ["scar"]),
        ("opacit(y|ies)", ["opacity", "opacities"]),
        ("(lung |)base", ["lung base", "base"]),
        ("a(b|c(d|e))f", ["abf", "acdf", "acef"]),
        ("a|b", ["a", "b"]),
    ],
)
def test_a_pattern_stands_for_its_phrases(pattern: str, phrases: list[str]) -> None:
    assert expand(pattern) == phrases


@pytest.mark.parametrize("pattern", ["a(b", "a)b", "a(b|c(d)"])
def test_brackets_must_pair(pattern: str) -> None:
    with pytest.raises(ValueError, match="expand: expected paired brackets"):
        expand(pattern)


def test_rows_are_cells_by_column_without_comments_and_blank_lines(
    tmp_path: Path,
) -> None:
    path = tmp_path / "states.tsv"
    path.write_text(
        "\ufeff# a comment\r\nphrase\tstate\treason\r\n\r\nclear \tclear\t-\r\n",
        encoding="utf-8",
        newline="",
    )

    (row,) = read_rows(path, columns=COLUMNS)

    assert row.cells == {"phrase": "clear", "state": "clear", "reason": "-"}
    assert row.where == f"{path}, line 4"
    assert (row.listed("state"), row.listed("reason")) == (("clear",), ())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("phrase\tstate\nclear\tclear\n", "line 1: expected the header"),
        ("# x\nphrase\tstate\treason\n\nclear clear -\n", "line 4: expected the columns"),
        ("phrase\tstate\treason\nclear\t\t-\n", "line 2: expected the columns"),
        ("phrase\tstate\treason\na\tb\t-\td\n", "line 2: expected the columns"),
    ],
)  # fmt: skip
def test_a_file_needs_its_header_and_its_columns(
    tmp_path: Path, lines: str, message: str
) -> None:
    path = tmp_path / "states.tsv"
    path.write_text(lines)

    with pytest.raises(ValueError, match=f"states.tsv, {message}"):
        read_rows(path, columns=COLUMNS)


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "states.tsv"
    path.write_bytes(b"phrase\tstate\treason\nclart\xe9\tclear\t-\n")

    with pytest.raises(ValueError, match=r"line 2: expected text in UTF-8, .* 0xe9\."):
        read_rows(path, columns=COLUMNS)
