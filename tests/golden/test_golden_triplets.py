"""Short reports, and the triplets that they should give: one file per case.

`pytest tests/golden --update-golden` rewrites the expected files; review the diff.
"""

from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.parse import parse_reports

CASES = sorted((Path(__file__).parent / "reports").glob("*.txt"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_triplets_of_a_report(case: Path, pytestconfig: pytest.Config) -> None:
    text = case.read_bytes().decode()

    actual = written_out(text)

    golden = case.with_suffix(".triplets")
    if pytestconfig.getoption("update_golden"):
        golden.write_text(actual, encoding="utf-8")
    assert actual == golden.read_text(encoding="utf-8")


def test_there_are_cases_and_no_expectation_without_its_report() -> None:
    expected = {path.with_suffix(".txt") for path in CASES[0].parent.glob("*.triplets")}

    assert len(CASES) >= 20
    assert expected == set(CASES)


def written_out(text: str) -> str:
    """One line per sentence, and under it one per triplet with its words."""
    parsed = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))
    lines = []
    for sentence in parsed.sentences.iter_rows(named=True):
        words = " ".join(sentence["text"].split())
        lines.append(f"{sentence['sentence_index']} [{sentence['section']}] {words}")
        here = pl.col("sentence_index") == sentence["sentence_index"]
        rows = parsed.triplets.filter(here).sort("finding_start", "finding", "region")
        for row in rows.iter_rows(named=True):
            context = "" if row["context"] == "current" else f" ({row['context']})"
            spans = "".join(
                f" | {name}: {quoted(text, row[f'{name}_start'], row[f'{name}_end'])}"
                for name in ("finding", "place", "cue")
            )
            claim = f"{row['existence']}{context} {row['finding']} @ {row['region']}"
            lines.append(f"    {claim}{spans}")
    lines.extend(
        f"reject {row['reason']}" for row in parsed.rejects.iter_rows(named=True)
    )
    return "\n".join(lines) + "\n"


def quoted(text: str, start: int | None, end: int | None) -> str:
    return "-" if start is None else f"'{' '.join(text[start:end].split())}'"
