"""A dataset's own files -> the tables `studies`, `images` and `reports`."""

from pathlib import Path

from asg_core.sources.assemble import Part, SourceTables
from asg_core.sources.config import CorpusConfig
from asg_core.sources.mimic_cxr.read import read_mimic_cxr
from asg_core.sources.open_i import read_open_i
from asg_core.sources.table.read import read_table_source


def read_source(
    *, config: CorpusConfig, root: Path, shard: int, part: Part = "all"
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
        ValueError: If there is no such shard.
    """
    if not 0 <= shard < config.shards:
        raise ValueError(
            f"read_source: expected a shard from 0 to {config.shards - 1}, found {shard}"
        )
    match config.source:
        case "synthetic" | "mimic_cxr":
            return read_mimic_cxr(config=config, root=root, shard=shard, part=part)
        case "open_i":
            return read_open_i(config=config, root=root, shard=shard)
        case "table":
            return read_table_source(config=config, root=root, shard=shard)
        case "none":
            raise ValueError("read_source: corpus.source is 'none', nothing to read")
