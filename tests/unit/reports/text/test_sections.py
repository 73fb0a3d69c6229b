import pytest

from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.text.sections import SectionCutter

CUTTER = SectionCutter(load_lexicon().headers)


def named(text: str) -> list[tuple[str, str]]:
    return [
        (section.name, " ".join(text[section.start : section.end].split()))
        for section in CUTTER.cut(text)
    ]


def test_a_mimic_report_falls_into_its_sections() -> None:
    text = (
        "                                 FINAL REPORT\n"
        " EXAMINATION:  CHEST (PA AND LAT)\n \n"
        " INDICATION:  ___F with cough // eval for pneumonia\n \n"
        " COMPARISON:  None.\n \n FINDINGS: \n \n Lungs are clear.\n \n"
        " IMPRESSION: \n \n No effusion.\n"
    )

    assert named(text) == [
        ("examination", "CHEST (PA AND LAT)"),
        ("indication", "___F with cough // eval for pneumonia"),
        ("comparison", "None."),
        ("findings", "Lungs are clear."),
        ("impression", "No effusion."),
    ]


def test_offsets_give_the_header_and_the_text() -> None:
    text = "FINDINGS: clear\nIMPRESSION: normal"

    first, second = CUTTER.cut(text)

    assert text[first.title_start : first.title_end] == "FINDINGS:"
    assert text[first.start : first.end] == " clear\n"
    assert text[second.title_start : second.title_end] == "IMPRESSION:"
    assert text[second.start : second.end] == " normal"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # on the very first line, without a leading blank, without one behind the colon
        ("FINDINGS:clear", [("findings", "clear")]),
        ("Findings:\nclear\nImpression:\nfine", [("findings", "clear"), ("impression", "fine")]),
        # digits in the header, a title of the examination
        (" CHEST, 2 VIEWS: clear", [("findings", "clear")]),
        (" PORTABLE AP CHEST RADIOGRAPH: clear", [("findings", "clear")]),
        # misspelt
        (" IMPRESSON: clear", [("impression", "clear")]),
        (" ndication: cough", [("indication", "cough")]),
        (" Ndication: cough\n FINDINGS: clear", [("indication", "cough"), ("findings", "clear")]),
        # two sections of one name are both kept
        (" FINDINGS: a\n FINDINGS: b", [("findings", "a"), ("findings", "b")]),
        # an empty header followed at once by the next one
        (" FINDINGS:\n IMPRESSION:\n fine", [("impression", "fine")]),
        # headers within a line
        ("FINDINGS: clear. IMPRESSION: fine.", [("findings", "clear."), ("impression", "fine.")]),
        ("FINDINGS: clear.IMPRESSION: fine.", [("findings", "clear."), ("impression", "fine.")]),
        ("FINDINGS: see /IMPRESSION: below", [("findings", "see /IMPRESSION: below")]),
        # CRLF
        ("FINDINGS:\r\nclear\r\n\r\nIMPRESSION:\r\nfine\r\n", [("findings", "clear"), ("impression", "fine")]),
        ("FINDINGS:\rclear\rIMPRESSION:\rfine\r", [("findings", "clear"), ("impression", "fine")]),
        (" HISTORY: cough.\r\n \r\n Clear.\r\n", [("history", "cough."), ("unlabelled", "Clear.")]),
        ("WET READ\r\n big\r\n ________\r\n FINAL REPORT\r\n FINDINGS: clear", [("wet_read", "big"), ("findings", "clear")]),
        # a byte order mark
        ("\ufeffINDICATION: cough\nFINDINGS: clear", [("indication", "cough"), ("findings", "clear")]),
        # more misspellings; another word of that shape is none
        (" FINDNGS: a\n IMPRESSSION: b", [("findings", "a"), ("impression", "b")]),
        (" FINDINGS: a\n COMPRESSION: no", [("findings", "a COMPRESSION: no")]),
        # preliminary findings, which the official script files under the history
        (" PFI: a\n FINDINGS: b", [("wet_read", "a"), ("findings", "b")]),
        # a title of its own line, without a colon
        (" ADDENDUM\n more\n FINAL REPORT\n FINDINGS: b", [("addendum", "more"), ("findings", "b")]),
        (" FINAL ADDENDUM\n more", [("addendum", "more")]),
        (" ADDENDUM  More is seen.", [("addendum", "More is seen.")]),
        (" FINDINGS: clear\n ADDENDUM was sent.", [("findings", "clear ADDENDUM was sent.")]),
        # two letters exchanged
        (" FINDIGNS: a\n TECHNQIUE: b", [("findings", "a"), ("technique", "b")]),
        # capitals behind a semicolon, and beside a title that has no colon
        ("FINDINGS: clear;IMPRESSION: fine.", [("findings", "clear;"), ("impression", "fine.")]),
        (" FINAL ADDENDUM\n FINDINGS: clear. IMPRESSION: fine.", [("findings", "clear."), ("impression", "fine.")]),
        # a header within a longer one
        (" IMPRESSION AND RECOMMENDATION: Told at 5:30.", [("impression", "Told at 5:30.")]),
        # findings left empty, text under the impression
        (" FINDINGS: \n \n IMPRESSION: fine", [("impression", "fine")]),
        # a part of the header decides
        (" FINDINGS AND IMPRESSION: clear", [("findings", "clear")]),
        (" SUPINE CHEST RADIOGRAPH: clear", [("findings", "clear")]),
        (" CLINICAL INDICATIONS: cough\n FINDINGS: clear", [("indication", "cough"), ("findings", "clear")]),
    ],
)  # fmt: skip
def test_headers_that_the_official_script_misses(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # mixed and lower case, within a line
        ("Clinical History: known edema. Comparison: none. Findings: Clear. Impression: Fine.", [("history", "known edema."), ("comparison", "none."), ("findings", "Clear."), ("impression", "Fine.")]),
        ("indication: cough. findings: clear. impression: fine.", [("indication", "cough."), ("findings", "clear."), ("impression", "fine.")]),
        ("indication: cough findings: clear impression: fine", [("indication", "cough"), ("findings", "clear"), ("impression", "fine")]),
        ("Reason for exam: fever Findings: clear", [("indication", "fever"), ("findings", "clear")]),
        ("findings: clear. history: edema in 2019.", [("findings", "clear."), ("history", "edema in 2019.")]),
        # alone on a line, without a colon
        ("INDICATION\nEdema?\n\nFINDINGS\nClear.\n\nIMPRESSION\nFine.", [("indication", "Edema?"), ("findings", "Clear."), ("impression", "Fine.")]),
        ("Clinical details\nedema last year\nFindings\nclear", [("indication", "edema last year"), ("findings", "clear")]),
        ("technique\npa view\nfindings\nclear\nhistory\nedema", [("technique", "pa view"), ("findings", "clear"), ("history", "edema")]),
        ("IMPRESSION\nFine.\nFINDINGS\nClear.\nHISTORY\nEdema.", [("impression", "Fine."), ("findings", "Clear."), ("history", "Edema.")]),
        # a dash, dots, a bar, blanks or a tab for the colon
        ("Indication - cough\nFindings - clear", [("indication", "cough"), ("findings", "clear")]),
        ("HISTORY \u2013 edema. FINDINGS \u2013 clear.", [("history", "edema."), ("findings", "clear.")]),
        ("FINDINGS -- Lungs: clear", [("findings", "Lungs: clear")]),
        ("FINDINGS. Clear.\nIMPRESSION. Fine.", [("findings", "Clear."), ("impression", "Fine.")]),
        ("Indication | edema\nFindings | clear", [("indication", "edema"), ("findings", "clear")]),
        ("COMPARISON\tnone\nFINDINGS\tclear", [("comparison", "none"), ("findings", "clear")]),
        ("Comparison :none\nFindings :clear", [("comparison", "none"), ("findings", "clear")]),
        ("HISTORY Edema. FINDINGS Clear. IMPRESSION Normal.", [("history", "Edema."), ("findings", "Clear."), ("impression", "Normal.")]),
        ("HISTORY - EDEMA FINDINGS - CLEAR", [("history", "EDEMA"), ("findings", "CLEAR")]),
        ("History edema\nFindings no effusion", [("history", "edema"), ("findings", "no effusion")]),
        ("CXR. Indication. Edema. Findings. Clear.", [("preamble", "CXR."), ("indication", "Edema."), ("findings", "Clear.")]),
        ("Indication=edema; Findings=clear", [("indication", "edema;"), ("findings", "clear")]),
        ('{"indication": "edema", "findings": "clear"}', [("indication", '"edema", "'), ("findings", '"clear"}')]),
        ("Findings: clear History: edema", [("findings", "clear"), ("history", "edema")]),
        ("HISTORY: EDEMA ON THE RIGHT FINDINGS: CLEAR", [("history", "EDEMA ON THE RIGHT"), ("findings", "CLEAR")]),
        ("Findings: edema on the right. History: cough", [("findings", "edema on the right."), ("history", "cough")]),
        # bullets, numbers, rules and brackets around it
        ("- Indication: edema\n- Findings: clear", [("indication", "edema"), ("findings", "clear")]),
        ("\u2022 History\n edema\n\u2022 Findings\n clear", [("history", "edema"), ("findings", "clear")]),
        ("1. HISTORY: edema\n2. FINDINGS: clear", [("history", "edema"), ("findings", "clear")]),
        ("II. Findings\nclear", [("findings", "clear")]),
        ("=== INDICATION ===\nedema\n=== FINDINGS ===\nclear", [("indication", "edema"), ("findings", "clear")]),
        ("# Indication\nedema\n## Findings\nclear", [("indication", "edema"), ("findings", "clear")]),
        ("[HISTORY] edema\n[FINDINGS] clear", [("history", "edema"), ("findings", "clear")]),
        ("(Indication): edema\n(Findings): clear", [("indication", "edema"), ("findings", "clear")]),
        ("HISTORY\n________\nedema\n\nFINDINGS\n________\nclear", [("history", "________ edema"), ("findings", "________ clear")]),
        # words before it, remarks behind it, misspelt, the title of the examination
        ("Brief clinical history: edema\nRadiological findings: clear", [("history", "edema"), ("findings", "clear")]),
        ("Findings (PA and lateral): clear", [("findings", "clear")]),
        ("Indicaton: edema\nFindngs: clear", [("indication", "edema"), ("findings", "clear")]),
        ("Indication: edema\nChest X-ray, 2 views: clear", [("indication", "edema"), ("findings", "clear")]),
        # several sections of findings
        ("Findings: a\nImpression: b\nFindings: c", [("findings", "a"), ("impression", "b"), ("findings", "c")]),
        # no header of a body at all
        ("Exam: Chest PA. Lungs are clear.", [("examination", "Chest PA."), ("unlabelled", "Lungs are clear.")]),
        ("Technique: AP portable\nLungs are clear.", [("technique", "AP portable"), ("unlabelled", "Lungs are clear.")]),
        ("Comparison: None.\nLungs are clear.", [("comparison", "None."), ("unlabelled", "Lungs are clear.")]),
    ],
)  # fmt: skip
def test_unusual_headers(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    "body",
    [
        "Edema, larger than in the\ncomparison: it was small.",
        "There are no other\nfindings\nof note.",
        "No change in comparison: effusion remains.",
        "Chest  Comparison: a mass is seen.",
        "Clear.\nComparison is made to 2019, with edema.",
        "Clear.\nHistory of edema is noted.",
        "Clear.\nIMPRESSION IS UNCHANGED.",
        "Clear.\nStudy limited by rotation.",
        "Clear.\nViews are limited.",
        "Left chest tube: in place.",
        "Right lung - clear.",
        "CHANGES IN TECHNIQUE LIMIT THIS STUDY.",
        "Compression: none.",
        "Clear.\nComparison radiograph showed edema.",
        "No edema in\ncomparison. Effusion remains.",
        "Edema was seen on the Comparison. It is gone.",
    ],
)
def test_words_that_open_no_section(body: str) -> None:
    assert named(f"FINDINGS: {body}") == [("findings", " ".join(body.split()))]


