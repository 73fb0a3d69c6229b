import subprocess
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asg_core.reports import parse
from asg_core.reports.config import ReportsConfig, SectionName
from asg_core.reports.parse import parse_reports
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS


def reports(*texts: str | None) -> pl.DataFrame:
    ids = [f"s{index}" for index in range(len(texts))]
    return pl.DataFrame(
        {"study_id": ids, "text": texts},
        schema={"study_id": pl.String, "text": pl.String},
    )


def claims(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    columns = ("sentence_index", "region", "finding", "existence", "context")
    return sorted(frame.select(columns).rows())


def test_a_report_becomes_sentences_and_triplets() -> None:
    text = "FINDINGS: Left effusion. No edema.\nIMPRESSION: Left effusion."

    parsed = parse_reports(reports(text))

    assert_frame_equal(
        parsed.sentences,
        SENTENCES.frame(
            [
                {"study_id": "s0", "sentence_index": 0, "section": "findings", "start": 10, "end": 24, "text": "Left effusion."},
                {"study_id": "s0", "sentence_index": 1, "section": "findings", "start": 25, "end": 34, "text": "No edema."},
                {"study_id": "s0", "sentence_index": 2, "section": "impression", "start": 47, "end": 61, "text": "Left effusion."},
            ]
        ),
    )  # fmt: skip
    row = parsed.triplets.row(0, named=True)
    assert row == {
        "study_id": "s0",
        "sentence_index": 0,
        "region": "left costophrenic angle",
        "finding": "pleural effusion",
        "existence": "present",
        "context": "current",
        "finding_start": 15,
        "finding_end": 23,
        "place_start": 10,
        "place_end": 14,
        "cue_start": None,
        "cue_end": None,
        "parser": "lexicon",
    }
    assert claims(parsed.triplets) == [
        (0, "left costophrenic angle", "pleural effusion", "present", "current"),
        (1, "left lung", "edema", "absent", "current"),
        (1, "right lung", "edema", "absent", "current"),
        (2, "left costophrenic angle", "pleural effusion", "present", "current"),
    ]
    assert parsed.rejects.is_empty()


def test_the_tables_fit_their_declarations() -> None:
    parsed = parse_reports(reports("FINDINGS: Edema.", None, "HISTORY: Edema."))

    SENTENCES.check(parsed.sentences, where="test")
    TRIPLETS.check(parsed.triplets, where="test")
    REJECTS.check(parsed.rejects, where="test")


def test_no_reports_give_empty_tables() -> None:
    parsed = parse_reports(reports())

    assert_frame_equal(parsed.sentences, SENTENCES.empty())
    assert_frame_equal(parsed.triplets, TRIPLETS.empty())
    assert_frame_equal(parsed.rejects, REJECTS.empty())


def test_unreadable_reports_are_rejected_with_a_reason() -> None:
    parsed = parse_reports(
        reports(None, " \n", "\x00\x01\x02binary\x03", "INDICATION: Mass.", "_____ ...")
    )

    assert parsed.rejects.select("item_id", "reason").rows() == [
        ("s0", "empty_report"),
        ("s1", "empty_report"),
        ("s2", "binary_text"),
        ("s3", "no_usable_section"),
        ("s4", "no_usable_section"),
    ]
    assert parsed.rejects["stage"].unique().to_list() == ["extract_triplets"]
    assert parsed.rejects["detail"][3] == (
        "Report: expected a sentence under one of findings, impression, addendum, "
        "unlabelled, found none."
    )
    assert parsed.sentences.is_empty()


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("FINDINGS: Edema\x07 is seen in both of the lungs.", True),
        ("\n\n\nFINDINGS:\r\n\n\n\t\tEdema.\n\n\n\f", True),
        ("FINDINGS: \ufffd\ufffd\ufffd edema.", False),
        ("FINDINGS: \x9f\x9f\x9f edema.", False),
        ("FINDINGS: \x0e\x0e\x0e edema.", False),
    ],
)
def test_a_text_of_control_characters_is_none(text: str, *, is_read: bool) -> None:
    parsed = parse_reports(reports(text))

    reasons = [] if is_read else ["binary_text"]
    assert parsed.rejects["reason"].to_list() == reasons
    assert parsed.triplets.is_empty() is not is_read


def test_reports_without_any_text_are_rejected() -> None:
    parsed = parse_reports(pl.DataFrame({"study_id": ["1"], "text": [None]}))

    assert parsed.rejects["reason"].to_list() == ["empty_report"]


def test_all_parts_of_many_reports_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = reports("FINDINGS: Edema.", None, "FINDINGS: Scar.", "Mass.", " ")

    whole = parse_reports(frame)
    monkeypatch.setattr(parse, "_PART_REPORTS", 2)
    in_parts = parse_reports(frame.reverse())

    assert whole.rejects["item_id"].to_list() == ["s1", "s4"]
    assert whole.sentences["study_id"].to_list() == ["s0", "s2", "s3"]
    assert_frame_equal(in_parts.sentences, whole.sentences)
    assert_frame_equal(in_parts.triplets, whole.triplets)
    assert_frame_equal(in_parts.rejects, whole.rejects)


