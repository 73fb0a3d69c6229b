import pytest

from asg_core.reports.grammar.reading import read_sentence
from asg_core.reports.lexicon.load import load_lexicon


def clauses(text: str) -> list[str]:
    reading = read_sentence(load_lexicon(), text)
    starts = [reading.words.spans[word][0] for word in reading.clauses.starts]
    return [
        text[start:end].strip()
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no edema, effusion, or pneumothorax", ["no edema, effusion, or pneumothorax"]),
        ("heart, hila and lungs are normal", ["heart, hila and lungs are normal"]),
        ("heart size normal, lungs are clear", ["heart size normal", ", lungs are clear"]),
        ("heart is normal and lungs are clear", ["heart is normal", "and lungs are clear"]),
        ("no effusion but a mass", ["no effusion", "but a mass"]),
        ("opacity, no effusion", ["opacity", ", no effusion"]),
        ("opacity with an effusion", ["opacity", "with an effusion"]),
        ("clear except for a nodule", ["clear", "except for a nodule"]),
        ("no effusion and pneumothorax are seen", ["no effusion and pneumothorax are seen"]),
        ("no acute, displaced fracture is seen", ["no acute, displaced fracture is seen"]),
        ("no edema there is a mass", ["no edema", "there is a mass"]),
        ("no edema the lungs are big", ["no edema", "the lungs are big"]),
        ("edema (no effusion) and mass", ["edema", "(no effusion", ") and mass"]),
        # a list with "and" before its last is a list
        ("no mass, effusion, and edema are seen", ["no mass, effusion, and edema are seen"]),
        ("no mass, large effusion, or edema is seen", ["no mass, large effusion, or edema is seen"]),
        # an alternative behind a whole sentence is no list with it
        ("no mass is seen, scar or granuloma is present", ["no mass is seen", ", scar or granuloma is present"]),
        # without a verb, a structure and its state say something of their own
        ("no effusion and heart normal", ["no effusion", "and heart normal"]),
        ("clear lungs, normal heart, intact ribs", ["clear lungs, normal heart, intact ribs"]),
        # a denial or removal behind its noun makes it whole
        ("edema unlikely, lungs are clear", ["edema unlikely", ", lungs are clear"]),
        ("no displaced ribs, lungs are clear", ["no displaced ribs", ", lungs are clear"]),
        # a full stop was forgotten only before "the", and only behind what is whole
        ("heart size is normal lungs are clear", ["heart size is normal lungs are clear"]),
        ("evaluate whether the heart is enlarged", ["evaluate whether the heart is enlarged"]),
        ("no rib or the clavicle is fractured", ["no rib or the clavicle is fractured"]),
        # where something is, and then what is there, is one clause
        ("in the left base there is a nodule", ["in the left base there is a nodule"]),
        ("the lungs are clear except for a scar, heart is normal", ["the lungs are clear", "except for a scar, heart is normal"]),
        ("", []),
    ],
)  # fmt: skip
def test_clauses_of_a_sentence(text: str, expected: list[str]) -> None:
    if not text:
        assert read_sentence(load_lexicon(), text).clauses.starts == (0,)
    else:
        assert clauses(text) == expected
