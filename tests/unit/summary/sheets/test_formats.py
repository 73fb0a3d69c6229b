from pathlib import Path

import polars as pl

from asg_core.summary.sheets.formats import csv_frame, latex, markdown, write_sheet
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    number_columns,
    text_columns,
)

SHEET = Sheet(
    name="scores",
    caption="Scores in 100 % of a_b.",
    columns=(*text_columns("Encoder"), *number_columns("AUC & more")),
    rows=(
        (Cell(text="full|x"), Cell(text="81.2", small="\u00b1 0.4")),
        (Cell(text="<b>"), Cell(text="\u2013", why="no positive")),
        (Cell(text="ira"), Cell(text="\u2013", why="no negative")),
        (Cell(text="pixels"), Cell(text="\u2013", why="no positive")),
    ),
    footer=cells(["floor", "50.0"]),
    notes=("Over 100 % of them.",),
)


def test_markdown_escapes_and_explains() -> None:
    assert markdown(SHEET) == (
        "Scores in 100 % of a\\_b.\n"
        "\n"
        "| Encoder | AUC & more |\n"
        "| :--- | ---: |\n"
        "| full\\|x | 81.2 \u00b1 0.4 |\n"
        "| \\<b\\> | \u2013 (a) |\n"
        "| ira | \u2013 (b) |\n"
        "| pixels | \u2013 (a) |\n"
        "| floor | 50.0 |\n"
        "\n"
        "(a) no positive\n"
        "\n"
        "(b) no negative\n"
        "\n"
        "Over 100 % of them.\n"
    )


def test_latex_is_a_booktabs_table() -> None:
    assert latex(SHEET).splitlines() == [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\caption{Scores in 100 \% of a\_b.}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Encoder & AUC \& more \\",
        r"\midrule",
        r"full|x & 81.2 $\pm$ 0.4 \\",
        r"\textless{}b\textgreater{} & --\textsuperscript{a} \\",
        r"ira & --\textsuperscript{b} \\",
        r"pixels & --\textsuperscript{a} \\",
        r"\midrule",
        r"floor & 50.0 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\footnotesize (a) no positive",
        r"\par\footnotesize (b) no negative",
        r"\par\footnotesize Over 100 \% of them.",
        r"\end{table}",
    ]


def test_csv_has_the_texts_where_there_are_no_better_numbers() -> None:
    frame = csv_frame(SHEET)

    assert frame.columns == ["Encoder", "AUC & more"]
    assert frame["AUC & more"].to_list() == ["81.2 \u00b1 0.4", "", "", "", "50.0"]


def test_csv_has_the_data_where_there_is_some(tmp_path: Path) -> None:
    data = pl.DataFrame({"encoder": ["full"], "value": [0.8123456789]})
    sheet = Sheet(name="s", caption="c", columns=(), rows=(), data=data)

    write_sheet(sheet, tmp_path)

    assert (tmp_path / "s.csv").read_text() == "encoder,value\nfull,0.8123456789\n"


def test_columns_of_one_name_are_told_apart_in_csv() -> None:
    columns = number_columns("x", "x")
    sheet = Sheet(name="s", caption="c", columns=columns, rows=(cells(["1", "2"]),))

    assert csv_frame(sheet).to_dicts() == [{"x": "1", "x 2": "2"}]
