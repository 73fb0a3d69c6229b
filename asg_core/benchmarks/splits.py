"""How the images of a benchmark are divided: our draws, and published ones drawn again.

Every draw is a function of the ids in the label files alone, never of which image files
are there, so a missing file moves no other image to another part.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Literal

from asg_core.sources.config import Split
from asg_core.sources.reading.files import SourceError

PARTS: tuple[Split, ...] = ("train", "validate", "test")


def draw_patients(
    patient_ids: Collection[str], *, share: float, seed: int
) -> frozenset[str]:
    """Return a share of the patients: those whose ids have the smallest seeded hashes.

    The number is rounded. From two patients or more at least one is drawn and one is
    left; from one or none, none is drawn.

    Args:
        patient_ids: Ids; duplicates count once.
        share: The share of the patients to draw, above 0 and below 1.
        seed: Another seed gives another draw.
    """
    ordered = sorted(set(patient_ids), key=lambda patient: _hash(patient, seed=seed))
    if len(ordered) < 2:
        return frozenset()
    number = round(share * len(ordered))
    return frozenset(ordered[: min(max(1, number), len(ordered) - 1)])


def divide_by_patient(
    patient_of: Mapping[str, str], *, share: float, seed: int
) -> dict[Split, list[str]]:
    """Divide images into train and validate so that no patient is in both.

    Args:
        patient_of: The patient of each image.
        share: The share of the patients that goes to validate.
        seed: Another seed gives another draw.
    """
    drawn = draw_patients(set(patient_of.values()), share=share, seed=seed)
    parts: dict[Split, list[str]] = {"train": [], "validate": []}
    for image_id, patient_id in patient_of.items():
        parts["validate" if patient_id in drawn else "train"].append(image_id)
    return parts


def divide_in_three(
    ids: Sequence[str],
    *,
    held_out: float | int,
    seed: int,
    classes: Mapping[str, int] | None = None,
    tested_half: Literal["first", "second"] = "first",
) -> dict[Split, list[str]]:
    """Divide by two calls of scikit-learn's `train_test_split`, as MGCA and BenchX do.

    The second call halves what the first held out.

    Args:
        ids: In the order that the published code divides them.
        held_out: Share or number of the ids that do not go to train.
        seed: The random state of both calls.
        classes: The class of each id, to keep the shares of the classes; None does not.
        tested_half: Which of the halves is the test part; MGCA's is the first.

    Raises:
        SourceError: If there are too few ids, or too few of a class.
    """
    train, rest = _divide(ids, test_size=held_out, seed=seed, classes=classes)
    halves = _divide(rest, test_size=0.5, seed=seed, classes=classes)
    test, validate = halves if tested_half == "first" else halves[::-1]
    return {"train": train, "validate": validate, "test": test}


def divide_in_two(
    ids: Sequence[str], *, train_share: float, seed: int
) -> dict[Split, list[str]]:
    """Divide into train and validate by one call of `train_test_split`.

    Raises:
        SourceError: If there are too few ids.
    """
    train, validate = _divide(ids, train_size=train_share, seed=seed)
    return {"train": train, "validate": validate}


def choose(num_items: int, *, size: int, seed: int) -> list[int]:
    """Return `size` of the places 0 .. num_items - 1, as pandas and NumPy draw them.

    This is `DataFrame.sample(n=size, random_state=seed)`, and `np.random.choice` without
    replacement as the first draw after `np.random.seed(seed)`.
    """
    # Here and not above: this module is imported while the job graph is built.
    import numpy as np  # noqa: PLC0415

    # Published divisions were drawn by this generator; a newer one draws other images.
    generator = np.random.RandomState(seed)
    drawn: list[int] = generator.choice(num_items, size=size, replace=False).tolist()
    return drawn


Places = Mapping[Split, int]
"""The parts that an image is in, in the order train, validate, test, and its place in the
list of each, from 0."""


def parts_of_ids(parts: Mapping[Split, Sequence[str]]) -> dict[str, Places]:
    """Return the parts that each id is in, with its place in the list of each.

    Published divisions name some ids in two parts. The order of a list counts: protocols
    that draw training images by position draw others from another order.
    """
    places = {
        split: {image_id: place for place, image_id in enumerate(parts.get(split, ()))}
        for split in PARTS
    }
    return {
        image_id: {
            split: places[split][image_id]
            for split in PARTS
            if image_id in places[split]
        }
        for split in PARTS
        for image_id in parts.get(split, ())
    }


def id_in_part(image_id: str, *, part: Split, parts: Sequence[Split]) -> str:
    """Return the id that an image has in one of its `parts`.

    The last part has the plain id, so that the ids of the test images are always those of
    the files; "x@train" is the copy in train of an image x that is in a later part too.
    """
    return image_id if part == parts[-1] else f"{image_id}@{part}"


def _divide(
    ids: Sequence[str],
    *,
    seed: int,
    classes: Mapping[str, int] | None = None,
    test_size: float | None = None,
    train_size: float | None = None,
) -> tuple[list[str], list[str]]:
    """Return what `train_test_split` makes of a list."""
    # Here and not above: only these divisions need scikit-learn.
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    try:
        first, second = train_test_split(
            list(ids),
            test_size=test_size,
            train_size=train_size,
            random_state=seed,
            stratify=None if classes is None else [classes[item] for item in ids],
        )
    except ValueError as error:
        raise SourceError(
            f"The split cannot be drawn from {len(ids)} images ({error}). Use the label "
            "file as it was distributed, or another split."
        ) from error
    return first, second


def _hash(patient_id: str, *, seed: int) -> bytes:
    # Personalised, or the draw would follow the shards and splits of a corpus.
    text = f"{seed}:{patient_id}".encode()
    return blake2b(text, digest_size=8, person=b"asg-benchmark").digest()
