import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from asg_core import provenance
from asg_core.summary.config import SummaryConfig
from asg_core.summary.inputs import SummaryInputs
from asg_core.summary.render import TEMPLATES
from asg_core.tables.catalog import METRICS, REJECTS
from asg_core.tables.schema import TableError, write_table
from support.fake_corpus import HOSTILE
from support.fake_results import build, fake_results, without_results

PAGES = (
    "index",
    "data",
    "triplets",
    "examples",
    "training",
    "benchmarks",
    "published",
)
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Reader(HTMLParser):
    """Collects ids, references and scripts, and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.inline_scripts = 0
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open_tags.append(tag)
        self.inline_scripts += tag == "script" and "src" not in values
        self.ids += [values["id"] or ""] if "id" in values else []
        for key in ("href", "src", "xlink:href", "aria-labelledby", "aria-controls"):
            if values.get(key):
                is_id = key.startswith("aria")
                self.references.append(f"{'#' if is_id else ''}{values[key]}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open_tags.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_well_formed_and_refers_only_to_what_is_there(
    summary: Path, page: str
) -> None:
    check_page(summary, page)


@pytest.mark.parametrize("has_results", [True, False])
def test_without_a_corpus_the_pages_are_about_encoders_and_those_that_failed(
    inputs: SummaryInputs, tmp_path: Path, *, has_results: bool
) -> None:
    failed = tmp_path / "evaluation" / "broken" / "nih"
    write_table(METRICS.empty(), failed / "metrics.parquet", schema=METRICS)
    reason = "ValueError: expected weights, found <none>"
    notes = {"benchmark": "nih", "encoder": "broken", "failure": reason}
    (failed / "notes.json").write_text(json.dumps(notes))
    alone = replace(
        without_results(inputs),
        tables={},
        evaluations=[*(inputs.evaluations if has_results else []), failed],
        config={**inputs.config, "corpus": {"name": "mine", "source": "none"}},
    )

    folder = build(
        alone, tmp_path / "summary", is_synthetic=False, may_export_examples=False
    )

    pages = sorted(path.stem for path in folder.glob("*.html"))
    assert pages == ["benchmarks", "data", "index", "published"]
    for page in pages:
        check_page(folder, page)
    for page in ("index", "benchmarks"):
        text = (folder / f"{page}.html").read_text()
        assert "What failed" in text
        assert "expected weights, found &lt;none&gt;" in text
    assert "on the corpus" not in (folder / "index.html").read_text()
    assert (folder / "tables" / "failures.csv").exists()


def check_page(summary: Path, page: str) -> None:
    """Assert that a page is whole, without scripts, and links to what is there."""
    reader = read(summary / f"{page}.html")

    assert reader.open_tags == []
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.inline_scripts == 0
    for reference in reader.references:
        file, _, anchor = reference.partition("#")
        if reference.startswith("data:"):
            continue
        assert "://" not in reference
        target = summary / file if file else summary / f"{page}.html"
        assert target.is_file(), reference
        if anchor:
            assert anchor in read(target).ids, reference


def test_nothing_is_fetched_from_a_network(summary: Path) -> None:
    for path in summary.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = re.sub(r'xmlns(:xlink)?="[^"]*"', "", path.read_text("utf-8"))
            assert not re.search(r"https?:|@import|url\((?!#)", text), path.name


def test_the_same_inputs_give_the_same_bytes(
    inputs: SummaryInputs, summary: Path, tmp_path: Path
) -> None:
    again = build(inputs, tmp_path / "again")

    files = sorted(path.relative_to(summary) for path in summary.rglob("*.*"))
    assert files == sorted(path.relative_to(again) for path in again.rglob("*.*"))
    for file in files:
        assert (summary / file).read_bytes() == (again / file).read_bytes(), file


def test_a_report_cannot_run_a_script(summary: Path) -> None:
    for page in ("examples", "triplets"):
        text = (summary / f"{page}.html").read_text("utf-8")

        assert HOSTILE not in text
        assert "&lt;script&gt;" in text


def test_a_title_cannot_run_a_script(inputs: SummaryInputs, tmp_path: Path) -> None:
    config = SummaryConfig(title=HOSTILE, num_examples=0)

    out = build(inputs, tmp_path / "out", config=config)

    for page in PAGES:
        assert HOSTILE not in (out / f"{page}.html").read_text("utf-8")


def test_a_private_corpus_gives_out_no_text_no_id_and_no_pixel(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    out = build(inputs, tmp_path / "out", is_synthetic=False, may_export_examples=False)

    files = [path for path in out.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".jpg", ".png")]
    text = "\n".join(path.read_text("utf-8") for path in files)
    for secret in ("effusion at the base", "study-", "patient-", "secret", "image-s"):
        assert secret not in text, secret
    assert "data:image" not in text
    for page in ("examples", "triplets"):
        assert "privacy.export_examples is off" in (out / f"{page}.html").read_text()


def test_examples_are_not_even_read_of_a_private_corpus(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    paths = [tmp_path / "gone.parquet"]
    names = ("alignments", "sentences", "triplets")
    gone = replace(inputs, tables=dict.fromkeys(names, paths))

    build(gone, tmp_path / "out", is_synthetic=False, may_export_examples=False)


def test_only_a_synthetic_corpus_says_that_it_proves_nothing(
    inputs: SummaryInputs, summary: Path, tmp_path: Path
) -> None:
    real = build(inputs, tmp_path / "out", is_synthetic=False)

    for page in PAGES:
        assert "clinical ability" in (summary / f"{page}.html").read_text("utf-8")
        assert "clinical ability" not in (real / f"{page}.html").read_text("utf-8")


def test_a_run_that_ended_at_the_triplets_has_pages_with_sentences(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    out = build(without_results(inputs), tmp_path / "out")

    assert "made no alignments" in (out / "examples.html").read_text("utf-8")
    assert "No encoder was pre-trained" in (out / "training.html").read_text("utf-8")
    assert "No encoder was evaluated" in (out / "benchmarks.html").read_text("utf-8")


def test_nothing_at_all_still_gives_pages(tmp_path: Path) -> None:
    out = build(SummaryInputs(corpus="empty"), tmp_path / "out")

    assert "No table was counted" in (out / "index.html").read_text("utf-8")
    assert "Nothing was rejected" in (out / "data.html").read_text("utf-8")
    for page in PAGES:
        assert read(out / f"{page}.html").open_tags == []


def test_a_new_summary_replaces_the_old_one(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    out = build(inputs, tmp_path / "out")
    (out / "images").mkdir()  # as earlier versions left them
    assert "data:image/jpeg;base64," in (out / "examples.html").read_text("utf-8")

    build(inputs, out, config=SummaryConfig(num_examples=0))

    assert "data:image" not in (out / "examples.html").read_text("utf-8")
    assert not (out / "images").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_table_that_is_asked_for_is_written_without_rows(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    out = build(inputs, tmp_path / "out", sheet_names=("rows", "targets_nih_none"))

    tables = out / "tables"
    assert len((tables / "rows.csv").read_text("utf-8").splitlines()) > 5
    assert (tables / "targets_nih_none.csv").read_text("utf-8").split() == ['""']
    assert "this run has no rows" in (tables / "targets_nih_none.md").read_text("utf-8")
    assert (tables / "targets_nih_none.tex").exists()


def test_a_folder_with_other_files_is_not_replaced(
    inputs: SummaryInputs, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(ValueError, match=r"found \['thesis.txt'\]"):
        build(inputs, tmp_path)

    assert (tmp_path / "thesis.txt").exists()


def test_every_table_is_written_in_three_formats(summary: Path) -> None:
    names = {path.stem for path in (summary / "tables").iterdir()}

    for name in names:
        for suffix in (".csv", ".md", ".tex"):
            assert (summary / "tables" / f"{name}{suffix}").stat().st_size > 0
    metrics = pl.read_csv(summary / "tables" / "results_nih_linear-cached_auc.csv")
    assert metrics["seed"].n_unique() == 3


def test_a_run_of_another_format_is_refused(tmp_path: Path) -> None:
    inputs = fake_results(tmp_path / "results")
    path = inputs.runs["full"] / "run.json"
    facts = json.loads(path.read_text()) | {"format": 2}
    path.write_text(json.dumps(facts))

    with pytest.raises(ValueError, match=r"run.json: expected 'asg_model' form"):
        build(inputs, tmp_path / "out")


def test_notes_with_unknown_keys_are_refused(tmp_path: Path) -> None:
    inputs = fake_results(tmp_path / "results")
    path = inputs.evaluations[0] / "notes.json"
    path.write_text(json.dumps({"benchmark": "nih", "remark": 1}))

    with pytest.raises(
        ValueError, match=r"unknown \['remark'\], missing \['encoder'\]"
    ):
        build(inputs, tmp_path / "out")


def test_another_table_is_refused(inputs: SummaryInputs, tmp_path: Path) -> None:
    path = tmp_path / "rejects.parquet"
    write_table(REJECTS.empty(), path, schema=REJECTS)

    with pytest.raises(TableError, match="expected 'stage_metrics'"):
        build(replace(inputs, stage_metrics=[path]), tmp_path / "out")


def test_the_code_of_the_pages_counts_in_the_digest_of_the_rule() -> None:
    script = Path(provenance.ROOT) / "workflow" / "scripts" / "build_summary.py"

    covered = {path.name for path in provenance._closure(script)}

    assert {path.name for path in TEMPLATES.iterdir()} <= covered
