"""Run the model of the radgraph package, one report at a time.

The package ignores its batch size, prints, unpacks its archive without a filter, and
leaves out documents that fail: here it gets one text, its output goes to the log, its
archive is unpacked with a filter, and a document that is left out is an error of that
report. All this was found with release 0.1.18.
"""

import contextlib
import io
import json
import logging
import pickle
import re
import struct
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from asg_core.reports.config import RADGRAPH_REPOSITORY
from asg_core.reports.parsers.parser import UnreadableReportError
from asg_core.reports.parsers.radgraph.compat import (
    restore_tokenizer_methods,
    warn_of_other_output,
)

logger = logging.getLogger(__name__)

_ENCODER = "encoder"
_NAMED_IN = (
    ("dataset_reader", "token_indexers"),
    ("model", "embedder", "token_embedders"),
)
"""Where a model's configuration names its encoder, below each `bert`."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_MAX_TOKENS = 600
"""The model scores each pair of spans, half as many as tokens: 90,000 pairs here, and
memory that grows with the square."""
_UNLOADABLE = (
    AssertionError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    tarfile.TarError,
)
"""What unpacking and loading raise where a file is missing, cut, or another one."""


def load_model(
    name: str, *, folder: Path | None, device: str
) -> Callable[[str], object]:
    """Return what makes the graph of one text.

    Args:
        name: A model of the package.
        folder: Holds NAME/ or NAME.tar.gz, and where wanted encoder/; None: the archive
            comes from the model hub or its cache.
        device: cpu, cuda, or cuda:N.

    Raises:
        ValueError: If the model cannot be loaded.
    """
    warn_of_other_output(name)
    try:
        model = _loaded(name, folder=folder, device=device)
    except _UNLOADABLE as error:
        raise ValueError(
            f"reports.radgraph: expected the model '{name}' on '{device}' to load from "
            f"{folder or 'the model hub or its cache'}, found "
            f"{type(error).__name__}: {error}. See docs/pipeline.md for what "
            "model_folder holds."
        ) from error
    logger.info("loaded the model %s of radgraph on %s", name, device)

    def graph_of(text: str) -> object:
        if not text.strip():
            raise UnreadableReportError(
                "no_usable_section", "Report: expected words for the model, found none."
            )
        if len(_TOKEN.findall(text)) > _MAX_TOKENS:
            raise UnreadableReportError(
                "too_long_for_model",
                f"Model: expected at most {_MAX_TOKENS} words and marks in the sections "
                "that are read, found more.",
            )
        with _quiet():
            documents = model([text])
        if "0" not in documents:
            raise UnreadableReportError(
                "model_failed", "Model: expected a graph of the report, found none."
            )
        return documents["0"]

    return graph_of


def _loaded(
    name: str, *, folder: Path | None, device: str
) -> Callable[[list[str]], Mapping[str, object]]:
    restore_tokenizer_methods()
    with _quiet(), tempfile.TemporaryDirectory() as cache:
        from radgraph import RadGraph  # noqa: PLC0415 - needs the restored methods

        _lay_out_model(name, folder=folder, cache=Path(cache))
        model: Callable[[list[str]], Mapping[str, object]] = RadGraph(
            model_type=name, model_cache_dir=cache, cuda=_cuda_number(device)
        )
    return model


def _cuda_number(device: str) -> int:
    """Return the package's number of a device: -1 is the processor."""
    kind, _, number = device.partition(":")
    return -1 if kind == "cpu" else int(number or 0)


def _lay_out_model(name: str, *, folder: Path | None, cache: Path) -> None:
    """Put a model where the package looks for it, unpacked."""
    target = cache / name
    if folder is not None and (folder / name).is_dir():
        target.mkdir()
        for path in (folder / name).resolve().iterdir():
            (target / path.name).symlink_to(path)
    else:
        archive = _fetched(name) if folder is None else folder / f"{name}.tar.gz"
        with tarfile.open(archive, "r:gz") as packed:
            packed.extractall(target, filter="data")
    if folder is not None and (folder / _ENCODER).is_dir():
        _name_encoder(target / "config.json", (folder / _ENCODER).resolve())


def _fetched(name: str) -> Path:
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - this path only

    return Path(hf_hub_download(repo_id=RADGRAPH_REPOSITORY, filename=f"{name}.tar.gz"))


def _name_encoder(config: Path, encoder: Path) -> None:
    """Let a configuration name a local encoder, without touching the original."""
    values = json.loads(config.read_text(encoding="utf-8"))
    for keys in _NAMED_IN:
        node = values
        for key in (*keys, "bert"):
            node = node[key]
        node["model_name"] = str(encoder)
    config.unlink()
    config.write_text(json.dumps(values), encoding="utf-8")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the package prints out of the output of the job; log how much it was."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield
    if printed.getvalue():
        # Not the words themselves: they could be a report's.
        logger.debug("radgraph printed %d lines", printed.getvalue().count("\n"))
