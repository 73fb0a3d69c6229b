import os
import signal
import threading

from asg_core.learning.stop import stop_requests


def test_a_request_is_noted_inside_the_block_only() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with stop_requests() as asked:
        assert not asked.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.wait(5)

    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_can_train_but_not_be_asked() -> None:
    found: list[bool] = []

    def work() -> None:
        with stop_requests() as asked:
            found.append(asked.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert found == [False]
