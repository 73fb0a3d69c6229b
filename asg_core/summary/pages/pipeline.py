"""The picture of the pipeline: what was made, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass

from asg_core.summary.sheets.numbers import count_text, plural_text
from asg_core.terms.stages import Stage

_LANES: tuple[tuple[str, tuple[tuple[str, str, Stage | None], ...]], ...] = (
    ("Corpus", (("studies", "studies", Stage.READ_SOURCE),)),
    (
        "Reports",
        (
            ("reports", "reports", Stage.READ_REPORTS),
            ("sentences", "sentences", None),
            ("triplets", "triplets", Stage.EXTRACT_TRIPLETS),
        ),
    ),
    (
        "Images",
        (
            ("images", "images", Stage.CACHE_PIXELS),
            ("annotated_boxes", "annotated boxes", Stage.READ_ANNOTATIONS),
            ("region_boxes", "region boxes", Stage.DETECT_REGIONS),
        ),
    ),
    (
        "Alignment",
        (
            ("alignments", "units", Stage.ALIGN_REGIONS),
            ("tag_targets", "tag targets", None),
        ),
    ),
)
"""The lanes from left to right. Of each thing that is made: its table, what its rows are
called, and the stage whose rejects belong to it."""

_BESIDE = ("Reports", "Images")
"""Lanes of one step: neither waits for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineNode:
    """One thing that was made."""

    count: str
    label: str
    notes: tuple[str, ...] = ()
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Things that are made one from the other."""

    title: str
    nodes: tuple[PipelineNode, ...]


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
                _node(rows[table], label, num_rejects=rejects.get(stage or "", 0))
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
            num_rejects=rejects.get(Stage.PRETRAIN_ENCODERS, 0),
            href="training.html",
        )
        lanes.append(Lane(title="Pre-training", nodes=(node,)))
    if num_encoders:
        node = _node(
            num_benchmarks,
            "benchmark" if num_benchmarks == 1 else "benchmarks",
            num_rejects=rejects.get(Stage.READ_BENCHMARK, 0),
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
) -> PipelineNode:
    rejected = f"{count_text(num_rejects)} rejected" if num_rejects else ""
    return PipelineNode(
        count=count_text(count),
        label=label,
        notes=tuple(text for text in (note, rejected) if text),
        href="data.html#rejects" if rejected and not note else href,
    )
