import pytest

from asg_core.reports.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No edema. No mass.", ["No edema.", "No mass."]),
        ("A 3.5 cm mass. Tip at 2.0 cm.", ["A 3.5 cm mass.", "Tip at 2.0 cm."]),
        ("Dr. Smith was told. Fine.", ["Dr. Smith was told.", "Fine."]),
        ("T. bili is high. Fine.", ["T. bili is high.", "Fine."]),
        ("Edema vs. pneumonia.", ["Edema vs. pneumonia."]),
        ("No edema.No mass.", ["No edema.", "No mass."]),
        ("Mass in the RUL.No edema.", ["Mass in the RUL.", "No edema."]),
        ("No edema.. No mass", ["No edema..", "No mass"]),
        ("1. Edema. 2. Mass.", ["Edema.", "Mass."]),
        ("1.Edema.2.Mass.", ["Edema.", "Mass."]),
        ("1) Edema\n 2) Mass", ["Edema", "Mass"]),
        ("- Edema\n- Mass", ["Edema", "Mass"]),
        ("Small effusion on\n the left. Fine.", ["Small effusion on\n the left.", "Fine."]),
        ("No edema\n\nNo mass", ["No edema", "No mass"]),
        ("No edema The heart is big", ["No edema", "The heart is big"]),
        ("Fracture of T5. The rest is fine.", ["Fracture of T5.", "The rest is fine."]),
        ("Any change? Yes! Fine", ["Any change?", "Yes!", "Fine"]),
        ("CT WITHOUT CONTRAST  HISTORY: edema", ["CT WITHOUT CONTRAST", "HISTORY: edema"]),
        ("", []),
        (" .. \n - 1. \n", []),
    ],
)  # fmt: skip
def test_sentences_of_a_text(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_offsets_index_the_whole_text() -> None:
    text = "HISTORY: a. b\nFINDINGS: No edema. No mass."

    assert split_sentences(text, 23, len(text)) == [(24, 33), (34, 42)]


def test_a_text_without_an_end_is_cut_between_words() -> None:
    text = "word " * 1000

    pieces = sentences(text)

    assert len(pieces) == 3
    assert all(len(piece) <= 2000 for piece in pieces)
    assert " ".join(pieces) == text.strip()
