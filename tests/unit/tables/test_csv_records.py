"""The one reader of CSV: what it takes as it is, and which quotes it refuses."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from asg_core.tables.csv_records import CsvError, column_places, read_records

GOLDEN = Path(__file__).parents[2] / "golden" / "reports"
REPORTS = [
    ["id", "words", "view"],
    ["s1", "Clear, mostly.\nNo effusion.\n\nNo 'pneumothorax'.", "PA"],
    ["s2", 'Said "clear".\r\nTwo lines, then\r\nthree.', "AP"],
    ["s3", "", ""],
    ["s4", "1. No edema, no effusion.\n2. Rib 7, old.\n3. Done", "LL"],
]


def written(rows: Sequence[Sequence[str]], **style: object) -> str:
    stream = io.StringIO(newline="")
    settings: dict[str, Any] = dict(style)
    csv.writer(stream, **settings).writerows(rows)
    return stream.getvalue()


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    lines = io.StringIO(text, newline="")
    return list(read_records(lines, where="t.csv", delimiter=delimiter))


def refusal(text: str) -> str:
    with pytest.raises(CsvError) as caught:
        read(text)
    return str(caught.value)


def numbered(num_rows: int, *, words: str = "Clear.") -> list[str]:
    """Return the lines of a plain table: header, then a row a line from line 2 on."""
    rows = [f"s{number},{words},PA" for number in range(1, num_rows + 1)]
    return ["id,words,view", *rows]


@pytest.mark.parametrize(
    ("quoting", "end"),
    [
        (csv.QUOTE_MINIMAL, "\n"),
        (csv.QUOTE_MINIMAL, "\r\n"),
        (csv.QUOTE_ALL, "\n"),
        (csv.QUOTE_ALL, "\r"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_writer_of_csv_writes_is_read_back(
    quoting: int, end: str, delimiter: str
) -> None:
    text = written(REPORTS, quoting=quoting, lineterminator=end, delimiter=delimiter)

    assert read(text, delimiter) == REPORTS


def test_a_blank_line_is_an_empty_row_and_rows_may_differ_in_length() -> None:
    assert read("a,b\n\n1\n1,2,3") == [["a", "b"], [], ["1"], ["1", "2", "3"]]


def test_a_cell_of_many_characters_is_read() -> None:
    long = "12 3 " * 60_000

    assert read(f"a,b\n1,{long}\n2,x\n")[1:] == [["1", long], ["2", "x"]]


def test_a_quote_that_is_never_closed_is_refused_with_its_line() -> None:
    lines = numbered(200)
    lines[20] = 's20,"Clear.,PA'

    assert refusal("\n".join(lines) + "\n") == (
        "t.csv, line 21: expected the cell that begins there with a quote to end with one, "
        "found none to the end of the file: lines 21 to 201 would be one cell. Close the "
        'quote, or write "" for a quote inside of a text.'
    )


def test_an_open_quote_in_the_last_line_is_refused_too() -> None:
    assert "t.csv, line 3: expected" in refusal('a,b\n1,x\n2,"cut off')


def test_the_line_is_that_of_the_quote_and_not_of_its_row() -> None:
    text = 'id,a,b\ns1,"two\nlines","open\ns2,x,y\n'

    assert refusal(text).startswith(
        "t.csv, line 3: expected the cell that begins there"
    )


def test_a_quote_that_the_next_quoted_cell_closes_is_refused() -> None:
    lines = numbered(30)
    lines[10] = 's10,"Clear.,PA'
    lines[20] = 's20,"Clear, mostly.",PA'

    assert refusal("\n".join(lines)) == (
        "t.csv, line 11: expected the cell that begins there with a quote to end with one, "
        "found the next quote in the middle of line 21: lines 11 to 21 would be one cell. "
        'Close the quote, or write "" for a quote inside of a text.'
    )


@pytest.mark.parametrize(
    "closing",
    ['s20,Heart normal",PA', 's20,Heart normal,PA"', 's20,6",PA'],
    ids=["as a cell ends", "as a row ends", "as an inch"],
)
def test_a_quote_that_closes_by_swallowing_rows_is_refused(closing: str) -> None:
    lines = numbered(30)
    lines[10] = 's10,"Clear.,PA'
    lines[20] = closing

    message = refusal("\n".join(lines))

    assert message.startswith(
        "t.csv, line 11: expected a row in every line, found a cell"
    )
    assert "line 21" in message


def test_two_rows_that_one_quote_joins_are_told_by_their_columns() -> None:
    text = 'id,words,view\ns1,Clear.,PA\ns2,"Clear.,PA\ns3,Edema.",AP\ns4,x,PA\n'

    assert refusal(text).startswith("t.csv, line 3: expected a row in every line")


@pytest.mark.parametrize(
    "cell",
    [
        "Heart normal.\nLungs clear, no effusion.\nBones, intact.",
        "Fractures of\nT7, T8 vertebrae",
        "Ribs\n2, 3, 4, and 5",
        "Nodules:\n3 mm, left\n4 mm, right",
        "Lines,\nL4, L5\nand,S1",
        ",\n,\n,",
    ],
)
@pytest.mark.parametrize("num_columns", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_text_of_several_lines_is_no_row(
    cell: str, num_columns: int, *, is_first: bool
) -> None:
    others = [f"c{place}" for place in range(num_columns - 1)]
    rows = [["words", *others] if is_first else [*others, "words"]]
    for number in range(3):
        rest = [f"s{number}" if place == 0 else "12" for place in range(len(others))]
        rows.append([cell, *rest] if is_first else [*rest, cell])

    assert read(written(rows)) == rows


@pytest.mark.parametrize(
    "rows",
    [
        [["s1", "Clear."], ["s2", "Old fractures of\nt7,t8 and t9"]],
        [
            ["s1", "57", "PA", "Clear."],
            ["s2", "60", "AP", "Compared with\ns1,two days ago,no change,stable"],
        ],
    ],
    ids=["two columns", "four columns"],
)
def test_a_line_of_a_text_may_begin_as_a_row_does(rows: list[list[str]]) -> None:
    header = [f"c{column}" for column in range(len(rows[0]))]

    assert read(written([header, *rows])) == [header, *rows]


@pytest.mark.parametrize("num_columns", [1, 2, 3, 5])
@pytest.mark.parametrize("place", [0, -1])
def test_reports_of_several_lines_are_no_rows(num_columns: int, place: int) -> None:
    texts = [path.read_text() for path in sorted(GOLDEN.glob("*.txt"))]
    rows = [[f"c{column}" for column in range(num_columns)]]
    for number, text in enumerate([*texts, *(t.replace(", ", ",\n") for t in texts)]):
        rows.append([f"CXR{number}", "PA", "12", "x/y.png", ""][:num_columns])
        rows[-1][place] = text

    assert len(texts) > 200
    assert read(written(rows)) == rows


def test_a_quote_inside_of_a_text_is_a_quote() -> None:
    text = 'id,words\n1,a 6" tube\n2,"Nodule" seen\n3,x\n'

    assert read(text)[1:] == [["1", 'a 6" tube'], ["2", "Nodule seen"], ["3", "x"]]


def test_a_faulty_quote_before_an_open_one_hides_nothing() -> None:
    message = refusal('id,a,b\n1,"x" y,"open\n2,x,y\n')

    assert message.startswith("t.csv, line 2: expected the cell that begins there")


def test_a_cell_without_end_is_not_read_into_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asg_core.tables.csv_records.MAX_CELL", 1000)
    given = []

    def lines() -> Iterator[str]:
        yield "id,words\n"
        yield '1,"open\n'
        for number in range(100_000):
            given.append(number)
            yield "words and words\n"

    with pytest.raises(
        CsvError, match=r"line 2: .* found none within 1,000 characters"
    ):
        list(read_records(lines(), where="t.csv"))
    assert len(given) < 100


def test_places_of_columns_are_those_of_their_names() -> None:
    assert column_places(["b", "", "a", ""], columns=["a", "b"], where="t.csv") == [
        2,
        0,
    ]


def test_a_name_that_stands_twice_is_refused_where_it_is_read() -> None:
    header = ["id", "words", "note", "words", "note"]

    assert column_places(header, columns=["id"], where="t.csv") == [0]
    with pytest.raises(CsvError) as caught:
        column_places(header, columns=["id", "words"], where="t.csv")
    assert str(caught.value) == (
        "t.csv: expected each of the columns ['id', 'words'] once, found 'words' in the "
        "columns 2 and 4. Rename or remove one of them."
    )


def test_the_line_of_a_quote_is_counted_as_the_file_is_read() -> None:
    rows = ["id,a,b", '1,"x\x0c\x0b\u2028\x85y","open', "2,q,w", '3,"e",r']

    assert "line 2: " in refusal("\n".join(rows))
