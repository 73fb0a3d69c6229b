"""Units: which regions and which sentences of a study become one box with one text."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from asg_core.alignment.clauses import Span, split_clauses
from asg_core.alignment.config import Policy
from asg_core.tables.catalog import ALIGNMENTS

CORNERS = ("x0", "y0", "x1", "y1")


def corner_columns() -> list[pl.Expr]:
    """Return the corners of `box_xyxy` as the columns `CORNERS`."""
    corner = pl.col("box_xyxy").arr
    return [corner.get(index).alias(name) for index, name in enumerate(CORNERS)]


def hull_columns() -> list[pl.Expr]:
    """Return the corners of the smallest box around those of a group."""
    return [pl.col("x0", "y0").min(), pl.col("x1", "y1").max()]


def make_units(
    edges: pl.DataFrame, *, spans: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Return the table `alignments` for the edges of the images' graphs.

    Under `merge` a unit is a connected component of the bipartite graph of regions and
    sentences of one image. Under `split` it is one region. Either way its scenario is 3
    when one of its sentences describes several regions with boxes in this image, and
    otherwise 1 or 2, by the number of its sentences.

    Args:
        edges: Columns image_id, study_id, sentence_index, region and the corners of its
            box, x0 to y1: this sentence makes a claim about this region, and the region
            has a box in this image. One row per image, sentence and region.
        spans: Columns study_id, sentence_index, start, end: the words of a sentence.
            Under `split` also region: the words that speak of it.
        policy: What is done when a sentence describes several regions.
    """
    unit = (
        _component(edges) if policy is Policy.MERGE else edges["region"].to_physical()
    )
    is_shared = pl.col("region").n_unique().over("image_id", "sentence_index") > 1
    members = edges.with_columns(unit=unit.cast(pl.Int64), is_shared=is_shared)
    units = members.group_by("image_id", "unit").agg(
        pl.col("study_id").first(),
        regions=pl.col("region").unique().sort(),
        sentence_indices=pl.col("sentence_index").unique().sort(),
        is_shared=pl.col("is_shared").any(),
        box_xyxy=pl.concat_arr(*hull_columns()),
    )
    texts = _texts(members, spans=spans, policy=policy)
    return (
        units.join(texts, on=["image_id", "unit"], how="left", validate="1:1")
        .sort(
            "image_id",
            pl.col("sentence_indices").list.first(),
            pl.col("regions").list.first(),
        )
        .with_columns(
            unit_index=pl.int_range(pl.len(), dtype=pl.Int32).over("image_id"),
            scenario=_scenario().cast(pl.Int8),
            policy=pl.lit(policy.value).cast(ALIGNMENTS.columns["policy"]),
        )
        .select(list(ALIGNMENTS.columns))
    )


def sentence_spans(sentences: pl.DataFrame) -> pl.DataFrame:
    """Return the spans that `make_units` needs under `merge`: the whole sentences."""
    return sentences.select("study_id", "sentence_index", "start", "end")


def clause_spans(sentences: pl.DataFrame, *, triplets: pl.DataFrame) -> pl.DataFrame:
    """Return the spans that `make_units` needs under `split`: clauses by region.

    Every claim of a sentence takes part in cutting it, also claims about places without
    boxes and claims that do not align, so that their words stay out of the clauses of
    others. A sentence that speaks of one place is the clause of that place.

    Args:
        sentences: Rows of the table `sentences`.
        triplets: Rows of the table `triplets`, each inside one of the sentences.
    """
    key = ["study_id", "sentence_index"]
    places = triplets.select(*key, pl.col("region").cast(pl.String)).unique()
    is_alone = pl.len().over(key) == 1
    whole = places.filter(is_alone).join(sentence_spans(sentences), on=key)
    claims = (
        triplets.join(places.filter(~is_alone).select(key).unique(), on=key)
        .join(sentences.select(*key, "start", "text"), on=key)
        .sort(*key, "region", "finding", "finding_start")
    )
    rows = [
        (*sentence, place, begin, end)
        for sentence, group in groupby(
            claims.iter_rows(named=True), key=itemgetter(*key)
        )
        for place, begin, end in _clauses(list(group))
    ]
    cut = pl.DataFrame(rows, schema=dict(whole.schema), orient="row")
    return pl.concat([whole, cut])


def _clauses(claims: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, int]]:
    """Yield place, start and end of the clauses of one sentence, given its claims."""
    start, text = claims[0]["start"], claims[0]["text"]
    mentions: dict[str, list[Span]] = {}
    cues: dict[str, list[Span]] = {}
    for claim in claims:
        for kind, target in (("finding", mentions), ("place", mentions), ("cue", cues)):
            begin, end = claim[f"{kind}_start"], claim[f"{kind}_end"]
            spans = target.setdefault(claim["region"], [])
            # A place or a cue can stand in an earlier sentence; it cuts nothing here.
            if begin is not None and start <= begin < end <= start + len(text):
                spans.append((begin - start, end - start))
    for place, spans in split_clauses(text, mentions=mentions, cues=cues).items():
        for begin, end in spans:
            yield place, start + begin, start + end


def _component(edges: pl.DataFrame) -> pl.Series:
    """Return for each edge the component of its image's graph, a number."""
    sentence = _node(edges, ["image_id", "sentence_index"])
    region = _node(edges, ["image_id", "region"]) + len(edges)
    num_nodes = 2 * len(edges)
    graph = coo_array(
        (np.ones(len(edges), dtype=np.int8), (sentence, region)),
        shape=(num_nodes, num_nodes),
    )
    _, labels = connected_components(graph, directed=False)
    return pl.Series(labels[sentence])


def _node(
    edges: pl.DataFrame, key: list[str]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return a number below the number of edges for each distinct value of `key`."""
    numbered = edges.with_row_index("node")
    first = numbered.select(pl.col("node").first().over(key).cast(pl.Int64))
    return first.to_series().to_numpy()


def _texts(
    members: pl.DataFrame, *, spans: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Return the column `spans` of each unit, in report order."""
    key = ["study_id", "sentence_index"]
    if policy is Policy.SPLIT:
        key.append("region")
        members = members.with_columns(pl.col("region").cast(pl.String))
    return (
        members.join(spans, on=key)
        .select("image_id", "unit", "start", "end")
        .unique()
        .sort("image_id", "unit", "start")
        .group_by("image_id", "unit", maintain_order=True)
        .agg(spans=pl.struct("start", "end"))
    )


def _scenario() -> pl.Expr:
    num_sentences = pl.col("sentence_indices").list.len()
    return (
        pl.when(pl.col("is_shared"))
        .then(3)
        .when(num_sentences > 1)
        .then(2)
        .otherwise(1)
    )
