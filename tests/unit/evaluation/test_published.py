from typing import get_args

import polars as pl

from asg_core.benchmarks.registry import BENCHMARKS
from asg_core.evaluation.config import EvaluationConfig
from asg_core.evaluation.published import FOREIGN_SPLITS, KEY, read_published

OURS = ("mgca-linear", "mgca-segmentation")
FLOORS = ("Random init", "ImageNet init")


def test_the_table_of_the_paper_is_whole() -> None:
    table = read_published().filter(
        (pl.col("source") == "ASG README")
        & pl.col("protocol").is_in([*OURS, "kad-finetune-nih"])
        & ~pl.col("method").str.contains(":")  # the ablation
    )

    cells = table.group_by("method").len()
    assert len(cells) == 12
    assert set(cells["len"]) == {6 * 3}  # six columns, three fractions
    asg = table.filter(
        (pl.col("method") == "ASG (ViT)") & (pl.col("benchmark") == "covidx")
    )
    assert asg["metric"].unique().to_list() == ["accuracy"]
    assert asg.sort("fraction")["value"].to_list() == [0.813, 0.87, 0.933]


def test_fine_tuned_numbers_are_not_among_linear_ones() -> None:
    nih = read_published().filter(
        (pl.col("benchmark") == "nih") & (pl.col("protocol") == "mgca-linear")
    )

    assert set(FLOORS) <= set(nih["method"])
    assert not nih["method"].str.contains("KAD|GLoRIA|MedKLIP|ConVIRT").any()


def test_the_last_row_of_the_ablation_is_the_model_itself_and_is_not_repeated() -> None:
    published = read_published()

    ablation = published.filter(pl.col("method").str.starts_with("ASG (ViT): "))
    assert ablation["method"].n_unique() == 5
    assert not published.select(KEY).is_duplicated().any()


def test_protocols_of_this_package_have_its_metrics() -> None:
    published = read_published().filter(pl.col("protocol").is_in(OURS))

    assert set(published["metric"]) == {"auc", "accuracy", "dice"}
    assert set(published["fraction"]) == set(EvaluationConfig().fractions)
    assert published["value"].is_between(0.05, 1).all()
    assert published["note"].null_count() == 0


def test_every_number_names_its_split_as_a_benchmark_or_this_table_does() -> None:
    published = read_published()

    for name, split in published.select("benchmark", "split").unique().iter_rows():
        named = BENCHMARKS[name].config.model_fields["split"].annotation
        known = {*get_args(named), *FOREIGN_SPLITS}
        assert split in known, f"{name}: {split}"
    rsna = published.filter(pl.col("benchmark") == "rsna")
    of_protocol = {
        protocol: set(rows["split"])
        for (protocol,), rows in rsna.filter(source="ASG README").group_by("protocol")
    }
    assert of_protocol == {
        "mgca-linear": {"mgca"},
        "mgca-segmentation": {"mgca-detection"},
        "zero-shot-published": {"mgca"},
    }
