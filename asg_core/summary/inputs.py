"""What the summary is made of: paths of results, and what is read from them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from asg_core.learning.run_folder import HISTORY_FILE, PRETRAINED, read_run
from asg_core.tables.catalog import HISTORY, METRICS
from asg_core.tables.schema import read_table, read_tables

_NOTE_KEYS = (
    "benchmark",
    "encoder",
    "not_applicable",
    "split",
    "recipe",
    "counts",
    "overlaps",
    "notes",
    "failure",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryInputs:
    """The files of one corpus's results; whatever was not made is left empty.

    `config` is the resolved configuration as plain values. Of a table that has shards,
    the files of one patient have the same name in every table.
    """

    corpus: str
    stage_metrics: Sequence[Path] = ()
    tables: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    rejects: Sequence[Path] = ()
    runs: Mapping[str, Path] = field(default_factory=dict)
    """Run name -> folder with run.json and history.parquet."""

    evaluations: Sequence[Path] = ()
    """Folders with metrics.parquet and notes.json."""

    timings: Path | None = None
    """Folder of Snakemake's benchmark files: <rule>/<wildcards>.tsv."""

    pixels: Sequence[Path] = ()
    """Shards of the pixel cache, which examples are drawn from."""

    corpus_root: Path | None = None
    """Folder of the corpus's image files; examples are drawn from them where it is
    given, and are then as sharp as the files."""

    config: Mapping[str, Any] = field(default_factory=dict)
    code_digests: Mapping[str, str] = field(default_factory=dict)
    """Rule -> digest of the code that it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pre-training run: its description and its curves, in HISTORY."""

    name: str
    facts: Mapping[str, Any]
    history: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the metrics of one encoder on one benchmark do not say."""

    benchmark: str
    encoder: str
    split: str = ""
    recipe: str = ""  # how the split divides the images
    not_applicable: tuple[tuple[str, str], ...] = ()  # protocol, reason
    counts: Mapping[str, int] = field(default_factory=dict)  # images of each part
    overlaps: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # sentences that a reader of the scores must know
    failure: str = ""  # why there is no result at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """All results: METRICS of every encoder and benchmark, and the notes beside them."""

    metrics: pl.DataFrame
    notes: tuple[Notes, ...]


def read_runs(runs: Mapping[str, Path]) -> list[Run]:
    """Read run.json and history.parquet of every run, in the order given.

    Raises:
        ValueError: If a run.json is of another kind or format.
        FileNotFoundError: If a file is missing.
    """
    return [_read_run(name, folder) for name, folder in runs.items()]


def read_evaluations(folders: Sequence[Path]) -> Evaluations:
    """Read metrics.parquet and notes.json of every folder; no folders give no rows.

    Raises:
        ValueError: If notes.json has other keys than it should.
        FileNotFoundError: If a file is missing.
    """
    return Evaluations(
        metrics=read_tables(
            [folder / "metrics.parquet" for folder in folders], schema=METRICS
        ),
        notes=tuple(_read_notes(folder / "notes.json") for folder in folders),
    )


def has_corpus(config: Mapping[str, Any]) -> bool:
    """Return whether there is a corpus, or encoders were evaluated and no more."""
    return config_at(config, "corpus").get("source") != "none"


def encoder_order(config: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the distinct `names`, those of the configuration first and in its order."""
    known = config_at(config, "evaluation", "encoders")
    first = [name for name in known if name in names]
    return first + sorted(set(names) - set(first))


def config_at(config: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the mapping below `keys`; empty where the configuration has no such part."""
    part: object = config
    for key in keys:
        part = part.get(key) if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _read_run(name: str, folder: Path) -> Run:
    facts = read_run(folder, kind=PRETRAINED)
    history = read_table(folder / HISTORY_FILE, schema=HISTORY)
    return Run(name=name, facts=facts, history=history)


def _read_notes(path: Path) -> Notes:
    values = json.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(set(values) - set(_NOTE_KEYS))
    missing = [key for key in ("benchmark", "encoder") if key not in values]
    if unknown or missing:
        raise ValueError(
            f"{path}: expected the keys {list(_NOTE_KEYS)}, found the unknown {unknown}, "
            f"missing {missing}; run the workflow again to make it anew"
        )
    pairs = values.get("not_applicable", ())
    return Notes(
        **values
        | {
            "not_applicable": tuple((protocol, reason) for protocol, reason in pairs),
            "notes": tuple(values.get("notes", ())),
        }
    )
