"""Draw reports to be checked: rare kinds of claims often, with known probabilities."""

from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asg_core.terms.existence import Context, Existence
from asg_core.terms.findings import FINDINGS

NO_CLAIM = "no claim"
"""The stratum of the reports in which nothing was proposed."""

KINDS: tuple[str, ...] = (
    *(f"{finding} {member}" for finding in FINDINGS for member in Existence),
    *(f"context {member}" for member in Context if member != Context.CURRENT),
)
"""The strata of reports with claims; of equally rare ones the first counts."""


def claims_of(triplets: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct (study_id, kind) of rows of TRIPLETS, a few bytes each."""
    finding = pl.col("finding").cast(pl.String)
    existence = pl.col("existence").cast(pl.String)
    context = pl.lit("context ") + pl.col("context").cast(pl.String)
    kinds = pl.concat(
        [
            triplets.select("study_id", kind=finding + " " + existence),
            triplets.select("study_id", kind=context).filter(
                pl.col("kind") != f"context {Context.CURRENT}"
            ),
        ]
    )
    return kinds.unique()


def stratify(study_ids: pl.Series, claims: pl.DataFrame) -> pl.DataFrame:
    """Return study_id and stratum: the rarest kind of claim that a report makes.

    Rarest in reports that make it, over all of `claims`. A report without claims is of
    the stratum `NO_CLAIM`.

    Args:
        study_ids: The reports that can be drawn, each once.
        claims: The kinds of claims of each report, as `claims_of` returns them.
    """
    rank = pl.DataFrame({"kind": KINDS, "rank": range(len(KINDS))})
    rarest = (
        claims.join(claims.group_by("kind").len("num_reports"), on="kind")
        .join(rank, on="kind")
        .sort("num_reports", "rank")
        .group_by("study_id", maintain_order=True)
        .agg(pl.first("kind").alias("stratum"))
    )
    return (
        pl.DataFrame({"study_id": study_ids})
        .join(rarest, on="study_id", how="left")
        .with_columns(pl.col("stratum").fill_null(NO_CLAIM))
    )


def draw_reports(strata: pl.DataFrame, *, num_reports: int, seed: int) -> pl.DataFrame:
    """Return the drawn rows of `strata` with `probability`, in random order.

    A stratum of n reports gets a share of the sample in proportion to the root of n, so
    rare kinds are seen and common ones still are the most. The loop it stands for:

        probability of a report = min(1, c / sqrt(reports of its stratum)), where c makes
        the probabilities add up to `num_reports`;
        put the reports in order of stratum, inside one in order of a hash of seed and id;
        walk along them with steps of one unit of probability, from a random start.

    So the number drawn is exact, that of a stratum is its share rounded up or down, and
    each report has exactly the probability that is returned. The order is that of the
    hash alone: the first rows are a sample too.

    Args:
        strata: The columns study_id and stratum, as `stratify` makes them.
        num_reports: The number of reports to draw; where there are fewer, all are drawn.
        seed: The same seed draws the same reports, in whatever order they come.
    """
    hashes = [_hash(study, seed=seed) for study in strata["study_id"]]
    ordered = strata.with_columns(
        pl.Series("hash", hashes, dtype=pl.UInt64),
        pl.len().over("stratum").alias("size"),
    ).sort("stratum", "hash", "study_id")
    sizes = ordered["size"].to_numpy().astype(np.float64)
    probability = _probabilities(sizes, num_reports=num_reports)
    is_drawn = probability >= 1
    others = np.flatnonzero(~is_drawn)
    if len(others):
        edges = np.cumsum(probability[others])
        start = _hash("start", seed=seed) / 2**64
        steps = start + np.arange(num_reports - is_drawn.sum())
        places = np.searchsorted(edges, steps, side="right")
        is_drawn[others[np.minimum(places, len(others) - 1)]] = True
    return (
        ordered.with_columns(probability=probability)
        .filter(pl.Series(is_drawn))
        .sort("hash", "study_id")
        .select("study_id", "stratum", "probability")
    )


def _probabilities(
    sizes: NDArray[np.float64], *, num_reports: int
) -> NDArray[np.float64]:
    """Return min(1, c / sqrt(size)) of every report, adding up to `num_reports`."""
    if num_reports >= len(sizes):
        return np.ones(len(sizes))
    shares = 1 / np.sqrt(sizes)
    is_certain = np.zeros(len(sizes), dtype=bool)
    while True:
        left = num_reports - is_certain.sum()
        scaled = shares * (left / shares[~is_certain].sum())
        is_over = ~is_certain & (scaled >= 1)
        if not is_over.any():
            return np.where(is_certain, 1.0, scaled)
        is_certain |= is_over


def _hash(text: str, *, seed: int) -> int:
    digest = blake2b(f"{seed}/{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
