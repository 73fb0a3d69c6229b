"""What the package knows about one source of corpora.

What it tells before a file is read imports the standard library and pydantic only, because
sources are checked and listed while the workflow builds its job graph: `registry`,
`inventory`, every `spec.py` and `source.py`, and what they import. What reads files may
need more, so `read` imports it when it is called.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.sources.config import CorpusKeys, SourceConfig
from asg_core.sources.reading.walk import FileStat

if TYPE_CHECKING:
    from asg_core.sources.shard import ShardReading


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One source: how its files are found, listed and read."""

    name: str
    """The value of `corpus.source`, and the key of its section of the configuration."""

    section: type[SourceConfig]
    """The keys of `corpus.<name>`."""

    check: Callable[[CorpusKeys, Path], object]
    """Raises SourceError with one sentence unless a corpus can be read from this root; it
    looks at names and headers only."""

    files: Callable[[CorpusKeys, Path], Iterator[FileStat]]
    """Yields the files that are read from this root, those of an `index` inventory alone
    where the configuration asks for no more."""

    read: Callable[["ShardReading"], None]
    """Fills the reading of one shard."""
