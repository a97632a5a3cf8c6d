"""Calls to a server that may be unreachable: made in order, at once or as soon as it answers again."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice

from salt_pipeline.components.core.errors import NOTICE, ServiceError
from salt_pipeline.components.core.redaction import redacted
from salt_pipeline.components.core.tracking.failures import first_line

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two attempts to reach the server; the pause doubles from the first to the longest."""

Call = Callable[[], object]


class Journal:
    """Calls to a server, in order.

    While the server is reachable, each call is made at once. When one fails, it and all later ones are kept, and a
    thread of its own tries again after a pause, then makes the kept calls in order. An outage costs the caller one
    failed call, however long it lasts.

    A call whose answer was lost is made again, so every call must be idempotent, and carry the time of what it records.

    Args:
        server: The server's name, for messages.
        connect: Reaches the server, or raises. Its time limit should be short: it comes before each new attempt.
        refused: Whether an error concerns one call, which would fail again, and not the server.
        describe: Describes any other error, and whether it may pass.
    """

    def __init__(
        self,
        server: str,
        connect: Call,
        refused: Callable[[Exception], bool],
        describe: Callable[[Exception], ServiceError],
    ) -> None:
        self._server, self._connect, self._refused, self._describe = server, connect, refused, describe
        self._calls: deque[tuple[str, Call]] = deque()
        self._lost: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._answers = False
        self._failure: ServiceError | None = None
        self._warned: set[str] = set()
        self.unreachable = not self._is_reached()
        if self.unreachable:
            self._begin_retries()

    def do(self, what: str, call: Call) -> None:
        """Makes a call, now or later. The same one that already waits is made once.

        Args:
            what: What the call records, for messages.
            call: What to do.
        """
        with self._lock:
            waits = self.unreachable
            # The first one may be under way, with older values.
            if waits and (what, call) not in islice(self._calls, 1, None):
                self._calls.append((what, call))
        if not waits and not self._is_done(what, call):
            with self._lock:
                self._calls.append((what, call))
                self.unreachable = True
            self._begin_retries()

    def close(self, patience: float) -> None:
        """Waits for the calls that are kept, and logs what was not recorded.

        Args:
            patience: Seconds to wait for the server if its failure may pass; once it answers, all calls are waited for.
        """
        self._closing.set()
        hopeless = self._failure is not None and not self._failure.passing
        deadline = time.monotonic() + (0 if hopeless else patience)
        while self._calls and (self._answers or time.monotonic() < deadline):
            time.sleep(0.05)
        with self._lock:
            self._lost.update(what for what, _ in self._calls)
            self._calls.clear()
        if self._lost:
            listed = ", ".join(f"{count} x {what}" for what, count in self._lost.items())
            log.warning("%snot recorded in %s: %s", NOTICE, self._server, listed)

    def _begin_retries(self) -> None:
        threading.Thread(target=self._retry, name=f"{self._server} retries", daemon=True).start()

    def _retry(self) -> None:
        pause = FIRST_PAUSE
        while not self._is_caught_up():
            if self._closing.is_set():
                if not self._calls:
                    return
                time.sleep(FIRST_PAUSE)
            else:
                self._closing.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _is_caught_up(self) -> bool:
        """Makes the kept calls; False when one of them did not reach the server."""
        if not self._is_reached():
            return False
        self._answers, made = True, 0
        while True:
            with self._lock:
                if not self._calls:
                    self.unreachable = self._answers = False
                    break
                what, call = self._calls[0]
            if not self._is_done(what, call):
                self._answers = False
                return False
            with self._lock:
                if self._calls:  # none after `close`
                    self._calls.popleft()
            made += 1
        if not self._closing.is_set() or made:
            log.info("%s is reachable again: %d calls made now", self._server, made)
        return True

    def _is_reached(self) -> bool:
        try:
            self._connect()
        except Exception as error:  # a server fails in many ways, and none may stop the work
            self._note(error)
            return False
        return True

    def _is_done(self, what: str, call: Call) -> bool:
        try:
            call()
        except Exception as error:
            if not self._refused(error):
                self._note(error)
                return False
            self._warn_once(f"{self._server} refused to record {what}: {redacted(first_line(error))}")
            self._lost[what] += 1
        return True

    def _note(self, error: Exception) -> None:
        self._failure = self._describe(error)
        if self._failure.passing:
            self._warn_once(
                f"{self._server} is unreachable, its records are kept for later: {self._failure}", "passing"
            )
        else:
            kept = "its records are kept, and lost unless this is fixed before the end"
            self._warn_once(f"{self._server} cannot be used, {kept}: {self._failure}", "final")

    def _warn_once(self, message: str, kind: str | None = None) -> None:
        level = logging.DEBUG if (kind or message) in self._warned else logging.WARNING
        self._warned.add(kind or message)
        log.log(level, "%s%s", NOTICE, message)
