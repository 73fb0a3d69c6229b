"""A dataset's own files -> the tables `studies`, `images` and `reports`."""

from pathlib import Path

from asg_core.sources.config import CorpusKeys
from asg_core.sources.reading.walk import Part
from asg_core.sources.registry import source_of
from asg_core.sources.shard import ShardReading, SourceTables


def read_source(
    *, config: CorpusKeys, root: Path, shard: int, part: Part = "all"
) -> SourceTables:
    """Read one shard of a corpus from its files as they were distributed.

    A shard holds whole patients (`asg_core.tables.shards.shard_of`); the shards together
    hold every item once. What cannot be used is in `rejects`, with a reason. With
    `images: none` the table of images is empty.

    Args:
        config: The corpus; its root is not read, `root` is.
        root: Folder of the dataset; of a synthetic corpus, the folder it was made in.
        shard: 0-based, below `config.shards`.
        part: "images" or "reports" where only the tables of one are wanted: work for
            the other is then left out where the layout allows it, and its table and
            rejects mean nothing.

    Raises:
        SourceError: If the dataset is not laid out as the configuration says.
        PassingFaultError: If the operating system cannot read a file; another try may.
        ValueError: If there is no such shard, or no corpus.
    """
    if not 0 <= shard < config.shards:
        raise ValueError(
            f"read_source: expected a shard from 0 to {config.shards - 1}, found {shard}"
        )
    reading = ShardReading(config=config, root=root, shard=shard, part=part)
    source_of(config).read(reading)
    return reading.tables()
