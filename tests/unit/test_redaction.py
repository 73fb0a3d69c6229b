"""No secret of an address is ever said."""

import json
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from asg_core.config import ConfigError, read_config, resolve_config
from asg_core.redaction import redact, without_folders
from asg_core.summary.pages.origin import config_yaml
from asg_core.tracking.config import TrackingConfig
from asg_core.tracking.events import Status
from asg_core.tracking.invocation import start_invocation, stop_invocation

SECRET = "hunter2-secret"
ADDRESSES = (
    f"https://me:{SECRET}@mlflow.example.org/store",
    f"https://{SECRET}@mlflow.example.org",
    f"postgresql+psycopg2://me:{SECRET}@db.example.org:5432/runs",
    f"postgresql://me:a/b@{SECRET}@db.example.org/runs",
    f"https://mlflow.example.org/?token={SECRET}&page=1",
    f"https://mlflow.example.org/?page=1&api_key={SECRET}",
    f"postgresql://db.example.org/runs?user=me&password={SECRET}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3D{SECRET}",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_said_without_its_secret(address: str) -> None:
    said = redact(f"no store at '{address}': connection refused")

    assert SECRET not in said
    assert said.startswith("no store at '")
    assert said.endswith("connection refused")


def test_what_is_no_secret_stays() -> None:
    for text in (
        "sqlite:///mlflow.db",
        "sqlite:////home/jane@example.org/mlflow.db",
        "file:///home/jane@example.org/mlruns",
        "http://127.0.0.1:5000/#/experiments/1",
        "postgresql://db.example.org/runs?sslmode=require",
        "mail me@example.org about it",
    ):
        assert redact(text) == text


def test_a_password_of_the_environment_is_hidden_when_it_stands_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:p%40ss-word@example.org")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken-of-mine")

    said = redact("refused 'p@ss-word' (p%40ss-word), bearer t0ken-of-mine")

    assert said == "refused '***' (***), bearer ***"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_configuration_with_a_secret_is_refused_without_saying_it(
    address: str, tmp_path: Path
) -> None:
    wrong: list[dict[str, Any]] = [
        {"tracking": {"uri": address}},
        {"tracking": address},
        {"tracking": {"enabled": address}},
        {"images": {"size": address}},
    ]
    for values in wrong:
        with pytest.raises(ConfigError) as caught:
            resolve_config(values)
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ValidationError) as direct:
        TrackingConfig(uri=address)
    assert SECRET not in "".join(traceback.format_exception(direct.value))
    for text in (f"tracking: {{uri: '{address}'", f"- '{address}'"):
        (tmp_path / "my.yaml").write_text(text)
        with pytest.raises(ConfigError) as unreadable:
            read_config(tmp_path / "my.yaml")
        assert SECRET not in "".join(traceback.format_exception(unreadable.value))


def test_a_dump_of_the_configuration_hides_what_looks_like_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "asg_core.tracking.invocation._spawn_mirror", lambda folder: None
    )
    config = {"corpus": {"name": "demo", "root": ADDRESSES[0]}, "list": [ADDRESSES[4]]}

    start_invocation(directory=tmp_path, config=config, is_synthetic=True)

    written = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert len(written) == 3
    assert not [text for text in written if SECRET in text]
    assert "mlflow.example.org" in written[0] + written[1] + written[2]
    assert SECRET not in config_yaml(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        f"nosuch://me:{SECRET}@db.example.org/runs",
        f"postgresql://me:{SECRET}@127.0.0.1:9/runs",
        f"http://me:{SECRET}@127.0.0.1:9/store",
        f"http://127.0.0.1:9/?token={SECRET}",
    ],
)
def test_a_store_that_does_not_answer_is_told_without_its_password(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    directory = Path("results/demo/tracking")
    config = {"corpus": {"name": "demo"}, "tracking": {"drain_seconds": 0}}
    invocation = start_invocation(directory=directory, config=config, is_synthetic=True)
    assert invocation is not None
    events = directory / invocation / "parse--0.jsonl"
    start = {"event": "start", "attempt": "a", "time_ms": 1, "rule": "parse"}
    events.write_text(json.dumps(start | {"params": {}, "tags": {}}) + "\n")
    stop_invocation(directory=directory, status=Status.FINISHED)

    done = subprocess.run(
        [sys.executable, "-m", "asg_core.tracking", "sync", "--directory", directory],
        env=os.environ | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert SECRET not in done.stdout + done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert events in [path.relative_to(tmp_path) for path in files]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_log_line_of_a_foreign_package_is_hidden_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from asg_core.redaction import RedactingStream  # noqa: PLC0415

    handler = logging.StreamHandler(RedactingStream(sys.stderr))
    logger = logging.Logger("foreign")
    logger.addHandler(handler)

    logger.error("cannot reach %s", ADDRESSES[0])

    assert (
        capsys.readouterr().err == "cannot reach https://***@mlflow.example.org/store\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("found '/data/me/x.png'", "found '.../x.png'"),
        ("/data/me/x.png: expected", ".../x.png: expected"),
        ("in '/data/my films/x.png', found", "in '.../x.png', found"),
        ("OSError: no file (/scratch/x.png)", "OSError: no file (.../x.png)"),
        ("file:///home/me/x.png", ".../x.png"),
        (r"found 'C:\films\x.png'", "found '.../x.png'"),
        (r"found \\store\films\x.png", "found .../x.png"),
        ("model=/models/bert", "model=.../bert"),
        # no absolute path
        ("files/p10/s1.txt: expected", "files/p10/s1.txt: expected"),
        ("found '../x.png'", "found '../x.png'"),
        ("found 1/2/2020 and/or a / b", "found 1/2/2020 and/or a / b"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
        ("a line: expected 3 of 4", "a line: expected 3 of 4"),
    ],
)
def test_an_absolute_path_is_said_without_its_folders(text: str, expected: str) -> None:
    assert without_folders(text) == expected
