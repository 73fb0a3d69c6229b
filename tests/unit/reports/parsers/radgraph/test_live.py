"""The parser `radgraph` with a model: a tiny one of random weights."""

import tarfile
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
import torch

from asg_core.reports.config import RadgraphConfig, ReportsConfig
from asg_core.reports.parse import parse_reports
from asg_core.reports.parsers.parser import UnreadableReportError
from asg_core.reports.parsers.radgraph.compat import restore_tokenizer_methods
from asg_core.reports.parsers.radgraph.graph import read_graph
from asg_core.reports.parsers.radgraph.model import load_model
from support.radgraph_model import bert_folder, random_model

NAMES = ("radgraph", "radgraph-xl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quiet_radgraph"),
]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a folder with two models and encoder/, whose paths were others before."""
    restore_tokenizer_methods()
    encoder = bert_folder(tmp_path / "built" / "encoder")
    for name in NAMES:
        random_model(tmp_path / "built", encoder=encoder, name=name)
    return (tmp_path / "built").rename(tmp_path / "models")


@pytest.mark.parametrize("name", NAMES)
def test_reports_are_read_without_a_word_on_the_terminal(
    models: Path,
    capfd: pytest.CaptureFixture[str],
    name: Literal["radgraph", "radgraph-xl"],
) -> None:
    config = ReportsConfig(
        parser="radgraph",
        radgraph=RadgraphConfig(model=name, model_folder=models),
    )
    reports = pl.DataFrame(
        {
            "study_id": ["a", "b", "c"],
            "text": [
                "FINDINGS: No pleural effusion. The left lung is clear.\n",
                "INDICATION: cough.\nIMPRESSION: no effusion in the left lung.\n",
                " ",
            ],
        }
    )

    parsed = parse_reports(reports, config=config)
    again = parse_reports(reports, config=config)

    assert parsed.rejects["reason"].to_list() == ["empty_report"]
    assert parsed.sentences["study_id"].to_list() == ["a", "a", "b"]
    assert len(parsed.triplets)
    assert parsed.triplets.equals(again.triplets)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_archive_gives_the_same_graphs(models: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "radgraph.tar.gz", "w:gz") as archive:
        for path in sorted((models / "radgraph").iterdir()):
            archive.add(path, arcname=path.name)
    text = "no pleural effusion in the left lung"

    one = load_model("radgraph", folder=models, device="cpu")(text)
    (models / "encoder").rename(packed / "encoder")
    other = load_model("radgraph", folder=packed, device="cpu")(text)

    assert one == other


def test_empty_text_is_never_sent(models: Path) -> None:
    model = load_model("radgraph", folder=models, device="cpu")

    with pytest.raises(UnreadableReportError):
        model(" \n")


def test_long_text_is_never_sent(models: Path) -> None:
    model = load_model("radgraph", folder=models, device="cpu")

    with pytest.raises(UnreadableReportError) as error:
        model("no effusion, " * 201)
    assert error.value.reason == "too_long_for_model"


@pytest.mark.parametrize(
    "text",
    [
        "a",
        ".",
        "\u200b \u200b x",
        "effusion \U0001f600 .",
        "no\x07 effusion\x00 .",
        "[SEP] [CLS] no",
        'no \\" effusion \\n left',
        "e\u0301ffusion \u0130 no\xa0left\u2028lung \u1e9e",
        "a" * 5_000,
    ],
)
def test_any_text_gives_a_graph_of_its_own_words(models: Path, text: str) -> None:
    model = load_model("radgraph", folder=models, device="cpu")

    entities = read_graph(model(text), text=text, sections=[])

    assert all(text[slice(*entity.span)].strip() for entity in entities.values())
    assert entities


def test_a_document_that_the_package_leaves_out_is_an_error(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model("radgraph", folder=models, device="cpu")
    from radgraph import radgraph  # noqa: PLC0415 - needs the restored methods

    monkeypatch.setattr(radgraph, "postprocess_reports", lambda _: {})

    with pytest.raises(UnreadableReportError) as error:
        model("no effusion")
    assert error.value.reason == "model_failed"


@pytest.mark.parametrize(
    ("broken", "content"),
    [
        ("radgraph/weights.th", b""),
        ("radgraph/weights.th", b"junk"),
        ("radgraph/config.json", b"{"),
        ("radgraph/config.json", b"{}"),
        ("radgraph/vocabulary/radgraph__relation_labels.txt", b"modify\n"),
        ("encoder/vocab.txt", None),
        ("radgraph/weights.th", None),
    ],
)
def test_a_folder_that_does_not_load_is_a_sentence(
    models: Path, broken: str, content: bytes | None
) -> None:
    (models / broken).unlink()
    if content is not None:
        (models / broken).write_bytes(content)

    with pytest.raises(ValueError, match=r"reports\.radgraph: expected the model"):
        load_model("radgraph", folder=models, device="cpu")


def test_a_missing_or_broken_archive_is_a_sentence(tmp_path: Path) -> None:
    for content in (None, b"junk"):
        if content is not None:
            (tmp_path / "radgraph-xl.tar.gz").write_bytes(content)
        with pytest.raises(ValueError, match=f"to load from {tmp_path}, found"):
            load_model("radgraph-xl", folder=tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("device", "number"), [("cpu", -1), ("cuda", 0), ("cuda:0", 0), ("cuda:3", 3)]
)
def test_the_package_gets_the_number_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, number: int
) -> None:
    restore_tokenizer_methods()
    import radgraph  # noqa: PLC0415 - needs the restored methods

    asked = []
    monkeypatch.setattr(radgraph, "RadGraph", lambda **options: asked.append(options))
    (tmp_path / "radgraph").mkdir()

    load_model("radgraph", folder=tmp_path, device=device)

    assert [options["cuda"] for options in asked] == [number]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_missing_is_a_sentence(models: Path) -> None:
    with pytest.raises(ValueError, match=r"reports\.radgraph: expected the model"):
        load_model("radgraph", folder=models, device="cuda")
