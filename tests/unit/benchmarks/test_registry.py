import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import ValidationError

from asg_core.benchmarks.reader_registry import (
    READERS,
    benchmark_inventory,
    find_benchmark,
)
from asg_core.benchmarks.registry import (
    BENCHMARKS,
    BenchmarksConfig,
    shared_patients,
)
from asg_core.provenance import ROOT
from asg_core.sources.reading.files import SourceError
from asg_core.synthetic.make import POPULATIONS
from asg_core.terms.findings import FINDINGS
from support.benchmark_folders import DEFAULTS, Copied

_IMAGES = {".png", ".jpg", ".jpeg", ".JPG", ".dcm"}


def test_every_benchmark_is_off_by_default() -> None:
    config = BenchmarksConfig()

    assert {"nih", "chexpert", "rsna", "covidx", "siim"} <= BENCHMARKS.keys()
    assert {config.of(name).root for name in BENCHMARKS} == {None}


def test_a_benchmark_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"padchest\s+Extra inputs are not"):
        BenchmarksConfig.model_validate({"padchest": {}})


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_has_a_module_a_layout_tests_and_a_place_in_the_docs(
    name: str,
) -> None:
    spec = import_module(f"asg_core.benchmarks.{name}.spec")
    reader = import_module(f"asg_core.benchmarks.{name}.read")
    layout = import_module(f"asg_core.synthetic.layouts.{name}")

    assert spec.SPEC is BENCHMARKS[name]
    assert READERS[name].read is getattr(reader, f"read_{name}")
    assert layout.POPULATION is POPULATIONS[name]
    assert re.fullmatch(r"[a-z0-9_]+", name)
    for folder in ("benchmarks", "synthetic/layouts"):
        assert (ROOT / "tests" / "unit" / folder / f"test_{name}.py").is_file()
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert re.search(rf"^## .*\(`{name}`\)$", page, re.MULTILINE)
    assert f"\n| `{name}` |" in (ROOT / "docs" / "data_access.md").read_text()


def test_only_its_own_modules_and_published_protocols_name_a_benchmark() -> None:
    own = ("benchmarks/", "synthetic/layouts/", "evaluation/protocols/")
    package = ROOT / "asg_core"

    naming = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in BENCHMARKS
    ]

    assert naming
    assert [path for path in naming if not path.startswith(own)] == []
    for path in naming:
        wing, room, *_ = path.split("/")
        assert wing != "benchmarks" or room in {*BENCHMARKS, "reader_registry.py"}


def test_a_name_means_the_same_finding_in_every_benchmark() -> None:
    for field in ("tags", "phrases"):
        said = [item for s in BENCHMARKS.values() for item in getattr(s, field).items()]

        assert len(dict(said)) == len(set(said))
        assert field != "tags" or {tag for _, tag in said} <= set(FINDINGS)


def test_benchmarks_of_the_same_patients_name_each_other() -> None:
    shared = {name: set(shared_patients(name)) for name in BENCHMARKS}

    # RSNA is drawn from NIH, and COVIDx took the images without COVID-19 from RSNA.
    same = {"nih", "rsna", "covidx"}
    assert all(same - {name} <= shared[name] for name in same)
    assert not (shared["chexpert"] | shared["siim"]) & {*same, "chexpert", "siim"}
    for name, others in shared.items():
        assert name not in others
        assert all(name in shared[other] for other in others)
    assert shared_patients("mimic_cxr") == set()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_whole_benchmark_passes(name: str, made: Path) -> None:
    find_benchmark(name, config=DEFAULTS, root=made / name)


def test_a_missing_root_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"the benchmark rsna.*rsna\.root"):
        find_benchmark("rsna", config=DEFAULTS, root=tmp_path / "nothing")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_inventory_changes_with_every_file(name: str, copied: Copied) -> None:
    root = copied(name)
    index = BenchmarksConfig(inventory="index")
    before = benchmark_inventory(name, DEFAULTS, root)
    before_index = benchmark_inventory(name, index, root)
    image = [path for path in sorted(root.rglob("*")) if path.suffix in _IMAGES][-1]

    assert benchmark_inventory(name, DEFAULTS, root) == before
    time = image.stat().st_mtime_ns
    image.write_bytes(image.read_bytes() + b"\0")
    os.utime(image, ns=(time, time))
    assert benchmark_inventory(name, DEFAULTS, root) != before
    assert benchmark_inventory(name, index, root) == before_index
    image.unlink()
    image.symlink_to("nowhere")
    assert benchmark_inventory(name, DEFAULTS, root) != before
    suffixes = {".csv", ".txt"}
    labels = [path for path in sorted(root.rglob("*")) if path.suffix in suffixes][-1]
    os.utime(labels, ns=(1, 1))
    assert benchmark_inventory(name, index, root) != before_index


def test_the_check_imports_no_table_or_training_library() -> None:
    code = (
        "import sys; import asg_core.benchmarks.registry; "
        "print([name for name in ('numpy', 'polars', 'pyarrow', 'torch', 'sklearn', "
        "'PIL', 'pydicom') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
