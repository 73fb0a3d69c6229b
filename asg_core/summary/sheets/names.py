"""What the metrics of benchmarks are called, which comes first, and the files of a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

from asg_core.benchmarks.registry import BENCHMARKS

SUFFIXES = (".csv", ".md", ".tex")
"""Every table is written in these forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricName:
    """How a metric is written in a table and in a caption; all are shares, in percent."""

    label: str
    about: str


METRIC_NAMES: dict[str, MetricName] = {
    "auc": MetricName(
        label="AUC", about="area under the ROC curve, mean over the targets, in %"
    ),
    "average_precision": MetricName(
        label="Average precision",
        about="area under the precision-recall curve, mean over the targets, in %",
    ),
    "f1": MetricName(
        label="F1", about="at the threshold of the best F1 on the validation part, in %"
    ),
    "oracle_f1": MetricName(
        label="F1, test threshold",
        about="at the threshold of the best F1 on the test part itself, in %",
    ),
    "oracle_accuracy": MetricName(
        label="Accuracy, test threshold",
        about="at the threshold of the best F1 on the test part itself, in %",
    ),
    "accuracy": MetricName(
        label="Accuracy", about="share of images decided right, in %"
    ),
    "dice": MetricName(
        label="Dice, mixed",
        about="Dice of every image, in %; an image without a finding scores 100 when "
        "nothing is predicted and 0 otherwise",
    ),
    "dice_positive": MetricName(
        label="Dice, positives",
        about="Dice of the images with the finding alone, in %",
    ),
    "two_class_dice": MetricName(
        label="Dice, two classes",
        about="mean Dice of the mask and the background, in %",
    ),
    "false_positive_rate": MetricName(
        label="False-positive rate",
        about="share of the images without the finding in which anything is predicted, "
        "in %",
    ),
}

_SEGMENTATION = ("dice", "dice_positive")


def headline_metrics(benchmark: str, metrics: Sequence[str]) -> tuple[str, ...]:
    """Return those of `metrics` that a benchmark is judged by, at least one.

    Segmentation: Dice over all images and over positive ones, never one without the
    other. Exclusive classes: accuracy. Everything else: AUC.
    """
    dice = tuple(metric for metric in _SEGMENTATION if metric in metrics)
    if dice:
        return dice
    is_exclusive = benchmark in BENCHMARKS and BENCHMARKS[benchmark].is_exclusive
    # Papers give the accuracy of targets that exclude each other.
    first = "accuracy" if is_exclusive else "auc"
    for metric in (first, "auc", "accuracy", *metrics):
        if metric in metrics:
            return (metric,)
    return ()


def metric_label(metric: str) -> str:
    """Return the name that heads a column; an unknown metric is its own."""
    known = METRIC_NAMES.get(metric)
    return known.label if known else metric.replace("_", " ")


def about_metric(metric: str) -> str:
    """Return what a caption says about a metric."""
    known = METRIC_NAMES.get(metric)
    return f"{known.label}: {known.about}" if known else metric.replace("_", " ")


def benchmark_label(name: str) -> str:
    """Return how a benchmark is written; an unknown one as it is named."""
    return BENCHMARKS[name].label if name in BENCHMARKS else name