@pytest.mark.parametrize(
    "text",
    [
        "history: prior ct findings: edema",
        "History: Previous CT Findings: edema",
        "Indication: cough\nand edema. No fever.",
    ],
)
def test_history_opens_no_body(text: str) -> None:
    assert {name for name, _ in named(text)} <= {"history", "indication"}


def test_a_note_does_not_end_the_impression() -> None:
    text = " IMPRESSION:\n 1. Edema.\n NOTE: no free air.\n 2. Effusion.\n"

    assert named(text) == [("impression", "1. Edema. NOTE: no free air. 2. Effusion.")]


def test_a_device_before_a_colon_is_no_header() -> None:
    text = " IMPRESSION: Clear.\n Left chest tube: in place.\n"

    assert named(text) == [("impression", "Clear. Left chest tube: in place.")]


def test_structured_subheadings_stay_in_the_findings() -> None:
    text = " FINDINGS:\n LUNGS: Clear.\n HEART: Normal.\n"

    assert named(text) == [("findings", "LUNGS: Clear. HEART: Normal.")]


def test_an_addendum_above_the_report_does_not_overwrite_it() -> None:
    text = (
        "ADDENDUM:  Small pneumothorax.\n"
        "______________________________\n"
        "    FINAL REPORT\n FINDINGS: Clear.\n"
    )

    assert named(text) == [
        ("addendum", "Small pneumothorax."),
        ("findings", "Clear."),
    ]


