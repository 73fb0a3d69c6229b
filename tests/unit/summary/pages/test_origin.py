from dataclasses import replace

from asg_core.summary.inputs import SummaryInputs, read_results
from asg_core.summary.pages.origin import (
    code_sheet,
    encoders_sheet,
    origin_facts,
    versions_sheet,
)
from asg_core.tables.catalog import METRICS
from support.sheets import texts


def test_a_corpus_that_a_program_made_says_so() -> None:
    inputs = SummaryInputs(corpus="mine", config={"corpus": {"source": "synthetic"}})
    results = read_results(inputs, is_synthetic=True, may_export_examples=True)

    made = dict(origin_facts(results, commit="c0ffee"))
    real = dict(origin_facts(replace(results, is_synthetic=False), commit=None))

    assert made["Corpus"] == "mine"
    assert made["Source"] == "synthetic, made by a program"
    assert made["Runs"] == "none"
    assert made["Commit"] == "c0ffee"
    assert "polars " in made["Packages"]
    assert real["Source"] == "synthetic"
    assert real["Commit"] == "unknown: installed from a package"


def test_without_a_corpus_there_is_no_source() -> None:
    inputs = SummaryInputs(corpus="mine", config={"corpus": {"source": "none"}})
    results = read_results(inputs, is_synthetic=False, may_export_examples=True)

    facts = dict(origin_facts(results, commit=None))

    assert facts["Corpus"] == "none"
    assert "Source" not in facts


def test_an_encoder_is_said_with_what_it_learnt_from() -> None:
    kinds = {
        "ours": {"kind": "run", "run": "full"},
        "found": {"kind": "checkpoint"},
        "vit": {"kind": "timm", "image_encoder": {"name": "vit_tiny"}},
        "noise": {"kind": "random", "run": "full"},
        "seen": {"kind": "pixels", "pretrained_on": ["nih", "mimic_cxr"]},
    }
    config = {"evaluation": {"encoders": kinds}}

    sheet = encoders_sheet([*kinds, "new"], config=config)

    assert sheet is not None
    assert [row[1:] for row in texts(sheet)] == [
        ["pre-trained here: the run full", "\u2013"],
        ["pre-trained elsewhere: the folder of a run", "\u2013"],
        ["vit_tiny, from timm", "\u2013"],
        ["random weights, the architecture of the run full", "\u2013"],
        ["the grey values themselves, without an encoder", "nih, mimic_cxr"],
        ["\u2013", "\u2013"],
    ]
    assert encoders_sheet(["new"], config=config) is None


def test_digests_of_code_are_sorted_by_rule() -> None:
    sheet = code_sheet({"b": "2", "a": "1"})

    assert sheet is not None
    assert texts(sheet) == [["a", "1"], ["b", "2"]]
    assert code_sheet({}) is None


def test_every_table_has_its_version() -> None:
    assert ["metrics", str(METRICS.version)] in texts(versions_sheet())
