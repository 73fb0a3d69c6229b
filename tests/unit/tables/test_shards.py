import pytest
from hypothesis import given
from hypothesis import strategies as st

from asg_core.tables.shards import parse_shard_name, shard_name, shard_names, shard_of


def test_shards_of_known_patients_never_move() -> None:
    # blake2b with 8 bytes of digest, big endian, modulo the number of shards.
    assert [shard_of(str(n), num_shards=4) for n in range(10000000, 10000006)] == [
        3, 3, 2, 1, 1, 0,
    ]  # fmt: skip


@given(patient_id=st.text(), num_shards=st.integers(1, 500))
def test_a_shard_is_in_range(patient_id: str, num_shards: int) -> None:
    assert 0 <= shard_of(patient_id, num_shards=num_shards) < num_shards


def test_names_come_back() -> None:
    assert shard_name(3, num_shards=64) == "0003-of-0064"
    assert [parse_shard_name(name) for name in shard_names(3)] == [
        (0, 3),
        (1, 3),
        (2, 3),
    ]


@pytest.mark.parametrize("name", ["4-of-4", "a-of-4", "0001", "0002-of-0002"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"found '{name}'"):
        parse_shard_name(name)
