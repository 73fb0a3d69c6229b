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
        ("", []),
    ],
)  # fmt: skip
def test_clauses_of_a_sentence(text: str, expected: list[str]) -> None:
    if not text:
        assert read_sentence(load_lexicon(), text).clauses.starts == (0,)
    else:
        assert clauses(text) == expected
