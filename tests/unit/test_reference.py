import json
from pathlib import Path

import pytest
import yaml

from asg_core.config import ProjectConfig, resolve_config
from asg_core.reference import default_yaml, main, reference_files, schema_json

ROOT = Path(__file__).parents[2]


def test_generated_files_are_up_to_date() -> None:
    stale = [
        name
        for name, content in reference_files().items()
        if not (ROOT / name).exists() or (ROOT / name).read_text() != content
    ]

    assert stale == [], "run `make docs`"


def test_the_default_file_is_the_defaults() -> None:
    assert resolve_config(yaml.safe_load(default_yaml())) == ProjectConfig()


def test_the_schema_closes_every_object() -> None:
    schema = json.loads(schema_json())

    assert schema["additionalProperties"] is False
    for name, definition in schema["$defs"].items():
        if definition.get("type") == "object":
            assert definition["additionalProperties"] is False, name


def test_every_key_is_described() -> None:
    schema = json.loads(schema_json())
    for name, definition in [("project", schema), *schema["$defs"].items()]:
        for key, value in definition.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"


def test_a_check_writes_nothing_and_says_what_differs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert "run `make docs`: config/default.yaml" in caplog.text

    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0
