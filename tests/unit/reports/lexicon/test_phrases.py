from asg_core.reports.lexicon.phrases import Entry, Phrases, Words


def test_words_are_lower_case_and_keep_their_offsets() -> None:
    words = Words("T-spine: S/P 3.5 cm -- ok")

    starts = [start for start, _ in words.spans]
    assert list(zip(words, starts, strict=True)) == [
        ("t", 0),
        ("spine", 2),
        (":", 7),
        ("s", 9),
        ("/", 10),
        ("p", 11),
        ("3.5", 13),
        ("cm", 17),
        ("--", 20),
        ("ok", 23),
    ]


def test_letters_that_grow_in_lower_case_do_not_move_the_offsets() -> None:
    text = "\u0130\u0130 EDEMA"  # each of the first two lowers to two characters

    words = Words(text)

    assert [text[a:b] for a, b in words.spans] == ["\u0130\u0130", "EDEMA"]
    assert words[1] == "edema"


def test_the_longest_phrase_wins_from_left_to_right() -> None:
    phrases = Phrases(
        {
            ("pleural",): Entry(is_place=True, zone="pleura"),
            ("pleural", "effusion"): Entry(findings=("pleural effusion",)),
            ("effusion",): Entry(findings=("pleural effusion",)),
        }
    )

    found = phrases.match(Words("pleural, pleural effusion effusion pleural"))

    assert [(match.first, match.last) for match in found] == [
        (0, 1),
        (2, 4),
        (4, 5),
        (5, 6),
    ]


def test_words_that_the_text_defines_win() -> None:
    phrases = Phrases({("ra",): Entry(is_place=True, zone="right_atrium")})
    defined = {"ra": Entry(findings=("opacity",))}

    found = phrases.match(Words("new RA here"), defined=defined)

    assert [match.entry.findings for match in found] == [("opacity",)]
