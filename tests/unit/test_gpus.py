from pathlib import Path

import pytest

from asg_core.gpus import count_gpus


@pytest.fixture(autouse=True)
def nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def _devices(folder: Path, *names: str) -> Path:
    for name in ("null", "nvidiactl", "nvidia-uvm", "nvidia-modeset", *names):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), 0),
        (("nvidia0",), 1),
        (("nvidia0", "nvidia1", "nvidia10"), 3),
        (("nvidia5",), 1),
        (("dxg",), 1),
        (("kfd",), None),
    ],
)
def test_devices_of_the_driver_are_counted(
    tmp_path: Path, names: tuple[str, ...], expected: int | None
) -> None:
    assert count_gpus(_devices(tmp_path, *names)) == expected


@pytest.mark.parametrize(
    ("visible", "expected"),
    [("", 0), ("-1", 0), ("1", 1), ("0,2", 2), ("0,-1,1", 1), ("GPU-8f,MIG-2c", 2)],
)
def test_hidden_devices_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, expected: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert count_gpus(_devices(tmp_path, "nvidia0", "nvidia1", "nvidia2")) == expected


def test_what_is_not_there_cannot_be_made_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

    assert count_gpus(_devices(tmp_path)) == 0
