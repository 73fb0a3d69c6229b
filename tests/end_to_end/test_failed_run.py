"""The end of a run that failed, and which of its jobs were tried again."""

from pathlib import Path

import pytest

from support.checkout import Checkout, copy_project, edited

pytestmark = pytest.mark.slow

CONFIG = """
corpus:
  name: small
  source: table
  root: data
  images: none
  shards: 1
  table: {file: texts.csv, columns: {text: text}}
tracking: {enabled: false}
"""
BEGIN = "    with run_job(snakemake) as job:\n"
LOG = "results/small/logs/read_reports/shard-0000-of-0001.log"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout with a table of two reports, of which nothing is made."""
    checkout = copy_project(tmp_path_factory.mktemp("failed") / "checkout")
    (checkout.root / "config" / "small.yaml").write_text(CONFIG)
    (checkout.root / "data").mkdir()
    (checkout.root / "data" / "texts.csv").write_text(
        "text\nNo pneumothorax.\nSmall left pleural effusion.\n"
    )
    return Checkout(checkout.root, configfile="config/small.yaml")


def run_that_fails(checkout: Checkout, *, error: str) -> str:
    """Return the output of a run in which the reading of reports raises `error`."""
    script = checkout.root / "workflow" / "scripts" / "read_reports.py"
    with edited(script, BEGIN, f"{BEGIN}        raise {error}\n"):
        done = checkout.snakemake("--cores", "1", "--retries", "2", check=False)
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_a_wrong_value_is_not_tried_again_and_ends_the_output(
    checkout: Checkout,
) -> None:
    output = run_that_fails(
        checkout, error="ValueError('reports: expected text,\\n found none')"
    )

    assert "Trying to restart" not in output
    assert "message: None" not in output
    assert "    message: reports: expected text, found none\n" in output
    end = output[output.index("1 job failed:") :]
    assert end.splitlines()[:5] == [
        "1 job failed:",
        "",
        "read_reports (shard=0000-of-0001)",
        "  reports: expected text, found none",
        f"  Log: {LOG}",
    ]
    assert len(end.splitlines()) < 12
    assert not list((checkout.root / "results").rglob("*.failure.json"))


def test_what_may_pass_is_tried_again(checkout: Checkout) -> None:
    output = run_that_fails(checkout, error="OSError(116, 'Stale file handle')")

    assert output.count("Trying to restart") == 2
    assert "  OSError: [Errno 116] Stale file handle\n" in output


def test_a_run_that_succeeds_names_no_failure(checkout: Checkout) -> None:
    done = checkout.snakemake("--cores", "1", "triplets")

    assert "failed:" not in done.stdout + done.stderr


def test_notes_of_a_killed_run_are_forgotten(checkout: Checkout) -> None:
    note = Path(checkout.root / LOG).with_suffix(".failure.json")
    note.write_text('{"reason": "old", "is_lasting": true}')

    checkout.snakemake(
        "--cores", "1", "--forcerun", "read_reports", "--until", "read_reports"
    )

    assert not note.exists()
