"""Texts made to break a parser: what comes out is sound, and the time is linear.

The generators repeat what a regular expression, a scope or a look-up could trip over.
They are read at one size and at four times that size: linear time takes four times as
long, quadratic time sixteen times.
"""

import itertools
import time
from collections.abc import Callable

import polars as pl
import pytest

from asg_core.reports.parse import parse_reports
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS

SIZE = 2**15
MAX_RATIO = 8
# Shorter times are those of starting, not of reading.
MIN_SECONDS = 0.01
MEGABYTE = 2**20
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def repeated(piece: str) -> Callable[[int], str]:
    return lambda size: (piece * (size // len(piece) + 1))[:size]


def counted(piece: str) -> Callable[[int], str]:
    """Return a text in which no two pieces are the same: `{}` is a number in letters."""

    def text(size: int) -> str:
        pieces = (
            piece.format("".join(letters))
            for letters in itertools.product(LETTERS, repeat=4)
        )
        count = size // (len(piece) + 2) + 1
        return "".join(itertools.islice(pieces, count))[:size]

    return text


GENERATORS = {
    "one word": repeated("x"),
    "one digit": repeated("1"),
    "a capital that lowers to two": repeated("\u0130"),
    "combining marks": repeated("e\u0301\u0328"),
    "right to left": repeated("\u202e\u05d0 "),
    "emoji": repeated("\U0001f642 "),
    "punctuation": repeated(".,;:!?-/()&"),
    "full stops": repeated("."),
    "question marks": repeated("? "),
    "colons": repeated(":"),
    "hyphens": repeated("-"),
    "bullets": repeated("\n- "),
    "line feeds": repeated("\n"),
    "blank lines": repeated(" \r\n"),
    "blanks": repeated(" "),
    "blanks before a word": lambda size: " " * (size - 1) + "x",
    "blanks before a colon": lambda size: "\nA" + " " * (size - 3) + ":",
    "underscores": lambda size: "_" * (size - 1) + "x",
    "lines of underscores": repeated("______\n"),
    "headers": repeated("FINDINGS:\n"),
    "headers in a line": repeated("FINDINGS: "),
    "headers in lower case": repeated("findings: "),
    "headers without a colon": repeated("FINDINGS The "),
    "headers alone on their lines": repeated("\nfindings"),
    "headers with a dash": repeated("\nFindings - "),
    "decorated lines": repeated("\n" + "#*- " * 20),
    "sides of a line": repeated("LEFT LUNG: effusion. "),
    "tags": repeated("<b>"),
    "open tags": repeated("<br "),
    "line ends of HTML": repeated("<br> "),
    "stars": repeated("**a*"),
    "numbers of Markdown": repeated("# #\n"),
    "entities": repeated("&nbsp;"),
    "another language": repeated("sin edema ni derrame en el "),
    "headers that are none": counted("HEADER{}:\n"),
    "words without a colon": repeated("\nA" + " b" * 35),
    "titles": repeated("ADDENDUM "),
    "openers": repeated("The    "),
    "numbers of a list": repeated("1. "),
    "decimals": repeated("3.5 "),
    "abbreviations": repeated("Dr. "),
    "initials": repeated("A."),
    "definitions": counted("air space disease ({0}) {0} "),
    "one definition": repeated("air space disease (ASD) "),
    "open brackets": repeated("(effusion "),
    "nested brackets": lambda size: "(" * (size // 2) + ")" * (size // 2),
    "no no no": repeated("no "),
    "no effusion or": repeated("no effusion or "),
    "effusion and": repeated("effusion and "),
    "clear of": repeated("clear of effusion, "),
    "places": repeated("left, right, upper lobe, "),
    "tips": repeated("tip of the catheter in the "),
    "this": counted("This may be pneumonia {}. "),
    "sentences": counted("Small left effusion {0}, heart enlarged. No edema in {0}.\n"),
}
SLOW_TO_READ = {"no effusion or", "places"}


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATORS)
def test_four_times_the_text_takes_about_four_times_as_long(name: str) -> None:
    make = GENERATORS[name]

    short, long = (seconds_for("FINDINGS: " + make(size)) for size in (SIZE, 4 * SIZE))

    assert long < MAX_RATIO * max(short, MIN_SECONDS)


@pytest.mark.slow
def test_abbreviations_are_looked_for_in_linear_time() -> None:
    # Longer texts than these are not searched for definitions.
    make = counted("a ({0}) {0} ")

    short, long = (seconds_for(make(size)) for size in (2**12, 2**14))

    assert long < MAX_RATIO * max(short, MIN_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(GENERATORS.keys() - SLOW_TO_READ))
def test_a_megabyte_is_read(name: str) -> None:
    check(GENERATORS[name](MEGABYTE))


@pytest.mark.parametrize("name", GENERATORS)
def test_what_comes_out_is_sound(name: str) -> None:
    text = GENERATORS[name](2**12)

    check(text)
    check("FINDINGS: " + text)


def test_a_null_character_in_a_report_is_a_character() -> None:
    parsed = parse_reports(frame_of("FINDINGS: Left\x00 effusion is seen. No edema."))

    assert parsed.sentences["text"].to_list() == [
        "Left\x00 effusion is seen.",
        "No edema.",
    ]
    assert set(parsed.triplets["finding"]) == {"pleural effusion", "edema"}


def test_a_text_in_another_language_has_sentences_and_claims_little() -> None:
    parsed = parse_reports(frame_of("BEFUND: Kein Erguss. Herz normal gro\xdf."))

    assert parsed.sentences["text"].to_list() == [
        "BEFUND: Kein Erguss.",
        "Herz normal gro\xdf.",
    ]
    assert parsed.triplets.is_empty()


def frame_of(text: str) -> pl.DataFrame:
    return pl.DataFrame({"study_id": ["s"], "text": [text]})


def check(text: str) -> None:
    """The report has sentences or a reject, and every offset is in its place."""
    parsed = parse_reports(frame_of(text))

    SENTENCES.check(parsed.sentences, where="sentences")
    TRIPLETS.check(parsed.triplets, where="triplets")
    REJECTS.check(parsed.rejects, where="rejects")
    assert parsed.sentences.is_empty() != parsed.rejects.is_empty()
    edges = [0]
    for row in parsed.sentences.iter_rows(named=True):
        assert text[row["start"] : row["end"]] == row["text"]
        edges += [row["start"], row["end"]]
    assert edges == sorted(edges)
    for name in ("finding", "place", "cue"):
        spans = parsed.triplets.select(f"{name}_start", f"{name}_end").drop_nulls()
        assert all(0 <= start < end <= len(text) for start, end in spans.iter_rows())


def seconds_for(text: str) -> float:
    """Return the seconds of the processor that the text takes, the best of three."""
    reports = frame_of(text)
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        parse_reports(reports)
        best = min(best, time.process_time() - start)
    return best
