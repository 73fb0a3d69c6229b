from asg_core.summary.inputs import Notes
from asg_core.summary.pages.benchmarks.notes import (
    Remark,
    about_benchmarks,
    not_applicable,
    remarks,
)


def test_equal_reasons_are_joined_and_parts_are_said_once() -> None:
    notes = [
        Notes(
            benchmark="nih",
            encoder=encoder,
            not_applicable=(("zero-shot-tags", "no text side"),),
            counts={"train": 1200, "test": 300},
            overlaps={"train and test": {"patients": 0}},
        )
        for encoder in ("random", "pixels")
    ]

    (entry,) = not_applicable(notes)["nih"]

    assert entry.encoders == ("random", "pixels")
    assert about_benchmarks(notes) == {
        "nih": [
            "Images of the parts: train 1,200, test 300.",
            "Shared between parts: train and test: 0 patients.",
        ]
    }


def test_a_sentence_about_several_encoders_is_one_remark() -> None:
    notes = [
        Notes(benchmark="nih", encoder="a", notes=("slow", "odd")),
        Notes(benchmark="nih", encoder="b", notes=("slow",)),
        Notes(benchmark="rsna", encoder="a", notes=("slow",)),
    ]

    assert remarks(notes) == {
        "nih": [
            Remark(sentence="slow", encoders=("a", "b")),
            Remark(sentence="odd", encoders=("a",)),
        ],
        "rsna": [Remark(sentence="slow", encoders=("a",))],
    }


def test_other_reasons_and_other_protocols_stand_apart() -> None:
    notes = [
        Notes(benchmark="nih", encoder="a", not_applicable=(("p", "x"), ("q", "x"))),
        Notes(benchmark="nih", encoder="b", not_applicable=(("p", "y"),)),
    ]

    found = [(one.protocol, one.reason) for one in not_applicable(notes)["nih"]]

    assert found == [("p", "x"), ("p", "y"), ("q", "x")]


def test_the_recipe_of_a_split_is_said() -> None:
    notes = [Notes(benchmark="nih", encoder="a", recipe="by lists")]

    assert about_benchmarks(notes) == {"nih": ["Split: by lists."]}
