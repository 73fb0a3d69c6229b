import pytest

from asg_core.data.order import Order, Visit, epoch_order


def _shown(order: Order, *, first: int = 0, end: int) -> list[list[Visit]]:
    return list(order.draws(first=first, end=end))


def test_each_epoch_shows_every_image_at_most_once_in_its_own_order() -> None:
    order = Order(num_images=10, batch_size=3, seed=4)

    steps = _shown(order, end=6)

    assert order.steps_per_epoch == 3
    for epoch in (0, 1):
        draws = [draw for step in steps[3 * epoch : 3 * epoch + 3] for draw in step]
        assert {draw.epoch for draw in draws} == {epoch}
        positions = [draw.position for draw in draws]
        assert len(set(positions)) == 9
        assert positions == epoch_order(10, seed=4, epoch=epoch)[:9].tolist()
    assert [d.position for d in steps[0]] != [d.position for d in steps[3]]


def test_several_processes_see_what_one_with_their_batches_would() -> None:
    whole = Order(num_images=23, batch_size=6, seed=1)
    parts = [
        Order(num_images=23, batch_size=2, seed=1, world_size=3, rank=rank)
        for rank in range(3)
    ]

    together = zip(*(_shown(part, end=7) for part in parts), strict=True)

    assert [[*one, *two, *three] for one, two, three in together] == _shown(
        whole, end=7
    )


def test_going_on_in_the_middle_changes_nothing() -> None:
    order = Order(num_images=10, batch_size=3, seed=4)

    assert _shown(order, first=4, end=8) == _shown(order, end=8)[4:]


def test_another_seed_is_another_order() -> None:
    assert (epoch_order(50, seed=1, epoch=0) != epoch_order(50, seed=2, epoch=0)).any()


def test_fewer_images_than_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one batch of 2 x 3 images, found 5"):
        Order(num_images=5, batch_size=3, seed=0, world_size=2)
