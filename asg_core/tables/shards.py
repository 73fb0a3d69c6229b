"""Which shard a patient belongs to, and what shards are called."""

from hashlib import blake2b


def shard_of(patient_id: str, *, num_shards: int) -> int:
    """Return the 0-based shard of a patient: blake2b of the id, modulo `num_shards`.

    All tables of a patient lie in the shard of the same number, so a stage joins within a
    shard and never across. Sources without patients use the study id.
    """
    digest = blake2b(patient_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % num_shards


def shard_name(index: int, *, num_shards: int) -> str:
    """Return "0003-of-0064" for the 0-based shard 3 of 64."""
    return f"{index:04d}-of-{num_shards:04d}"


def shard_names(num_shards: int) -> list[str]:
    """Return the names of all shards, in order."""
    return [shard_name(index, num_shards=num_shards) for index in range(num_shards)]


def parse_shard_name(name: str) -> tuple[int, int]:
    """Return (index, number of shards) of a shard's name.

    Raises:
        ValueError: If `name` is not of the form "0003-of-0064" or out of range.
    """
    index, _, total = name.partition("-of-")
    if not (index.isdigit() and total.isdigit() and int(index) < int(total)):
        raise ValueError(
            f"parse_shard_name: expected a name like '0003-of-0064', found '{name}'"
        )
    return int(index), int(total)
