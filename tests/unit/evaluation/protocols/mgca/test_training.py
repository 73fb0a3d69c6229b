import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from asg_core.evaluation.protocols.mgca.training import (
    Training,
    batches,
    draw_training_images,
    num_in_batches,
    sample_rows,
    train_with_patience,
)
from support.masked_benchmark import make_benchmark


def test_rows_are_those_that_pandas_draws() -> None:
    # pandas 2.3: DataFrame({"row": range(20)}).sample(frac=0.25, random_state=42)["row"]
    assert sample_rows(20, fraction=0.25, seed=42).tolist() == [0, 17, 15, 1, 8]


@pytest.mark.parametrize("num_rows", [3, 149, 18_678, 185_771])
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.35, 0.999])
@pytest.mark.parametrize("seed", [0, 42])
def test_rows_are_those_that_pandas_draws_now(
    num_rows: int, fraction: float, seed: int
) -> None:
    pandas = pytest.importorskip("pandas")

    expected = pandas.DataFrame({"row": np.arange(num_rows)}).sample(
        frac=fraction, random_state=seed
    )

    drawn = sample_rows(num_rows, fraction=fraction, seed=seed)
    if len(expected):  # here at least one is drawn
        assert drawn.tolist() == expected["row"].tolist()


def test_a_missing_image_moves_no_other() -> None:
    names = [f"{number:03}" for number in range(40)][::-1]
    whole = make_benchmark(
        split_of=dict.fromkeys(names, "train"),
        labels={name: {"a": 1.0} for name in names},
    )
    gone = whole.images.filter(~pl.col("image_id").is_in(["003", "017", "039", "000"]))
    holed = replace(whole, images=gone)

    drawn = draw_training_images(whole, 0.5, 42)
    of_holed = draw_training_images(holed, 0.5, 42)

    # By place in the list, whose order is not that of the ids.
    assert drawn == [
        names[row] for row in sample_rows(40, fraction=0.5, seed=42).tolist()
    ]
    assert of_holed == [name for name in drawn if name in set(gone["image_id"])]
    assert len(of_holed) < len(drawn)


def test_the_number_of_rows_is_rounded_and_at_least_one() -> None:
    assert len(sample_rows(250, fraction=0.01, seed=1)) == 2  # half to even, as pandas
    assert len(sample_rows(30, fraction=0.01, seed=1)) == 1
    assert len(sample_rows(199, fraction=0.01, seed=1)) == 2
    assert len(sample_rows(199, fraction=0.01, seed=1, rounds_down=True)) == 1
    assert sample_rows(0, fraction=0.5, seed=1).tolist() == []
    assert sample_rows(4, fraction=1.0, seed=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("num_rows", "expected"),
    [
        (7, [3, 3]),
        (6, [3, 3]),
        (3, [3]),
        (2, [2]),  # what does not fill a batch is all there is
        (0, []),
    ],
)
def test_the_last_partial_batch(num_rows: int, expected: list[int]) -> None:
    found = list(batches(np.arange(num_rows), 3))

    assert [len(rows) for rows in found] == expected
    assert num_in_batches(num_rows, 3) == sum(expected)
    assert np.concatenate([*found, np.empty(0)]).tolist() == list(range(sum(expected)))


def _train(
    losses: list[float], *, epochs: int = 50, patience: int = 3
) -> tuple[nn.BatchNorm1d, Training]:
    """Train something whose weight and statistics are the number of epochs."""
    module = nn.BatchNorm1d(1)
    rest = iter(losses)

    def run_epoch(epoch: int) -> None:
        with torch.no_grad():
            module.weight.fill_(epoch + 1)
        assert module.running_mean is not None
        module.running_mean.fill_(epoch + 1)

    training = train_with_patience(
        module,
        run_epoch=run_epoch,
        validate=lambda: next(rest),
        epochs=epochs,
        patience=patience,
    )
    return module, training


def test_training_stops_when_the_loss_stops_falling_and_goes_back() -> None:
    module, training = _train([5, 3, 4, 3, 3.5, 1])

    assert training.num_epochs == 5  # 2 is best; 3, 4 and 5 are not lower
    assert training.best_epoch == 2
    assert module.weight.item() == 2
    assert module.running_mean is not None
    assert module.running_mean.item() == 2
    assert training.sentence() == (
        "5 epochs, tested with the weights of epoch 2 (validation loss 3.0000)"
    )


def test_training_ends_with_the_last_epoch() -> None:
    module, training = _train([5, 4, 3, 2, 1], epochs=4)

    assert training.num_epochs == 4
    assert module.weight.item() == 4


def test_a_loss_that_is_no_number_stops_with_a_sentence() -> None:
    with pytest.raises(FloatingPointError, match="epoch 2: expected a finite"):
        _train([5, math.nan])
