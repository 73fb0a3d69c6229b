import logging

import polars as pl
import pytest

from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.parse import parse_reports
from asg_core.reports.text.languages import LanguageGuard

GUARD = LanguageGuard(load_lexicon().languages)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Spanish", "Sin evidencia de neumotorax ni derrame pleural. Silueta cardiaca normal. No se observan consolidaciones en los campos pulmonares."),
        ("Spanish", "FINDINGS: Los pulmones están claros. IMPRESSION: Sin hallazgos agudos en el estudio."),
        ("Spanish", "DERRAME PLEURAL BILATERAL CON ATELECTASIA DE LAS BASES. SIN NEUMOTORAX."),
        ("German", "Kein Nachweis eines Pneumothorax. Herz nicht vergrößert. Keine Infiltrate, kein Erguss."),
        ("German", "Der Herzschatten ist normal groß. Verdacht auf Infiltrat im rechten Unterlappen mit Begleiterguss."),
        ("French", "Pas de pneumothorax. Le coeur est de taille normale. Absence de condensation dans les deux champs."),
        ("French", "Opacité de la base droite avec un épanchement pleural, sans pneumothorax."),
        ("Portuguese", "Não há derrame pleural. Área cardíaca normal. Pulmões sem consolidações, com seios livres."),
        ("Portuguese", "Opacidade em base direita com pequeno derrame. Sem pneumotorax."),
        ("Italian", "Non versamento pleurico. Cuore di dimensioni normali. Assenza di lesioni nel parenchima della base."),
        ("Italian", "Opacità alla base destra con versamento della pleura, senza pneumotorace."),
        ("Dutch", "Geen aanwijzingen voor pneumothorax. Het hart is niet vergroot. Kleine hoeveelheid pleuravocht aan de linkerzijde."),
        ("Dutch", "Normaal beeld van de longen, geen infiltraat. Lijn naar het rechter atrium."),
    ],
)  # fmt: skip
def test_another_language_is_told(language: str, text: str) -> None:
    foreign = GUARD.foreign(text)

    assert foreign is not None
    assert foreign.language == language


@pytest.mark.parametrize(
    "text",
    [
        "No effusion.",
        "Clear.",
        "Kein Erguss.",
        "CHF, s/p CABG. LA enlargement. LE DVT. PTX: neg.",
        "ETT, NGT, R IJ CVL in situ. ET tube 3 cm. IM nail. SI joints OK.",
        "De novo lesion, en bloc resection. Stable mass.",
        "S/P DES x2. Post op. LES surgery. Mets.",
        "Mild cardiomegaly, unchanged. Van der Waals artifact on image.",
        "Dr. de la Cruz was told of the effusion. The heart is enlarged.",
        "Per os contrast, in vivo, ad hoc, non displaced. El Nino.",
        "NORMAL CHEST",
        "Patient speaks Spanish: dolor en el pecho. The lungs are clear and there is no effusion.",
        "\u4e0d\u660e",
        "1.5 x 2 cm",
    ],
)
def test_what_is_english_or_too_short_is_read(text: str) -> None:
    assert GUARD.foreign(text) is None


def test_the_share_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    texts = [
        "Kein Erguss, keine Stauung.",
        "Sin edema ni derrame en el estudio.",
        "Clear.",
    ]
    reports = pl.DataFrame({"study_id": ["a", "b", "c"], "text": texts})

    with caplog.at_level(logging.WARNING):
        parsed = parse_reports(reports)

    assert parsed.rejects.select("item_id", "reason").rows() == [
        ("a", "language"),
        ("b", "language"),
    ]
    assert "Stauung" not in parsed.rejects["detail"][0]
    assert "2 of 3 reports (66.7 %) are not in English" in caplog.text
    assert parsed.sentences["study_id"].to_list() == ["c"]
