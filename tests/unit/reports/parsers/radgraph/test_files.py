"""Files of graphs: streamed, matched to studies, refused where they are broken."""

import gzip
import json
import tracemalloc
from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.config import RadgraphConfig, ReportsConfig
from asg_core.reports.parse import ParsedReports, parse_reports
from asg_core.reports.parsers.parser import UnreadableReportError
from asg_core.reports.parsers.radgraph.files import SelectedGraphs, iter_documents
from support.graphs import document

GRAPH = document("no effusion .", ["effusion/da"])


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, indent=1))
    return path


def parse(path: Path, texts: dict[str, str]) -> ParsedReports:
    config = ReportsConfig(parser="radgraph", radgraph=RadgraphConfig(graphs=path))
    reports = pl.DataFrame({"study_id": list(texts), "text": list(texts.values())})
    return parse_reports(reports, config=config)


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 10_000])
def test_chunks_do_not_matter(tmp_path: Path, chunk: int) -> None:
    documents = {"p/s1.txt": GRAPH, 'odd "key" }{': {"a": ["\u00e9\n", 1.5]}, "e": {}}
    documents |= {"number": 1234, "none": None, "last": -5.25e3}  # type: ignore[dict-item]
    path = write(tmp_path / "graphs.json", documents)

    assert dict(iter_documents(path, chunk=chunk)) == documents


def test_compressed_and_empty_files_are_read(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "graphs.json.gz", "wt") as stream:
        json.dump({"s1": GRAPH}, stream)
    empty = write(tmp_path / "empty.json", {})

    assert dict(iter_documents(tmp_path / "graphs.json.gz")) == {"s1": GRAPH}
    assert dict(iter_documents(empty)) == {}


def test_only_what_is_wanted_stays_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "graphs.json"
    with path.open("w") as stream:
        stream.write('{"s1": ' + json.dumps(GRAPH))
        for number in range(2_000):
            stream.write(f',\n"x{number}": ' + json.dumps({"text": "word " * 4_000}))
        stream.write("}")
    assert path.stat().st_size > 40_000_000

    tracemalloc.start()
    graphs = SelectedGraphs(path, ["s1"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert graphs.take("s1") == GRAPH
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"s1": {},\n "s2": {"text": "a" "b"}}', ["line 2", "document 's2'"]),
        ('{"s1": {},\n "s2": {"text": "a', ["line 2", "document 's2'"]),
        ('{"s1": {}', ["end of the file"]),
        ('{"s1": {}} {}', ["end of the file"]),
        ('{"s1": {},\n}', ["line 2"]),
        ("{\n\n1: {}}", ["line 3", "a key in quotes"]),
        ('[{"s1": {}}]', ["line 1"]),
        ("", ["end of the file"]),
        ('{"s1": ' + "[" * 100_000, ["document 's1'", "nesting"]),
        ('{"s1": ' + "9" * 5_000 + "}", ["document 's1'", "number"]),
    ],
)
def test_malformed_files_are_refused_with_their_line(
    tmp_path: Path, content: str, words: list[str]
) -> None:
    path = tmp_path / "graphs.json"
    path.write_text(content)

    with pytest.raises(ValueError, match=r"graphs\.json, line") as error:
        list(iter_documents(path))

    assert all(word in str(error.value) for word in words)


def test_a_broken_document_is_found_before_the_file_is_read_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "graphs.json"
    path.write_text('{"s1": {"text": ?' + " " * 100_000)

    with pytest.raises(ValueError, match="document 's1'"):
        list(iter_documents(path, chunk=100, max_document=1_000))


