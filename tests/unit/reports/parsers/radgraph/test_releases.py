"""What is said where the installed transformers may change the graphs of a model."""

import logging
import re
from pathlib import Path

import pytest
import yaml

from asg_core.reports.parsers.radgraph import compat

ROOT = Path(__file__).parents[5]


def said(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    model: str,
    release: str,
) -> list[tuple[int, str]]:
    monkeypatch.setattr(compat, "version", lambda _: release)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger=compat.__name__):
        compat.warn_of_other_output(model)
    return [(record.levelno, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize("release", ["5.0.0", "5.23.0", "10.1", "6.0.0rc1"])
def test_a_modern_model_is_warned_of_under_newer_transformers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    ((level, message),) = said(
        caplog, monkeypatch, model="modern-radgraph-xl", release=release
    )

    assert level == logging.WARNING
    assert message.startswith(
        "reports.radgraph.model: expected transformers 4 for 'modern-radgraph-xl', "
        f"found {release}, under which"
    )
    assert "Use radgraph-xl, or the environment envs/radgraph.yaml" in message


@pytest.mark.parametrize(
    ("model", "release"),
    [
        ("modern-radgraph-xl", "4.57.6"),
        ("radgraph-xl", "5.23.0"),
        ("radgraph", "4.57.6"),
    ],
)
def test_what_was_tried_is_not_spoken_of(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    release: str,
) -> None:
    assert said(caplog, monkeypatch, model=model, release=release) == []


def test_another_release_is_told_and_no_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(caplog, monkeypatch, model="radgraph", release="5.99.0") == [
        (logging.INFO, "transformers 5.99.0: radgraph was tried with 4.57.6 and 5.23.0")
    ]


def test_the_environment_and_the_lock_file_have_what_was_tried() -> None:
    environment = yaml.safe_load((ROOT / "envs" / "radgraph.yaml").read_text())
    pins = dict(pin.split("==") for pin in environment["dependencies"][-1]["pip"])
    lock = dict(
        re.findall(
            r"^([\w-]+)==([\w.]+)",
            (ROOT / "requirements.lock").read_text(),
            re.MULTILINE,
        )
    )

    assert {pins["transformers"], lock["transformers"]} == {*compat.TRIED_TRANSFORMERS}
    for package in ("radgraph", "torch"):
        assert pins[package] == lock[package]
        assert (
            f"{package} {pins[package]}" in (ROOT / "docs" / "pipeline.md").read_text()
        )
