"""CPU-seconds of this process, user and system, by the kind of its work."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

KINDS = ("start", "steps", "validation", "prediction")
"""Kinds of work that a run's summary tells apart; what is left is the rest."""


class CpuTime:
    """The CPU time of a training or prediction; what was spent before it is the start of its process.

    Attributes:
        seconds: CPU-seconds by kind of work.
    """

    def __init__(self) -> None:
        self.seconds = {"start": process_time()}

    @contextmanager
    def spent_on(self, kind: str) -> Iterator[None]:
        """Adds what the block spends to a kind of work."""
        assert kind in KINDS
        before = process_time()
        try:
            yield
        finally:
            self.seconds[kind] = self.seconds.get(kind, 0.0) + process_time() - before

    def fact(self) -> str:
        """The seconds as a fact of an artifact, `start 4.1 steps 92.0`; `parse_cpu_time` reads it."""
        return " ".join(f"{kind} {seconds:.1f}" for kind, seconds in self.seconds.items())


def parse_cpu_time(fact: str) -> dict[str, float]:
    """Reads what `CpuTime.fact` wrote: CPU-seconds by kind of work."""
    words = fact.split()
    return {kind: float(seconds) for kind, seconds in zip(words[::2], words[1::2], strict=True)}
