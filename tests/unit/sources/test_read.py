"""Reading a shard of any source."""

from pathlib import Path

import pytest

from asg_core.sources.read import read_source
from asg_core.sources.registry import CorpusConfig


@pytest.mark.parametrize("shard", [-1, 4])
def test_a_shard_that_there_is_not_is_refused(tmp_path: Path, shard: int) -> None:
    with pytest.raises(ValueError, match=rf"a shard from 0 to 3, found {shard}$"):
        read_source(config=CorpusConfig(shards=4), root=tmp_path, shard=shard)


def test_without_a_corpus_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"corpus.source is 'none', nothing to read"):
        read_source(config=CorpusConfig(source="none"), root=tmp_path, shard=0)
