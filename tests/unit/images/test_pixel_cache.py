import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from asg_core.images.cache_pixels import cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.images.geometry import Frame, Letterbox
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import IMAGES
from asg_core.tables.schema import TableError
from support.grey_images import cached, image_row


def test_the_map_of_the_pixels_comes_with_them(root: Path, tmp_path: Path) -> None:
    cache = cached(root, tmp_path / "pixels.parquet", "a")

    assert cache.size == 16
    assert cache.frame("a") == Frame(width=32, height=16)
    assert cache.letterbox("a") == Letterbox.fit(Frame(width=32, height=16), size=16)
    assert "a" in cache
    assert "d" not in cache


def test_shards_are_one_cache(root: Path, tmp_path: Path) -> None:
    cached(root, tmp_path / "1.parquet", "c")
    cached(root, tmp_path / "2.parquet", "a", "b")

    cache = PixelCache([tmp_path / "1.parquet", tmp_path / "2.parquet"])

    assert cache.image_ids == ("c", "a", "b")
    assert cache.read(["b", "c"])[:, 8, 8].tolist() == [20, 30]


def test_an_image_that_is_not_cached_has_a_sentence(root: Path, tmp_path: Path) -> None:
    cache = cached(root, tmp_path / "pixels.parquet", "a", "b")

    with pytest.raises(KeyError, match="image 'z' is none of the 2 cached ones"):
        cache.read(["a", "z"])
    with pytest.raises(KeyError, match="image 'z' is none"):
        cache.letterbox("z")


def test_shards_that_do_not_fit_together_are_refused(
    root: Path, tmp_path: Path
) -> None:
    cached(root, tmp_path / "1.parquet", "a")
    cached(root, tmp_path / "2.parquet", "a", "b")
    images, large = IMAGES.frame([image_row("c")]), ImagesConfig(size=32)
    cache_pixels(images, root=root, path=tmp_path / "3.parquet", config=large)

    with pytest.raises(TableError, match=r"every image once in 2 files, found 1 again"):
        PixelCache([tmp_path / "1.parquet", tmp_path / "2.parquet"])
    with pytest.raises(TableError, match=r"3.parquet: expected images of 16 px as in"):
        PixelCache([tmp_path / "1.parquet", tmp_path / "3.parquet"])
    with pytest.raises(ValueError, match="at least one file, found none"):
        PixelCache([])


def test_a_cache_can_be_pickled(root: Path, tmp_path: Path) -> None:
    cache = cached(root, tmp_path / "pixels.parquet", "a", "b")
    cache.read(["a"])

    copy = pickle.loads(pickle.dumps(cache))
    del cache  # and with it its open file

    assert copy.read(["b"])[0, 8, 8] == 20
    assert copy.image_ids == ("a", "b")


# Python 3.12 warns of every fork beside threads; Polars and Arrow have some.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_forked_workers_read_through_one_open_file(root: Path, tmp_path: Path) -> None:
    cache = cached(root, tmp_path / "pixels.parquet", "a", "b", "c")
    cache.read(["a"])  # the file is open before the fork

    with multiprocessing.get_context("fork").Pool(2) as pool:
        pixels = pool.map(cache.read, [["a"], ["b"], ["c"]] * 20, chunksize=1)

    assert [int(image[0, 8, 8]) for image in pixels] == [10, 20, 30] * 20


def test_a_file_that_changed_since_it_was_indexed_is_refused(
    root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pixels.parquet"
    cache, used = cached(root, path, "a"), cached(root, path, "a")
    used.read(["a"])
    os.truncate(path, 100)

    with pytest.raises(TableError, match=r"expected the file that was indexed"):
        cache.read(["a"])
    with pytest.raises(TableError, match=r"expected 256 bytes of an image, found 0"):
        used.read(["a"])


def test_closed_caches_leave_no_open_files(root: Path, tmp_path: Path) -> None:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("needs a system that lists open files")
    cached(root, tmp_path / "pixels.parquet", "a")
    num_open = len(list(folder.iterdir()))

    for _ in range(5):
        PixelCache([tmp_path / "pixels.parquet"]).read(["a"])

    assert len(list(folder.iterdir())) == num_open


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (["images.pixel_cache"], ["PIL", "pydicom", "cv2", "torch"]),
        (["images.cache_pixels", "images.crop", "alignment.align"], ["torch"]),
    ],
)
def test_what_reads_the_cache_waits_for_no_decoder_and_nothing_for_torch(
    modules: list[str], unwanted: list[str]
) -> None:
    imports = "; ".join(f"import asg_core.{name}" for name in modules)
    code = f"import sys; {imports}; print([n for n in {unwanted} if n in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