@pytest.mark.parametrize("name", ["graphs.json", "graphs.json.gz"])
def test_a_byte_order_mark_is_no_mark_of_the_object(tmp_path: Path, name: str) -> None:
    content = b"\xef\xbb\xbf" + json.dumps({"s1": GRAPH}).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    assert dict(iter_documents(path)) == {"s1": GRAPH}


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    packed = gzip.compress(
        json.dumps({f"s{n}": GRAPH for n in range(999)}).encode(), mtime=0
    )
    damaged = packed[:99] + b"\xff" * 99 + packed[198:]
    for name, content in {
        "latin1.json": b'{"s1": "\xff\xfe"}',
        "plain.json.gz": b"{}",
        "cut.json.gz": packed[: len(packed) // 2],
        "damaged.json.gz": damaged,
    }.items():
        (tmp_path / name).write_bytes(content)

        with pytest.raises(ValueError, match=rf"{name}, line .* cannot be read"):
            list(iter_documents(tmp_path / name))


@pytest.mark.parametrize(
    ("key", "study_id"),
    [
        ("p10/p10000032/s50414267.txt", "50414267"),
        ("p10/p10000032/s50414267.txt", "s50414267"),
        ("50414267", "50414267"),
        ("50414267", "s50414267"),
        ("s50414267", "50414267"),
        ("CXR100", "CXR100"),
    ],
)
def test_keys_name_studies(tmp_path: Path, key: str, study_id: str) -> None:
    path = write(tmp_path / "graphs.json", {"p11/other.txt": {}, key: GRAPH})

    assert SelectedGraphs(path, [study_id]).take(study_id) == GRAPH


def test_positions_serve_only_as_many_reports(tmp_path: Path) -> None:
    path = write(tmp_path / "graphs.json", {"0": {"text": "a"}, "1": {"text": "b"}})

    assert SelectedGraphs(path, ["x", "y"]).take("y") == {"text": "b"}
    for others in (["x"], ["x", "y", "z"]):
        with pytest.raises(UnreadableReportError) as error:
            SelectedGraphs(path, others).take("x")
        assert error.value.reason == "no_graph"


def test_what_cannot_be_read_is_rejected(tmp_path: Path) -> None:
    text = "No effusion."
    bad_index = json.loads(json.dumps(GRAPH))
    bad_index["entities"]["1"] |= {"end_ix": 9}
    wrong_words = json.loads(json.dumps(GRAPH))
    wrong_words["entities"]["1"] |= {"tokens": "edema"}
    no_target = json.loads(json.dumps(GRAPH))
    no_target["entities"]["1"] |= {"relations": [["modify", "7"]]}
    bad_label = json.loads(json.dumps(GRAPH))
    bad_label["entities"]["1"] |= {"label": "OBS-XX"}
    path = tmp_path / "graphs.json"
    pairs: list[tuple[str, object]] = [
        ("good", GRAPH),
        ("index", bad_index),
        ("words", wrong_words),
        ("target", no_target),
        ("label", bad_label),
        ("list", [1]),
        ("other", document("clear lungs .", ["clear/dp"])),
        ("twice", GRAPH),
        ("a/twice.txt", GRAPH),
    ]
    members = ", ".join(
        f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs
    )
    path.write_text("{" + members + "}")
    studies = ["good", "index", "words", "target", "label", "list", "other", "twice"]

    parsed = parse(path, dict.fromkeys([*studies, "none"], text))

    assert dict(parsed.rejects.select("item_id", "reason").iter_rows()) == {
        "index": "bad_graph_index",
        "words": "bad_graph_index",
        "target": "bad_graph_index",
        "label": "malformed_graph",
        "list": "malformed_graph",
        "other": "graph_not_aligned",
        "twice": "graph_repeated",
        "none": "no_graph",
    }
    assert set(parsed.triplets["study_id"]) == {"good"}
    assert not parsed.rejects["detail"].str.contains("(?i)effusion|edema|clear").any()


def test_first_annotator_counts(tmp_path: Path) -> None:
    present = document("no effusion .", ["effusion/dp"])
    two = {
        "text": GRAPH["text"],
        "labeler_1": {"entities": GRAPH["entities"]},
        "labeler_2": {"entities": present["entities"]},
    }

    parsed = parse(write(tmp_path / "graphs.json", {"a": two}), {"a": "No effusion."})

    assert set(parsed.triplets["existence"]) == {"absent"}


def test_config_refuses_a_file_beside_a_model() -> None:
    with pytest.raises(ValueError, match="graphs names a file while model_folder"):
        RadgraphConfig(graphs=Path("a.json"), model_folder=Path("models"))
    with pytest.raises(ValueError, match="device"):
        RadgraphConfig(device="gpu")


def test_named_files_are_those_of_the_parser(tmp_path: Path) -> None:
    radgraph = RadgraphConfig(model_folder=tmp_path)
    archive = tmp_path / "radgraph-xl.tar.gz"

    assert ReportsConfig(radgraph=radgraph).named_files == {}
    config = ReportsConfig(parser="radgraph", radgraph=radgraph)
    assert config.named_files == {"reports.radgraph.model_folder": [archive]}
    (tmp_path / "radgraph-xl").mkdir()
    assert [path.name for path in next(iter(config.named_files.values()))] == [
        "config.json",
        "weights.th",
    ]
