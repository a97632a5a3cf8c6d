"""Calls with a time limit."""

import threading

import pytest

from salt_pipeline.pipelines.cluster.http_errors import timed_out
from salt_pipeline.pipelines.cluster.time_limit import NoAnswer, within


def test_a_call_returns_its_result_or_raises_its_own_error() -> None:
    assert within(60, lambda: 3, "three") == 3
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 / 0, "division")


def test_a_call_that_hangs_ends_at_its_limit() -> None:
    stop = threading.Event()
    with pytest.raises(NoAnswer, match="the server: no answer in time") as caught:
        within(0.05, stop.wait, "the server")
    stop.set()
    assert caught.value.passing
    assert timed_out(caught.value)
