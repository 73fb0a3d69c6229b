import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import spacy
from polars.testing import assert_frame_equal
from pydantic import ValidationError
from spacy.tokens import Doc

from asg_core.reports.config import ReportsConfig
from asg_core.reports.parse import parse_reports
from asg_core.reports.parsers.scispacy.model import check_model, load_model
from asg_core.reports.parsers.scispacy.parser import tokens_of
from asg_core.tables.catalog import SENTENCES, TRIPLETS
from support.trees import TREES, document, save_pipeline, save_trained

LINES = (
    "No/det/2 effusion/ROOT/0 and/cc/2 a/det/6 round/amod/6 nodule/conj/2 ./punct/2",
    "The/det/3 left/amod/3 base/nsubj/4 shows/ROOT/0 an/det/6 opacity/dobj/4 ./punct/4",
    "This/nsubj/3 may/aux/3 represent/ROOT/0 atelectasis/dobj/3 ./punct/3",
    "History/ROOT/0 of/case/3 pneumonia/nmod/1 ./punct/1",
    "ASD/nsubjpass/3 is/auxpass/3 seen/ROOT/0 in/case/7 the/det/7 right/amod/7 "
    "apex/nmod/3 ./punct/3",
)

GOLDEN = Path(__file__).parents[4] / "golden" / "reports"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved pipeline that knows the trees of LINES."""
    for line in LINES:
        monkeypatch.setitem(TREES, document(line).text, line)
    return save_pipeline(tmp_path / "model")


def config_of(folder: Path, **values: object) -> ReportsConfig:
    scispacy = {"model": str(folder)}
    return ReportsConfig.model_validate(
        {"parser": "scispacy", "scispacy": scispacy, **values}
    )


def triplets(text: str | None, config: ReportsConfig) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"study_id": ["s"], "text": [text]},
        schema={"study_id": pl.String, "text": pl.String},
    )
    parsed = parse_reports(frame, config=config)
    SENTENCES.check(parsed.sentences, where="parsed")
    TRIPLETS.check(parsed.triplets, where="parsed")
    return parsed.triplets


def claims(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    columns = ("sentence_index", "region", "finding", "existence", "context")
    return sorted(frame.select(columns).rows())


def test_a_saved_model_parses_reports(folder: Path) -> None:
    text = (
        "FINDINGS: No effusion and a round nodule. The left base shows an opacity. "
        "This may represent atelectasis.\nIMPRESSION: No edema."
    )

    read = triplets(text, config_of(folder))

    # The last sentence has no tree: its clauses decide.
    assert claims(read) == [
        (0, "left costophrenic angle", "pleural effusion", "absent", "current"),
        (0, "right costophrenic angle", "pleural effusion", "absent", "current"),
        (0, "unspecified", "nodule", "present", "current"),
        (1, "left lower lung zone", "opacity", "present", "current"),
        (2, "left lower lung zone", "atelectasis", "uncertain", "current"),
        (3, "left lung", "edema", "absent", "current"),
        (3, "right lung", "edema", "absent", "current"),
    ]
    assert read["parser"].unique().to_list() == ["scispacy"]
    row = read.row(by_predicate=pl.col("finding") == "atelectasis", named=True)
    assert text[row["finding_start"] : row["finding_end"]] == "atelectasis"
    assert text[row["place_start"] : row["place_end"]] == "left base"
    assert text[row["cue_start"] : row["cue_end"]] == "may represent"


def test_cues_of_ones_own_act_by_the_tree(folder: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.mkdir()
    (words / "cues.tsv").write_text("phrase\tcue\treason\nno\tdoubt_before\t-\n")
    text = "FINDINGS: No effusion and a round nodule."

    read = triplets(text, config_of(folder, lexicon=str(words)))

    assert set(read.select("finding", "existence").rows()) == {
        ("pleural effusion", "uncertain"),
        ("nodule", "present"),
    }


def test_without_trees_the_parsers_agree_on_every_golden_case(tmp_path: Path) -> None:
    cases = sorted(GOLDEN.glob("*.txt"))
    texts = [case.read_bytes().decode() for case in cases]
    reports = pl.DataFrame({"study_id": [case.stem for case in cases], "text": texts})
    folder = save_pipeline(tmp_path / "model")

    by_tree = parse_reports(reports, config=config_of(folder)).triplets
    by_lexicon = parse_reports(reports).triplets

    assert len(by_lexicon) > 100
    assert_frame_equal(by_tree.drop("parser"), by_lexicon.drop("parser"))


def test_a_trained_model_parses_reports(tmp_path: Path) -> None:
    folder = save_trained(tmp_path / "model", lines=LINES[:2])
    text = "FINDINGS: No effusion and a round nodule. The left base shows an opacity."

    # The clauses alone would deny the nodule.
    assert claims(triplets(text, config_of(folder))) == [
        (0, "left costophrenic angle", "pleural effusion", "absent", "current"),
        (0, "right costophrenic angle", "pleural effusion", "absent", "current"),
        (0, "unspecified", "nodule", "present", "current"),
        (1, "left lower lung zone", "opacity", "present", "current"),
    ]


def test_history_is_left_out_unless_asked_for(folder: Path) -> None:
    text = "FINDINGS: History of pneumonia."

    without = triplets(text, config_of(folder))
    included = triplets(text, config_of(folder, include_history=True))

    assert without.is_empty()
    assert included["context"].unique().to_list() == ["history"]


def test_abbreviations_that_the_report_defines_are_read(folder: Path) -> None:
    text = (
        "FINDINGS: Air space disease (ASD) in the left base. "
        "ASD is seen in the right apex."
    )

    read = triplets(text, config_of(folder))
    unread = triplets(text, config_of(folder, abbreviations=False))

    second = pl.col("sentence_index") == 1
    assert claims(read.filter(second)) == [
        (1, "right apical zone", "opacity", "present", "current")
    ]
    assert unread.filter(second).is_empty()


def test_white_space_is_no_token() -> None:
    tree = Doc(
        spacy.blank("en").vocab,
        words=["No", "\n ", "effusion", "."],
        spaces=[False, False, False, False],
        heads=[2, 0, 2, 1],
        deps=["det", "dep", "ROOT", "punct"],
    )

    kept = tokens_of(tree)

    assert [token.text for token in kept] == ["No", "effusion", "."]
    assert [token.start for token in kept] == [0, 4, 12]
    # The full stop hung on the white space: it is a root of its own now.
    assert [token.head for token in kept] == [1, 1, 2]


def test_a_model_without_trees_is_refused(tmp_path: Path) -> None:
    saved = save_pipeline(tmp_path / "model", component="tok2vec")

    with pytest.raises(ValueError, match=r"none in .* \(it has \['tok2vec'\]\)"):
        load_model(str(saved))


def test_a_model_that_spacy_cannot_load_is_named(folder: Path) -> None:
    config = (folder / "config.cfg").read_text()
    (folder / "config.cfg").write_text(config.replace("hand_written_trees", "other"))

    with pytest.raises(ValueError, match=r"reports\.scispacy\.model: .*cannot load"):
        load_model(str(folder))


def test_a_model_for_another_release_of_spacy_is_read_and_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    meta["spacy_version"] = ">=3.7.4,<3.8.0"
    (folder / "meta.json").write_text(json.dumps(meta))
    caplog.set_level("INFO")

    load_model(str(folder))

    assert "made for spaCy >=3.7.4,<3.8.0, read with spaCy 3." in caplog.text


def test_a_model_that_is_not_installed_is_named_with_its_command() -> None:
    with pytest.raises(ValueError, match="found no spaCy model") as caught:
        check_model("en_core_sci_md")

    assert (
        "`pip install --no-deps https://s3-us-west-2.amazonaws.com/ai2-s2-scispacy/releases/"
        "v0.5.4/en_core_sci_md-0.5.4.tar.gz`" in str(caught.value)
    )
    # The lock file has not what the fourth model needs, and spaCy itself is no model.
    for name in ("en_core_sci_scibert", "spacy"):
        with pytest.raises(ValueError, match=r"en_core_sci_sm-0\.5\.4\.tar\.gz"):
            check_model(name)


def test_an_installed_model_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "en_core_sci_none"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "meta.json").touch()
    monkeypatch.syspath_prepend(tmp_path)

    check_model("en_core_sci_none")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected the folder of a spaCy model"):
        check_model(str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match=r"found no .*config\.cfg"):
        check_model(str(tmp_path))


def test_the_parse_stops_before_it_reads_where_the_model_is_missing() -> None:
    config = ReportsConfig.model_validate(
        {"parser": "scispacy", "scispacy": {"model": "en_core_sci_none"}}
    )

    with pytest.raises(ValueError, match=r"reports\.scispacy\.model: expected"):
        triplets("FINDINGS: Edema.", config)


def test_the_check_does_not_load_spacy(tmp_path: Path) -> None:
    (tmp_path / "config.cfg").touch()
    code = (
        "import sys\n"
        "from asg_core.reports.parsers.scispacy.model import check_model\n"
        f"check_model({str(tmp_path)!r})\n"
        "try:\n"
        "    check_model('spacy')\n"
        "except ValueError:\n"
        "    pass\n"
        "assert not {'spacy', 'scispacy', 'torch'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("values", [{"model": ""}, {"models": "en_core_sci_sm"}])
def test_impossible_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReportsConfig.model_validate({"scispacy": values})
