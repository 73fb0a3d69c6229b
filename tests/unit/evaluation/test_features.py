import json
from pathlib import Path
from unittest.mock import create_autospec

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from asg_core.evaluation import features as module
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.encoders import PixelEncoder, prepare_encoder
from asg_core.evaluation.features import (
    Features,
    encode_benchmark,
    extract_features,
    read_features,
)
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.schema import TableError
from support.small_evaluation import CACHE_SIZE, labelled, pixels_of, small_discs

ENCODER = PixelEncoder(name="pixels", resize=CACHE_SIZE, input_size=40, thumbnail=4)
DISCS = small_discs(train=5, validate=2, test=3)
IDS = DISCS.image_ids


@pytest.fixture
def cache(tmp_path: Path) -> PixelCache:
    return pixels_of(DISCS, tmp_path / "cache")


def _extract(cache: PixelCache, path: Path, *, with_patches: bool = True) -> None:
    extract_features(
        ENCODER,
        IDS[::-1],
        cache,
        path=path,
        batch_size=4,
        with_patches=with_patches,
    )


def test_features_survive_the_disk(cache: PixelCache, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "features.safetensors"

    _extract(cache, path)
    found = read_features(path, encoder="pixels", image_ids=IDS)

    expected = ENCODER.features(torch.from_numpy(cache.read(IDS)))
    assert found.image_ids == tuple(IDS)
    assert found.grid == (4, 4)
    np.testing.assert_array_equal(found.pooled_NE, expected.pooled_BE.numpy())
    assert found.patches_NPE is not None
    assert found.patches_NPE.dtype == np.float16
    np.testing.assert_array_equal(
        found.patches_NPE, expected.patches_BPE.numpy().astype(np.float16)
    )
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_patches_are_kept_only_when_asked_for(
    cache: PixelCache, tmp_path: Path
) -> None:
    _extract(cache, tmp_path / "f", with_patches=False)

    found = read_features(tmp_path / "f", encoder="pixels", image_ids=IDS)

    assert (found.patches_NPE, found.grid) == (None, None)


@pytest.mark.parametrize("has_masks", [True, False])
def test_a_benchmark_is_encoded_by_an_encoder_that_is_fitted_to_its_training_images(
    cache: PixelCache,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    has_masks: bool,
) -> None:
    prepare = create_autospec(prepare_encoder, return_value=ENCODER)
    monkeypatch.setattr(module, "prepare_encoder", prepare)
    benchmark = DISCS.benchmark() if has_masks else labelled(DISCS, ("Mass",))
    encoder, config = EncoderConfig(kind="run", run="full"), EvaluationConfig()

    encode_benchmark(
        benchmark,
        cache,
        name="pixels",
        encoder=encoder,
        run_folder=tmp_path,
        path=tmp_path / "f",
        with_patches=True,
        config=config,
    )

    found = read_features(tmp_path / "f", encoder="pixels", image_ids=IDS)
    assert (found.patches_NPE is not None) == has_masks
    prepare.assert_called_once_with(
        encoder,
        name="pixels",
        cache=cache,
        train_ids=benchmark.part("train"),
        run_folder=tmp_path,
        config=config,
    )


def test_the_file_is_plain_safetensors_and_the_same_bytes_every_time(
    cache: PixelCache, tmp_path: Path
) -> None:
    _extract(cache, tmp_path / "one")
    _extract(cache, tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    tensors = load_file(tmp_path / "one")
    assert {name: value.shape for name, value in tensors.items()} == {
        "pooled": (10, 16),
        "patches": (10, 16, 100),
    }


def test_rows_come_in_the_order_asked_for() -> None:
    features = Features(
        encoder="full",
        image_ids=("a", "b", "c"),
        pooled_NE=np.zeros((3, 2), np.float32),
    )

    assert features.rows(["c", "a"]).tolist() == [2, 0]
    assert features.rows([]).tolist() == []
    with pytest.raises(ValueError, match="found none of 'bb'"):
        features.rows(["a", "bb"])
    with pytest.raises(ValueError, match="found none of 'z'"):
        features.rows(["z"])


def test_features_of_another_encoder_or_other_images_are_refused(
    cache: PixelCache, tmp_path: Path
) -> None:
    _extract(cache, tmp_path / "f")

    with pytest.raises(
        TableError, match=r"of the encoder 'full', found .* of 'pixels'"
    ):
        read_features(tmp_path / "f", encoder="full", image_ids=IDS)
    with pytest.raises(TableError, match=r"features of 9 images .* those of 10"):
        read_features(tmp_path / "f", encoder="pixels", image_ids=IDS[1:])
    with pytest.raises(TableError, match=r"features of 10 images .* those of 10"):
        read_features(tmp_path / "f", encoder="pixels", image_ids=[*IDS[1:], "other"])
    with pytest.raises(FileNotFoundError, match="expected features of 'pixels'"):
        read_features(tmp_path / "g", encoder="pixels", image_ids=IDS)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1 no features", b"\x02" + 7 * b"\0" + b"{}"]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)

    with pytest.raises(TableError, match="found something else"):
        read_features(tmp_path / "f", encoder="pixels", image_ids=IDS)


def test_a_file_that_was_cut_off_is_refused(cache: PixelCache, tmp_path: Path) -> None:
    _extract(cache, tmp_path / "f")
    content = (tmp_path / "f").read_bytes()
    (tmp_path / "f").write_bytes(content[:-1])

    with pytest.raises(TableError, match="found something else"):
        read_features(tmp_path / "f", encoder="pixels", image_ids=IDS)


def test_features_that_cannot_be_made_leave_the_earlier_file_and_nothing_else(
    cache: PixelCache, tmp_path: Path
) -> None:
    path = tmp_path / "features" / "f"
    _extract(cache, path)
    before = path.read_bytes()

    with pytest.raises(KeyError, match="no-such"):
        extract_features(
            ENCODER,
            [*IDS, "no-such"],
            cache,
            path=path,
            batch_size=4,
            with_patches=True,
        )

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_newer_format_is_refused(cache: PixelCache, tmp_path: Path) -> None:
    _extract(cache, tmp_path / "f")
    content = (tmp_path / "f").read_bytes()
    about = json.dumps(json.dumps({"format": 1}))[1:-2]
    assert about.encode() in content
    changed = content.replace(about.encode(), about.replace("1", "2").encode(), 1)
    (tmp_path / "f").write_bytes(changed)

    with pytest.raises(TableError, match="in format 2"):
        read_features(tmp_path / "f", encoder="pixels", image_ids=IDS)


def test_no_images_and_values_that_overflow_are_refused(
    cache: PixelCache, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="at least one image"):
        extract_features(
            ENCODER, [], cache, path=tmp_path / "f", batch_size=4, with_patches=True
        )

    class Loud(PixelEncoder):
        def features(self, image_BSS: torch.Tensor):  # type: ignore[no-untyped-def] # noqa: ANN202
            encoded = PixelEncoder.features(self, image_BSS)
            encoded.patches_BPE.fill_(1e6)
            return encoded

    loud = Loud(name="loud", resize=40, input_size=40, thumbnail=4)
    with pytest.raises(ValueError, match="too large for 16 bits"):
        extract_features(
            loud, IDS, cache, path=tmp_path / "f", batch_size=4, with_patches=True
        )
