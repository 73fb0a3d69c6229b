from asg_core.summary.terminal import WIDTH, failure_paragraph, results_table
from asg_core.tables.catalog import METRICS
from support.fake_results import ENCODERS, fake_metrics
from support.points import metrics_of


def test_the_text_form_fits_its_width_and_is_ascii() -> None:
    text = results_table(fake_metrics(), encoders=ENCODERS)

    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert text.isascii()
    assert "  full     83.4 [80.3, 86.1]" in text
    assert text.count("\n  floor ") == 5


def test_the_text_form_cuts_long_names_and_many_fractions() -> None:
    name = "an_encoder_with_a_very_long_name_indeed"
    metrics = metrics_of(
        *({"encoder": name, "fraction": step / 10} for step in range(1, 11))
    )

    text = results_table(metrics)

    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "an_encoder_with_a_very_l.." in text
    assert "smaller fractions not shown" in text
    assert " 100 %" in text
    assert " 10 %" not in text


def test_the_text_form_of_nothing_is_a_sentence() -> None:
    assert results_table(METRICS.empty()) == "No encoder was evaluated.\n"


def test_an_encoder_that_is_called_floor_keeps_its_row() -> None:
    text = results_table(metrics_of({"encoder": "floor", "value": 0.9}))

    assert "  floor   90.0 [75.0, 85.0]" in text
    assert "  floor   50.0" in text


def test_encoders_that_the_order_does_not_name_follow_by_name() -> None:
    metrics = metrics_of(*({"encoder": name} for name in ("c", "a", "b")))

    lines = results_table(metrics, encoders=["b", "gone"]).splitlines()

    assert [line.split()[0] for line in lines[4:8]] == ["b", "a", "c", "floor"]


def test_a_failure_is_wrapped_and_its_paths_stay_whole() -> None:
    path = "/data/" + "a-very-long-folder/" * 8 + "model.safetensors"

    text = failure_paragraph("mine", "nih", f"expected weights, found none in {path}")

    assert path in text.split()
    assert text.startswith("\nFAILED: mine on nih: expected weights")
