"""When events are sent: live, after an outage, after a kill."""

import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from asg_core.tracking import sync as sync_module
from asg_core.tracking.events import Status
from asg_core.tracking.invocation import is_closed
from asg_core.tracking.mirror import InvocationMirror, StoreError
from asg_core.tracking.sync import follow, sync
from support.clock import Clock
from support.tracked import MemoryStore, begin, end, end_invocation, start_tracking


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return start_tracking(tmp_path / "tracking")


def test_sending_again_changes_nothing_and_asks_the_store_nothing(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0"))
    end_invocation(folder)
    sync(folder.parent, open_store=lambda _: store)
    before = store.content()

    store.num_calls_left = 0
    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert num_sent == {}
    assert store.content() == before


def sync_after_a_break(folder: Path, *, num_calls: int) -> MemoryStore:
    store = MemoryStore()
    store.num_calls_left = num_calls
    with pytest.raises(StoreError, match="down"):
        sync(folder.parent, open_store=lambda _: store)
    store.num_calls_left = 1_000_000
    sync(folder.parent, open_store=lambda _: store)
    return store


def test_wherever_sending_breaks_off_the_next_sync_completes_it(
    tmp_path: Path, folder: Path
) -> None:
    begin(folder, item="0")
    end(begin(folder, item="1"))
    end_invocation(folder, status=Status.FAILED)
    undisturbed = MemoryStore()
    copy = tmp_path / "copy"
    shutil.copytree(folder.parent, copy)
    sync(copy, open_store=lambda _: undisturbed)
    num_calls = 1_000_000 - undisturbed.num_calls_left

    for num_calls_before in range(num_calls):
        (folder / "progress.json").unlink(missing_ok=True)
        store = sync_after_a_break(folder, num_calls=num_calls_before)
        assert store.content() == undisturbed.content()
        assert is_closed(folder)


def test_what_an_orphan_writes_after_the_end_is_sent_too(folder: Path) -> None:
    store = MemoryStore()
    log = begin(folder, item="0")
    (folder.parent / "current.json").unlink()  # killed: it left no end.json
    sync(folder.parent, open_store=lambda _: store)
    killed = {name: content[-1] for name, content in store.content().items()}
    end(log)

    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert killed == {"one": Status.KILLED, "parse 0": Status.KILLED}
    assert num_sent == {"one": 3}
    assert store.content()["parse 0"][-1] == Status.FINISHED


def test_a_running_invocation_stays_open(folder: Path) -> None:
    store = MemoryStore()
    begin(folder, item="0")

    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert num_sent == {"one": 2}
    assert store.ended == {}
    assert not is_closed(folder)


def test_an_invocation_without_jobs_leaves_no_run_and_no_folder(folder: Path) -> None:
    store = MemoryStore()
    end_invocation(folder)

    assert sync(folder.parent, open_store=lambda _: store) == {}
    assert store.tags == {}
    assert not folder.exists()


def test_following_ends_with_the_invocation(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0"))
    end_invocation(folder)

    assert follow(folder, open_store=lambda: store)

    assert is_closed(folder)
    assert store.content()["one"][-1] == Status.FINISHED


def test_following_gives_up_on_a_silent_store_when_the_run_is_over(
    folder: Path,
) -> None:
    store = MemoryStore()
    store.num_calls_left = 0
    end(begin(folder, item="0"))
    end_invocation(folder)

    assert not follow(folder, open_store=lambda: store)
    assert not is_closed(folder)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(sync_module, "time", found)
    monkeypatch.setattr(sync_module, "now_ms", lambda: int(found.now * 1000))
    return found


def test_while_the_store_is_silent_the_pauses_grow_to_half_a_minute(
    tmp_path: Path, clock: Clock
) -> None:
    tracking = {"poll_seconds": 2.0, "artifact_limit_mb": 1.0}
    folder = start_tracking(tmp_path / "tracking", tracking=tracking)
    begin(folder, item="0")
    tries: list[float] = []

    def open_store() -> MemoryStore:
        tries.append(clock.now)
        if len(tries) == 6:
            end_invocation(folder)
        raise StoreError("down")

    assert not follow(folder, open_store=open_store)

    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses == pytest.approx([4, 8, 16, 30, 30, 30])


def test_after_an_outage_the_pauses_are_short_again(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = {"poll_seconds": 2.0, "artifact_limit_mb": 1.0}
    folder = start_tracking(tmp_path / "tracking", tracking=tracking)
    tries: list[float] = []

    def send(_: InvocationMirror) -> int:
        tries.append(clock.now)
        if len(tries) in (2, 3):
            raise StoreError("down")
        if len(tries) == 5:
            end_invocation(folder)
        return 0

    monkeypatch.setattr(InvocationMirror, "send", send)

    assert follow(folder, open_store=MemoryStore)

    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses[:4] == pytest.approx([2, 4, 8, 2])


def test_new_events_are_looked_for_at_every_poll(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = {"poll_seconds": 3.0, "artifact_limit_mb": 1.0}
    folder = start_tracking(tmp_path / "tracking", tracking=tracking)
    log = begin(folder, item="0")
    store = MemoryStore()
    sent: list[float] = []
    send = InvocationMirror.send

    def counted(mirror: InvocationMirror) -> int:
        sent.append(clock.now)
        if len(sent) == 3:
            end(log)
            end_invocation(folder, ended_ms=int(clock.now * 1000))
        return send(mirror)

    monkeypatch.setattr(InvocationMirror, "send", counted)

    assert follow(folder, open_store=lambda: store)

    assert sent == pytest.approx([1000.0, 1003.0, 1006.0, 1009.0])
    assert store.content()["parse 0"][-1] is Status.FINISHED


def test_the_end_of_a_run_ends_a_pause(tmp_path: Path, clock: Clock) -> None:
    tracking = {"poll_seconds": 60.0, "artifact_limit_mb": 1.0}
    folder = start_tracking(tmp_path / "tracking", tracking=tracking)
    end(begin(folder, item="0"))
    clock.on_sleep = lambda: end_invocation(folder) if clock.now > 1010 else None

    assert follow(folder, open_store=MemoryStore)

    assert clock.now < 1011


def test_events_that_are_still_under_way_at_the_end_are_waited_for(
    folder: Path, clock: Clock
) -> None:
    log = begin(folder, item="late")
    begin(folder, item="lost")
    end_invocation(folder, ended_ms=int(clock.now * 1000))
    clock.on_sleep = lambda: end(log) if len(clock.pauses) == 5 else None
    store = MemoryStore()

    assert follow(folder, open_store=lambda: store)

    # Three seconds after the end, what has not come is not coming.
    assert clock.now - 1000 == pytest.approx(3.2)
    assert store.content()["parse late"][-1] is Status.FINISHED
    assert store.content()["parse lost"][-1] is Status.FAILED


def test_a_run_that_was_killed_ends_with_its_last_sign_of_life(folder: Path) -> None:
    begin(folder, item="0")
    begin(folder, item="1")
    for item, seconds in (("0", 50), ("1", 70)):
        os.utime(folder / f"parse--{item}.jsonl", (seconds, seconds))
    (folder.parent / "current.json").unlink()
    store = MemoryStore()

    sync(folder.parent, open_store=lambda _: store)

    assert store.ended[store.named("one")] == (Status.KILLED, 70_000)
    assert store.ended[store.named("parse 0")] == (Status.KILLED, 70_000)


def test_the_end_that_a_run_had_is_its_end_in_the_store(
    folder: Path, tmp_path: Path
) -> None:
    graph = tmp_path / "graph.txt"
    graph.write_text("a -> b")
    end(begin(folder, item="0"))
    end_invocation(folder, status=Status.FAILED, attachments=[str(graph)])
    store = MemoryStore()

    sync(folder.parent, open_store=lambda _: store)

    assert store.ended[store.named("one")] == (Status.FAILED, 9_000)
    assert store.content()["one"][3] == {"config.json", "graph.txt"}


def test_every_invocation_of_a_folder_is_sent_to_its_own_store(tmp_path: Path) -> None:
    directory = tmp_path / "tracking"
    stores = {name: MemoryStore() for name in ("a", "b", "c")}
    for name in stores:
        end(begin(start_tracking(directory, name), item="0"))
    end_invocation(directory / "a")

    num_sent = sync(directory, open_store=lambda folder: stores[folder.name])

    # b was followed by c without an end: it was killed. c is still running.
    assert num_sent == {"a": 5, "b": 5, "c": 5}
    status = {name: stores[name].content()[name][-1] for name in stores}
    assert status == {"a": Status.FINISHED, "b": Status.KILLED, "c": None}
    assert [is_closed(directory / name) for name in stores] == [True, True, False]
