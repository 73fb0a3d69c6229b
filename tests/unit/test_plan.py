"""What a configuration needs before its first job."""

from pathlib import Path

import pytest

from asg_core.config import ConfigError, resolve_config
from asg_core.plan import check_start


def test_the_defaults_can_start() -> None:
    check_start(resolve_config({}))


def test_every_missing_file_is_named_with_its_key(tmp_path: Path) -> None:
    project = resolve_config(
        {
            "regions": {"checkpoint": str(tmp_path / "detector")},
            "reports": {
                "parser": "radgraph",
                "radgraph": {"graphs": str(tmp_path / "graphs.json")},
            },
            "check_triplets": {"filled": str(tmp_path / "sheet.csv")},
        }
    )

    with pytest.raises(ConfigError) as caught:
        check_start(project)

    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "regions.checkpoint",
        "reports.radgraph.graphs",
        "check_triplets.filled",
    ]


def test_the_model_of_a_parser_is_looked_for_unless_conda_brings_it() -> None:
    project = resolve_config(
        {"reports": {"parser": "scispacy", "scispacy": {"model": "no_such_model"}}}
    )

    with pytest.raises(ConfigError, match=r"reports\.scispacy\.model"):
        check_start(project)
    check_start(project, uses_conda=True)
