"""What the parser says about how it reads."""

import subprocess
import sys
from pathlib import Path

from asg_core.reports.explain import explained


def test_phrases_clauses_and_claims_of_a_sentence() -> None:
    assert list(explained("No left effusion, but the heart is enlarged.")) == [
        "unlabelled, sentence 0: No left effusion, but the heart is enlarged.",
        "  phrases: No [deny_before] | left [left] | effusion [pleural effusion]"
        " | , [comma] | // but [break] | heart [heart] | is [verb]"
        " | enlarged [state enlarged]",
        '  claim: pleural effusion, left costophrenic angle: absent by "effusion",'
        ' place "left", cue "No"',
        '  claim: cardiomegaly, cardiac silhouette: present by "heart is enlarged",'
        ' place "heart"',
    ]


def test_the_past_is_shown_too() -> None:
    lines = list(explained("IMPRESSION: History of pneumonia.\n"))

    assert lines[0] == "impression, sentence 0: History of pneumonia."
    assert "present (history)" in lines[-1]


def test_each_sentence_has_its_own_claims() -> None:
    lines = list(explained("No left mass. Right scar."))

    assert [line.split(" by ")[0] for line in lines if "phrases" not in line] == [
        "unlabelled, sentence 0: No left mass.",
        "  claim: mass, left lung: absent",
        "unlabelled, sentence 1: Right scar.",
        "  claim: scar, right lung: present",
    ]


def test_ones_own_words_are_explained(tmp_path: Path) -> None:
    (tmp_path / "cues.tsv").write_text("phrase\tcue\treason\nnary\tdeny_before\t-\n")

    lines = list(explained("Nary hernia.", lexicon=tmp_path))

    assert lines[1] == "  phrases: Nary [deny_before] | hernia [hernia]"
    assert lines[2].startswith("  claim: hernia, abdomen: absent by ")


def test_nothing_to_read_is_said() -> None:
    assert list(explained("HISTORY: cough.")) == [
        "not read, no_usable_section: Report: expected a sentence under one of findings, "
        "impression, addendum, unlabelled, found none."
    ]
    assert list(explained("Thank you."))[-2:] == ["  phrases: none", "  no claim"]


def test_the_command_reads_files_and_what_comes_in(tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(b"No edema.\r\n")
    command = [sys.executable, "-m", "asg_core.reports.explain"]

    by_file = subprocess.run([*command, report], capture_output=True, check=True)
    by_pipe = subprocess.run(
        command, input=report.read_bytes(), capture_output=True, check=True
    )

    assert b"claim: edema, right lung: absent" in by_file.stdout
    assert by_file.stdout == by_pipe.stdout
