import pytest

from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.text.sentences import SentenceCutter

CUTTER = SentenceCutter(load_lexicon().sentence_words)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in CUTTER.cut(text, 0, len(text))]


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
        # abbreviations of sides, times of day
        ("Bilat. effusions. Lt. base clear.", ["Bilat. effusions.", "Lt. base clear."]),
        ("Told at 5 p.m. The heart is big.", ["Told at 5 p.m.", "The heart is big."]),
        ("Told at 5 p.m. by phone.", ["Told at 5 p.m. by phone."]),
        # a question mark that doubts the next word ends nothing
        ("?Edema. Fine", ["?Edema.", "Fine"]),
        ("Opacity, ? edema. Fine", ["Opacity, ? edema.", "Fine"]),
        ("Nodule (?) is seen. Fine", ["Nodule (?) is seen.", "Fine"]),
        ("Edema ? Lungs are big", ["Edema ?", "Lungs are big"]),
        ("Any edema?None.", ["Any edema?", "None."]),
        # measurements at the end of a sentence, before the next one, and in a list
        ("It is 4.2 cm.The tip is low.", ["It is 4.2 cm.", "The tip is low."]),
        ("1. A 2.5 cm mass.\n2. 0.5 cm nodule.", ["A 2.5 cm mass.", "0.5 cm nodule."]),
        ("3.5 x 2.1 cm mass.", ["3.5 x 2.1 cm mass."]),
        ("T. bili 2.4. Fine", ["T. bili 2.4.", "Fine"]),
        ("Seen by Dr.Smith. Fine", ["Seen by Dr.Smith.", "Fine"]),
        ("Line in situ.___ was told.", ["Line in situ.___ was told."]),
        ("Seen by ___.No edema.", ["Seen by ___.", "No edema."]),
        ("Effusion (small).No edema", ["Effusion (small).", "No edema"]),
        ("No. 3 tube. Fine", ["No. 3 tube.", "Fine"]),
        ("Effusion (small).2. Mass", ["Effusion (small).", "Mass"]),
        ("Seen by ___.2. Mass", ["Seen by ___.", "Mass"]),
        ("Size is 12.no mass", ["Size is 12.", "no mass"]),
        ("123. Edema", ["123. Edema"]),
        ("Edema..Mass", ["Edema..", "Mass"]),
        # subheadings of several words, and capitals before a colon that are none
        ("Lungs clear\n HEART AND MEDIASTINUM: normal", ["Lungs clear", "HEART AND MEDIASTINUM: normal"]),
        ("Told at 5 PM: no edema.", ["Told at 5 PM: no edema."]),
        # an article behind a full stop without a blank; a mark of its own before a word
        ("No edema.A mass is seen.", ["No edema.", "A mass is seen."]),
        ("Opacity/?edema. Fine", ["Opacity/?edema.", "Fine"]),
        ('Clear. "Normal" is dictated.', ["Clear.", '"Normal" is dictated.']),
        # abbreviations in capitals and with stops inside; one small letter is a word
        ("EDEMA VS. PNEUMONIA.", ["EDEMA VS. PNEUMONIA."]),
        ("TOLD AT 5 P.M. The heart is big.", ["TOLD AT 5 P.M.", "The heart is big."]),
        ("Lasix b.i.d. for edema. Fine", ["Lasix b.i.d. for edema.", "Fine"]),
        ("Mass of approx. 3 cm. Fine", ["Mass of approx. 3 cm.", "Fine"]),
        ("He has hepatitis c. No edema.", ["He has hepatitis c.", "No edema."]),
        # line ends
        ("No\r\nedema\r\n\r\nNo mass", ["No\r\nedema", "No mass"]),
        ("Edema\n \t\nMass", ["Edema", "Mass"]),
        ("1. Edema\r\n2. Mass\r\n", ["Edema", "Mass"]),
        ("(1) Edema\n(2) Mass", ["Edema", "Mass"]),
        ("\u2022 Edema\n\u2022 Mass", ["Edema", "Mass"]),
        ("", []),
        (" .. \n - 1. \n", []),
    ],
)  # fmt: skip
def test_sentences_of_a_text(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_offsets_index_the_whole_text() -> None:
    text = "HISTORY: a. b\nFINDINGS: No edema. No mass."

    assert CUTTER.cut(text, 23, len(text)) == [(24, 33), (34, 42)]


def test_a_text_without_an_end_is_cut_between_words() -> None:
    text = "words " * 1000

    pieces = sentences(text)

    assert len(pieces) == 4
    assert all(len(piece) <= 2000 for piece in pieces)
    assert " ".join(pieces) == text.strip()


def test_a_sentence_ends_after_two_thousand_characters() -> None:
    assert [len(piece) for piece in sentences("x" * 2000)] == [2000]
    assert [len(piece) for piece in sentences("x" * 2001)] == [2000, 1]


def test_a_run_of_blanks_is_in_no_sentence() -> None:
    assert sentences("a" + " " * 5000 + "b") == ["a", "b"]
    assert [len(piece) for piece in sentences("x" * 4500)] == [2000, 2000, 500]
