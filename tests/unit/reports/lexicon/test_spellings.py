"""How else a word may be written, and what must not be taken for it."""

from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.lexicon.load import SHIPPED, load_lexicon
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.lexicon.spellings import inflected, read_spellings
from asg_core.reports.parse import parse_reports


def read(text: str) -> set[tuple[str, str, str]]:
    """Existence, finding and region of each claim."""
    triplets = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]})).triplets
    columns = pl.col("existence", "finding", "region").cast(pl.String)
    return set(triplets.select(columns).rows())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # British
        ("Interstitial oedema.", "Interstitial edema."),
        ("Pulmonary odema.", "Pulmonary edema."),
        ("Haemopneumothorax on the right.", "Hemopneumothorax on the right."),
        ("Right haemothoraces.", "Right hemothoraces."),
        ("Oesophageal stent.", "Esophageal stent."),
        ("Aneurism of the descending aorta.", "Aneurysm of the descending aorta."),
        ("No effusion is visualised.", "No effusion is visualized."),
        ("Dense opacity at the left base, favouring atelectasis.", "Dense opacity at the left base, favoring atelectasis."),
        ("Orthopaedic hardware.", "Orthopedic hardware."),
        ("Cephalisation.", "Cephalization."),
        # cut in two, or joined
        ("The heart is with in normal limits.", "The heart is within normal limits."),
        ("Trachea is mid line.", "Trachea is midline."),
        ("Retro cardiac opacity.", "Retrocardiac opacity."),
        ("Pneumo thorax on the left.", "Pneumothorax on the left."),
        ("Cardio megaly.", "Cardiomegaly."),
        ("Peri-hilar opacities.", "Perihilar opacities."),
        ("Left infra hilar mass.", "Left infrahilar mass."),
        ("Ribs are in tact.", "Ribs are intact."),
        ("Scar in the left midzone.", "Scar in the left mid zone."),
        ("Airtrapping.", "Air trapping."),
        # slips
        ("Left basal atelectesis.", "Left basal atelectasis."),
        ("Mild cardiomegally.", "Mild cardiomegaly."),
        ("Right consolodation.", "Right consolidation."),
        ("Small left pnuemothorax.", "Small left pneumothorax."),
        ("Right basal opcaity.", "Right basal opacity."),
        ("No pleural effussion.", "No pleural effusion."),
        ("Emphasematous lungs.", "Emphysematous lungs."),
        ("Calcifed hilar nodes.", "Calcified hilar nodes."),
        ("Blunting of the right costophrenc angle.", "Blunting of the right costophrenic angle."),
        ("Left hemidiaphargm is obscured.", "Left hemidiaphragm is obscured."),
        ("Medistinum is widened.", "Mediastinum is widened."),
        # dictation
        ("No plural effusion.", "No pleural effusion."),
        ("Plural thickening at the left apex.", "Pleural thickening at the left apex."),
        ("Lingual opacity.", "Lingular opacity."),
        # forms
        ("Bibasally there is atelectasis.", "Bibasal there is atelectasis."),
        ("Atelectasis, apically.", "Atelectasis, apical."),
        ("Two pulmonary granulomata.", "Two pulmonary granulomas."),
    ],
)  # fmt: skip
def test_a_word_is_known_in_another_spelling(written: str, meant: str) -> None:
    assert read(written) == read(meant)
    assert read(written) or "favour" in written


@pytest.mark.parametrize(
    "text",
    [
        "Her sized shirt.",  # no "-ized" of a short word
        "The infusion was stopped.",  # two letters from "effusion"
        "Perfusion is normal.",
        "Diffusion is reduced.",
        "Classification of the images.",
        "Inspiration is shallow.",
        "The patient coughed in the line.",
        "The pleurl is long.",  # too short for a slip
        "Making the left image took time.",  # a word of its own, not "marking"
        "The literal meaning.",
        "Atalectosys.",  # two slips
        "Several plurals.",
        "Ecalcification.",  # the first letter is never wrong
    ],
)
def test_other_words_stay_what_they_are(text: str) -> None:
    assert read(text) <= {("present", "line", "unspecified")}


def test_no_other_spelling_is_a_word_of_its_own() -> None:
    # "Hypothorax" would be a slip of "hypethorax"; a word of the lexicon is never one.
    phrases = load_lexicon().phrases

    (aspirated,) = phrases.match(Words("aspirated"))
    (hemithorax,) = phrases.match(Words("hemithorax"))
    (hemothorax,) = phrases.match(Words("hemothorax"))

    assert aspirated.entry.findings == ("aspiration",)
    assert hemithorax.entry.zone == "lung"
    assert hemothorax.entry.findings == ("pleural effusion",)


def test_offsets_are_those_of_what_is_written() -> None:
    text = "Air-space disease with in the left pnuemo thorax, mild cardiomegally."

    triplets = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]})).triplets

    spans = triplets.select("finding_start", "finding_end").rows()
    assert {text[start:end] for start, end in spans} == {
        "Air-space disease",
        "cardiomegally",
    }


def test_a_noun_has_a_plural_and_an_adjective_an_adverb() -> None:
    def nouns(word: str) -> list[str]:
        return list(inflected(word, is_noun=True))

    assert nouns("pneumonitis") == ["pneumonites"]
    assert nouns("density") == ["densities"]
    assert nouns("cicatrix") == ["cicatrixes"]
    assert nouns("tumor") == ["tumors"]
    assert nouns("calcified") == nouns("scars") == nouns("tip") == []
    assert list(inflected("basal", is_noun=False)) == ["basally"]
    assert list(inflected("basilar", is_noun=False)) == ["basilarly"]
    assert list(inflected("base", is_noun=False)) == []


def test_spellings_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "spellings.tsv").write_text("kind\trule\tother\treason\n")

    phrases = load_lexicon(tmp_path).phrases

    assert not phrases.match(Words("cardiomegaly".replace("ga", "ag")))
    assert read_spellings(tmp_path / "spellings.tsv").min_slip is None


@pytest.mark.parametrize(
    "line", ["slip\tmany\t-\t-", "letters\t8\t-\t-", "sound\tedema\toedema\t-"]
)
def test_a_rule_that_does_not_fit_is_an_error(tmp_path: Path, line: str) -> None:
    path = tmp_path / "spellings.tsv"
    path.write_text(f"kind\trule\tother\treason\n{line}\n")

    with pytest.raises(ValueError, match=r"spellings.tsv, line 2: expected"):
        read_spellings(path)


def test_the_shipped_rules_are_read() -> None:
    spellings = read_spellings(SHIPPED / "spellings.tsv")

    assert ("oedema",) in set(spellings.of("edema", is_named=True))
    assert ("with", "in") in set(spellings.of("within", is_named=False))
    assert ("withn",) not in set(spellings.of("within", is_named=False))
