"""What runs again after which change: exactly what reads it, and what follows."""

import pytest

from support.checkout import Checkout, edited

pytestmark = pytest.mark.slow

SHARDS, RUNS, ENCODERS, BENCHMARKS = 2, 2, 2, 5

# What every change ends with; the encoder `pixels` needs no run.
SUMMARY = {"build_summary": 1}
# Encoders that failed are rejects, which are counted.
AFTER_EVALUATION = SUMMARY | {"count_tables": 1}
AFTER_RUNS = SUMMARY | {
    "extract_features": BENCHMARKS,
    "evaluate_encoder": BENCHMARKS,
}
AFTER_ALIGNMENTS = AFTER_RUNS | {
    "score_alignments": 1,
    "pretrain_encoders": RUNS,
    "count_tables": 1,
}
AFTER_SENTENCES = AFTER_ALIGNMENTS | {
    "score_triplets": 1,
    "train_tokenizer": 1,
    "tokenize_reports": SHARDS,
}
AFTER_TRIPLETS = AFTER_SENTENCES | {
    "extract_triplets": SHARDS,
    "align_regions": SHARDS,
}
AFTER_BOXES = AFTER_ALIGNMENTS | {
    "detect_regions": SHARDS,
    "score_boxes": 1,
    "align_regions": SHARDS,
}


def test_nothing_changed_nothing_runs(own: Checkout) -> None:
    assert own.planned() == {}


def test_a_parser_key_runs_the_parser_and_what_follows(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "reports:\n", "reports:\n  include_history: true\n"):
        assert own.planned() == AFTER_TRIPLETS


def test_a_training_key_trains_and_detects_again(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "    steps: ", "    weight_decay: 0.02\n    steps: "):
        assert own.planned() == AFTER_BOXES | {"train_detector": 1}


def test_a_detection_key_only_detects_again(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "  detection:\n", "  detection:\n    batch_size: 8\n"):
        assert own.planned() == AFTER_BOXES


def test_an_alignment_key_only_aligns_again(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "regions:\n", "alignment: {policy: split}\nregions:\n"):
        planned = own.planned()

    assert planned == AFTER_ALIGNMENTS | {"align_regions": SHARDS}


def test_a_loss_weight_trains_and_evaluates_again(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "    full: {}\n", "    full: {losses: {tags: 4}}\n"):
        planned = own.planned()

    # One run of two; its rejects are counted again.
    expected = AFTER_RUNS | {"pretrain_encoders": 1, "count_tables": 1}
    assert planned == expected


def test_a_key_of_the_text_encoder_keeps_the_tokenizer(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "layers: 1, heads: 2, vocab", "layers: 2, heads: 2, vocab"):
        planned = own.planned()

    assert "pretrain_encoders" in planned
    assert not {"train_tokenizer", "tokenize_reports"} & planned.keys()


def test_weights_that_are_not_there_are_a_sentence(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(
        config, "      size: 64\n", "      size: 64\n      weights: none.pth\n"
    ):
        done = own.snakemake("--dry-run", "--cores", "2", check=False)

    assert done.returncode == 1
    assert "found no none.pth" in done.stdout + done.stderr


def test_an_evaluation_key_only_evaluates_again(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "  bootstrap: 20\n", "  bootstrap: 21\n"):
        planned = own.planned()

    assert planned == AFTER_EVALUATION | {"evaluate_encoder": ENCODERS * BENCHMARKS}


def test_a_key_of_one_benchmark_reads_it_again(own: Checkout) -> None:
    config = own.root / own.configfile
    edit = "evaluation:\n  benchmarks: {nih: {validate_share: 0.3}}\n"
    with edited(config, "evaluation:\n", edit):
        planned = own.planned()

    assert planned == SUMMARY | {
        "read_benchmark": 1,
        "extract_features": ENCODERS,
        "evaluate_encoder": ENCODERS,
        "count_tables": 1,
    }


def test_a_loss_function_trains_and_evaluates_again(own: Checkout) -> None:
    loss = own.root / "asg_core" / "losses" / "tags.py"
    with edited(
        loss, ") -> Tensor:\n", ") -> Tensor:\n    unused = 0\n    del unused\n"
    ):
        planned = own.planned()

    expected = AFTER_RUNS | {"pretrain_encoders": RUNS, "count_tables": 1}
    assert planned == expected


def test_a_function_of_a_protocol_only_evaluates_again(own: Checkout) -> None:
    folder = own.root / "asg_core" / "evaluation"
    (protocol,) = folder.rglob("linear_cached.py")
    signature = ") -> ProtocolResult:\n"
    with edited(protocol, signature, f"{signature}    unused = 0\n    del unused\n"):
        planned = own.planned()

    assert planned == AFTER_EVALUATION | {"evaluate_encoder": ENCODERS * BENCHMARKS}


def test_a_key_that_no_rule_reads_runs_nothing(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "regions:\n", "tracking: {experiment: other}\nregions:\n"):
        assert own.planned() == {}


def test_a_key_that_the_summary_shows_builds_it_again(own: Checkout) -> None:
    config = own.root / own.configfile
    with edited(config, "regions:\n", "privacy: {export_examples: true}\nregions:\n"):
        assert own.planned() == SUMMARY


def test_a_function_of_the_parser_runs_the_parser(own: Checkout) -> None:
    parse = own.root / "asg_core" / "reports" / "parse.py"
    signature = ") -> ParsedReports:\n"
    with edited(parse, signature, f"{signature}    unused = 0\n    del unused\n"):
        assert own.planned() == AFTER_TRIPLETS


def test_a_lexicon_line_runs_the_parser(own: Checkout) -> None:
    lexicon = next((own.root / "asg_core" / "reports").rglob("findings*.tsv"))
    last = lexicon.read_text().splitlines()[-1]
    with edited(lexicon, last, f"{last}\n{last.replace(last[0], 'z', 1)}"):
        assert own.planned() == AFTER_TRIPLETS


def test_a_comment_and_a_docstring_run_nothing(own: Checkout) -> None:
    parse = own.root / "asg_core" / "reports" / "parse.py"
    first = parse.read_text().splitlines()[0]
    with edited(parse, first, f"# A comment.\n{first[:3]}Another start of {first[3:]}"):
        assert own.planned() == {}


def test_a_touched_script_runs_nothing(own: Checkout) -> None:
    for script in (own.root / "workflow" / "scripts").glob("*.py"):
        script.touch()

    assert own.planned() == {}


def test_an_edited_report_runs_its_shard_and_what_follows(own: Checkout) -> None:
    files = own.root / "results" / "test" / "source" / "files"
    report = sorted(path for path in files.rglob("s*.txt") if path.stat().st_size)[0]
    with edited(report, " ", "  "):
        planned = own.planned()

    one_shard = {"read_reports": 1, "extract_triplets": 1, "align_regions": 1}
    assert planned == AFTER_SENTENCES | one_shard
    assert own.planned() == {}
