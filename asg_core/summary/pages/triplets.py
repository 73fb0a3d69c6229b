"""The page on triplets: what a person judged, what a second parser says, and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from asg_core.summary.inputs import Results, SummaryInputs, read_shards
from asg_core.summary.pages.checked import checked_sheets
from asg_core.summary.pages.compared import compared_claims, compared_sheets
from asg_core.summary.pages.excerpts import (
    ROLES,
    MarkedWords,
    SentenceClaim,
    cut_sentence,
    in_order_of_news,
)
from asg_core.summary.render import SummaryPage
from asg_core.tables.catalog import (
    SENTENCES,
    TRIPLET_CONFUSIONS,
    TRIPLET_SCORES,
    TRIPLETS,
)
from asg_core.tables.schema import TableSchema, read_tables
from asg_core.terms.existence import Context

_NEEDED: tuple[TableSchema, ...] = (SENTENCES, TRIPLETS)
_CANDIDATES_PER_SENTENCE = 50
_MAX_LENGTH = 240
"""Characters of a sentence that is shown: longer ones are hard to read at a glance."""

Candidate = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""A row of SENTENCES and its rows of TRIPLETS."""

_MENTION = ("finding", "finding_start", "finding_end", "existence", "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSentence:
    """One sentence with its words and its claims."""

    study_id: str
    section: str
    words: tuple[MarkedWords, ...]
    claims: tuple[SentenceClaim, ...]


def triplets_page(results: Results, *, num_sentences: int) -> SummaryPage:
    """Return the page; of a corpus that may not be shown, no sentence is even read."""
    sentences = (
        choose_sentences(results.inputs, num_sentences=num_sentences)
        if results.may_export_examples
        else []
    )
    return SummaryPage(
        name="triplets",
        label="Triplets",
        values={
            "checked": checked_sheets(
                *(
                    read_tables(
                        results.inputs.tables.get(schema.name, ()), schema=schema
                    )
                    for schema in (TRIPLET_SCORES, TRIPLET_CONFUSIONS)
                )
            ),
            "compared": compared_sheets(results.inputs),
            "differences": compared_claims(results.inputs, num_sentences=num_sentences)
            if results.may_export_examples
            else [],
            "sentences": sentences,
            "hidden_reason": results.hidden_reason,
        },
    )


def choose_sentences(
    inputs: SummaryInputs, *, num_sentences: int
) -> list[ShownSentence]:
    """Return up to `num_sentences` sentences that make claims, of different studies.

    They are chosen one after the other, each time the one that makes the most kinds of
    claims that no chosen one makes; of equal ones the shorter, then the first by id. A kind is a
    finding with its existence, or a context that is not the current. Only as many shards
    are read as give enough candidates.

    Args:
        inputs: The tables `sentences` and `triplets`; without them there are none.
        num_sentences: The most sentences that are returned.
    """
    if num_sentences == 0 or not all(inputs.tables.get(one.name) for one in _NEEDED):
        return []
    candidates = _read_candidates(
        inputs, num_wanted=num_sentences * _CANDIDATES_PER_SENTENCE
    )
    chosen = in_order_of_news(
        candidates,
        kinds=lambda one: _kinds(one[1]),
        rank=lambda one: (
            len(one[0]["text"]),
            one[0]["study_id"],
            one[0]["sentence_index"],
        ),
        source=lambda one: one[0]["study_id"],
    )
    return [_show(*one) for one in islice(chosen, num_sentences)]


def _read_candidates(inputs: SummaryInputs, *, num_wanted: int) -> list[Candidate]:
    """Return short sentences with their triplets, from as few shards as needed."""
    found: list[Candidate] = []
    for shard in read_shards(inputs, _NEEDED):
        found.extend(_with_triplets(shard[SENTENCES.name], shard[TRIPLETS.name]))
        if len(found) >= num_wanted:
            break
    return found


def _with_triplets(
    sentences: pl.DataFrame, triplets: pl.DataFrame
) -> Iterator[Candidate]:
    key = ["study_id", "sentence_index"]
    by_sentence: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    short = sentences.filter(pl.col("text").str.len_chars() <= _MAX_LENGTH)
    claims = triplets.join(short, on=key, how="semi").sort("finding_start", "region")
    for claim in claims.iter_rows(named=True):
        by_sentence.setdefault(tuple(claim[name] for name in key), []).append(claim)
    for sentence in short.sort(key).iter_rows(named=True):
        made = by_sentence.get(tuple(sentence[name] for name in key))
        if made:
            yield sentence, made


def _kinds(claims: Sequence[Mapping[str, Any]]) -> set[str]:
    contexts = {claim["context"] for claim in claims} - {Context.CURRENT.value}
    return {f"{claim['finding']} {claim['existence']}" for claim in claims} | contexts


def _show(
    sentence: Mapping[str, Any], triplets: Sequence[Mapping[str, Any]]
) -> ShownSentence:
    """Return the sentence with one claim per mention of a finding."""
    mentions: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for triplet in triplets:
        mention = tuple(triplet[column] for column in _MENTION)
        mentions.setdefault(mention, []).append(triplet)
    spans = []
    for index, rows in enumerate(mentions.values()):
        for row in rows:
            for role in ROLES:
                start, end = row[f"{role}_start"], row[f"{role}_end"]
                if start is not None:
                    begin = sentence["start"]
                    spans.append((start - begin, end - begin, role, index))
    return ShownSentence(
        study_id=sentence["study_id"],
        section=sentence["section"],
        words=tuple(cut_sentence(sentence["text"], spans=spans)),
        claims=tuple(
            SentenceClaim(
                finding=rows[0]["finding"],
                regions=tuple(row["region"] for row in rows),
                existence=rows[0]["existence"],
                context=rows[0]["context"],
            )
            for rows in mentions.values()
        ),
    )