def test_a_wet_read_ends_at_the_line_of_underscores() -> None:
    text = (
        "    WET READ: ___ MON ___ 5:30 PM\n  Large effusion.\n"
        " ______________________________________________\n"
        " FINAL REPORT\n IMPRESSION: No effusion, ___ ago.\n"
    )

    assert named(text) == [
        ("wet_read", "___ MON ___ 5:30 PM Large effusion."),
        ("impression", "No effusion, ___ ago."),
    ]


def test_a_wet_read_on_the_first_line_is_no_preamble() -> None:
    assert named("WET READ: big.\n ________\n FINDINGS: small.") == [
        ("wet_read", "big."),
        ("findings", "small."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Seen on\n ___\n today.",
        "Seen by ________ today.",
        "Seen by\n ________ today.",
        "Dr. ________, ___:",
    ],
)
def test_a_removed_name_ends_nothing(text: str) -> None:
    assert named(f" IMPRESSION: {text}") == [("impression", " ".join(text.split()))]


def test_slashes_in_the_indication_are_part_of_it() -> None:
    text = " INDICATION:  ___F // eval for pneumonia\n // rule out edema\n FINDINGS: Clear.\n"

    assert named(text) == [
        ("indication", "___F // eval for pneumonia // rule out edema"),
        ("findings", "Clear."),
    ]


