from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asg_core.summary.inputs import SummaryInputs, config_at, read_results, read_shards
from asg_core.tables.catalog import REPORTS, STUDIES
from asg_core.tables.schema import write_table


def study(name: str) -> dict[str, object]:
    return {"study_id": name, "patient_id": name, "split": "train"}


def test_encoders_stand_in_the_order_of_the_configuration(
    inputs: SummaryInputs,
) -> None:
    config: dict[str, Any] = {
        "evaluation": {"encoders": {"pixels": {}, "unused": {}, "full": {}}}
    }

    results = read_results(
        replace(inputs, config=config), is_synthetic=True, may_export_examples=True
    )

    assert results.encoders == ["pixels", "full", "ira", "random"]


def test_shards_are_read_one_by_one_and_one_that_a_table_lacks_is_empty(
    tmp_path: Path,
) -> None:
    last, first, gone = (tmp_path / name for name in ("shard-1", "shard-0", "shard-2"))
    write_table(STUDIES.frame([study("b")]), last, schema=STUDIES)
    write_table(STUDIES.frame([study("a")]), first, schema=STUDIES)
    texts = tmp_path / "reports" / "shard-1"
    write_table(REPORTS.frame([{"study_id": "b", "text": "t"}]), texts, schema=REPORTS)
    inputs = SummaryInputs(
        corpus="x", tables={"studies": [gone, last, first], "reports": [texts]}
    )

    shards = read_shards(inputs, (STUDIES, REPORTS))

    found = [next(shards), next(shards)]
    assert [shard["studies"]["study_id"].to_list() for shard in found] == [["a"], ["b"]]
    assert [len(shard["reports"]) for shard in found] == [0, 1]
    with pytest.raises(FileNotFoundError):
        next(shards)


def test_a_part_that_the_configuration_lacks_is_empty() -> None:
    config: dict[str, Any] = {"evaluation": {"encoders": None, "seeds": 3}}

    assert config_at(config, "evaluation") == config["evaluation"]
    for keys in (("evaluation", "encoders"), ("evaluation", "seeds"), ("no", "such")):
        assert config_at(config, *keys) == {}


def test_texts_are_hidden_for_a_reason_that_names_the_key() -> None:
    for may_export_examples in (True, False):
        results = read_results(
            SummaryInputs(corpus="x"),
            is_synthetic=False,
            may_export_examples=may_export_examples,
        )
        assert ("privacy.export_examples" in results.hidden_reason) is not (
            may_export_examples
        )
