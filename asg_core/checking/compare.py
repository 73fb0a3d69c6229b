"""Triplets of two parsers -> TRIPLET_COMPARISONS: where they differ, claim by claim."""

import polars as pl

from asg_core.tables.catalog import TRIPLET_COMPARISONS
from asg_core.terms.differences import Difference
from asg_core.terms.regions import PLACES, side_of

OWN, SECOND = "own", "second"
"""Whose columns they are: the run's parser's, and those of what it is compared with."""

_SENTENCE = ("study_id", "finding", "sentence_index")


def _side(place: str) -> str | None:
    """Return the side of a place of a pair; the right atrium has no counterpart."""
    side = side_of(place)
    other = {"left": "right", "right": "left"}.get(side or "")
    counterpart = place if side is None else f"{other}{place.removeprefix(side)}"
    return side if counterpart in PLACES else None


_SIDES = {place: _side(place) for place in PLACES}


def compare_triplets(
    own: pl.DataFrame, second: pl.DataFrame, *, sentences: pl.DataFrame
) -> pl.DataFrame:
    """Return TRIPLET_COMPARISONS: what two parsers say of the same reports.

    The unit is a claim: a finding by its words, with one existence and one context, for
    all of its regions. Claims of one finding in one sentence are paired, each at most
    once. The loop that it stands for:

        while a sentence has claims of a finding from both:
            of all pairs take the one whose words overlap, or else any; of these the one
            with the same existence, then regions, then context, then the first;
        what is left is of one parser only.

    A pair has the first `Difference` that applies. Sentences are those of the run, found
    by where the words of a finding begin: the second may number its own differently.

    Args:
        own: Rows of TRIPLETS of the run.
        second: Rows of TRIPLETS of another parser. Reports that only one of the two has
            read are to be left out of both: silence about them is no claim.
        sentences: Rows of SENTENCES of the run.
    """
    claims = {
        reader: _claims(triplets, sentences=sentences, reader=reader)
        for reader, triplets in ((OWN, own), (SECOND, second))
    }
    pairs = _paired(claims[OWN], claims[SECOND])
    both = pairs.join(claims[OWN], on=OWN).join(claims[SECOND], on=[SECOND, *_SENTENCE])
    alone = [
        claims[reader].join(pairs, on=reader, how="anti") for reader in (OWN, SECOND)
    ]
    rows = pl.concat([both, *alone], how="diagonal").with_columns(
        difference=_difference()
    )
    first = pl.min_horizontal("own_start", "second_start")
    return (
        rows.sort("study_id", "finding", first, OWN, SECOND, nulls_last=True)
        .with_columns(
            claim_index=pl.int_range(pl.len(), dtype=pl.Int32).over(
                "study_id", "finding"
            )
        )
        .select(
            pl.col(name).cast(dtype)
            for name, dtype in TRIPLET_COMPARISONS.columns.items()
        )
    )


def _claims(
    triplets: pl.DataFrame, *, sentences: pl.DataFrame, reader: str
) -> pl.DataFrame:
    """Return one row per claim: its number in the column `reader`, and its sentence."""
    regions = pl.element().cast(pl.String)
    claims = (
        triplets.group_by(
            "study_id", "finding", "finding_start", "existence", "context"
        )
        .agg(pl.max("finding_end").alias("end"), pl.col("region").sort())
        .rename({"finding_start": "start", "region": "regions"})
        .with_columns(
            places=pl.col("regions").list.eval(regions).list.join(","),
            sides=pl.col("regions")
            .list.eval(regions.replace_strict(_SIDES, return_dtype=pl.String))
            .list.drop_nulls()
            .list.unique()
            .list.sort()
            .list.join(","),
        )
        .sort("start", "study_id", "finding", "existence", "context")
    )
    known = sentences.select(
        "study_id", "sentence_index", "start", pl.col("end").alias("sentence_end")
    )
    is_inside = pl.col("start") < pl.col("sentence_end")
    # Both are sorted, which Polars does not see where it joins by study.
    placed = claims.join_asof(
        known.sort("start"), on="start", by="study_id", check_sortedness=False
    )
    own_columns = ("existence", "context", "regions", "places", "sides", "start", "end")
    return (
        placed.with_columns(
            sentence_index=pl.when(is_inside).then("sentence_index"),
            number=pl.int_range(pl.len()),
        )
        .drop("sentence_end")
        .rename({name: f"{reader}_{name}" for name in own_columns} | {"number": reader})
    )


def _paired(own: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Return the numbers of the claims that are one, see `compare_triplets`."""
    overlaps = (pl.col("own_start") < pl.col("second_end")) & (
        pl.col("second_start") < pl.col("own_end")
    )
    likeness = [
        pl.col(f"own_{part}") != pl.col(f"second_{part}")
        for part in ("existence", "places", "context")
    ]
    left = (
        own.join(second, on=_SENTENCE)
        .sort(~overlaps, *likeness, OWN, SECOND)
        .select(OWN, SECOND)
    )
    found = [left.clear()]
    while len(left):
        # The pairs that are the first of both; there is always one.
        is_first = pl.col(OWN).is_first_distinct() & pl.col(SECOND).is_first_distinct()
        best = left.filter(is_first)
        found.append(best)
        left = left.join(best, on=OWN, how="anti", maintain_order="left").join(
            best, on=SECOND, how="anti", maintain_order="left"
        )
    return pl.concat(found)


def _difference() -> pl.Expr:
    """Return the first difference that applies."""
    is_own, is_second = (
        pl.col(f"{reader}_existence").is_not_null() for reader in (OWN, SECOND)
    )

    def differs(part: str) -> pl.Expr:
        return pl.col(f"own_{part}") != pl.col(f"second_{part}")

    return (
        pl.when(~is_own & pl.col("sentence_index").is_null())
        .then(pl.lit(Difference.OUTSIDE.value))
        .when(~is_second)
        .then(pl.lit(Difference.ONLY_OWN.value))
        .when(~is_own)
        .then(pl.lit(Difference.ONLY_SECOND.value))
        .when(differs("existence"))
        .then(pl.lit(Difference.EXISTENCE.value))
        .when(differs("sides"))
        .then(pl.lit(Difference.SIDE.value))
        .when(differs("places"))
        .then(pl.lit(Difference.REGION.value))
        .when(differs("context"))
        .then(pl.lit(Difference.CONTEXT.value))
        .otherwise(pl.lit(Difference.NONE.value))
    )