def test_a_notification_ends_the_impression() -> None:
    text = " IMPRESSION: Normal.\n \n NOTIFICATION:  Effusion told by phone.\n"

    assert named(text) == [
        ("impression", "Normal."),
        ("notification", "Effusion told by phone."),
    ]


def test_a_report_under_the_comparison_is_its_body() -> None:
    text = " COMPARISON:  Chest of ___ with edema.\n \n Effusion.\n \n Heart big.\n"

    assert named(text) == [
        ("comparison", "Chest of ___ with edema."),
        ("unlabelled", "Effusion. Heart big."),
    ]


def test_a_report_without_headers_is_unlabelled_as_a_whole() -> None:
    text = " CHEST RADIOGRAPH\n\n The lungs are clear.\n"

    assert named(text) == [("unlabelled", "CHEST RADIOGRAPH The lungs are clear.")]


def test_the_body_follows_the_blank_line_of_the_last_unread_section() -> None:
    text = " INDICATION: Cough.\n\n COMPARISON: ___.\n\n Lungs clear.\n\n Heart big.\n"

    sections = CUTTER.cut(text)

    assert named(text) == [
        ("indication", "Cough."),
        ("comparison", "___."),
        ("unlabelled", "Lungs clear. Heart big."),
    ]
    assert text[sections[2].start :].startswith(" Lungs clear.")


def test_the_body_before_an_impression_is_found_too() -> None:
    text = " HISTORY: Cough.\n\n Lungs clear.\n\n IMPRESSION: Normal.\n"

    assert named(text) == [
        ("history", "Cough."),
        ("unlabelled", "Lungs clear."),
        ("impression", "Normal."),
    ]


def test_a_blank_line_behind_the_header_is_not_the_start_of_the_body() -> None:
    assert named(" COMPARISON:\n\n ___.\n\n Lungs clear.\n") == [
        ("comparison", "___."),
        ("unlabelled", "Lungs clear."),
    ]


def test_a_report_under_the_examination_is_its_body() -> None:
    assert named(" EXAMINATION: Chest.\n\n Lungs clear.\n") == [
        ("examination", "Chest."),
        ("unlabelled", "Lungs clear."),
    ]


def test_blank_lines_at_the_end_are_no_body() -> None:
    assert named(" COMPARISON: None.\n\n \n") == [("comparison", "None.")]


def test_what_follows_a_line_of_underscores_can_be_the_body() -> None:
    text = " INDICATION: Cough.\n ________________\n Clear.\n IMPRESSION: Normal.\n"

    assert named(text) == [
        ("indication", "Cough."),
        ("unlabelled", "Clear."),
        ("impression", "Normal."),
    ]


def test_a_report_with_findings_has_no_other_body() -> None:
    text = " Title.\n HISTORY: Cough.\n\n Smoker.\n FINDINGS: Clear.\n"

    assert named(text) == [
        ("preamble", "Title."),
        ("history", "Cough. Smoker."),
        ("findings", "Clear."),
    ]


def test_what_follows_the_impression_is_no_body() -> None:
    text = " IMPRESSION: Normal.\n\n TECHNIQUE: AP.\n\n Dictated on Monday.\n"

    assert named(text) == [
        ("impression", "Normal."),
        ("technique", "AP. Dictated on Monday."),
    ]


def test_text_with_a_colon_is_no_header() -> None:
    assert CUTTER.section_of("HEART") is None
    assert CUTTER.section_of("note") is None
    assert CUTTER.section_of("history") == "history"
    assert CUTTER.section_of("History") == "history"
    assert CUTTER.section_of("WET READ BY RESIDENT") == "wet_read"


def test_empty_text_has_no_section() -> None:
    assert CUTTER.cut("") == []
    assert CUTTER.cut(" \n\t\n") == []
