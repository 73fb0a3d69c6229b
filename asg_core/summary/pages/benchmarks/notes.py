"""What the scores of benchmarks do not say: their parts, remarks, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asg_core.summary.inputs import Notes
from asg_core.summary.sheets.names import benchmark_label
from asg_core.summary.sheets.numbers import count_text
from asg_core.summary.sheets.sheet import Sheet, cells, text_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDone:
    """A protocol that some encoders have no result of, and why."""

    protocol: str
    encoders: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence about the scores of some encoders."""

    sentence: str
    encoders: tuple[str, ...]


def about_benchmarks(notes: Sequence[Notes]) -> dict[str, list[str]]:
    """Return sentences about the parts of each benchmark.

    Encoders that were evaluated on the same parts say the same, which is said once.
    """
    lines: dict[str, dict[str, None]] = {}
    for note in notes:
        about = lines.setdefault(note.benchmark, {})
        if note.recipe:
            about[f"Split: {note.recipe}."] = None
        if note.counts:
            parts = [f"{part} {count_text(n)}" for part, n in note.counts.items()]
            about[f"Images of the parts: {', '.join(parts)}."] = None
        if note.overlaps:
            about[_overlap_text(note.overlaps)] = None
    return {benchmark: list(about) for benchmark, about in lines.items()}


def remarks(notes: Sequence[Notes]) -> dict[str, list[Remark]]:
    """Return for each benchmark what a reader of its scores must know.

    A sentence that is said of several encoders is one remark.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for note in notes:
        of_benchmark = found.setdefault(note.benchmark, {})
        for sentence in note.notes:
            of_benchmark.setdefault(sentence, []).append(note.encoder)
    return {
        benchmark: [
            Remark(sentence=sentence, encoders=tuple(encoders))
            for sentence, encoders in sentences.items()
        ]
        for benchmark, sentences in found.items()
    }


def not_applicable(notes: Sequence[Notes]) -> dict[str, list[NotDone]]:
    """Return for each benchmark what was not done; equal reasons are joined."""
    joined: dict[tuple[str, str, str], list[str]] = {}
    for note in notes:
        for protocol, reason in note.not_applicable:
            key = (note.benchmark, protocol, reason)
            joined.setdefault(key, []).append(note.encoder)
    found: dict[str, list[NotDone]] = {}
    for (benchmark, protocol, reason), encoders in sorted(joined.items()):
        found.setdefault(benchmark, []).append(
            NotDone(protocol=protocol, encoders=tuple(encoders), reason=reason)
        )
    return found


def failures_sheet(notes: Sequence[Notes]) -> Sheet | None:
    """Return which encoders failed, where and why; None where none did."""
    rows = tuple(
        cells([note.encoder, benchmark_label(note.benchmark), note.failure])
        for note in notes
        if note.failure
    )
    if not rows:
        return None
    return Sheet(
        name="failures",
        caption="Encoders that could not be evaluated. The next run tries them again.",
        columns=text_columns("Encoder", "Benchmark", "Reason"),
        rows=rows,
    )


def _overlap_text(overlaps: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many images and patients two parts share."""
    parts = []
    for pair, shared in overlaps.items():
        counts = ", ".join(f"{count} {what}" for what, count in shared.items())
        parts.append(f"{pair}: {counts}")
    return f"Shared between parts: {'; '.join(parts)}."
