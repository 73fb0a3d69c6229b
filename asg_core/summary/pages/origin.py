"""Where the numbers come from: corpus, code, versions and encoders."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

import asg_core
from asg_core.provenance import versions
from asg_core.redaction import redact_values
from asg_core.summary.inputs import Results, config_at
from asg_core.summary.sheets.sheet import Sheet, cells, number_columns, text_columns
from asg_core.tables.catalog import TABLES

_PACKAGES = (
    "matplotlib",
    "numpy",
    "polars",
    "pyarrow",
    "scikit-learn",
    "snakemake",
    "spacy",
    "timm",
    "torch",
    "torchvision",
    "transformers",
)


def origin_facts(results: Results, *, commit: str | None) -> list[tuple[str, str]]:
    """Return what made these pages and what they are about, as label and value."""
    source = config_at(results.config, "corpus").get("source") or "unknown"
    installed = versions(_PACKAGES)
    of_corpus = {
        "Corpus": results.inputs.corpus,
        "Source": f"{source}, made by a program" if results.is_synthetic else source,
        "Runs": ", ".join(results.inputs.runs) or "none",
    }
    facts = (of_corpus if results.has_corpus else {"Corpus": "none"}) | {
        "asg-core": asg_core.__version__,
        "Commit": commit or "unknown: installed from a package",
        "Packages": ", ".join(f"{name} {number}" for name, number in installed.items()),
    }
    return list(facts.items())


def versions_sheet() -> Sheet:
    """Return the version of every table that this code reads and writes."""
    return Sheet(
        name="table_versions",
        caption="Tables and their versions.",
        columns=(*text_columns("Table"), *number_columns("Version")),
        rows=tuple(cells([table.name, str(table.version)]) for table in TABLES),
    )


def code_sheet(code_digests: Mapping[str, str]) -> Sheet | None:
    """Return the digest of the code of every rule; None when nobody gave any."""
    if not code_digests:
        return None
    return Sheet(
        name="code_digests",
        caption="Digest of all code and data of asg-core that each rule can reach.",
        columns=text_columns("Rule", "Digest"),
        rows=tuple(cells(pair) for pair in sorted(code_digests.items())),
    )


def encoders_sheet(names: Sequence[str], *, config: Mapping[str, Any]) -> Sheet | None:
    """Return what each encoder is, by the configuration; None where it says nothing."""
    known = config_at(config, "evaluation", "encoders")
    if not any(name in known for name in names):
        return None
    rows = []
    for name in names:
        encoder = known.get(name) or {}
        learnt = ", ".join(encoder.get("pretrained_on") or ()) or None
        rows.append(cells([name, _about_encoder(encoder), learnt]))
    return Sheet(
        name="encoders",
        caption="The encoders. Data sets that weights are known to have learnt from are "
        "named, because a benchmark among them is no test.",
        columns=text_columns("Encoder", "What it is", "Known to have learnt from"),
        rows=tuple(rows),
    )


def config_yaml(config: Mapping[str, Any]) -> str:
    """Return the whole configuration as YAML, without what is secret in addresses."""
    return yaml.safe_dump(
        redact_values(config), sort_keys=False, allow_unicode=True, width=88
    )


def _about_encoder(encoder: Mapping[str, Any]) -> str | None:
    run = encoder.get("run")
    architecture = config_at(encoder, "image_encoder").get("name")
    return {
        "run": f"pre-trained here: the run {run}",
        "checkpoint": "pre-trained elsewhere: the folder of a run",
        "timm": f"{architecture}, from timm",
        "random": f"random weights, the architecture of {architecture or f'the run {run}'}",
        "pixels": "the grey values themselves, without an encoder",
    }.get(str(encoder.get("kind")))
