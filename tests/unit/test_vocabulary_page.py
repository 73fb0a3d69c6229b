"""docs/vocabulary.md names what the code has, and its example is what comes out."""

from pathlib import Path

from asg_core.reports.explain import explained
from asg_core.reports.lexicon import zones
from asg_core.reports.lexicon.load import SHIPPED
from asg_core.terms.findings import FINDINGS

PAGE = (Path(__file__).parents[2] / "docs/vocabulary.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


def test_findings_and_zones_are_all_named_in_order() -> None:
    assert f": {', '.join(FINDINGS)}." in WORDS
    assert f"In pairs: {', '.join(zones.PAIRED)}." in WORDS
    assert f"In the midline: {', '.join(zones.SINGLE)}." in WORDS


def test_every_file_of_the_lexicon_is_described() -> None:
    for path in SHIPPED.glob("*.tsv"):
        assert f"| `{path.name}` |" in PAGE


def test_the_example_is_what_the_command_says() -> None:
    lines = [line.strip() for line in PAGE.splitlines() if line.startswith("    ")]
    start = next(index for index, line in enumerate(lines) if line.startswith("$ echo"))

    shown = explained("No left effusion, but the heart is enlarged.")

    expected = [line.strip() for line in shown]
    assert lines[start + 1 : start + 1 + len(expected)] == expected
