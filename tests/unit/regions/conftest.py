"""What the tests of the detector share."""

import pytest
import torch

from support.drawn_regions import DrawnRegions, draw_regions


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnRegions:
    """Twelve drawn images; those from the ninth on belong to the split `test`."""
    return draw_regions(
        tmp_path_factory.mktemp("pixels") / "shard-0000-of-0001.parquet"
    )
