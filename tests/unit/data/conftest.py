"""What the tests of the data share."""

import pytest
import torch

from asg_core.data.make_corpora import CorpusTables
from support.small_corpus import SmallCorpus, make_small_corpus


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallCorpus:
    """24 drawn images with reports; the last 8 validate."""
    return make_small_corpus(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def tables(small: SmallCorpus) -> CorpusTables:
    """The tables of `small`."""
    return CorpusTables(
        images=small.images,
        studies=small.studies,
        tokens=small.tokens,
        alignments=small.alignments,
        tag_targets=small.tag_targets,
    )
