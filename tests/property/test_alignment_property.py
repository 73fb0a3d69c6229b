"""What holds for every alignment, whatever reports and boxes say."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from asg_core.alignment.align import Alignments, align_regions
from asg_core.alignment.config import AlignmentConfig, Policy
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    SENTENCES,
    TAG_TARGETS,
    TRIPLETS,
)

WORDS = ("left", "opacity", "and", "right", ",", "while", "clear", "no")
REGIONS = ("spine", "trachea", "carina", "abdomen", "right lung")
PLACES = (*REGIONS, "left ribs", "unspecified")
SIZE = 100

Tables = dict[str, pl.DataFrame]


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """Draw the four tables of a few studies, all of them sound."""
    sentences: list[dict[str, Any]] = []
    triplets: list[dict[str, Any]] = []
    for study in range(draw(st.integers(1, 2))):
        start = 0
        for index in range(draw(st.integers(0, 4))):
            words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
            text = " ".join(words)
            sentence = {"study_id": f"s{study}", "sentence_index": index}
            offsets = {"start": start, "end": start + len(text)}
            sentences.append(sentence | offsets | {"section": "findings", "text": text})
            triplets += [
                sentence | draw(claims(words, start=start))
                for _ in range(draw(st.integers(0, 3)))
            ]
            start += len(text) + 1
    image = {"path": "p", "width": SIZE, "height": SIZE}
    images = [
        image | {"image_id": f"i{study}{n}", "study_id": f"s{study}", "view": view}
        for study in range(2)
        for n, view in enumerate(draw(st.permutations(["PA", "AP", "LATERAL"])))
    ]
    boxes = [
        {"image_id": row["image_id"], "region": region, "box_xyxy": draw(corners())}
        | {"score": 1.0, "origin": "test"}
        for row in images
        for region in draw(st.sets(st.sampled_from(REGIONS)))
    ]
    return {
        "sentences": SENTENCES.frame(sentences),
        "triplets": TRIPLETS.frame(triplets).unique(TRIPLETS.key),
        "region_boxes": REGION_BOXES.frame(boxes),
        "images": IMAGES.frame(images),
    }


@st.composite
def claims(draw: st.DrawFn, words: list[str], start: int) -> dict[str, Any]:
    """Draw a claim that names one or two words of its sentence, and perhaps a cue."""
    ends = [start + len(" ".join(words[: n + 1])) for n in range(len(words))]
    spans = [(end - len(word), end) for word, end in zip(words, ends, strict=True)]
    finding = draw(st.sampled_from(spans))
    place = draw(st.none() | st.sampled_from(spans))
    cue = draw(st.none() | st.sampled_from(spans))
    return {
        "region": draw(st.sampled_from(PLACES)),
        "finding": draw(st.sampled_from(["edema", "opacity"])),
        "existence": draw(st.sampled_from(["present", "absent", "uncertain"])),
        "context": draw(st.sampled_from(["current", "current", "history", "removal"])),
        "finding_start": finding[0],
        "finding_end": finding[1],
        "place_start": place and place[0],
        "place_end": place and place[1],
        "cue_start": cue and cue[0],
        "cue_end": cue and cue[1],
        "parser": "test",
    }


@st.composite
def corners(draw: st.DrawFn) -> tuple[float, ...]:
    x0, y0 = draw(st.integers(0, SIZE - 1)), draw(st.integers(0, SIZE - 1))
    x1, y1 = draw(st.integers(x0 + 1, SIZE)), draw(st.integers(y0 + 1, SIZE))
    return (x0, y0, x1, y1)


def align(drawn: Tables, policy: Policy) -> Alignments:
    return align_regions(**drawn, config=AlignmentConfig(policy=policy))


policies = st.sampled_from(list(Policy))


@settings(max_examples=40, deadline=None)
@given(drawn=tables(), policy=policies, seed=st.integers(0, 100))
def test_the_order_of_rows_changes_nothing(
    drawn: Tables, policy: Policy, seed: int
) -> None:
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=seed)
        for name, frame in drawn.items()
    }

    actual, expected = align(shuffled, policy), align(drawn, policy)

    assert_frame_equal(actual.alignments, expected.alignments)
    assert_frame_equal(actual.tag_targets, expected.tag_targets)
    assert actual.counts == expected.counts


@settings(max_examples=60, deadline=None)
@given(drawn=tables(), policy=policies)
def test_every_span_is_inside_a_sentence_of_its_unit(
    drawn: Tables, policy: Policy
) -> None:
    result = align(drawn, policy)

    ALIGNMENTS.check(result.alignments, where="test")
    TAG_TARGETS.check(result.tag_targets, where="test")
    bounds = {row[:2]: row[3:5] for row in drawn["sentences"].iter_rows()}
    for unit in result.alignments.iter_rows(named=True):
        of_unit = [
            bounds[unit["study_id"], index] for index in unit["sentence_indices"]
        ]
        spans = [(span["start"], span["end"]) for span in unit["spans"]]
        assert spans == sorted(spans)
        assert all(end <= later for (_, end), (later, _) in pairwise(spans))
        for start, end in spans:
            assert start < end
            assert any(low <= start and end <= high for low, high in of_unit)
        # And every sentence of the unit has words in it.
        for low, high in of_unit:
            assert any(low <= start and end <= high for start, end in spans)


@settings(max_examples=60, deadline=None)
@given(drawn=tables())
def test_merge_is_the_connected_components_found_by_walking(drawn: Tables) -> None:
    units = align(drawn, Policy.MERGE).alignments

    actual = {
        (
            unit["image_id"],
            frozenset(unit["regions"]),
            frozenset(unit["sentence_indices"]),
        )
        for unit in units.iter_rows(named=True)
    }
    assert actual == components_by_walking(drawn)
    for _, of_image in units.group_by("image_id"):
        in_units = of_image["sentence_indices"].explode().to_list()
        assert len(in_units) == len(set(in_units))
        assert of_image["unit_index"].to_list() == list(range(len(of_image)))


@settings(max_examples=60, deadline=None)
@given(drawn=tables(), policy=policies)
def test_a_box_is_the_hull_of_the_boxes_of_its_regions(
    drawn: Tables, policy: Policy
) -> None:
    boxes = {row[:2]: row[2] for row in drawn["region_boxes"].iter_rows()}

    for unit in align(drawn, policy).alignments.iter_rows(named=True):
        members = [boxes[unit["image_id"], region] for region in unit["regions"]]
        low = [min(box[axis] for box in members) for axis in (0, 1)]
        high = [max(box[axis] for box in members) for axis in (2, 3)]
        assert unit["box_xyxy"] == [*low, *high]
        assert policy is Policy.MERGE or len(members) == 1


@settings(max_examples=40, deadline=None)
@given(drawn=tables())
def test_both_policies_use_the_same_regions_and_sentences(drawn: Tables) -> None:
    merged = align(drawn, Policy.MERGE)
    split = align(drawn, Policy.SPLIT)

    for column in ("regions", "sentence_indices"):
        pairs = [
            result.alignments.select("image_id", column).explode(column).unique()
            for result in (merged, split)
        ]
        assert_frame_equal(*pairs, check_row_order=False)
    assert_frame_equal(merged.tag_targets, split.tag_targets)
    assert merged.counts["scenario_4"] == split.counts["scenario_4"]


def components_by_walking(
    drawn: Tables,
) -> set[tuple[str, frozenset[str], frozenset[int]]]:
    """Return the components of each image's graph, grown one edge at a time."""
    boxed = defaultdict(set)
    for image_id, region, *_ in drawn["region_boxes"].iter_rows():
        boxed[image_id].add(region)
    found = set()
    for image in drawn["images"].iter_rows(named=True):
        edges = {
            (row["region"], row["sentence_index"])
            for row in drawn["triplets"].iter_rows(named=True)
            if row["study_id"] == image["study_id"] and row["context"] == "current"
            if row["region"] in boxed[image["image_id"]] and image["view"] != "LATERAL"
        }
        while edges:
            regions, indices = (set(side) for side in zip(edges.pop(), strict=True))
            while touching := {e for e in edges if e[0] in regions or e[1] in indices}:
                edges -= touching
                regions |= {region for region, _ in touching}
                indices |= {index for _, index in touching}
            found.add((image["image_id"], frozenset(regions), frozenset(indices)))
    return found
