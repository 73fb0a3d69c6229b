import itertools
import subprocess
import sys
import time

import pytest

from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.text import abbreviations
from asg_core.reports.text.abbreviations import defined_abbreviations

DEFINITION = "Air space disease (ASD) is seen. ASD has increased."
UNDEFINED = (
    "No brackets at all. ASD has increased.",
    "Two views (PA and lateral) of the chest.",
    "Air space disease (ASD), never used again.",
    "A nodule (3 mm) in the left base, 3 mm before.",
    "Left base (lower lobe) opacity in the lower lobe.",
    DEFINITION + " Nothing more." * 2_000,
)


def test_a_defined_abbreviation_means_its_long_form() -> None:
    defined = defined_abbreviations(load_lexicon().phrases, DEFINITION)

    assert list(defined) == ["asd"]
    assert defined["asd"].findings == ("opacity",)


def test_the_last_phrase_of_a_long_form_is_what_it_means() -> None:
    phrases = load_lexicon().phrases
    nodule = "Right apical nodule (RAN) is seen. RAN is small."
    angle = "Blunt costophrenic angle (CPA) on the left. CPA is unchanged."
    protocol = "Atelectasis treatment protocol (ATP) was begun. ATP goes on."

    assert defined_abbreviations(phrases, nodule)["ran"].findings == ("nodule",)
    assert defined_abbreviations(phrases, angle)["cpa"].zone == "angle"
    assert defined_abbreviations(phrases, protocol) == {}


def test_a_report_of_ordinary_length_is_searched() -> None:
    text = DEFINITION + " Nothing more." * 500

    assert list(defined_abbreviations(load_lexicon().phrases, text)) == ["asd"]


def test_long_forms_that_are_no_finding_and_no_place_are_left_out() -> None:
    text = "The attending physician on call (APOC) was told. APOC agreed."

    assert defined_abbreviations(load_lexicon().phrases, text) == {}


@pytest.mark.parametrize("text", UNDEFINED)
def test_texts_that_define_nothing_are_not_searched(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(searched: str) -> list[tuple[str, str]]:
        raise AssertionError(searched)

    monkeypatch.setattr(abbreviations, "_detect", refuse)

    assert defined_abbreviations(load_lexicon().phrases, text) == {}


def test_a_bracket_that_defines_nothing_gives_nothing() -> None:
    text = "Two views (PA) of the chest. The PA view is limited."

    assert defined_abbreviations(load_lexicon().phrases, text) == {}


def test_capitals_define_abbreviations_too() -> None:
    defined = defined_abbreviations(load_lexicon().phrases, DEFINITION.upper())

    assert list(defined) == ["asd"]


def test_a_text_with_more_than_a_hundred_brackets_defines_nothing() -> None:
    definition = "Air space disease (ASD) is seen. ASD is mild. "

    for num_others, expected in ((99, ["asd"]), (100, [])):
        text = definition + "mild (3 cm) " * num_others
        assert list(defined_abbreviations(load_lexicon().phrases, text)) == expected


def test_very_many_brackets_are_looked_at_once() -> None:
    shorts = map("".join, itertools.product("ABCDEFGHIJKLM", repeat=3))
    text = " ".join(f"a ({short})" for short in shorts)
    assert 15_000 < len(text) < 20_000
    start = time.process_time()

    assert defined_abbreviations(load_lexicon().phrases, text) == {}

    # About 2 ms; a search of the text for each of them takes a second.
    assert time.process_time() - start < 0.2


def test_spacy_is_loaded_only_for_a_text_that_can_define_something() -> None:
    code = (
        "import sys\n"
        "import polars as pl\n"
        "from asg_core.reports.parse import parse_reports\n"
        "def parse(*texts):\n"
        "    ids = [str(number) for number in range(len(texts))]\n"
        "    parse_reports(pl.DataFrame({'study_id': ids, 'text': texts}))\n"
        f"parse(*{UNDEFINED!r})\n"
        "assert not {'spacy', 'scispacy'} & set(sys.modules)\n"
        f"parse({DEFINITION!r})\n"
        "assert {'spacy', 'scispacy'} <= set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