def test_only_the_chosen_sections_are_read() -> None:
    text = "WET READ: Edema.\nFINDINGS: Mass.\nIMPRESSION: Scar."
    config = ReportsConfig(sections=(SectionName.IMPRESSION, SectionName.WET_READ))

    default = parse_reports(reports(text))
    chosen = parse_reports(reports(text), config=config)

    assert default.sentences["section"].to_list() == ["findings", "impression"]
    assert chosen.sentences["section"].to_list() == ["wet_read", "impression"]
    assert chosen.sentences["sentence_index"].to_list() == [0, 1]


@pytest.mark.parametrize(
    "header", ["INDICATION", "HISTORY", "TECHNIQUE", "COMPARISON", "NOTIFICATION"]
)
def test_other_sections_claim_nothing(header: str) -> None:
    text = f" {header}: Cough // eval for pneumonia, mass, edema.\n FINDINGS: Scar.\n"

    parsed = parse_reports(reports(text))

    assert set(parsed.triplets["finding"]) == {"scar"}


def test_history_is_left_out_unless_asked_for() -> None:
    frame = reports("FINDINGS: History of pneumonia. Scar.")

    without = parse_reports(frame)
    with_it = parse_reports(frame, config=ReportsConfig(include_history=True))

    assert [row[2] for row in claims(without.triplets)] == ["scar"]
    assert claims(with_it.triplets) == [
        (0, "unspecified", "pneumonia", "present", "history"),
        (1, "unspecified", "scar", "present", "current"),
    ]


def test_the_scope_of_cues_is_a_key() -> None:
    frame = reports("FINDINGS: No very big very round very old very odd mass.")

    near = parse_reports(frame, config=ReportsConfig(max_scope_tokens=2))
    far = parse_reports(frame)

    assert near.triplets["existence"].unique().to_list() == ["present"]
    assert far.triplets["existence"].unique().to_list() == ["absent"]


def test_this_means_the_place_of_the_sentence_before() -> None:
    text = "FINDINGS: Opacity in the left apex. This may represent atelectasis."

    parsed = parse_reports(reports(text))

    row = parsed.triplets.filter(pl.col("finding") == "atelectasis").row(0, named=True)
    assert row["region"] == "left apical zone"
    assert text[row["place_start"] : row["place_end"]] == "left apex"


def test_this_takes_no_place_that_cannot_hold_it() -> None:
    parsed = parse_reports(
        reports("FINDINGS: The aortic arch is calcified. This may represent scar.")
    )

    assert ("unspecified", "scar") in parsed.triplets.select("region", "finding").rows()


def test_an_abbreviation_that_the_report_defines_is_read() -> None:
    text = (
        "FINDINGS: There is air space disease (ASD) in the left base. "
        "ASD is seen in the right apex."
    )

    read = parse_reports(reports(text))
    unread = parse_reports(reports(text), config=ReportsConfig(abbreviations=False))

    second = pl.col("sentence_index") == 1
    assert claims(read.triplets.filter(second)) == [
        (1, "right apical zone", "opacity", "present", "current")
    ]
    assert unread.triplets.filter(second).is_empty()


def test_rows_do_not_depend_on_the_order_of_reports() -> None:
    frame = reports("FINDINGS: Edema.", "FINDINGS: Mass. Edema.", "IMPRESSION: Scar.")

    forward = parse_reports(frame)
    backward = parse_reports(frame.reverse())

    assert_frame_equal(forward.triplets, backward.triplets)
    assert_frame_equal(forward.sentences, backward.sentences)


def test_wrong_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the columns study_id and text"):
        parse_reports(pl.DataFrame({"study_id": ["1"]}))
    with pytest.raises(TypeError, match="expected strings in 'text', found Int64"):
        parse_reports(pl.DataFrame({"study_id": ["1"], "text": [1]}))
    with pytest.raises(ValueError, match="study_id in every row, found 2 rows without"):
        parse_reports(pl.DataFrame({"study_id": [None, None], "text": ["a", "b"]}))
    with pytest.raises(ValueError, match="expected one report per study, found 2 rows"):
        parse_reports(pl.DataFrame({"study_id": ["1", "1"], "text": ["a", "b"]}))


def test_the_parser_needs_neither_torch_nor_spacy() -> None:
    code = (
        "import sys, polars as pl\n"
        "from asg_core.reports.parse import parse_reports\n"
        "frame = pl.DataFrame({'study_id': ['1'], 'text': ['FINDINGS: Edema.']})\n"
        "assert len(parse_reports(frame).triplets) == 2\n"
        "assert not {'torch', 'spacy', 'scispacy'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
