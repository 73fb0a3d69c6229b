from pathlib import Path

import pytest

from asg_core.reports.lexicon.files import expand, read_rows, shared_lexicon
from asg_core.reports.lexicon.phrases import (
    Entry,
    Lexicon,
    Node,
    Words,
    build_trie,
)
from asg_core.terms.findings import FINDINGS


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
    lexicon = small(
        {
            ("pleural",): Entry(is_place=True, zone="pleura"),
            ("pleural", "effusion"): Entry(findings=("pleural effusion",)),
            ("effusion",): Entry(findings=("pleural effusion",)),
        }
    )

    found = lexicon.match(Words("pleural, pleural effusion effusion pleural"))

    assert [(match.first, match.last) for match in found] == [
        (0, 1),
        (2, 4),
        (4, 5),
        (5, 6),
    ]


def test_words_that_the_text_defines_win() -> None:
    lexicon = small({("ra",): Entry(is_place=True, zone="right_atrium")})
    defined = {"ra": Entry(findings=("opacity",))}

    found = lexicon.match(Words("new RA here"), defined=defined)

    assert [match.entry.findings for match in found] == [("opacity",)]


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        ("scar", ["scar"]),
        ("opacit(y|ies)", ["opacity", "opacities"]),
        ("(lung |)base", ["lung base", "base"]),
        ("a(b|c(d|e))f", ["abf", "acdf", "acef"]),
        ("a|b", ["a", "b"]),
    ],
)
def test_a_pattern_stands_for_its_phrases(pattern: str, phrases: list[str]) -> None:
    assert expand(pattern) == phrases


@pytest.mark.parametrize("pattern", ["a(b", "a)b", "a(b|c(d)"])
def test_brackets_must_pair(pattern: str) -> None:
    with pytest.raises(ValueError, match="expand: expected paired brackets"):
        expand(pattern)


def test_a_lexicon_file_needs_its_header_and_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "states.tsv"

    path.write_text("phrase\tstate\nclear\tclear\n")
    with pytest.raises(ValueError, match=r"states.tsv, line 1: expected the header"):
        read_rows(path, columns=("phrase", "state", "reason"))
    path.write_text("# a comment\nphrase\tstate\treason\n\nclear clear -\n")
    with pytest.raises(ValueError, match=r"states.tsv, line 4: expected the columns"):
        read_rows(path, columns=("phrase", "state", "reason"))


def test_every_finding_can_be_claimed_and_has_a_place_rule() -> None:
    lexicon = shared_lexicon()

    named = {finding for entry in entries(lexicon.trie) for finding in entry.findings}
    stated = {
        finding for claims in lexicon.statements.values() for finding, _ in claims
    }

    assert named | stated == set(FINDINGS)
    assert set(lexicon.place_rules) == set(FINDINGS)


def test_every_tag_is_found_by_its_own_name() -> None:
    lexicon = shared_lexicon()

    silent = [
        finding
        for finding in FINDINGS
        if not any(
            finding in match.entry.findings for match in lexicon.match(Words(finding))
        )
    ]

    # A stem that no sentence uses as a word.
    assert silent == ["pleural thicken"]


def small(entries: dict[tuple[str, ...], Entry]) -> Lexicon:
    return Lexicon(trie=build_trie(entries.items()), statements={}, place_rules={})


def entries(node: Node) -> list[Entry]:
    below = [entry for child in node.children.values() for entry in entries(child)]
    return below if node.entry is None else [node.entry, *below]
