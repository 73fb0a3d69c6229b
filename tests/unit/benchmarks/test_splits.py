from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asg_core.benchmarks.splits import (
    choose,
    divide_by_patient,
    divide_in_three,
    divide_in_two,
    draw_patients,
    id_in_part,
    parts_of_ids,
)
from asg_core.sources.reading.files import SourceError

NAMES = [f"{number:04d}" for number in range(200)]


def test_patients_are_drawn_by_share_and_seed() -> None:
    drawn = draw_patients(NAMES, share=0.1, seed=0)

    assert len(drawn) == 20
    assert drawn == draw_patients(NAMES[::-1] + NAMES, share=0.1, seed=0)
    assert drawn != draw_patients(NAMES, share=0.1, seed=1)
    assert drawn < draw_patients(NAMES, share=0.2, seed=0)
    assert len(draw_patients(NAMES[:7], share=0.25, seed=0)) == 2  # of 1.75


def test_few_patients_leave_one_to_validate_and_one_to_train() -> None:
    assert draw_patients([], share=0.1, seed=0) == frozenset()
    assert draw_patients(["a"], share=0.1, seed=0) == frozenset()
    assert len(draw_patients(["a", "b"], share=0.1, seed=0)) == 1
    assert len(draw_patients(["a", "b"], share=0.9, seed=0)) == 1


@given(st.dictionaries(st.text(min_size=1), st.sampled_from("abcdefgh")))
def test_no_patient_is_in_two_parts(patient_of: dict[str, str]) -> None:
    parts = divide_by_patient(patient_of, share=0.3, seed=0)

    assert Counter(parts["train"] + parts["validate"]) == Counter(list(patient_of))
    assert not {patient_of[name] for name in parts["train"]} & {
        patient_of[name] for name in parts["validate"]
    }


@pytest.mark.parametrize("seed", [0, 42])
def test_published_draws_are_permutations_of_a_seeded_generator(seed: int) -> None:
    """scikit-learn holds out the head of a permutation, and trains on what follows."""
    ids = NAMES[:10]

    parts = divide_in_three(ids, held_out=0.3, seed=seed)

    order = np.random.RandomState(seed).permutation(10)
    rest = [ids[place] for place in order[:3]]
    again = np.random.RandomState(seed).permutation(3)
    assert parts["train"] == [ids[place] for place in order[3:]]
    assert parts["validate"] == [rest[place] for place in again[:2]]
    assert parts["test"] == [rest[again[2]]]
    turned = divide_in_three(ids, held_out=0.3, seed=seed, tested_half="second")
    assert turned["train"] == parts["train"]
    assert turned["test"] == parts["validate"]
    assert turned["validate"] == parts["test"]
    two = divide_in_two(ids, train_share=0.8, seed=seed)
    assert two["validate"] == [ids[place] for place in order[:2]]
    assert two["train"] == [ids[place] for place in order[2:]]


@pytest.mark.parametrize("seed", [0, 1, 2, 42])
def test_a_stratified_draw_keeps_the_shares(seed: int) -> None:
    classes = {name: int(name < "0060") for name in NAMES}

    parts = divide_in_three(NAMES, held_out=0.4, seed=seed, classes=classes)

    shares = {
        part: (len(ids), sum(classes[name] for name in ids))
        for part, ids in parts.items()
    }
    assert shares == {"train": (120, 36), "validate": (40, 12), "test": (40, 12)}


def test_too_few_images_are_refused() -> None:
    with pytest.raises(SourceError, match=r"cannot be drawn from 1 images.*as it was"):
        divide_in_three(["a", "b"], held_out=0.3, seed=0)


def test_places_are_drawn_as_numpy_draws_after_a_global_seed() -> None:
    expected = np.random.RandomState(0).permutation(50)[:7]  # what choice does

    assert choose(50, size=7, seed=0) == expected.tolist()


def test_an_image_in_two_parts_has_the_plain_id_in_the_later_one() -> None:
    parts = parts_of_ids({"train": ["a", "b"], "validate": ["c"], "test": ["b"]})

    assert parts == {
        "a": {"train": 0},
        "b": {"train": 1, "test": 0},
        "c": {"validate": 0},
    }
    assert id_in_part("a", part="train", parts=list(parts["a"])) == "a"
    assert id_in_part("b", part="train", parts=list(parts["b"])) == "b@train"
    assert id_in_part("b", part="test", parts=list(parts["b"])) == "b"
