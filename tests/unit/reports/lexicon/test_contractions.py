"""Words that are written otherwise than they are read, and where they stand."""

import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.lexicon.phrases import Words

LEXICON = load_lexicon()


def existences(text: str) -> list[tuple[str, str]]:
    claims = read_claims(LEXICON, text, max_scope=40)
    return [(claim.finding, claim.existence.value) for claim in claims]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("isn't", ["is", "not"]),
        ("ISN\u2019T", ["is", "not"]),
        ("isn`t", ["is", "not"]),
        ("isnt", ["is", "not"]),
        ("is n't", ["is", "not"]),
        ("can't", ["cannot"]),
        ("cant", ["cannot"]),
        ("ca n't", ["cannot"]),
        ("mustn't", ["must", "not"]),
        ("a(-) b(+)", ["a", "(", "negative", ")", "b", "(", "positive", ")"]),
        ("culture +ve, -ve", ["culture", "positive", ",", "negative"]),
        ("[x] a [ ] b [] c", ["[x]", "a", "[]", "b", "[]", "c"]),
        ("\u2611 a \u2610 b \u2717 c", ["[x]", "a", "[]", "b", "[]", "c"]),
        ("a = b | c", ["a", ":", "b", "|", "c"]),
        # words that only look so
        ("patient's", ["patient", "s"]),
        ("wont present silent", ["wont", "present", "silent"]),
        ("a scant canted amount isntead", ["a", "scant", "canted", "amount", "isntead"]),
        ("T+ 3+4 [image 2] (left)", ["t", "3", "4", "image", "2", "(", "left", ")"]),
        ("single-vessel air-space", ["single", "vessel", "air", "space"]),
    ],
)  # fmt: skip
def test_words_as_they_are_read(text: str, expected: list[str]) -> None:
    assert Words(text) == expected


def test_spans_are_those_of_the_written_words() -> None:
    text = "It isn\u2019t there; can't see, wasnt (-)"

    spans = Words(text).spans

    assert [text[start:end] for start, end in spans] == [
        *("It", "is", "n\u2019t", "there", ";", "can't", "see", ","),
        *("was", "nt", "(", "-", ")"),
    ]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("There isn't a pneumothorax.", "There is not a pneumothorax."),
        ("The heart isn't enlarged.", "The heart is not enlarged."),
        ("The lungs aren't clear.", "The lungs are not clear."),
        ("Mild edema can't be excluded.", "Mild edema cannot be excluded."),
        ("Can't rule out a nodule.", "Cannot rule out a nodule."),
        ("This doesn't show any effusion.", "This does not show any effusion."),
        ("The opacity hasn't changed.", "The opacity has not changed."),
        ("Effusions weren't seen.", "Effusions were not seen."),
        ("Pneumonia couldn't be excluded.", "Pneumonia could not be excluded."),
        ("I don't see a mass.", "I do not see a mass."),
        ("The apices can't be assessed.", "The apices cannot be assessed."),
        ("The tube shouldn't be a concern.", "The tube should not be a concern."),
    ],
)
def test_a_contraction_claims_what_the_long_form_claims(short: str, long: str) -> None:
    expected = existences(long)

    assert existences(short) == expected
    assert existences(short.replace("'", "\u2019")) == expected
    assert existences(short.replace("'", "")) == expected
    assert existences(short.upper()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We haven't found any rib fracture.", "absent"),
        ("I have not seen a fracture.", "absent"),
        ("A fracture has not been seen.", "absent"),
        ("Can not exclude a rib fracture.", "uncertain"),
        ("A fracture can not be assessed.", None),
    ],
)
def test_not_of_somebody_and_of_something(text: str, expected: str | None) -> None:
    found = existences(text)

    assert found == ([("fracture", expected)] if expected else [])


@pytest.mark.parametrize(
    "text",
    [
        "The patient's effusion is larger.",
        "Dr. Doesn's left effusion.",
        "A scant left effusion.",
        "Left effusion, patient wont hold still.",
    ],
)
def test_what_is_no_contraction_denies_nothing(text: str) -> None:
    assert existences(text) == [("pleural effusion", "present")]
