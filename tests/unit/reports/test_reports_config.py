import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from asg_core.reports.config import ReportsConfig, SectionName


def test_the_defaults_read_what_describes_the_images() -> None:
    config = ReportsConfig()

    assert config.sections == (
        SectionName.FINDINGS,
        SectionName.IMPRESSION,
        SectionName.ADDENDUM,
        SectionName.UNLABELLED,
    )
    assert config.parser == "lexicon"
    assert not config.include_history


@pytest.mark.parametrize(
    "values",
    [
        {"parser": "unknown"},
        {"sections": ["history"]},
        {"sections": []},
        {"max_scope_tokens": 0},
        {"max_reject_share": 1.5},
        {"max_scope_token": 3},
    ],
)
def test_impossible_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReportsConfig.model_validate(values)


def test_the_files_of_ones_own_lexicon_are_named(tmp_path: Path) -> None:
    for name in ("cues.tsv", "places.tsv", "README.txt"):
        (tmp_path / name).touch()

    named = ReportsConfig(lexicon=tmp_path).named_files

    assert named == {
        "reports.lexicon": [tmp_path / "cues.tsv", tmp_path / "places.tsv"]
    }
    assert ReportsConfig().named_files == {}


def test_the_config_imports_no_framework() -> None:
    code = (
        "import sys, asg_core.reports.config\n"
        "assert not {'polars', 'numpy', 'spacy', 'torch'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
