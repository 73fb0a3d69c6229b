import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from asg_core.learning.run_folder import (
    DETECTOR,
    PRETRAINED,
    fill,
    read_run,
    read_weights,
    weights_path,
    write_run,
)


def _write(folder: Path) -> nn.Linear:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    write_run(folder, model.state_dict(), {"steps": 7}, kind=DETECTOR)
    return model


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    model, other = _write(tmp_path), nn.Linear(3, 2)

    run = read_run(tmp_path, kind=DETECTOR)
    fill(other, read_weights(tmp_path, kind=DETECTOR), path=tmp_path)

    assert run == {"format": 1, "kind": "region_detector", "steps": 7}
    assert torch.equal(other.weight, model.weight)
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.safetensors",
        "run.json",
    }


def test_tensors_that_share_their_memory_are_written_apart(tmp_path: Path) -> None:
    values = torch.arange(6.0)

    write_run(tmp_path, {"a": values[:3], "b": values[:4]}, {}, kind=DETECTOR)

    assert load_file(tmp_path / "model.safetensors")["b"].tolist() == [0, 1, 2, 3]


def test_a_write_that_fails_leaves_no_folder_that_passes_for_complete(
    tmp_path: Path,
) -> None:
    model = _write(tmp_path)

    with pytest.raises(TypeError):
        write_run(tmp_path, model.state_dict(), {"steps": object()}, kind=DETECTOR)

    with pytest.raises(FileNotFoundError, match=r"found no run.json"):
        read_run(tmp_path, kind=DETECTOR)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"kind": "region_', r"JSON, found a damaged file"),
        ("[1]", r"found None format None"),
        ('{"kind": "region_detector", "format": 2}', r"'region_detector' format 2"),
        ('{"kind": "asg_model", "format": 1}', r"'asg_model' format 1"),
        ('{"format": 1}', r"found None format 1"),
    ],
)
def test_a_description_of_something_else_is_refused(
    tmp_path: Path, text: str, found: str
) -> None:
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(
        ValueError, match=rf"run\.json: expected .*{found}.* again"
    ) as e:
        read_run(tmp_path, kind=DETECTOR)

    assert len(str(e.value).splitlines()) == 1


def test_weights_that_are_missing_or_damaged_are_told(tmp_path: Path) -> None:
    _write(tmp_path)
    path = tmp_path / "model.safetensors"

    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"weights of a detector, found a damaged"):
        read_weights(tmp_path, kind=DETECTOR)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"of a pre-trained model, found no"):
        weights_path(tmp_path, kind=PRETRAINED)


def test_weights_of_another_model_are_counted_and_named(tmp_path: Path) -> None:
    state = _write(tmp_path).state_dict()
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()

    for weights, message in (
        ({"weight": state["weight"]}, r"1 tensors are missing, as \['bias'\]"),
        (state | {"a": torch.ones(1)}, r"1 tensors have no place, as \['a'\]"),
        (
            state | {"bias": torch.ones(3)},
            r"'bias' is of shape \(3,\) and not \(2,\)",
        ),
    ):
        with pytest.raises(
            ValueError, match=rf"found others: {message}\. The two files"
        ):
            fill(model, weights, path=tmp_path / "model.safetensors")

    assert torch.equal(model.weight, before)


def test_a_description_is_read_without_any_framework(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(
        json.dumps({"kind": "region_detector", "format": 1})
    )
    code = (
        "import sys; from pathlib import Path; "
        "from asg_core.learning.run_folder import DETECTOR, read_run; "
        f"read_run(Path({str(tmp_path)!r}), kind=DETECTOR); "
        "sys.exit('torch' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
