import threading
from collections import Counter
from contextlib import ExitStack

import pytest

from salt_pipeline.pipelines.local.slots import Slots


def taken(slots: Slots, jobs: int) -> list[int | None]:
    """Which GPU each of some jobs gets that run at once."""
    with ExitStack() as running:
        return [running.enter_context(slots.take()) for _ in range(jobs)]


def test_jobs_are_spread_over_the_gpus_and_share_one_only_when_all_are_busy() -> None:
    slots = Slots({0: 5, 1: 5, 2: 5})
    assert taken(slots, 7) == [0, 1, 2, 0, 1, 2, 0]


def test_a_full_gpu_gets_no_more_jobs_while_another_has_room() -> None:
    assert taken(Slots({0: 1, 1: 4}), 5) == [0, 1, 1, 1, 1]


def test_jobs_beyond_the_memory_of_all_gpus_go_to_the_least_busy() -> None:
    assert taken(Slots({0: 1, 1: 2}), 5) == [0, 1, 1, 0, 0]


def test_a_machine_without_a_gpu_gives_none() -> None:
    assert taken(Slots({}), 3) == [None, None, None]


def fail(slots: Slots, error: type[BaseException], given: list[int | None]) -> None:
    """A job that ends with an error."""
    with slots.take() as gpu:
        given.append(gpu)
        raise error


def test_a_place_is_given_back_however_a_job_ends() -> None:
    slots, given = Slots({0: 1, 1: 1}), list[int | None]()
    with slots.take() as other:
        assert other == 0
        for error in (RuntimeError, KeyboardInterrupt, SystemExit):
            with pytest.raises(error):
                fail(slots, error, given)
        assert given == [1, 1, 1]
    assert taken(slots, 2) == [0, 1]


def test_no_two_threads_share_a_gpu_while_another_is_free() -> None:
    slots, running, shared = Slots(dict.fromkeys(range(4), 2)), Counter[int | None](), []
    start = threading.Barrier(4)

    def job() -> None:
        start.wait(30)
        for _ in range(500):
            with slots.take() as gpu:
                running[gpu] += 1
                shared.append(running[gpu] > 1)
                running[gpu] -= 1

    threads = [threading.Thread(target=job) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shared) == 2000
    assert not any(shared)
