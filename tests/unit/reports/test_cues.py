from dataclasses import replace

import pytest

from asg_core.reports.cues import existence_of, judge_span
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.lexicon.phrases import Entry, Phrases
from asg_core.terms.existence import Context, Existence


def judged(text: str, words: str) -> tuple[str | None, str, str | None]:
    start = text.index(words)
    judgement = judge_span(text, start, start + len(words))
    cue = None if judgement.cue is None else text[slice(*judgement.cue)]
    return judgement.existence, judgement.context.value, cue


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("There is a mass.", "mass", ("present", "current", None)),
        ("No mass is seen.", "mass", ("absent", "current", "No")),
        ("Mass is not seen.", "Mass", ("absent", "current", "is not seen")),
        ("Lungs are clear of edema, mass or fluid.", "fluid", ("absent", "current", "clear of")),
        ("No edema, but a mass.", "mass", ("present", "current", None)),
        ("No cardiomegaly, with small effusions.", "effusions", ("present", "current", None)),
        ("No evidence of edema or mass.", "mass", ("absent", "current", "No evidence of")),
        ("No edema, heart is enlarged.", "enlarged", ("present", "current", None)),
        ("A mass cannot be excluded.", "mass", ("uncertain", "current", "cannot be excluded")),
        ("Opacity may represent edema.", "edema", ("uncertain", "current", "may represent")),
        ("Opacity may represent edema.", "Opacity", ("present", "current", None)),
        ("Atelectasis versus pneumonia.", "Atelectasis", ("uncertain", "current", "versus")),
        ("Atelectasis versus pneumonia.", "pneumonia", ("uncertain", "current", "versus")),
        ("No atelectasis or pneumonia.", "pneumonia", ("absent", "current", "No")),
        ("Effusion has resolved.", "Effusion", ("absent", "removal", "has resolved")),
        ("Interval removal of the tube.", "tube", ("absent", "removal", "Interval removal of the")),
        ("The tube is no longer seen.", "tube", ("absent", "removal", "is no longer seen")),
        ("History of pneumonia.", "pneumonia", ("present", "history", "History of")),
        ("Prior pneumonia.", "pneumonia", ("present", "history", "Prior")),
        ("Effusion has increased.", "Effusion", ("present", "comparison", "has increased")),
        ("No change in the nodules.", "nodules", ("present", "comparison", "No change in the")),
        ("Nearly completely resolved edema.", "edema", ("present", "comparison", "Nearly completely resolved")),
        ("Evaluate for pneumonia.", "pneumonia", (None, "current", "Evaluate for")),
        ("If there is concern for a mass, CT.", "mass", (None, "current", "If there is")),
        ("A fracture may be missed.", "fracture", (None, "current", "may be missed")),
        ("No acute, displaced fracture is seen.", "fracture", ("absent", "current", "No")),
        ("No pneumothorax the lungs are clear.", "clear", ("present", "current", None)),
        ("The chest is negative for a mass.", "mass", ("absent", "current", "is negative for")),
        ("Mass: none.", "Mass", ("absent", "current", ": none")),
        ("It is impossible to exclude a mass.", "mass", ("uncertain", "current", "impossible to exclude")),
        ("Scar, less likely a mass.", "mass", ("uncertain", "current", "less likely")),
        ("The tube was withdrawn.", "tube", ("absent", "removal", "was withdrawn")),
        ("The tube was withdrawn by 2 cm.", "tube", ("present", "current", None)),
        ("Mass in the past, now clear.", "Mass", ("present", "history", "in the past")),
        ("Lobectomy for a mass.", "mass", ("present", "history", "Lobectomy for")),
        ("Little change in the mass.", "mass", ("present", "comparison", "Little change in the")),
        ("Mass is larger.", "Mass", ("present", "comparison", "is larger")),
        ("Mass, incompletely evaluated.", "Mass", ("present", "current", None)),
        ("A mass may be obscured.", "mass", (None, "current", "may be obscured")),
        ("Scar, ? mass.", "mass", ("uncertain", "current", "?")),
        ("Scar and possible mass.", "Scar", ("present", "current", None)),
        ("Scar possible.", "Scar", ("uncertain", "current", "possible")),
        ("No mass, large scar or edema is seen.", "scar", ("absent", "current", "No")),
        ("No mass, left basilar scar is seen.", "scar", ("present", "current", None)),
        ("Nodule after mass removal.", "Nodule", ("present", "current", None)),
        ("Nodule and mass removal.", "Nodule", ("present", "current", None)),
        ("Nodule and mass removal.", "mass", ("absent", "removal", "removal")),
        ("A mass would be difficult to exclude.", "mass", ("uncertain", "current", "would be difficult to exclude")),
        ("Not to be mistaken for a mass.", "mass", (None, "current", "Not to be mistaken for")),
        ("Mass is slightly increased in size.", "Mass", ("present", "comparison", "is slightly increased")),
        ("No mass, left tube in place.", "tube", ("present", "current", None)),
        ("Effusion is small if any.", "Effusion", ("uncertain", "current", "if any")),
        ("Not showing a mass.", "mass", ("absent", "current", "Not")),
        ("Without difficulty, a mass is seen.", "mass", ("present", "current", None)),
        # "prior" reaches over a side and a zone, not back and not over a rib's number
        ("Prior left basilar pneumonia.", "pneumonia", ("present", "history", "Prior")),
        ("Remote left fourth rib fracture.", "fracture", ("present", "current", None)),
        ("Left apical calcification suggests a previous infection.", "calcification", ("present", "current", None)),
        # a cue before a noun, with adjectives between them, is that noun's
        ("Effusion and possible left lower lobe pneumonia.", "Effusion", ("present", "current", None)),
        ("Right pneumonia suspected, with effusion.", "pneumonia", ("uncertain", "current", "suspected")),
        ("Atelectasis versus unlikely pneumonia.", "Atelectasis", ("uncertain", "current", "versus")),
        ("Atelectasis versus unlikely pneumonia.", "pneumonia", ("absent", "current", "unlikely")),
        # of two cues the stronger, whichever is nearer
        ("History of possible pneumonia.", "pneumonia", ("present", "history", "History of")),
        ("The left chest tube has been removed and is not seen.", "chest tube", ("absent", "removal", "has been removed")),
        # "or" reaches over the place of one of the two
        ("Atelectasis in the left lower lobe or pneumonia.", "Atelectasis", ("uncertain", "current", "or")),
        ("Atelectasis in the left lower lobe or pneumonia.", "pneumonia", ("uncertain", "current", "or")),
        # how far a denial goes: over "with" only where it stands right before it, over lists
        ("No acute process with small left effusion.", "effusion", ("present", "current", None)),
        ("No consolidation, effusion, and pneumothorax are seen.", "pneumothorax", ("absent", "current", "No")),
        ("No effusion, area suspicious for pneumonia, or pneumothorax.", "pneumonia", ("absent", "current", "No")),
        ("No effusion is seen and pneumothorax has resolved.", "effusion", ("absent", "current", "No")),
    ],
)  # fmt: skip
def test_the_deciding_cue(
    text: str, words: str, expected: tuple[str | None, str, str | None]
) -> None:
    assert judged(text, words) == expected


