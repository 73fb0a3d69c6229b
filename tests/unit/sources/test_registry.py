"""The configuration of corpora and annotations: defaults, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.table.source import TableSourceConfig


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
