"""A run without a corpus: encoders are scored on benchmarks, and nothing else is made.

It is what `corpus.source: none` says, and what a configuration means that names
benchmarks on disk and encoders, none of which is made from a corpus, and no source.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

NAME = "encoders"
"""Folder under `results/` of such a run that names none."""

_UNUSED = ("reports", "check_triplets", "images", "regions", "alignment", "pretraining")
"""Sections that only a corpus gives something to do."""


def with_source(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a configuration with `corpus.source` decided where it is none.

    Values that cannot be a configuration are left for its check.
    """
    corpus = values.get("corpus", {})
    if not isinstance(corpus, Mapping):
        return dict(values)
    is_left_out = corpus.get("source") is None
    if corpus.get("source") != "none" and not (is_left_out and only_evaluates(values)):
        return dict(values)
    decided = {"name": NAME, **corpus, "source": "none"}
    return {**values, "corpus": decided}


def only_evaluates(values: Mapping[str, Any]) -> bool:
    """Return whether benchmarks on disk and encoders are named that need no corpus."""
    evaluation = _mapping(values, "evaluation")
    benchmarks = _mapping(evaluation, "benchmarks")
    encoders = _mapping(evaluation, "encoders")
    has_root = any(_mapping(benchmarks, name).get("root") for name in benchmarks)
    return has_root and bool(encoders) and not any(map(_needs_a_run, encoders.values()))


def problems_without_corpus(
    project: BaseModel, *, has_encoders: bool, has_benchmarks: bool
) -> Iterator[str]:
    """Yield a sentence for each key that would have no effect, and for what is missing.

    Args:
        project: A configuration whose `corpus.source` is `none`.
        has_encoders: Whether it names encoders.
        has_benchmarks: Whether it names the root of a benchmark.
    """
    for key in _unused_keys(project):
        yield (
            f"{key} is set while corpus.source is 'none' (said so, or left out, because "
            "benchmarks and encoders are named that need no corpus): there it has no "
            f"effect; remove {key}, or set corpus.source to the corpus that it is about"
        )
    missing = {
        "encoders in evaluation.encoders": not has_encoders,
        "the root of a benchmark in evaluation.benchmarks.<name>.root": not has_benchmarks,
    }
    for what, is_missing in missing.items():
        if is_missing:
            yield (
                f"corpus.source is 'none': expected {what}, found none; there is nothing "
                "else to do without a corpus"
            )


def _unused_keys(project: BaseModel) -> list[str]:
    changed = _changed(project)
    corpus = _changed(project.corpus) if "corpus" in changed else []  # type: ignore[attr-defined]
    return [f"corpus.{key}" for key in corpus if key not in ("name", "source")] + [
        key for key in changed if key in _UNUSED
    ]


def _changed(model: BaseModel) -> list[str]:
    """Return the fields of a section whose values are not the defaults."""
    default = type(model)()
    names = type(model).model_fields
    return [name for name in names if getattr(model, name) != getattr(default, name)]


def _needs_a_run(encoder: object) -> bool:
    if not isinstance(encoder, Mapping):
        return False
    return encoder.get("kind") == "run" or encoder.get("run") is not None


def _mapping(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping below a key; empty where there is something else."""
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}
