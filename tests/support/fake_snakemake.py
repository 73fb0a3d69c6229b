"""What a script sees of the workflow engine: named lists, and the object that has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


class Named:
    """Files by name as Snakemake hands them over: flat, and again by name."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def items(self) -> Iterator[tuple[str, Any]]:
        yield from self._values.items()

    def __iter__(self) -> Iterator[Any]:
        for value in self._values.values():
            yield from value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class FakeSnakemake:
    rule: str = "extract_triplets"
    input: Named = field(default_factory=lambda: Named({}))
    params: Named = field(default_factory=lambda: Named({}))
    wildcards: Named = field(
        default_factory=lambda: Named({"corpus": "demo", "shard": "0001-of-0004"})
    )
    log: list[str] = field(default_factory=list)
    threads: int = 1
