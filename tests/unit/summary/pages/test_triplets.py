from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asg_core.checking.marks import read_filled_sheet
from asg_core.checking.score import find_confusions, score_current, score_sheet
from asg_core.summary.inputs import SummaryInputs
from asg_core.summary.pages.excerpts import MarkedWords, cut_sentence
from asg_core.summary.pages.triplets import choose_sentences
from asg_core.tables.catalog import (
    SENTENCES,
    TRIPLET_CONFUSIONS,
    TRIPLET_SCORES,
    TRIPLETS,
)
from asg_core.tables.schema import write_table
from support.fake_results import build
from support.marked_sheet import MARKS, marked, save, tables


@pytest.fixture
def corpus(tmp_path: Path) -> SummaryInputs:
    """Three studies: small left effusion; no edema, on both sides; possible mass."""
    paths = {}
    for schema in (SENTENCES, TRIPLETS):
        path = tmp_path / schema.name / "shard-0000-of-0001.parquet"
        write_table(tables()[schema.name], path, schema=schema)
        paths[schema.name] = [path]
    return SummaryInputs(corpus="small", tables=paths)


@pytest.fixture
def checked(corpus: SummaryInputs, tmp_path: Path) -> SummaryInputs:
    """The same, with the scores of a marked sheet."""
    sheet = read_filled_sheet(save(marked(MARKS), tmp_path / "filled.csv"))
    scores, confusions = tmp_path / "scores.parquet", tmp_path / "confusions.parquet"
    better = tables()["triplets"].filter(finding="pleural effusion")
    rows = [score_sheet(sheet, seed=0), score_current(sheet, better, seed=0)]
    write_table(pl.concat(rows), scores, schema=TRIPLET_SCORES)
    write_table(find_confusions(sheet), confusions, schema=TRIPLET_CONFUSIONS)
    more = {TRIPLET_SCORES.name: [scores], TRIPLET_CONFUSIONS.name: [confusions]}
    return replace(corpus, tables={**corpus.tables, **more})


def test_a_sentence_is_cut_where_words_of_a_role_begin_or_end() -> None:
    words = cut_sentence(
        "the lungs are clear",
        spans=[(4, 19, "finding", 0), (4, 9, "place", 0), (14, 30, "cue", 1)],
    )

    assert words == [
        MarkedWords(text="the ", roles=(), claims=()),
        MarkedWords(text="lungs", roles=("finding", "place"), claims=(0,)),
        MarkedWords(text=" are ", roles=("finding",), claims=(0,)),
        MarkedWords(text="clear", roles=("finding", "cue"), claims=(0, 1)),
    ]


def test_words_outside_the_sentence_are_not_marked() -> None:
    words = cut_sentence("clear", spans=[(-9, -2, "cue", 0), (7, 9, "place", 0)])

    assert words == [MarkedWords(text="clear", roles=(), claims=())]


def test_a_line_break_in_a_sentence_is_not_shown() -> None:
    assert MarkedWords(text="pleural\neffusion", roles=(), claims=()).shown == (
        "pleural effusion"
    )


def test_sentences_show_their_claims_with_all_regions(corpus: SummaryInputs) -> None:
    chosen = choose_sentences(corpus, num_sentences=9)

    # Each of the first two brings one kind of claim; the shorter comes first.
    assert ["".join(w.text for w in sentence.words) for sentence in chosen] == [
        "No edema. ",
        "Possible mass.",
    ]
    (edema,) = chosen[0].claims
    assert edema.regions == ("right lung", "left lung")
    assert (edema.finding, edema.existence, edema.context) == (
        "edema",
        "absent",
        "current",
    )
    assert [(w.text, w.roles) for w in chosen[1].words] == [
        ("Possible", ("cue",)),
        (" ", ()),
        ("mass", ("finding",)),
        (".", ()),
    ]


def test_a_sentence_with_a_new_kind_of_claim_comes_before_one_without(
    tmp_path: Path,
) -> None:
    sentences = tables()["sentences"].to_dicts()
    triplets = tables()["triplets"].to_dicts()
    for study in ("s4", "s5"):
        sentences.append(sentences[1] | {"study_id": study})
        triplets.append(triplets[1] | {"study_id": study})
    triplets[-1]["context"] = "removal"
    paths = {}
    for schema, rows in ((SENTENCES, sentences), (TRIPLETS, triplets)):
        path = tmp_path / schema.name / "shard-0000-of-0001.parquet"
        write_table(schema.frame(rows), path, schema=schema)
        paths[schema.name] = [path]

    chosen = choose_sentences(SummaryInputs(corpus="x", tables=paths), num_sentences=3)

    # s5 makes two kinds at once; the edema of s4 is then nothing new.
    assert [sentence.study_id for sentence in chosen] == ["s5", "s2", "s1"]


def test_very_long_sentences_are_not_shown(
    corpus: SummaryInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asg_core.summary.pages.triplets._MAX_LENGTH", 12)

    chosen = choose_sentences(corpus, num_sentences=9)

    assert [sentence.study_id for sentence in chosen] == ["s1"]


def test_only_as_many_shards_are_read_as_are_needed(
    corpus: SummaryInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "shard-0001-of-0001.parquet"
    more = {name: [*paths, gone] for name, paths in corpus.tables.items()}
    monkeypatch.setattr("asg_core.summary.pages.triplets._CANDIDATES_PER_SENTENCE", 3)

    chosen = choose_sentences(replace(corpus, tables=more), num_sentences=1)

    assert len(chosen) == 1


def test_a_run_without_triplets_has_no_sentences(corpus: SummaryInputs) -> None:
    assert choose_sentences(SummaryInputs(corpus="x"), num_sentences=9) == []
    assert choose_sentences(corpus, num_sentences=0) == []


def test_the_page_marks_words_by_more_than_colour(
    corpus: SummaryInputs, tmp_path: Path
) -> None:
    text = (build(corpus, tmp_path / "out") / "triplets.html").read_text("utf-8")

    assert (
        '<mark class="cue" data-units="0"><span class="spoken">cue: </span>No<' in text
    )
    assert '<span class="spoken">finding: </span>edema</mark>' in text
    assert "right lung, left lung" in text
    style = (tmp_path / "out" / "style.css").read_text("utf-8")
    for role, shape in (
        ("finding", "font-weight"),
        ("place", "dotted"),
        ("cue", "font-style"),
    ):
        rule = style.partition(f".page-triplets mark.{role} {{")[2].partition("}")[0]
        assert shape in rule


def test_scores_are_shown_of_a_private_corpus_too(
    checked: SummaryInputs, tmp_path: Path
) -> None:
    out = build(
        checked, tmp_path / "out", is_synthetic=False, may_export_examples=False
    )

    text = (out / "triplets.html").read_text("utf-8")
    assert "75.0" in text
    for secret in ("No edema", "Possible mass", "heart is large"):
        assert secret not in text
    assert (out / "tables" / "checked_triplets.csv").exists()


def test_without_a_marked_sheet_the_page_says_how_to_make_one(
    corpus: SummaryInputs, tmp_path: Path
) -> None:
    text = (build(corpus, tmp_path / "out") / "triplets.html").read_text("utf-8")
    assert "check_triplets.filled" in text
