"""The picture of the pipeline: what was made, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass

from asg_core.summary.numbers import count_text, plural_text

_LANES: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Corpus", (("studies", "studies", "read_source"),)),
    (
        "Reports",
        (
            ("reports", "reports", "read_reports"),
            ("sentences", "sentences", ""),
            ("triplets", "triplets", "extract_triplets"),
        ),
    ),
    (
        "Images",
        (
            ("images", "images", "cache_pixels"),
            ("region_boxes", "region boxes", "detect_regions"),
        ),
    ),
    (
        "Alignment",
        (
            ("alignments", "units", "align_regions"),
            ("tag_targets", "tag targets", ""),
        ),
    ),
)
"""Lane -> table, what its rows are called, the stage whose rejects belong to it."""

_BESIDE = ("Reports", "Images")
"""Lanes of one step: neither waits for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing that was made."""

    count: str
    label: str
    notes: tuple[str, ...] = ()
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Things that are made one from the other."""

    title: str
    nodes: tuple[Node, ...]


Step = tuple[Lane, ...]
"""Lanes that are made side by side."""


def draw_pipeline(
    *,
    rows: Mapping[str, int],
    rejects: Mapping[str, int],
    num_runs: int,
    num_encoders: int,
    num_benchmarks: int,
) -> list[Step]:
    """Return the steps of what there is; what was not made leaves no gap.

    Args:
        rows: Rows of each table.
        rejects: Rejected items of each stage.
        num_runs: Pre-training runs.
        num_encoders: Encoders that were evaluated.
        num_benchmarks: Benchmarks that they were evaluated on.
    """
    lanes = [
        Lane(
            title=title,
            nodes=tuple(
                _node(rows[table], label, num_rejects=rejects.get(stage, 0))
                for table, label, stage in entries
                if table in rows
            ),
        )
        for title, entries in _LANES
    ]
    if num_runs:
        node = _node(
            num_runs,
            "run" if num_runs == 1 else "runs",
            num_rejects=rejects.get("pretrain_encoders", 0),
            href="training.html",
        )
        lanes.append(Lane(title="Pre-training", nodes=(node,)))
    if num_encoders:
        node = _node(
            num_benchmarks,
            "benchmark" if num_benchmarks == 1 else "benchmarks",
            num_rejects=rejects.get("read_benchmark", 0),
            href="benchmarks.html",
            note=plural_text(num_encoders, "encoder"),
        )
        lanes.append(Lane(title="Evaluation", nodes=(node,)))
    made = [lane for lane in lanes if lane.nodes]
    beside = tuple(lane for lane in made if lane.title in _BESIDE)
    return [
        beside if lane.title in _BESIDE else (lane,)
        for lane in made
        if lane.title not in _BESIDE or lane is beside[0]
    ]


def _node(
    count: int,
    label: str,
    *,
    num_rejects: int,
    href: str = "data.html#rows",
    note: str = "",
) -> Node:
    rejected = f"{count_text(num_rejects)} rejected" if num_rejects else ""
    return Node(
        count=count_text(count),
        label=label,
        notes=tuple(text for text in (note, rejected) if text),
        href="data.html#rejects" if rejected and not note else href,
    )
