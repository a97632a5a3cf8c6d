"""Time limits for calls that have none of their own."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from salt_pipeline.components.core.errors import ServiceError

T = TypeVar("T")

NO_ANSWER = "no answer in time"
"""The words of every error for an answer that did not come in time, here and in the object store's."""


class NoAnswer(ServiceError):
    """A call took longer than its limit, which says nothing about what was asked for.

    Args:
        what: Name of the call.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: {NO_ANSWER}", passing=True)


def within(seconds: float, call: Callable[[], T], what: str) -> T:
    """Runs `call` and waits no longer than `seconds` for it.

    It runs in a daemon thread: a call that hangs stays behind there and does not keep the process from ending.

    Args:
        seconds: The limit.
        call: What to run. Import its packages before, so that a slow disk does not count as a slow server.
        what: Its name, for the message.

    Raises:
        NoAnswer: If it took longer. An error of `call` is raised unchanged.
    """
    return Started(call, what).result(seconds)


class Started:
    """A call under way in a daemon thread.

    Args:
        call: What to run.
        what: Its name, for the message.
    """

    def __init__(self, call: Callable[[], Any], what: str) -> None:
        self._call, self._what = call, what
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # raised again in the thread that waits
            self._error = error

    def result(self, seconds: float) -> Any:
        """Waits for the result.

        Raises:
            NoAnswer: If there is none after `seconds`.
        """
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            raise NoAnswer(self._what)
        if self._error is not None:
            raise self._error
        return self._result
