from pathlib import Path

import pytest
import torch
from torch import nn

from asg_core.learning.checkpoint import Checkpoints
from asg_core.learning.optimizer import make_optimizer

Trained = tuple[nn.Linear, torch.optim.Optimizer]


def _trained(seed: int, *, width: int = 3) -> Trained:
    torch.manual_seed(seed)
    model = nn.Linear(width, 2)
    optimizer = make_optimizer(model, learning_rate=0.1, weight_decay=0.0)
    model(torch.randn(4, width)).sum().backward()
    optimizer.step()
    return model, optimizer


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoints:
    checkpoints = Checkpoints(work=tmp_path / "work", identity="these settings")
    checkpoints.write(*_trained(0), {"step": 1, "values": torch.tensor([0.5])})
    return checkpoints


def test_what_is_read_is_what_was_written(kept: Checkpoints) -> None:
    written, optimizer = _trained(0)
    model, other = _trained(1)

    progress = kept.read(model, other)

    assert progress == {"step": 1, "values": torch.tensor([0.5])}
    assert torch.equal(model.weight, written.weight)
    moments = other.state_dict()["state"][0]["exp_avg"]
    assert torch.equal(moments, optimizer.state_dict()["state"][0]["exp_avg"])


def test_without_a_checkpoint_nothing_changes(tmp_path: Path) -> None:
    checkpoints = Checkpoints(work=tmp_path / "work", identity="these settings")
    model, optimizer = _trained(1)
    before = model.weight.detach().clone()

    assert checkpoints.read(model, optimizer) is None
    assert torch.equal(model.weight, before)
    assert list(tmp_path.iterdir()) == []


def test_every_identity_has_a_folder_of_its_own(kept: Checkpoints) -> None:
    other = Checkpoints(work=kept.work, identity="other settings")

    assert other.read(*_trained(1)) is None
    other.write(*_trained(1), {})
    other.delete()

    assert kept.read(*_trained(1)) is not None


@pytest.mark.parametrize("part", ["model", "optimizer", "progress"])
def test_a_checkpoint_of_another_version_is_refused(
    kept: Checkpoints, part: str
) -> None:
    state = torch.load(kept.path, weights_only=True)

    torch.save(state | {"format": 99}, kept.path)
    with pytest.raises(
        ValueError,
        match=r"checkpoint.pt: expected a checkpoint of format 1, found 99: another "
        r"version of this project wrote it\. Delete .* to train anew\.$",
    ):
        kept.read(*_trained(1))

    # As the detector of earlier releases kept its weights: under another name.
    torch.save(
        {("network" if k == part else k): v for k, v in state.items()}, kept.path
    )
    with pytest.raises(
        ValueError, match=rf"found none of {part}: another version .* Delete"
    ):
        kept.read(*_trained(1))


def test_a_checkpoint_of_something_else_is_refused(kept: Checkpoints) -> None:
    state = torch.load(kept.path, weights_only=True)

    torch.save(state | {"identity": "others"}, kept.path)
    with pytest.raises(ValueError, match="of these settings and these data, found one"):
        kept.read(*_trained(1))

    torch.save(state, kept.path)
    with pytest.raises(ValueError, match="expected the weights of this model"):
        kept.read(*_trained(1, width=5))

    torch.save([1, 2], kept.path)
    with pytest.raises(ValueError, match="of format 1, found None"):
        kept.read(*_trained(1))


@pytest.mark.parametrize("kind", ["empty", "cut", "overwritten", "text", "pickle"])
def test_damage_is_told_in_one_sentence(kept: Checkpoints, kind: str) -> None:
    whole = kept.path.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "empty": b"",
        "cut": whole[:middle],
        "overwritten": whole[:40] + b"x" * 40 + whole[80:-200] + b"\0" * 200,
        "text": b"not a checkpoint",
        "pickle": b"cos\nsystem\n(S'true'\ntR.",
    }
    kept.path.write_bytes(damaged[kind])

    with pytest.raises(ValueError, match=r"found a file that cannot be read") as caught:
        kept.read(*_trained(1))

    assert str(caught.value) == (
        f"{kept.path}: expected a checkpoint, found a file that cannot be read. Delete "
        f"{kept.folder} to train anew."
    )


def test_the_best_weights_are_kept_as_long_as_the_state_speaks_of_them(
    kept: Checkpoints,
) -> None:
    first, second = _trained(2), _trained(3)

    kept.write_best(first[0], 4)
    kept.write(*first, {}, best_step=4)
    kept.write_best(second[0], 6)
    assert torch.equal(kept.read_best(4)["weight"], first[0].weight)
    kept.write(*second, {}, best_step=6)

    assert torch.equal(kept.read_best(6)["weight"], second[0].weight)
    with pytest.raises(ValueError, match=r"best-4.pt: expected a checkpoint, found a"):
        kept.read_best(4)


def test_a_write_that_fails_leaves_the_earlier_state(
    kept: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no space"):
        kept.write(*_trained(1), {"step": 2})
    monkeypatch.undo()

    progress = kept.read(*_trained(1))
    assert progress is not None
    assert progress["step"] == 1
    assert [path.name for path in kept.folder.iterdir()] == ["checkpoint.pt"]


def test_what_is_deleted_is_the_state_and_nothing_else(kept: Checkpoints) -> None:
    kept.write_best(_trained(0)[0], 1)
    (kept.folder / ".checkpoint.pt.77.tmp").write_bytes(b"of a process that was killed")
    foreign, beside = kept.folder / "notes.txt", kept.work / "others" / "checkpoint.pt"
    beside.parent.mkdir()
    for path in (foreign, beside):
        path.write_text("mine")

    kept.delete()

    assert {path for path in kept.work.rglob("*") if path.is_file()} == {
        beside,
        foreign,
    }
    foreign.unlink()
    kept.delete()
    assert [path.name for path in kept.work.iterdir()] == ["others"]
    beside.unlink()
    beside.parent.rmdir()
    kept.delete()
    assert not kept.work.exists()
