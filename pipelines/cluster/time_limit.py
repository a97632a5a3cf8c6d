"""An end to waiting for code that has none of its own."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from salt_pipeline.components.core.errors import SaltError

T = TypeVar("T")


class NoAnswer(SaltError):
    """What was waited for did not come in time, which says nothing of what was asked."""


def within(seconds: float, call: Callable[[], T], what: str) -> T:
    """Runs `call` and waits no longer than `seconds` for it.

    It runs in a daemon thread: one that hangs is left behind and does not keep the process from ending.

    Args:
        seconds: The limit.
        call: What to run. What it imports is imported before: a slow disk is no server that does not answer.
        what: Its name, for the message.

    Raises:
        NoAnswer: If it took longer. What `call` raises comes out as it is.
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
        except BaseException as error:  # told to who waits
            self._error = error

    def result(self, seconds: float) -> Any:
        """Waits for the result.

        Raises:
            NoAnswer: If it is not there after `seconds`.
        """
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            raise NoAnswer(f"{self._what}: no answer in time")
        if self._error is not None:
            raise self._error
        return self._result
