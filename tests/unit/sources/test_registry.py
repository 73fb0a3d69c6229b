"""The configuration of corpora and annotations: defaults, and what is refused."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from asg_core import provenance
from asg_core.provenance import code_digest
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.registry import SOURCES, CorpusConfig, source_of
from asg_core.sources.table.source import TableSourceConfig
from asg_core.terms.views import View

ROOT = Path(__file__).parents[3]
CONFIG_PAGE = ROOT / "docs/config.md"
TABLE = {"file": "rows.csv", "columns": {"image_path": "file"}}


def test_the_default_corpus_is_synthetic() -> None:
    config = CorpusConfig()

    assert (config.name, config.source, config.root) == ("synthetic", "synthetic", None)
    assert (config.images, config.shards, config.inventory) == ("files", 4, "files")
    assert config.splits == ("train", "validate", "test")


def test_a_table_corpus_survives_the_round_trip_through_json() -> None:
    table = {"file": "rows.csv", "columns": {"image_path": "file"}}
    config = CorpusConfig.model_validate(
        {"name": "clinic_2", "source": "table", "root": "data", "table": table}
    )

    again = CorpusConfig(**config.model_dump(mode="json"))

    assert again == config
    assert again.of(TableSourceConfig).file == Path("rows.csv")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"source": "mimic_cxr"},
            "corpus.root is not set while corpus.source is 'mimic",
        ),
        ({"root": "data"}, "corpus.root is 'data' while corpus.source is 'synthetic'"),
        ({"name": "My Corpus"}, "should match pattern"),
        ({"shard": 4}, "Extra inputs are not permitted"),
        ({"shards": 0}, "greater than or equal to 1"),
        ({"views": []}, "corpus.views is empty while corpus.images is 'files'"),
        ({"splits": []}, "corpus.splits is empty"),
        (
            {"validate_share": 0.6, "test_share": 0.5},
            r"corpus.validate_share \(0.6\) and corpus.test_share \(0.5\) exceed 1",
        ),
        (
            {"mimic_cxr": {"image_suffix": ".dcm"}},
            "corpus.mimic_cxr is set while corpus.source is 'synthetic'",
        ),
        (
            {"source": "table", "root": "data"},
            "corpus.table.file is not set while corpus.source is 'table'",
        ),
        (
            {"source": "table", "root": "data", "table": {"file": "rows.csv"}},
            "corpus.table.columns.image_path is not set while corpus.images is 'files'",
        ),
        (
            {
                "source": "table",
                "root": "data",
                "images": "none",
                "table": {"file": "rows.csv"},
            },
            "corpus.table.columns.text is not set while corpus.images is 'none'",
        ),
        (
            {"source": "mimic_cxr", "root": "d", "mimic_cxr": {"image_folder": "../x"}},
            "corpus.mimic_cxr.image_folder is '../x': expected a folder below",
        ),
        (
            {"source": "open_i", "root": "d", "open_i": {"image_folder": "/x"}},
            "corpus.open_i.image_folder is '/x': expected a folder below",
        ),
    ],
)
def test_a_corpus_that_cannot_be_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CorpusConfig(**keys)


@pytest.mark.parametrize("model", [CorpusConfig, AnnotationsConfig])
def test_every_key_is_documented(model: type[CorpusConfig | AnnotationsConfig]) -> None:
    schema = model.model_json_schema()
    objects = [schema, *schema.get("$defs", {}).values()]

    undocumented = [
        f"{item['title']}.{name}"
        for item in objects
        for name, field in item.get("properties", {}).items()
        if not field.get("description")
    ]

    assert undocumented == []


@pytest.mark.parametrize(
    ("keys", "view"),
    [
        ({}, None),
        ({"source": "mimic_cxr", "root": "d"}, None),
        ({"source": "open_i", "root": "d"}, View.UNKNOWN),
        (
            {"source": "open_i", "root": "d", "open_i": {"dicom_metadata": "v.csv"}},
            None,
        ),
        (
            {"source": "table", "root": "d", "table": TABLE | {"default_view": "AP"}},
            View.AP,
        ),
        (
            {
                "source": "table",
                "root": "d",
                "table": {"file": "f", "columns": {"image_path": "p", "view": "v"}},
            },
            None,
        ),
    ],
)
def test_a_source_says_whether_all_images_have_one_view(
    keys: dict[str, Any], view: View | None
) -> None:
    assert CorpusConfig.model_validate(keys).only_view is view


def test_the_sections_of_other_sources_are_not_asked_for_problems() -> None:
    config = CorpusConfig.model_validate({"source": "mimic_cxr", "root": "d"})

    assert config.of(TableSourceConfig).problem(has_images=True) is not None


def test_a_synthetic_corpus_is_read_as_mimic_cxr() -> None:
    assert source_of(CorpusConfig()) is SOURCES["mimic_cxr"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_its_room_its_tests_and_its_line_of_docs(name: str) -> None:
    spec = SOURCES[name]

    assert spec.name == name
    assert (ROOT / f"asg_core/sources/{name}/spec.py").is_file()
    assert list((ROOT / f"tests/unit/sources/{name}").glob("test_*.py"))
    assert f"| `{name}` |" in (ROOT / "docs/data_access.md").read_text()
    assert spec.section.model_fields.keys() <= {
        key.removeprefix(f"corpus.{name}.").partition(".")[0]
        for key in re.findall(r"`(corpus\.[a-z_.]+)`", CONFIG_PAGE.read_text())
    }


@pytest.mark.parametrize("name", SOURCES)
def test_the_readers_of_all_sources_count_in_the_digest_of_their_rules(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "asg_core", checkout / "asg_core")
    script = checkout / "read_source.py"
    script.write_text("from asg_core.sources.read import read_source\n")
    monkeypatch.setattr(provenance, "ROOT", checkout)
    before = code_digest(script)

    reader = checkout / f"asg_core/sources/{name}/read.py"
    reader.write_text(reader.read_text() + "\nCHANGED = True\n")

    assert code_digest(script) != before
