"""Say how the parser `lexicon` reads a text: a help for those who extend the vocabulary.

`python -m asg_core.reports.explain REPORT.txt`, or the text on standard input; with
`--lexicon FOLDER` by one's own files.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.reading import read_sentence
from asg_core.reports.lexicon.load import Lexicon, load_lexicon
from asg_core.reports.lexicon.phrases import Entry
from asg_core.reports.parse import parse_reports


def main() -> None:
    """Explain a file, or what comes in."""
    parser = argparse.ArgumentParser(
        prog="python -m asg_core.reports.explain", description=__doc__.splitlines()[0]
    )
    parser.add_argument("report", nargs="?", type=Path, help="a text file; else stdin")
    parser.add_argument("--lexicon", type=Path, help="a folder of one's own files")
    arguments = parser.parse_args()
    path = arguments.report
    # Bytes, so that offsets and line ends are those of the file.
    raw = sys.stdin.buffer.read() if path is None else path.read_bytes()
    lines = explained(raw.decode("utf-8", "replace"), lexicon=arguments.lexicon)
    sys.stdout.write("\n".join(lines) + "\n")


def explained(text: str, *, lexicon: Path | None = None) -> Iterator[str]:
    """Yield lines: each sentence, what its phrases mean, and what it claims.

    `lexicon` is the folder of one's own files, as in `reports.lexicon`. Abbreviations
    that the text defines itself are used, but not shown among the phrases.
    """
    words = load_lexicon(lexicon)
    parsed = parse_reports(
        pl.DataFrame({"study_id": ["-"], "text": [text]}),
        config=ReportsConfig(include_history=True, lexicon=lexicon),
    )
    for reject in parsed.rejects.iter_rows(named=True):
        yield f"not read, {reject['reason']}: {reject['detail']}"
    for sentence in parsed.sentences.iter_rows(named=True):
        index = sentence["sentence_index"]
        shown = " ".join(sentence["text"].split())
        yield f"{sentence['section']}, sentence {index}: {shown}"
        phrases = list(_phrases(words, sentence["text"]))
        yield f"  phrases: {' | '.join(phrases) or 'none'}"
        claims = parsed.triplets.filter(pl.col("sentence_index") == index)
        for claim in claims.sort("finding_start", maintain_order=True).iter_rows(
            named=True
        ):
            yield f"  claim: {_claim(claim, text)}"
        if claims.is_empty():
            yield "  no claim"


def _phrases(lexicon: Lexicon, sentence: str) -> Iterator[str]:
    """Yield the phrases of one sentence with what they mean; clauses are set off by //."""
    reading = read_sentence(lexicon, sentence)
    clause = 0
    for match in reading.matches:
        words = " ".join(sentence[match.start : match.end].split())
        current = reading.clauses.index_of(match.first)
        yield f"{'// ' if current != clause else ''}{words} [{_meaning(match.entry)}]"
        clause = current


def _meaning(entry: Entry) -> str:
    """Return what a phrase means, in the words of the lexicon's files."""
    place = " ".join((*entry.sides, entry.zone or "")).strip()
    parts = [
        " + ".join(entry.findings),
        place,
        f"state {entry.state}" if entry.state else "",
        *sorted(entry.cues),
        entry.role or "",
    ]
    return ", ".join(part for part in parts if part) or "shielded"


def _claim(claim: dict[str, object], text: str) -> str:
    def words(name: str) -> str | None:
        start, end = claim[f"{name}_start"], claim[f"{name}_end"]
        if not isinstance(start, int) or not isinstance(end, int):
            return None
        return f'"{" ".join(text[start:end].split())}"'

    context = "" if claim["context"] == "current" else f" ({claim['context']})"
    parts = [words("finding") or ""]
    for name in ("place", "cue"):
        found = words(name)
        parts += [f"{name} {found}"] if found else []
    return (
        f"{claim['finding']}, {claim['region']}: {claim['existence']}{context}"
        f" by {', '.join(parts)}"
    )


if __name__ == "__main__":
    main()
