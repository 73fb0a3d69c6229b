"""What the summary is made of: paths of results, and what is read from them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import polars as pl

from asg_core.learning.run_folder import HISTORY_FILE, PRETRAINED, read_run
from asg_core.tables.catalog import HISTORY, METRICS, REJECTS, STAGE_METRICS
from asg_core.tables.schema import TableSchema, read_table, read_tables

_HIDDEN = (
    "Images, reports and their ids are not shown: this corpus is not synthetic, and "
    "privacy.export_examples is off. Check the data use agreement before turning it on."
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
    overlaps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # sentences that a reader of the scores must know
    failure: str = ""  # why there is no result at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What several pages show of one corpus's results, and what may be shown."""

    inputs: SummaryInputs
    is_synthetic: bool
    may_export_examples: bool
    """Whether report texts, pixels and ids may be shown."""

    stage_metrics: pl.DataFrame  # in STAGE_METRICS
    rejects: pl.DataFrame  # in REJECTS
    runs: tuple[Run, ...]
    metrics: pl.DataFrame  # in METRICS, of every encoder on every benchmark
    notes: tuple[Notes, ...]

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration."""
        return self.inputs.config

    @property
    def has_corpus(self) -> bool:
        """Whether there is a corpus, or encoders were evaluated and no more."""
        return config_at(self.config, "corpus").get("source") != "none"

    @property
    def encoders(self) -> list[str]:
        """All encoders, those of the configuration first and in its order."""
        names = {*self.metrics["encoder"], *(note.encoder for note in self.notes)}
        known = config_at(self.config, "evaluation", "encoders")
        first = [name for name in known if name in names]
        return first + sorted(names - set(first))

    @property
    def hidden_reason(self) -> str:
        """Why no text, pixel or id is shown; empty where they may be."""
        return "" if self.may_export_examples else _HIDDEN


def read_results(
    inputs: SummaryInputs, *, is_synthetic: bool, may_export_examples: bool
) -> Results:
    """Read what several pages show; no files give no rows.

    Raises:
        ValueError: If a run.json is of another kind or format, or a notes.json has other
            keys than it should.
        TableError: If a file is not the table it should be.
        FileNotFoundError: If a file is missing.
    """
    metrics = [folder / "metrics.parquet" for folder in inputs.evaluations]
    return Results(
        inputs=inputs,
        is_synthetic=is_synthetic,
        may_export_examples=may_export_examples,
        stage_metrics=read_tables(inputs.stage_metrics, schema=STAGE_METRICS),
        rejects=read_tables(inputs.rejects, schema=REJECTS),
        runs=tuple(_read_run(name, folder) for name, folder in inputs.runs.items()),
        metrics=read_tables(metrics, schema=METRICS),
        notes=tuple(
            _read_notes(folder / "notes.json") for folder in inputs.evaluations
        ),
    )


def read_shards(
    inputs: SummaryInputs, schemas: Sequence[TableSchema]
) -> Iterator[dict[str, pl.DataFrame]]:
    """Yield tables by name, shard by shard, and read no shard before it is asked for.

    The shards are those of the first of `schemas`; a table that has no such shard gives
    no rows.
    """
    paths = {
        schema.name: {path.name: path for path in inputs.tables.get(schema.name, ())}
        for schema in schemas
    }
    for shard in sorted(paths[schemas[0].name]):
        yield {
            schema.name: read_table(paths[schema.name][shard], schema=schema)
            if shard in paths[schema.name]
            else schema.empty()
            for schema in schemas
        }


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
    known = [entry.name for entry in fields(Notes)]
    unknown = sorted(set(values) - set(known))
    missing = [key for key in ("benchmark", "encoder") if key not in values]
    if unknown or missing:
        raise ValueError(
            f"{path}: expected the keys {known}, found the unknown {unknown}, "
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
