"""What a dataset consists of, as a digest per shard: names, sizes and times of its files.

Taken while the job graph is built, so that an edited file re-runs its shard and what
follows.
"""

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.layouts import (
    annotation_files,
    find_box_table,
    find_imagenome,
)
from asg_core.sources.as_generated import (
    changed_annotations,
    changed_benchmark,
    changed_source_files,
)
from asg_core.sources.config import CorpusKeys
from asg_core.sources.reading.walk import FileStat, Part, of_part
from asg_core.sources.registry import source_of
from asg_core.tables.shards import shard_name, shard_names, shard_of

AS_GENERATED = "as generated"
"""The digest of the untouched parts of a synthetic corpus, made or not yet made."""


def check_source(config: CorpusKeys, root: Path) -> None:
    """Raise with one sentence unless the dataset can be read; quick, reads headers only.

    A synthetic corpus always passes: the run makes it. So does none at all.

    Raises:
        SourceError: If a folder, an index file or a column is missing.
    """
    if config.source not in ("synthetic", "none"):
        source_of(config).check(config, root)


def check_annotations(config: AnnotationsConfig, root: Path) -> None:
    """Raise with one sentence unless the annotations can be read; as `check_source`.

    Not for the annotations of a synthetic corpus, which the run makes.

    Raises:
        SourceError: If a folder, a file or a column is missing.
    """
    match config.source:
        case "chest_imagenome":
            find_imagenome(root)
        case "table":
            find_box_table(config, root)


def inventories(*, config: CorpusKeys, root: Path) -> dict[str, dict[str, str]]:
    """Return the digests of the parts "images" and "reports", each by name of the shard.

    A file that belongs to a patient counts for the patient's shard; an index file (CSV,
    archive) counts for every shard. With `inventory: index` only index files count. The
    part of the images leaves out what report files hold (but not which there are), that of
    the reports leaves out the image files. Nothing is opened but a table source, whose rows
    say which patient an image is of.

    Of a synthetic corpus only what differs from its manifest counts, so that a corpus
    that is not made yet and one that nobody touched have the same digests.

    Args:
        config: The corpus; its root is not read, `root` is.
        root: Folder of the dataset.

    Raises:
        SourceError: If the dataset is not laid out as the configuration says.
    """
    is_synthetic = config.source == "synthetic"
    files = [] if is_synthetic else list(source_of(config).files(config, root))
    parts: tuple[Part, ...] = ("images", "reports")
    return {
        part: _digests(
            changed_source_files(config=config, root=root, part=part)
            if is_synthetic
            else of_part(files, part=part),
            num_shards=config.shards,
            untouched=AS_GENERATED if is_synthetic else None,
        )
        for part in parts
    }


def inventory_annotations(
    *, config: AnnotationsConfig, corpus: CorpusKeys, root: Path
) -> str:
    """Return one digest of the files of the annotations.

    The annotations of a synthetic corpus (those without a root of their own) count as its
    other files do: only what differs from the manifest. `corpus.inventory` says whether
    scene graphs in a folder are looked at one by one.

    Args:
        config: The annotations.
        corpus: The corpus they belong to.
        root: Folder of the annotations.

    Raises:
        SourceError: If the annotations are not laid out as the configuration says.
    """
    if corpus.source == "synthetic" and config.root is None:
        changed = changed_annotations(root)
        digests = _digests(changed, num_shards=1, untouched=AS_GENERATED)
    else:
        files = annotation_files(config, corpus=corpus, root=root)
        digests = _digests(files, num_shards=1, untouched=None)
    return digests[shard_name(0, num_shards=1)]


def inventory_synthetic_benchmark(root: Path, *, benchmark: str) -> str:
    """Return one digest of what was changed of a synthetic benchmark since it was made.

    Args:
        root: Folder of the synthetic corpus that the benchmark lies in.
        benchmark: Its name.

    Raises:
        SourceError: If the manifest cannot be read.
    """
    changed = changed_benchmark(root, benchmark=benchmark)
    digests = _digests(changed, num_shards=1, untouched=AS_GENERATED)
    return digests[shard_name(0, num_shards=1)]


def _digests(
    files: Iterable[FileStat], *, num_shards: int, untouched: str | None
) -> dict[str, str]:
    """Return the digest of each shard's files; `untouched` stands for no files at all."""
    shared: list[str] = []
    own: list[list[str]] = [[] for _ in range(num_shards)]
    shards: dict[str, int] = {}  # the same patient comes many times in a row
    for patient_id, name, size, mtime_ns in files:
        line = f"{name}\0{size}\0{mtime_ns}\n"
        if patient_id is None:
            shared.append(line)
            continue
        if patient_id not in shards:
            shards[patient_id] = shard_of(patient_id, num_shards=num_shards)
        own[shards[patient_id]].append(line)
    digests = {}
    for name, lines in zip(shard_names(num_shards), own, strict=True):
        content = "".join([*shared, *lines]).encode("utf-8", "surrogateescape")
        digest = blake2b(content, digest_size=16).hexdigest()
        digests[name] = digest if content or untouched is None else untouched
    return digests
