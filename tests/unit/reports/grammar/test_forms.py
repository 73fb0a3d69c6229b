"""Answers of a form: a label, a mark, an answer."""

import time

import polars as pl
import pytest

from asg_core.reports.parse import parse_reports

Claims = dict[str, str]
"""Finding -> existence and sides, as "absent", "present L", "uncertain R" or "present LR"."""


def claims(text: str) -> Claims:
    """What a text claims of each finding; sides only of what is not denied on both."""
    parsed = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))
    found: dict[str, str] = {}
    for (finding,), rows in parsed.triplets.group_by("finding", maintain_order=True):
        said = []
        for (existence,), regions in rows.group_by("existence", maintain_order=True):
            sides = {region.split()[0] for region in regions["region"].cast(pl.String)}
            marks = "".join(s[0].upper() for s in ("left", "right") if s in sides)
            is_plain = not marks or (existence == "absent" and marks == "LR")
            said.append(str(existence) if is_plain else f"{existence} {marks}")
        found[str(finding)] = ", ".join(sorted(said))
    return found


@pytest.mark.parametrize(
    "answer",
    [
        *("nil", "none", "None.", "neg", "negative", "(-)", "(neg)", "no", "No.", "absent"),
        *("not seen", "none identified", "-ve", "no evidence", "\u2717", "[ ]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "label", ["Effusion: {}", "Pleural effusion? {}", "Effusion | {}"]
)
def test_an_answer_denies_its_label(label: str, answer: str) -> None:
    assert claims(label.format(answer)) == {"pleural effusion": "absent"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # present, and where
        ("Effusion: present", {"pleural effusion": "present"}),
        ("Effusion: yes, small left", {"pleural effusion": "present L"}),
        ("Effusion: Yes - on the right", {"pleural effusion": "present R"}),
        ("Effusion: trace left", {"pleural effusion": "present L"}),
        ("Effusion (+) left", {"pleural effusion": "present L"}),
        ("Effusion [x] left [ ] right", {"pleural effusion": "present L"}),
        ("Left effusion \u2713", {"pleural effusion": "present L"}),
        ("Is there an effusion? Yes, left.", {"pleural effusion": "present L"}),
        # in doubt, and not answered
        ("Edema: possible", {"edema": "uncertain LR"}),
        ("Edema? Cannot exclude.", {"edema": "uncertain LR"}),
        ("Left effusion (questionable)", {"pleural effusion": "uncertain L"}),
        ("Left effusion (?) and a mass", {"pleural effusion": "uncertain L", "mass": "present L"}),
        ("Edema: ?", {"edema": "uncertain LR"}),
        ("Effusion: n/a", {}),
        ("Effusion: not assessed", {}),
        ("Effusion:", {}),
        ("Effusion: [ ] yes [ ] no", {}),
        # the boxes of one label, and a box for each
        ("Effusion: [ ] yes [x] no", {"pleural effusion": "absent"}),
        ("Left effusion: \u2610 none \u2612 small \u2610 large", {"pleural effusion": "present L"}),
        ("[x] left effusion [ ] edema", {"pleural effusion": "present L", "edema": "absent"}),
        ("\u2610 edema \u2611 cardiomegaly \u2610 mass", {"edema": "absent", "cardiomegaly": "present", "mass": "absent"}),
        ("Edema [ ], cardiomegaly [x]", {"edema": "absent", "cardiomegaly": "present"}),
        ("[ ] no effusion [x] cardiomegaly", {"cardiomegaly": "present"}),
        ("[ ] lungs clear [x] heart enlarged", {"cardiomegaly": "present"}),
        ("- [ ] edema\n- [x] cardiomegaly", {"edema": "absent", "cardiomegaly": "present"}),
        # several pairs on a line
        ("PTX: neg. Edema: neg. Cardiomegaly: present.", {"pneumothorax": "absent", "edema": "absent", "cardiomegaly": "present"}),
        ("Edema (-), mass (-), consolidation (+) RLL", {"edema": "absent", "mass": "absent", "consolidation": "present R"}),
        ("Edema: none, mass: none, effusion: left", {"edema": "absent", "mass": "absent", "pleural effusion": "present L"}),
        ("Edema: no Mass: no Heart: enlarged", {"edema": "absent", "mass": "absent", "cardiomegaly": "present"}),
        ("Effusion: small left Edema: none", {"pleural effusion": "present L", "edema": "absent"}),
        ("Edema? No. Effusion? Yes, left. Mass? No.", {"edema": "absent", "pleural effusion": "present L", "mass": "absent"}),
        ("Edema - none; effusion - none", {"edema": "absent", "pleural effusion": "absent"}),
        # one a line, in any case, without a full stop
        ("Consolidation: not seen\nEffusion: trace left\nEdema: nil", {"consolidation": "absent", "pleural effusion": "present L", "edema": "absent"}),
        ("edema: none\neffusion: left\nmass: none", {"edema": "absent", "pleural effusion": "present L", "mass": "absent"}),
        ("EDEMA: NONE\nHEART: ENLARGED", {"edema": "absent", "cardiomegaly": "present"}),
        ("Edema - none\nLeft effusion is small", {"edema": "absent", "pleural effusion": "present L"}),
        # labels of several findings, labels that are repeated, headings that are answered
        ("Nodules, masses or edema: none", {"nodule": "absent", "mass": "absent", "edema": "absent"}),
        ("Pneumothorax: No evidence of pneumothorax", {"pneumothorax": "absent"}),
        ("Effusion: there is a small left effusion", {"pleural effusion": "present L"}),
        ("Lines and tubes: none", {"line": "absent", "tube": "absent"}),
        ("Fracture: no acute", {"fracture": "absent"}),
        ("Fracture: nil displaced", {"fracture": "absent"}),
        # each side by itself
        ("Effusion: right none, left small.", {"pleural effusion": "absent R, present L"}),
        ("Effusion: present on the left and none on the right", {"pleural effusion": "absent R, present L"}),
        ("Effusion: left: small, right: none", {"pleural effusion": "absent R, present L"}),
        ("Effusion: R - none, L - small", {"pleural effusion": "absent R, present L"}),
        ("Effusion: none, stable opacity at the left base", {"pleural effusion": "absent", "opacity": "present L"}),
        # rows of a table
        ("Pleura | no effusion", {"pleural effusion": "absent"}),
        ("| Pleura | effusion | none |", {"pleural effusion": "absent"}),
        ("Region | Finding\nRight lung | clear\nLeft lung | scar lower lobe", {"opacity": "absent R", "scar": "present L"}),
        ("| Finding | Present |\n|---|---|\n| Edema | no |\n| Mass | yes |", {"edema": "absent", "mass": "present"}),
        ("Edema\tnone\nEffusion\tleft", {"edema": "absent", "pleural effusion": "present L"}),
        # side headings keep their side, all along the line
        ("LEFT LUNG: Lower lobe scar.", {"scar": "present L"}),
        ("RIGHT LUNG: Clear.\nLEFT LUNG: Scar.", {"opacity": "absent R", "scar": "present L"}),
        ("Left lung: base opacity, no pneumothorax", {"opacity": "present L", "pneumothorax": "absent L"}),
        ("The lungs are not clear: left opacity", {"opacity": "present L"}),
    ],
)  # fmt: skip
def test_what_a_form_says(text: str, expected: Claims) -> None:
    assert claims(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what follows the mark is a statement, or a word for something else
        ("Left base opacity: likely atelectasis", {"opacity": "present L", "atelectasis": "uncertain L"}),
        ("Left effusion: no pneumothorax", {"pleural effusion": "present L", "pneumothorax": "absent L"}),
        ("Left chest tube: no air leak", {"tube": "present L"}),
        ("Left effusion - likely malignant", {"pleural effusion": "present L"}),
        ("Left effusion: no change", {"pleural effusion": "present L"}),
        ("Left effusion: present since 10:30", {"pleural effusion": "present L"}),
        # no boxes, no signs, no tables
        ("Effusion [2] on the left", {"pleural effusion": "present L"}),
        ("Left effusion (see above) and edema", {"pleural effusion": "present L", "edema": "present LR"}),
        ("Edema 2+, left effusion", {"edema": "present LR", "pleural effusion": "present L"}),
        # a question that is not answered in a word stays one, and a wrapped line is one line
        ("Edema? The heart is enlarged.", {"edema": "uncertain LR", "cardiomegaly": "present"}),
        ("There is no\nedema or left\neffusion: clear", {"edema": "absent", "pleural effusion": "absent L"}),
        ("HEART: The heart is\nenlarged.", {"cardiomegaly": "present"}),
        # the side of a label is that of its line only, and not of what has its own
        ("LEFT LUNG: Clear. Scar.", {"opacity": "absent L", "scar": "present L"}),
        ("LEFT LUNG: Scar, no edema in the right base", {"scar": "present L", "edema": "absent R"}),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_form(text: str, expected: Claims) -> None:
    assert claims(text) == expected


def test_the_words_of_an_answer_are_its_cue() -> None:
    text = "Effusion: trace left.\nEdema? No."
    parsed = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))

    rows = parsed.triplets.filter(pl.col("finding") == "edema")

    spans = rows.select("finding_start", "finding_end", "cue_start", "cue_end").row(0)
    assert text[spans[0] : spans[1]] == "Edema"
    assert text[spans[2] : spans[3]] == "? No"
    assert parsed.sentences["text"].to_list() == ["Effusion: trace left.", "Edema? No."]


@pytest.mark.parametrize(
    "piece",
    ["edema: ", "[x] ", "edema (-), ", "| ", "a:b?", "? no ", "\n|", "A b:\n", "isn't ", "left: none, "],
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    short, long = piece * 1_500, piece * 6_000
    claims(short)

    begin = time.process_time()
    claims(short)
    middle = time.process_time()
    claims(long)
    end = time.process_time()

    assert end - middle < 12 * max(middle - begin, 0.05)
