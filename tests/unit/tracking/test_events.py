import json
from pathlib import Path

import pytest

from asg_core.tracking.events import (
    Event,
    EventLog,
    Invocation,
    event_file,
    find_invocation,
    flatten,
)
from asg_core.tracking.inputs import input_digest


def test_flatten_names_nested_settings_by_their_path() -> None:
    nested = {"a": {"b": 1, "c": {"d": None}}, "e": ["x", 2], "f": "text", "g": {}}

    assert flatten(nested) == {
        "a.b": "1",
        "a.c.d": "null",
        "e": '["x", 2]',
        "f": "text",
        "g": "{}",
    }


def test_the_event_file_is_named_by_rule_and_wildcards() -> None:
    invocation = Invocation(
        folder=Path("tracking/now"), may_export_examples=False, digest_limit_mb=1
    )
    wildcards = {"corpus": "demo", "encoder": "ours/full", "benchmark": "nih"}

    path = event_file(invocation, rule="evaluate", wildcards=wildcards)

    assert path == Path("tracking/now/evaluate--ours_full--nih.jsonl")


def test_a_log_outside_of_a_logs_folder_is_not_tracked(tmp_path: Path) -> None:
    assert find_invocation(tmp_path / "job.log") is None


def test_a_file_of_another_format_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "tracking").mkdir()
    (tmp_path / "tracking/current.json").write_text('{"format": 2}')

    assert find_invocation(tmp_path / "logs/rule/item.log") is None


def test_an_attempt_does_not_continue_the_torn_line_of_another(tmp_path: Path) -> None:
    path = tmp_path / "job.jsonl"
    path.write_text('{"event": "end", "rows_')

    EventLog(path).append(Event.START, rule="r")

    torn, whole = path.read_text().splitlines()
    assert torn == '{"event": "end", "rows_'
    assert json.loads(whole)["rule"] == "r"


def test_digests_follow_the_bytes_of_small_files_only(tmp_path: Path) -> None:
    small, same = tmp_path / "a", tmp_path / "b"
    small.write_bytes(b"abc")
    same.write_bytes(b"abc")

    digests = {input_digest(path, limit_mb=1) for path in (small, same)}

    # sha256 of "abc", from the standard's own example
    assert digests == {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }
    assert input_digest(small, limit_mb=0).startswith("stat:")


def test_a_folder_has_a_digest_of_its_files_and_a_missing_input_none(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = input_digest(folder, limit_mb=1)
    (folder / "b").write_text("2")

    assert before.startswith("stat:")
    assert input_digest(folder, limit_mb=1) != before
    with pytest.raises(FileNotFoundError):
        input_digest(tmp_path / "nothing", limit_mb=1)
