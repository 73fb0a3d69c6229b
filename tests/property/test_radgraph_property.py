"""Any graph of any report gives claims in the words of the report, or a reject."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.reports.config import RadgraphConfig, ReportsConfig
from asg_core.reports.parse import ParsedReports, parse_reports
from support.graphs import V1, XL

WORDS = (
    "no the left right lower lobes lung lungs clear normal heart enlarged pleural effusion "
    "tip of catheter opacity may be was removed ? and , . : tube 1.5 cm IMPRESSION: x\u0130"
)
RELATIONS = ("modify", "located_at", "suggestive_of")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "entities", "label", "1"]), inner)
    ),
    max_leaves=8,
)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A report and a graph of it with any spans, labels and edges, cycles among them."""
    words = draw(st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=25))
    gaps = draw(st.lists(st.sampled_from([" ", "\n", "  "]), min_size=25, max_size=25))
    text = "FINDINGS: " + "".join(
        word + gap for word, gap in zip(words, gaps, strict=False)
    )
    tokens = re.findall(r"\w+|[^\w\s]+", text)
    count = draw(st.integers(0, 8))
    labels = [*V1.values(), *XL.values(), "Observation::measurement::uncertain"]
    entities = {}
    for number in range(1, count + 1):
        first = draw(st.integers(0, len(tokens) - 1))
        last = min(len(tokens) - 1, first + draw(st.integers(0, 3)))
        edge = st.tuples(st.sampled_from(RELATIONS), st.integers(1, count).map(str))
        entities[str(number)] = {
            "tokens": " ".join(tokens[first : last + 1]),
            "label": draw(st.sampled_from(labels)),
            "start_ix": first,
            "end_ix": last,
            "relations": draw(st.lists(edge.map(list), max_size=4)),
        }
    return text, {"text": " ".join(tokens), "entities": entities}


def parse(path: Path, text: str, document: object) -> ParsedReports:
    path.write_text(json.dumps({"a": document}), encoding="utf-8")
    config = ReportsConfig(parser="radgraph", radgraph=RadgraphConfig(graphs=path))
    reports = pl.DataFrame({"study_id": ["a"], "text": [text]})
    return parse_reports(reports, config=config)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs") / "graphs.json"


@given(case=graphs())
@settings(deadline=None)
def test_claims_of_any_graph_are_words_of_their_sentence(
    path: Path, case: tuple[str, dict[str, Any]]
) -> None:
    text, document = case

    parsed = parse(path, text, document)

    keys = ["study_id", "sentence_index"]
    spans = parsed.sentences.select(*keys, low="start", high="end")
    for row in parsed.triplets.join(spans, on=keys).rows(named=True):
        low, high = row["low"], row["high"]
        assert low <= row["finding_start"] < row["finding_end"] <= high
        if row["place_start"] is not None:
            assert 0 <= row["place_start"] < row["place_end"] <= high
        if row["cue_start"] is not None:
            assert low <= row["cue_start"] < row["cue_end"] <= high
    key = ["study_id", "sentence_index", "region", "finding", "finding_start"]
    assert not parsed.triplets.select(key).is_duplicated().any()
    assert len(parsed.rejects) in (0, 1)
    assert bool(len(parsed.rejects)) != bool(len(parsed.sentences))


@given(entity=JSON, document=JSON)
@settings(deadline=None)
def test_any_json_is_a_graph_or_a_reject(
    path: Path, entity: object, document: object
) -> None:
    text = "FINDINGS: no effusion"
    for each in (document, {"text": "no effusion", "entities": {"1": entity}}):
        parsed = parse(path, text, each)

        assert len(parsed.rejects) + len(parsed.sentences) == 1
