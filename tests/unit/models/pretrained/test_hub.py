import io
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest
from huggingface_hub import constants

from asg_core.models.pretrained.hub import (
    Found,
    is_hub_name,
    look_up,
    published_repository,
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a hub's cache; the hub may be asked, and does not answer."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    _answer(monkeypatch, urllib.error.URLError("no route"))
    return tmp_path


def _answer(monkeypatch: pytest.MonkeyPatch, answer: Exception | None) -> list[str]:
    """Let the hub answer without an error, or with one; return what it is asked."""
    asked: list[str] = []

    def urlopen(request: urllib.request.Request, *, timeout: float) -> io.BytesIO:
        assert timeout <= 10
        asked.append(f"{request.get_method()} {request.full_url}")
        if answer is not None:
            raise answer
        return io.BytesIO()

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def _not_found() -> urllib.error.HTTPError:
    return urllib.error.HTTPError("x", 401, "unknown", Message(), None)


def _fill(cache: Path, repository: str, *, file: str = "config.json") -> None:
    snapshot = cache / f"models--{repository.replace('/', '--')}" / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    (snapshot / file).touch()


def test_the_cache_is_looked_at_first(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _answer(monkeypatch, None)
    _fill(cache, "someone/bert")

    assert look_up("someone/bert") == Found.CACHE
    assert look_up("someone/bert", file="config.json") == Found.CACHE
    assert not asked
    assert look_up("someone/bert", file="radgraph-xl.tar.gz") == Found.HUB
    assert look_up("someone/other") == Found.HUB
    assert asked[-1] == "HEAD https://huggingface.co/api/models/someone/other"


def test_weights_of_any_tag_serve_a_name_without_one(cache: Path) -> None:
    _fill(cache, "timm/vit_tiny.augreg", file="model.safetensors")

    assert look_up("timm/vit_tiny", is_whole=False) == Found.CACHE
    assert look_up("timm/vit_tiny") == Found.UNREACHABLE
    assert look_up("timm/vit_ti", is_whole=False) == Found.UNREACHABLE


def test_what_the_hub_says_decides(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cache
    _answer(monkeypatch, _not_found())

    assert look_up("models/bert") == Found.UNKNOWN
    # Without its tag the name is no repository; that the hub answers is all one can ask.
    assert look_up("timm/vit_tiny", is_whole=False) == Found.HUB

    # A hub that is busy, or a mirror that answers no such question, knows the name or not.
    _answer(monkeypatch, urllib.error.HTTPError("x", 503, "busy", Message(), None))
    assert look_up("models/bert") == Found.HUB

    _answer(monkeypatch, TimeoutError())
    assert look_up("models/bert") == Found.UNREACHABLE


def test_offline_nothing_is_asked(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del cache
    asked = _answer(monkeypatch, None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    assert look_up("someone/bert") == Found.OFFLINE
    assert not asked


@pytest.mark.parametrize(
    ("architecture", "repository"),
    [
        (
            "vit_base_patch16_clip_quickgelu_224.openai",
            "timm/vit_base_patch16_clip_224.openai",
        ),
        ("resnet50.a1_in1k", "timm/resnet50.a1_in1k"),
        ("legacy_senet154.in1k", None),  # at an address, not on the hub
        ("no_such_network.tag", "timm/no_such_network.tag"),
    ],
)
def test_timm_is_asked_where_its_weights_are(
    architecture: str, repository: str | None
) -> None:
    assert published_repository(architecture) == repository


def test_a_folder_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "bert").mkdir(parents=True)

    names = ["bert-base-uncased", "someone/bert_2.1", "models/other"]
    assert all(is_hub_name(name) for name in names)
    folders = ["models/bert", "/models/bert", "./bert", "../bert", "~/bert", "a/b/c"]
    assert not any(is_hub_name(name) for name in folders)