def test_the_span_can_be_any_words_of_any_sentence() -> None:
    text = "He has a dog. He denies zebra striping, and is well."
    start = text.index("zebra")

    assert existence_of(text, start, start + len("zebra striping")) is Existence.ABSENT
    assert existence_of(text, 9, 12) is Existence.PRESENT


def test_a_cue_reaches_only_so_far() -> None:
    text = "No small, round, dense, old, new, large, clear, left mass."
    start = text.index("mass")

    near = judge_span(text, start, start + 4, max_scope=3)
    far = judge_span(text, start, start + 4, max_scope=40)

    assert near.existence is Existence.PRESENT
    assert far.existence is Existence.ABSENT


def test_a_cue_reaches_the_word_at_its_limit() -> None:
    text = "No small, round mass."  # three words and marks in between
    start = text.index("mass")

    at_limit = judge_span(text, start, start + 4, max_scope=3)
    beyond = judge_span(text, start, start + 4, max_scope=2)

    assert at_limit.existence is Existence.ABSENT
    assert beyond.existence is Existence.PRESENT


def test_by_default_a_cue_reaches_over_a_long_list() -> None:
    text = (
        "No acute focal air space disease, pleural effusion, pulmonary edema, or large "
        "pneumothorax, or other acute abnormality, or suspicious mass."
    )

    assert judged(text, "mass")[0] == "absent"


def test_the_cue_is_counted_from_the_start_of_the_text() -> None:
    assert judged("Fine. Scar. No mass.", "mass") == ("absent", "current", "No")


def test_a_mark_that_touches_the_span_is_not_of_it() -> None:
    assert judged("Edema/scar.", "scar") == ("uncertain", "current", "/")
    assert judged("Edema/scar.", "Edema") == ("uncertain", "current", "/")


def test_cues_of_ones_own_take_the_place_of_the_shipped_ones() -> None:
    deny = Entry(cues=frozenset({"deny_before"}))
    own = replace(load_lexicon(), phrases=Phrases({("nary",): deny}))

    assert existence_of("Nary mass.", 5, 9, lexicon=own) is Existence.ABSENT
    assert existence_of("No mass.", 3, 7, lexicon=own) is Existence.PRESENT


def test_a_cue_does_not_act_on_another_sentence() -> None:
    text = "No edema. Mass. Not seen before."

    assert judged(text, "Mass")[0] == "present"
    assert judge_span(text, 10, 14).context is Context.CURRENT


@pytest.mark.parametrize(("start", "end"), [(3, 3), (-1, 2), (4, 99), (5, 4)])
def test_a_span_outside_the_text_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="judge_span: expected 0 <= start < end <= 8"):
        existence_of("No mass.", start, end)


def test_a_span_without_words_is_a_plain_statement() -> None:
    assert existence_of("No mass .", 7, 8) is Existence.PRESENT
