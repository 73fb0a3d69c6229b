"""Items in batches."""

from collections.abc import Iterator


def in_batches(num_items: int, batch_size: int) -> Iterator[slice]:
    """Yield stretches of at most `batch_size` that cover 0 .. `num_items`."""
    for start in range(0, num_items, batch_size):
        yield slice(start, min(start + batch_size, num_items))
