import re

import pytest

from asg_core.alignment.clauses import Span, split_clauses


def find(text: str, *words: str) -> list[Span]:
    """Return where each of `words` first stands in `text`."""
    matches = [re.search(re.escape(word), text) for word in words]
    return [match.span() for match in matches if match is not None]


def clauses_of(
    text: str, cues: dict[str, list[str]] | None = None, **places: list[str]
) -> dict[str, list[str]]:
    """Cut `text`, with every span given and returned as its words."""
    spans = split_clauses(
        text,
        mentions={place: find(text, *words) for place, words in places.items()},
        cues={place: find(text, *words) for place, words in (cues or {}).items()},
    )
    return {
        place: [text[start:end] for start, end in found]
        for place, found in spans.items()
    }


def test_each_side_of_a_conjunction_belongs_to_its_place() -> None:
    actual = clauses_of(
        "Small left effusion and a nodule in the right apex.",
        left=["left", "effusion"],
        right=["right apex", "nodule"],
    )

    assert actual == {
        "left": ["Small left effusion"],
        "right": ["a nodule in the right apex."],
    }


@pytest.mark.parametrize(
    "joint", [", ", "; ", " while ", ", and ", " But ", " whereas "]
)
def test_every_break_cuts(joint: str) -> None:
    actual = clauses_of(f"Left clear{joint}right hazy", left=["Left"], right=["right"])

    assert actual == {"left": ["Left clear"], "right": ["right hazy"]}


def test_a_piece_about_no_place_goes_with_the_one_before() -> None:
    actual = clauses_of(
        "As before, left effusion, small and stable, and right nodule",
        left=["left", "effusion"],
        right=["right", "nodule"],
    )

    assert actual == {
        "left": ["As before, left effusion, small and stable"],
        "right": ["right nodule"],
    }


def test_a_piece_about_two_places_belongs_to_both() -> None:
    actual = clauses_of(
        "Effusions are larger on the left than the right, spine is normal",
        left=["Effusions", "left"],
        right=["Effusions", "right"],
        spine=["spine"],
    )

    both = ["Effusions are larger on the left than the right"]
    assert actual == {"left": both, "right": both, "spine": ["spine is normal"]}


def test_a_place_that_returns_has_two_spans() -> None:
    actual = clauses_of(
        "Left effusion, right nodule, left-sided tube",
        left=["Left effusion", "left-sided tube"],
        right=["right nodule"],
    )

    assert actual == {
        "left": ["Left effusion", "left-sided tube"],
        "right": ["right nodule"],
    }


def test_nothing_is_cut_inside_a_mention() -> None:
    text = "Opacity at the left and right bases, heart is normal"
    actual = clauses_of(
        text,
        left=["Opacity", "left and right bases"],
        right=["Opacity", "left and right bases"],
        heart=["heart"],
    )

    both = ["Opacity at the left and right bases"]
    assert actual == {"left": both, "right": both, "heart": ["heart is normal"]}


def test_a_finding_shared_by_two_places_is_in_the_clauses_of_both() -> None:
    actual = clauses_of(
        "Opacities in the left and the right lower lobe",
        left=["Opacities", "left"],
        right=["Opacities", "right lower lobe"],
    )

    assert actual == {
        "left": ["Opacities in the left"],
        "right": ["Opacities in the left and the right lower lobe"],
    }


def test_a_negation_comes_along_as_a_span_of_its_own() -> None:
    actual = clauses_of(
        "No effusion on the left and nodule on the right",
        left=["effusion", "left"],
        right=["nodule", "right"],
        cues={"left": ["No"], "right": ["No"]},
    )

    assert actual == {
        "left": ["No effusion on the left"],
        "right": ["No", "nodule on the right"],
    }


def test_a_place_without_a_mention_has_the_whole_sentence() -> None:
    actual = clauses_of("Clear, as before", left=[], right=["Clear"])

    assert actual == {"left": ["Clear, as before"], "right": ["Clear, as before"]}


def test_a_mention_is_not_cut_where_another_place_shares_a_part_of_it() -> None:
    actual = clauses_of(
        "Upper and lower zones are hazy",
        whole=["Upper and lower zones"],
        lower=["lower zones"],
    )

    text = "Upper and lower zones are hazy"
    assert actual == {"whole": [text], "lower": [text]}


def test_a_mention_of_nothing_but_a_blank_cuts_nothing() -> None:
    spans = split_clauses("Clear, as before", mentions={"left": [(6, 7)]}, cues={})

    assert spans == {"left": [(0, 16)]}


def test_a_cue_inside_of_a_clause_adds_nothing() -> None:
    actual = clauses_of(
        "No effusion on the left, nodule on the right",
        left=["effusion", "left"],
        right=["nodule", "right"],
        cues={"left": ["No", "No effusion"], "right": ["nodule"]},
    )

    assert actual == {
        "left": ["No effusion on the left"],
        "right": ["nodule on the right"],
    }
