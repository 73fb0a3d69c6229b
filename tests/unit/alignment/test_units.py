"""Units of one box with one text, and the clauses that they are made of."""

from typing import Any

import polars as pl

from asg_core.alignment.config import Policy
from asg_core.alignment.units import clause_spans, make_units, sentence_spans
from asg_core.tables.catalog import REGION, SENTENCES, TRIPLETS

REGIONS = ("spine", "trachea", "carina", "abdomen", "right lung", "left lung")


def sentences(*texts: str) -> pl.DataFrame:
    """Make the sentences of one study, with a blank between them."""
    rows, start = [], 0
    for index, text in enumerate(texts):
        row = {"study_id": "s1", "sentence_index": index, "section": "findings"}
        rows.append(row | {"start": start, "end": start + len(text), "text": text})
        start += len(text) + 1
    return SENTENCES.frame(rows)


def edges(*pairs: tuple[int, str]) -> pl.DataFrame:
    """Make the edges (sentence, region) of one image; all boxes are the same."""
    corners = {"x0": 1.0, "y0": 2.0, "x1": 3.0, "y1": 4.0}
    rows = [
        {"image_id": "i1", "study_id": "s1", "sentence_index": index, "region": region}
        | corners
        for index, region in pairs
    ]
    return pl.DataFrame(rows).with_columns(
        pl.col("sentence_index").cast(pl.Int32),
        pl.col("region").cast(REGION),
        pl.col(*corners).cast(pl.Float32),
    )


def claim(index: int, region: str, report: str, **words: str) -> dict[str, Any]:
    """Make a claim whose finding, place and cue are words of the report."""
    spans = {
        f"{kind}_{end}": report.index(word) + (len(word) if end == "end" else 0)
        for kind, word in words.items()
        for end in ("start", "end")
    }
    row = {"study_id": "s1", "sentence_index": index, "region": region}
    row |= {"finding": "edema", "existence": "present", "context": "current"}
    return row | spans | {"parser": "test"}


def clauses(
    report: str, *texts: str, claims: list[dict[str, Any]]
) -> dict[tuple[int, str], list[str]]:
    spans = clause_spans(sentences(*texts), triplets=TRIPLETS.frame(claims))
    found: dict[tuple[int, str], list[str]] = {}
    for _, index, start, end, region in spans.select(
        "study_id", "sentence_index", "start", "end", "region"
    ).iter_rows():
        found.setdefault((index, region), []).append(report[start:end])
    return found


def test_units_come_in_the_order_of_their_first_sentence_then_of_their_regions() -> (
    None
):
    spans = sentence_spans(sentences("One.", "Two.", "Three."))

    units = make_units(
        edges((0, "spine"), (2, "spine"), (1, "trachea")),
        spans=spans,
        policy=Policy.MERGE,
    )

    assert units["sentence_indices"].to_list() == [[0, 2], [1]]
    assert units["unit_index"].to_list() == [0, 1]


def test_units_of_one_sentence_come_in_the_order_of_the_vocabulary() -> None:
    given = edges(*[(0, region) for region in reversed(REGIONS)])
    spans = sentence_spans(sentences("All of them.")).join(
        given.select(pl.col("region").cast(pl.String)), how="cross"
    )

    units = make_units(given, spans=spans, policy=Policy.SPLIT)

    regions = [names[0] for names in units["regions"].to_list()]
    assert regions == sorted(regions, key=list(REGION.categories).index)
    assert len(regions) == 6


def test_a_sentence_about_one_place_is_its_clause_whole() -> None:
    report = "Effusion, as before;"

    found = clauses(
        report, report, claims=[claim(0, "spine", report, finding="Effusion")]
    )

    assert found == {(0, "spine"): [report]}


def test_the_words_of_a_place_draw_the_clause_too() -> None:
    report = "Effusion, left lung; spine, a nodule"
    claims = [
        claim(0, "left lung", report, finding="Effusion", place="left lung"),
        claim(0, "spine", report, finding="nodule", place="spine"),
    ]

    found = clauses(report, report, claims=claims)

    assert found == {
        (0, "left lung"): ["Effusion, left lung"],
        (0, "spine"): ["spine, a nodule"],
    }


def test_place_and_cue_of_an_earlier_sentence_add_nothing() -> None:
    texts = ("No change of the spine.", "Straight, and the lung is clear")
    report = " ".join(texts)
    claims = [
        claim(1, "spine", report, finding="Straight", place="spine", cue="No"),
        claim(1, "right lung", report, finding="clear", place="lung"),
    ]

    found = clauses(report, *texts, claims=claims)

    # The spine has no word of its own beside its finding.
    assert found == {
        (1, "spine"): ["Straight"],
        (1, "right lung"): ["the lung is clear"],
    }


def test_a_cue_does_not_make_its_piece_a_places_own() -> None:
    report = "No change, effusion, and nodule in the spine"
    claims = [
        claim(0, "left lung", report, finding="effusion", cue="No"),
        claim(0, "spine", report, finding="nodule", place="spine", cue="No"),
    ]

    found = clauses(report, report, claims=claims)

    assert found == {
        (0, "left lung"): ["No change, effusion"],
        (0, "spine"): ["No", "nodule in the spine"],
    }
