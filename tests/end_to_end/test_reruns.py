"""What runs again after which change: exactly what reads it, and what follows."""

import pytest

from support.checkout import Checkout, edited

pytestmark = pytest.mark.slow

SHARDS = 2
AFTER_TRIPLETS = {
    "extract_triplets": SHARDS,
    "score_triplets": 1,
    "align_regions": SHARDS,
    "score_alignments": 1,
    "count_tables": 1,
}
AFTER_BOXES = {
    "detect_regions": SHARDS,
    "score_boxes": 1,
    "align_regions": SHARDS,
    "score_alignments": 1,
    "count_tables": 1,
}


def test_nothing_changed_nothing_runs(finished: Checkout) -> None:
    assert finished.planned() == {}


def test_a_parser_key_runs_the_parser_and_what_follows(finished: Checkout) -> None:
    config = finished.root / finished.configfile
    with edited(config, "reports:\n", "reports:\n  include_history: true\n"):
        assert finished.planned() == AFTER_TRIPLETS


def test_a_training_key_trains_and_detects_again(finished: Checkout) -> None:
    config = finished.root / finished.configfile
    with edited(config, "    steps: ", "    weight_decay: 0.02\n    steps: "):
        assert finished.planned() == AFTER_BOXES | {"train_detector": 1}


def test_a_detection_key_only_detects_again(finished: Checkout) -> None:
    config = finished.root / finished.configfile
    with edited(config, "  detection:\n", "  detection:\n    batch_size: 8\n"):
        assert finished.planned() == AFTER_BOXES


def test_an_alignment_key_only_aligns_again(finished: Checkout) -> None:
    config = finished.root / finished.configfile
    with edited(config, "regions:\n", "alignment: {policy: split}\nregions:\n"):
        planned = finished.planned()

    expected = {"align_regions": SHARDS, "score_alignments": 1, "count_tables": 1}
    assert planned == expected


def test_a_key_that_no_rule_reads_runs_nothing(finished: Checkout) -> None:
    config = finished.root / finished.configfile
    with edited(config, "regions:\n", "privacy: {export_examples: true}\nregions:\n"):
        assert finished.planned() == {}


def test_a_function_of_the_parser_runs_the_parser(finished: Checkout) -> None:
    parse = finished.root / "asg_core" / "reports" / "parse.py"
    signature = ") -> ParsedReports:\n"
    with edited(parse, signature, f"{signature}    unused = 0\n    del unused\n"):
        assert finished.planned() == AFTER_TRIPLETS


def test_a_lexicon_line_runs_the_parser(finished: Checkout) -> None:
    lexicon = next((finished.root / "asg_core" / "reports").rglob("findings*.tsv"))
    last = lexicon.read_text().splitlines()[-1]
    with edited(lexicon, last, f"{last}\n{last.replace(last[0], 'z', 1)}"):
        assert finished.planned() == AFTER_TRIPLETS


def test_a_comment_and_a_docstring_run_nothing(finished: Checkout) -> None:
    parse = finished.root / "asg_core" / "reports" / "parse.py"
    first = parse.read_text().splitlines()[0]
    with edited(parse, first, f"# A comment.\n{first[:3]}Another start of {first[3:]}"):
        assert finished.planned() == {}


def test_a_touched_script_runs_nothing(finished: Checkout) -> None:
    for script in (finished.root / "workflow" / "scripts").glob("*.py"):
        script.touch()

    assert finished.planned() == {}


def test_an_edited_report_runs_its_shard_and_what_follows(finished: Checkout) -> None:
    files = finished.root / "results" / "test" / "source" / "files"
    report = sorted(path for path in files.rglob("s*.txt") if path.stat().st_size)[0]
    with edited(report, " ", "  "):
        planned = finished.planned()

    assert planned == {
        "read_reports": 1,
        "extract_triplets": 1,
        "score_triplets": 1,
        "align_regions": 1,
        "score_alignments": 1,
        "count_tables": 1,
    }
    assert finished.planned() == {}
