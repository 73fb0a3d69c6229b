"""How many reports a second the lexicon parser reads, on one core.

    python bench/bench_reports.py [REPORTS.parquet]

REPORTS has the columns study_id and text; without it the reports of the golden tests are
used, many times over. Sentences that were read before are cheaper, so the speed is given
for a corpus as it is and for one in which no sentence repeats.
"""

import sys
import time
from pathlib import Path

import polars as pl

from asg_core.reports.lexicon_files import shared_lexicon
from asg_core.reports.parse import parse_reports
from asg_core.reports.sentences import split_sentences

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "reports"
NUM_GOLDEN = 4_000


def main() -> None:
    """Measure and print."""
    started = time.process_time()
    shared_lexicon()
    loaded = time.process_time() - started
    reports = read(Path(sys.argv[1])) if len(sys.argv) > 1 else golden()
    parse_reports(golden().head(1))
    words = sum(len(text.split()) for text in reports["text"]) / len(reports)
    print(f"lexicon read in {loaded:.2f} s of CPU")
    print(f"{len(reports)} reports of {words:.0f} words on average; reports/s of CPU:")
    print(f"as they are, first time  {speed(reports):8.0f}")
    print(f"as they are, again       {speed(reports):8.0f}")
    distinct = [without_repetition(reports, salt=salt) for salt in "xyz"]
    print(f"no sentence repeats      {max(map(speed, distinct)):8.0f}")


def read(path: Path) -> pl.DataFrame:
    """Read the reports that have a text."""
    return pl.read_parquet(path, columns=["study_id", "text"]).filter(
        pl.col("text").str.strip_chars() != ""
    )


def golden() -> pl.DataFrame:
    """Return the reports of the golden tests, over and over."""
    texts = [path.read_text() for path in sorted(GOLDEN.glob("*.txt"))]
    return pl.DataFrame(
        {
            "study_id": [str(index) for index in range(NUM_GOLDEN)],
            "text": [texts[index % len(texts)] for index in range(NUM_GOLDEN)],
        }
    )


def without_repetition(reports: pl.DataFrame, *, salt: str) -> pl.DataFrame:
    """Add a word of its own to every sentence, so that none has been read before."""
    texts = []
    count = 0
    for text in reports["text"]:
        pieces, begin = [], 0
        for _, end in split_sentences(text, 0, len(text)):
            stop = end - 1 if text[end - 1] == "." else end
            pieces.append(f"{text[begin:stop]} {salt}{count}")
            begin, count = stop, count + 1
        texts.append("".join(pieces) + text[begin:])
    return reports.with_columns(text=pl.Series(texts, dtype=pl.String))


def speed(reports: pl.DataFrame) -> float:
    """Return reports per second of CPU time."""
    started = time.process_time()
    parse_reports(reports)
    return len(reports) / (time.process_time() - started)


if __name__ == "__main__":
    main()
