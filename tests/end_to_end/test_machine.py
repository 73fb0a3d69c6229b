"""What jobs need of the machine is asked before the first of them."""

from pathlib import Path

import pytest
import yaml

from support.checkout import Checkout, copy_project

pytestmark = pytest.mark.slow


def test_a_missing_gpu_and_hub_stop_a_run_before_its_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = copy_project(tmp_path / "checkout")
    values = yaml.safe_load((checkout.root / "config" / "test.yaml").read_text())
    values["pretraining"]["device"] = "cuda"
    values["pretraining"]["model"]["text_encoder"] = {"name": "no/such_encoder"}
    (checkout.root / "config" / "run.yaml").write_text(yaml.safe_dump(values))
    run = Checkout(checkout.root, configfile="config/run.yaml")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))

    refused = run.snakemake("--cores", "1", check=False)

    assert refused.returncode != 0
    assert "pretraining.runs.full.device: it needs 1 GPU here" in refused.stderr
    assert "pretraining.model.text_encoder.name: expected 'no/such_encoder'" in (
        refused.stderr
    )
    assert "HF_HUB_OFFLINE is set" in refused.stderr
    assert not list((checkout.root / "results").rglob("*.parquet"))
    # What is planned can be looked at all the same, and the folder is not left locked;
    # jobs that need neither run.
    run.snakemake("--cores", "1", "--dry-run")
    run.snakemake("--cores", "1", "triplets")
