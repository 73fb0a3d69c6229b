import subprocess
import sys

import pytest

from asg_core.reports import abbreviations
from asg_core.reports.abbreviations import defined_abbreviations
from asg_core.reports.lexicon_files import shared_lexicon

DEFINITION = "Air space disease (ASD) is seen. ASD has increased."


def test_a_defined_abbreviation_means_its_long_form() -> None:
    defined = defined_abbreviations(shared_lexicon(), DEFINITION)

    assert list(defined) == ["asd"]
    assert defined["asd"].findings == ("opacity",)


def test_long_forms_that_are_no_finding_and_no_place_are_left_out() -> None:
    text = "The attending physician on call (APOC) was told. APOC agreed."

    assert defined_abbreviations(shared_lexicon(), text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "No brackets at all. ASD has increased.",
        "Two views (PA and lateral) of the chest.",
        "Air space disease (ASD), never used again.",
        "A nodule (3 mm) in the left base, 3 mm before.",
        "Left base (lower lobe) opacity in the lower lobe.",
        DEFINITION + " Nothing more." * 2_000,
    ],
)
def test_texts_that_define_nothing_are_not_searched(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(searched: str) -> list[tuple[str, str]]:
        raise AssertionError(searched)

    monkeypatch.setattr(abbreviations, "_detect", refuse)

    assert defined_abbreviations(shared_lexicon(), text) == {}


def test_spacy_is_loaded_only_for_a_text_that_defines_something() -> None:
    code = (
        "import sys\n"
        "from asg_core.reports.abbreviations import defined_abbreviations\n"
        "from asg_core.reports.lexicon_files import shared_lexicon\n"
        "text = 'Two views (PA) of the chest.'\n"
        "assert not defined_abbreviations(shared_lexicon(), text)\n"
        "assert not {'spacy', 'scispacy'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
