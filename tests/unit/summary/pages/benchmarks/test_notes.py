from asg_core.summary.inputs import Notes
from asg_core.summary.pages.benchmarks.notes import about_benchmarks, not_applicable


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
