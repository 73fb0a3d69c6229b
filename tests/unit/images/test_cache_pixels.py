import errno
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

from asg_core.images.cache_pixels import ImageRow, cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.images.decode import decode_image
from asg_core.images.pixel_cache import PixelCache
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.tables.catalog import IMAGES, PIXELS
from asg_core.tables.schema import read_table
from asg_core.terms.views import View
from support.faults import break_calls
from support.grey_images import CONFIG, cached, image_row

MakeDicom = Callable[..., bytes]


def test_images_are_letterboxed_and_read_in_any_order(
    root: Path, tmp_path: Path
) -> None:
    cache = cached(root, tmp_path / "pixels.parquet", "b", "c", "a")

    pixels = cache.read(["c", "a", "c"])

    assert cache.image_ids == ("a", "b", "c")
    assert len(cache) == 3
    assert pixels.shape == (3, 16, 16)
    assert pixels.dtype == np.uint8
    # 32 x 16 becomes 16 x 8, with four rows of padding above and below.
    column = [0] * 4 + [30] * 8 + [0] * 4
    assert pixels[0].tolist() == [[grey] * 16 for grey in column]
    assert pixels[:, 8, 8].tolist() == [30, 10, 30]
    assert cache.read([]).shape == (0, 16, 16)


def test_a_bilinear_cache_is_scaled_from_the_whole_image(tmp_path: Path) -> None:
    """A JPEG that is decoded at a fraction of its size has been averaged already."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)
    (tmp_path / "files").mkdir()
    path = tmp_path / "files" / "a.jpg"
    Image.fromarray(noise).save(path, quality=95)
    row = image_row("a", path="files/a.jpg", width=256, height=256)
    config = CONFIG.model_copy(update={"resample": "bilinear"})

    cache_pixels(
        IMAGES.frame([row]), root=tmp_path, path=tmp_path / "p.parquet", config=config
    )

    pixels = PixelCache([tmp_path / "p.parquet"]).read(["a"])[0]
    np.testing.assert_array_equal(
        pixels, cv2.resize(decode_image(path).pixels_HW, (16, 16))
    )


def test_any_parquet_reader_sees_the_table(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "pixels.parquet"
    cache = cached(root, path, "a", "b")

    table = read_table(path, schema=PIXELS)

    assert table.drop("pixels").rows() == [("a", 32, 16), ("b", 32, 16)]
    assert table["pixels"].to_list() == [row.tobytes() for row in cache.read("ab")]
    assert [file.name for file in path.parent.iterdir()] == ["pixels.parquet"]


def test_the_bytes_depend_on_neither_order_nor_folder(
    root: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    cached(root, tmp_path / "1.parquet", "a", "b")
    root.rename(moved)
    cached(moved, tmp_path / "2.parquet", "b", "a")

    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    assert first.read_bytes() == second.read_bytes()


def test_other_views_are_counted_and_left_out(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = IMAGES.frame(
        [
            image_row("a", view="LATERAL", view_as_given="LL"),
            image_row("b", view="AP"),
            image_row("c", view="UNKNOWN"),
        ]
    )
    path = tmp_path / "pixels.parquet"
    with caplog.at_level(logging.INFO):
        frontal = cache_pixels(images, root=root, path=path, config=CONFIG)

    assert (frontal.num_cached, frontal.num_excluded_by_view) == (1, 2)
    assert frontal.rejects.is_empty()
    assert caplog.records[0].levelname == "WARNING"
    assert PixelCache([path]).image_ids == ("b",)
    assert caplog.messages == [
        "images.views leaves out 2 of 3 images (66.7 %) by their view: LATERAL 'LL' 1, "
        "UNKNOWN (not said) 1",
        "3 images in, 1 cached at 16 px, 2 of other views left out, 0 rejected",
    ]

    config = ImagesConfig(size=16, views=(View.LATERAL,))
    cache_pixels(images, root=root, path=path, config=config)
    assert PixelCache([path]).image_ids == ("a",)


def test_what_cannot_be_used_is_rejected_with_a_reason(
    root: Path, tmp_path: Path
) -> None:
    data = (root / "files" / "b.png").read_bytes()
    (root / "files" / "short.png").write_bytes(data[:50])
    (tmp_path / "outside.png").write_bytes(data)
    images = IMAGES.frame(
        [
            image_row("a"),
            image_row("absent"),
            image_row("absolute", path=str(tmp_path / "outside.png")),
            image_row("climbs", path="files/../../outside.png"),
            image_row("nowhere", path=""),
            image_row("other size", path="files/b.png", width=16, height=32),
            image_row("other height", path="files/b.png", height=17),
            image_row("windows", path="C:\\outside.png"),
            image_row("short"),
        ]
    )

    result = cache_pixels(
        images, root=root, path=tmp_path / "pixels.parquet", config=CONFIG
    )

    assert result.num_cached == 1
    assert result.rejects["stage"].unique().to_list() == ["cache_pixels"]
    assert dict(result.rejects.select("item_id", "reason").rows()) == {
        "absent": "missing_image",
        "absolute": "outside_root",
        "climbs": "outside_root",
        "nowhere": "outside_root",
        "other size": "size_mismatch",
        "other height": "size_mismatch",
        "windows": "outside_root",
        "short": "truncated",
    }
    details = dict(result.rejects.select("item_id", "detail").rows())
    assert details["other size"] == (
        "files/b.png: expected 16 x 32 pixels as the table images says, found 32 x 16"
    )
    # Where the data set lies is not in the table.
    assert not any(str(root) in detail for detail in details.values())


def test_no_images_make_an_empty_cache(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "pixels.parquet"

    result = cache_pixels(IMAGES.empty(), root=root, path=path, config=CONFIG)

    assert result.num_cached == 0
    assert len(PixelCache([path])) == 0
    assert PixelCache([path]).size == 16
    assert read_table(path, schema=PIXELS).is_empty()


def test_progress_sees_every_image_to_be_decoded(root: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def progress(items: Iterable[ImageRow]) -> Iterable[ImageRow]:
        for item in items:
            seen.append(item[0])
            yield item

    images = IMAGES.frame([image_row("b"), image_row("a", view="OTHER")])
    path = tmp_path / "pixels.parquet"
    cache_pixels(images, root=root, path=path, config=CONFIG, progress=progress)

    assert seen == ["b"]


def test_every_real_image_is_cached(reference_folder: Path, tmp_path: Path) -> None:
    root = reference_folder / "realcxr"
    manifest = pl.read_csv(root / "manifest.csv", infer_schema=False)
    rows = manifest.select("image_id", "file", "width", "height").rows()
    images = IMAGES.frame(
        image_row(name, path=file, width=int(width), height=int(height))
        for name, file, width, height in rows
    )

    path = tmp_path / "pixels.parquet"
    result = cache_pixels(images, root=root, path=path, config=CONFIG)

    assert result.num_cached == len(images) == 898
    assert result.rejects.is_empty()
    spread = PixelCache([path]).read(images["image_id"].to_list()).std(axis=(1, 2))
    assert spread.min() > 10  # nothing came out flat


def test_a_fault_of_the_machine_ends_the_job_and_the_next_try_is_whole(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pixels.parquet"

    with monkeypatch.context() as faults:
        break_calls(faults, name="b.png", number=errno.EIO)
        with pytest.raises(PassingFaultError, match=r"files/b.png: .*EIO"):
            cached(root, path, "a", "b", "c")
    assert not path.exists()

    assert cached(root, path, "a", "b", "c").image_ids == ("a", "b", "c")


def test_films_shown_otherwise_than_they_say_are_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, make_dicom: MakeDicom
) -> None:
    stored = np.arange(512, dtype=np.uint16).reshape(16, 32) * 8
    for name, width in [("a", 0), ("b", 900), ("c", -1)]:
        film = make_dicom(stored, bits=12, WindowCenter=900, WindowWidth=width)
        (tmp_path / f"{name}.dcm").write_bytes(film)
    images = IMAGES.frame([image_row(name, path=f"{name}.dcm") for name in "abc"])

    with caplog.at_level(logging.INFO):
        result = cache_pixels(
            images, root=tmp_path, path=tmp_path / "pixels.parquet", config=CONFIG
        )

    assert result.num_cached == 3
    assert result.notes == {"window_unusable": 2}
    assert caplog.messages[1:] == [
        "2 images: a window that cannot be used, or shows one grey, was left out; such "
        "as a.dcm"
    ]
