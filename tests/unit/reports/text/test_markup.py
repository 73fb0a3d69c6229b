import polars as pl
import pytest

from asg_core.reports.parse import parse_reports
from asg_core.reports.text.markup import without_markup


def read(text: str) -> list[tuple[object, ...]]:
    parsed = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))
    columns = ["finding", "region", "existence"]
    return sorted(parsed.triplets.select(pl.col(columns).cast(pl.String)).rows())


PLAIN = "Indication: edema\nFindings: Small left effusion. No pneumothorax.\nImpression: Left effusion."


@pytest.mark.parametrize(
    "text",
    [
        "<b>Indication:</b> edema<br><b>Findings:</b> Small left effusion. No pneumothorax.<br/><b>Impression:</b> Left effusion.",
        "<h2>Indication</h2>\n<p>edema</p>\n<h2>Findings</h2>\n<p>Small left <em>effusion</em>. No pneumothorax.</p><h2>Impression</h2><p>Left effusion.</p>",
        "<div class='x'><strong>INDICATION</strong>: edema</div><div><strong>FINDINGS</strong>: Small left effusion. No pneumothorax.</div><div><strong>IMPRESSION</strong>: Left effusion.</div>",
        "<INDICATION>edema</INDICATION><FINDINGS>Small left effusion. No pneumothorax.</FINDINGS><IMPRESSION>Left effusion.</IMPRESSION>",
        "<p>Indication&nbsp;: edema</p><p>Findings&nbsp;:</p><ul><li>Small left effusion</li><li>No pneumothorax</li></ul><p>Impression: Left effusion.</p>",
        "**Indication:** edema\n\n**Findings:** Small left effusion. No pneumothorax.\n\n**Impression:** Left effusion.",
        "# Indication\nedema\n\n# Findings\n- Small left **effusion**\n- No pneumothorax\n\n# Impression\nLeft effusion.",
        "### Indication ###\nedema\n### Findings ###\nSmall left effusion. No pneumothorax.\n### Impression ###\nLeft effusion.",
        "__Indication__\nedema\n__Findings__\nSmall left effusion. No pneumothorax.\n__Impression__\nLeft effusion.",
        "*Indication:* edema\n*Findings:* Small left effusion. No pneumothorax.\n*Impression:* Left effusion.",
        "***INDICATION*** edema\n***FINDINGS*** Small left effusion. No pneumothorax.\n***IMPRESSION*** Left effusion.",
    ],
)  # fmt: skip
def test_a_marked_up_report_claims_what_the_plain_one_does(text: str) -> None:
    assert len(without_markup(text)) == len(text)
    assert read(text) == read(PLAIN)


@pytest.mark.parametrize(
    "text",
    [
        "Nodules < 3 mm and > 2 mm are seen.",
        "R<L effusion, R > L atelectasis.",
        "Seen by Dr. ___ at ___ on ___.",
        "Fracture of rib #7, image #3.",
        "* no edema\n* no effusion",
        "Lines & tubes; 5 * 3 cm mass.",
        "______________\nFINAL REPORT",
    ],
)
def test_what_is_no_mark_stays(text: str) -> None:
    assert without_markup(text) is text or without_markup(text) == text


def test_line_ends_of_html_end_a_sentence() -> None:
    text = "Findings:<br>No edema<br>or mass<BR/>Small left effusion"

    sentences = parse_reports(
        pl.DataFrame({"study_id": ["s"], "text": [text]})
    ).sentences

    assert sentences["text"].to_list() == ["No edema<br>or mass", "Small left effusion"]
