"""Short reports, and the triplets that they should give: one file per case.

`reports/<phenomenon>_<detail>.txt` is a report, `.triplets` beside it what it should give.
To add a case, write the report and the claims you expect *before* you look at the
parser's; then `pytest tests/golden/test_golden_triplets.py --update-golden` writes the
expected file, and its diff is compared with what you wrote.

A case that the parser gets wrong is kept, not bent: its name and the reason go into
`known_failures.tsv`, its expected file is written by hand, without the words of the
claims, and `--update-golden` leaves it alone. Once the parser is right, the test asks for
the line to be taken out.
"""

import itertools
from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.parse import parse_reports

CASES = sorted((Path(__file__).parent / "reports").glob("*.txt"))
KNOWN_FAILURES = dict(
    line.split("\t")
    for line in (Path(__file__).parent / "known_failures.tsv").read_text().splitlines()
    if not line.startswith("#")
)
MAX_SHARED_WORD_PAIRS = 0.7


def failing() -> list[object]:
    return [
        pytest.param(
            case,
            id=case.stem,
            marks=pytest.mark.xfail(
                reason=KNOWN_FAILURES[case.stem], strict=True, raises=AssertionError
            ),
        )
        for case in CASES
        if case.stem in KNOWN_FAILURES
    ]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.stem not in KNOWN_FAILURES],
    ids=lambda path: path.stem,
)
def test_triplets_of_a_report(case: Path, pytestconfig: pytest.Config) -> None:
    actual = written_out(case.read_bytes().decode())

    golden = case.with_suffix(".triplets")
    if pytestconfig.getoption("update_golden"):
        golden.write_text(actual, encoding="utf-8")
    assert actual == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", failing())
def test_what_the_parser_should_say_one_day(case: Path) -> None:
    actual = written_out(case.read_bytes().decode())

    expected = case.with_suffix(".triplets").read_text(encoding="utf-8")
    assert claims(actual) == claims(expected)


def test_there_are_cases_and_no_expectation_without_its_report() -> None:
    expected = {path.with_suffix(".txt") for path in CASES[0].parent.glob("*.triplets")}

    assert len(CASES) >= 150
    assert expected == set(CASES)
    assert KNOWN_FAILURES.keys() <= {case.stem for case in CASES}


def test_no_two_cases_are_alike() -> None:
    pairs = {case.stem: word_pairs(case.read_bytes().decode()) for case in CASES}

    for (name, these), (other, those) in itertools.combinations(pairs.items(), 2):
        shared = len(these & those) / len(these | those)
        assert shared < MAX_SHARED_WORD_PAIRS, (name, other)


def word_pairs(text: str) -> set[tuple[str, str]]:
    return set(itertools.pairwise(text.lower().split()))


def claims(written: str) -> list[tuple[str, str]]:
    """Every sentence, and every claim with its sentence; without the claim's words."""
    found = []
    sentence = ""
    for line in written.splitlines():
        if not line.startswith("    "):
            sentence = line
        found.append((sentence, line.split(" | ")[0]))
    return sorted(found)


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
