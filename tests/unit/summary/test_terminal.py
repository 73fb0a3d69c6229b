from asg_core.summary.terminal import WIDTH, results_table
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


def test_the_text_form_of_nothing_is_a_sentence() -> None:
    assert results_table(METRICS.empty()) == "No encoder was evaluated.\n"
