"""The parser `brat`: folders of marked reports, and what is said of their faults."""

import logging
from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.config import BratConfig, ReportsConfig
from asg_core.reports.parse import ParsedReports, parse_reports

TEXT = (
    "FINDINGS: Small left effusion. No pneumothorax. Possible mass in the right lung."
)
Line = tuple[str, str]
"""Label and words of an entity; T1, T2, ... in their order."""


def mark(folder: Path, *entities: Line, others: str = "", text: str = TEXT) -> None:
    """Write s1.txt and s1.ann: entities by their words, and other lines as they are."""
    lines = []
    for number, (label, words) in enumerate(entities, start=1):
        start = text.index(words)
        lines.append(f"T{number}\t{label} {start} {start + len(words)}\t{words}")
    folder.mkdir(exist_ok=True)
    (folder / "s1.txt").write_text(text, encoding="utf-8", newline="")
    (folder / "s1.ann").write_text("\n".join([*lines, others]), encoding="utf-8")


def read(folder: Path, text: str = TEXT) -> ParsedReports:
    config = ReportsConfig(parser="brat", brat=BratConfig(folder=folder))
    return parse_reports(
        pl.DataFrame({"study_id": ["s1"], "text": [text]}), config=config
    )


def claims(folder: Path, text: str = TEXT) -> list[tuple[str, str, str]]:
    triplets = read(folder, text).triplets
    return triplets.select("finding", "region", "existence").rows()


def rejects(folder: Path, text: str = TEXT) -> list[tuple[str, str]]:
    return read(folder, text).rejects.select("reason", "detail").rows()


ENTITIES = (
    ("Problem", "effusion"),
    ("Anatomy", "left"),
    ("Problem", "pneumothorax"),
    ("Problem", "mass"),
    ("Anatomy", "right lung"),
)
OTHERS = (
    "R1\tlocated_at Arg1:T1 Arg2:T2\nR2\tlocation_of Arg1:T5 Arg2:T4\n"
    "A1\tNegated T3\nA2\tAssertion T4 possible\n"
)
CLAIMS = [
    ("pleural effusion", "left costophrenic angle", "present"),
    ("pneumothorax", "right apical zone", "absent"),
    ("pneumothorax", "left apical zone", "absent"),
    ("mass", "right lung", "uncertain"),
]


def test_what_people_have_marked_becomes_triplets(tmp_path: Path) -> None:
    mark(tmp_path / "below", *ENTITIES, others=OTHERS)

    parsed = read(tmp_path)

    assert claims(tmp_path) == CLAIMS
    assert set(parsed.triplets["parser"]) == {"brat"}
    (effusion,) = parsed.triplets.filter(finding="pleural effusion").to_dicts()
    assert TEXT[slice(effusion["finding_start"], effusion["finding_end"])] == "effusion"
    assert TEXT[slice(effusion["place_start"], effusion["place_end"])] == "left"


def test_labels_may_hold_the_assertion(tmp_path: Path) -> None:
    mark(tmp_path, ("OBS-DA", "pneumothorax"), ("Observation-uncertain", "mass"))

    assert [(one, existence) for one, _, existence in claims(tmp_path)] == [
        ("pneumothorax", "absent"),
        ("pneumothorax", "absent"),
        ("mass", "uncertain"),
    ]


def test_a_text_with_other_blanks_is_found_in_the_report(tmp_path: Path) -> None:
    spaced = TEXT.replace(" ", "  ").replace(". ", ".\r\n")
    mark(
        tmp_path,
        ENTITIES[0],
        ENTITIES[1],
        others=OTHERS.split("\n", maxsplit=1)[0],
        text=spaced,
    )

    assert claims(tmp_path) == CLAIMS[:1]


def test_another_text_is_a_reject(tmp_path: Path) -> None:
    mark(tmp_path, ENTITIES[0])

    ((reason, detail),) = rejects(tmp_path, "FINDINGS: Something else.")

    assert reason == "brat_not_aligned"
    assert "expected the words of the .txt file in the report" in detail


def test_unknown_labels_and_broken_lines_are_counted_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    others = (
        "A1\tNegated T1\nA2\tPossible T1\nA3\tSeverity T1 mild\nA5\tWhy T1 so it says\nA4\tFamily T4\n"
        "R1\tcauses Arg1:T1 Arg2:T3\nR2\tmodify Arg1:T2 Arg2:T1\n"
        "T9\tProblem 1 2\tnothing\n#1\tNote T1\ta note"
    )
    entities = (ENTITIES[0], ("Treatment", "Small"), ENTITIES[2], ENTITIES[3])
    mark(tmp_path, *entities, others=others)

    with caplog.at_level(logging.INFO):
        found = claims(tmp_path)

    # Doubt weighs more than denial.
    assert {(one, existence) for one, _, existence in found} == {
        ("pleural effusion", "uncertain"),
        ("pneumothorax", "present"),
    }
    log = caplog.text
    for counted in (
        "1 entities of the unknown label 'Treatment'",
        "1 unknown attributes 'Severity mild'",
        "1 unknown attributes 'Why'",
        "1 unknown relations 'causes'",
        "1 relations of entities that are left out",
        "1 entities that are 'Family', which is no claim",
        "1 entities with several assertions",
        "1 notes",
        "1 broken lines",
    ):
        assert f"brat: {counted}" in log
    assert (
        "s1.ann, line 12: expected the words that stand at the offsets, found something "
        "else. The line is left out."
    ) in log


def test_only_the_first_broken_lines_are_told_one_by_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark(tmp_path, others="x\n" * 30)

    read(tmp_path)

    assert caplog.text.count("The line is left out.") == 20


def test_files_that_cannot_be_read_are_rejects(tmp_path: Path) -> None:
    mark(tmp_path, *ENTITIES)
    (tmp_path / "s1.ann").write_bytes(b"T1\tProblem \xff")
    ((reason, detail),) = rejects(tmp_path)
    assert reason == "malformed_brat"
    assert detail.startswith(
        "s1.ann: expected UTF-8, found another encoding at byte 11. C"
    )

    (tmp_path / "s1.ann").write_text("")
    (tmp_path / "s1.txt").unlink()
    ((reason, detail),) = rejects(tmp_path)
    assert reason == "no_brat_text"
    assert detail.startswith(
        "s1.txt: expected the text that s1.ann is about, found no "
    )

    (tmp_path / "s1.ann").rename(tmp_path / "s2.ann")
    ((reason, detail),) = rejects(tmp_path)
    assert reason == "no_brat_file"
    assert str(tmp_path) not in detail


def test_a_folder_without_files_or_with_two_of_a_name_is_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(
        ValueError, match=r"reports\.brat\.folder: .* found no \.ann file"
    ):
        read(tmp_path)

    mark(tmp_path)
    mark(tmp_path / "again")
    with pytest.raises(
        ValueError, match=r"found several s1\.ann\. Name a folder with one"
    ):
        read(tmp_path)


def test_the_files_of_a_folder_are_what_the_parser_reads(tmp_path: Path) -> None:
    def files(folder: Path | None) -> list[Path]:
        config = ReportsConfig(parser="brat", brat=BratConfig(folder=folder))
        return config.named_files["reports.brat.folder"]

    assert files(None) == [Path("*.ann")]
    assert files(tmp_path) == [tmp_path / "*.ann"]
    mark(tmp_path)
    assert files(tmp_path) == [tmp_path / "s1.ann", tmp_path / "s1.txt"]
