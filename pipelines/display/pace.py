"""How long a run has lasted, how much longer its training will take, and how many of its jobs wait."""

import time

from salt_pipeline.pipelines.display.run_table import Row, clock

LEAST = 0.02
"""Fraction of all epochs from which on a pace is known: the first steps wait for the start of the processes."""


class Pace:
    """The pace of a run's training since it is watched."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: float | None = None

    def words(self, rows: list[Row], epochs: int | None, elapsed: float | None = None, *, ended: bool = False) -> str:
        """What is said beside the rows of a run.

        Args:
            rows: The rows as they are now.
            epochs: Epochs of a training; None if they are not known.
            elapsed: Seconds since the run began; by default since it is watched.
            ended: Whether the run has ended, so that no job waits any more.
        """
        watched = time.monotonic() - self._began
        jobs = [row for row in rows if row.is_job]
        done, total = sum(_done(row, epochs or 0) for row in jobs), (epochs or 0) * len(jobs)
        if self._first is None:
            self._first = done
        waiting = 0 if ended else sum(row.state == "waiting" for row in jobs)
        left = None if ended else remaining(watched, self._first, done, total)
        return words(watched if elapsed is None else elapsed, left, waiting)


def remaining(watched: float, first: float, done: float, total: float) -> float | None:
    """Seconds that the training will still take at the pace so far; None before it is known, and after its end.

    Args:
        watched: Seconds between the first look and now.
        first: Epochs of all jobs that were done at the first look.
        done: Epochs of all jobs that are done now.
        total: Epochs of all jobs.
    """
    known = done - first >= LEAST * total
    return watched * (total - done) / (done - first) if known and first < done < total else None


def words(elapsed: float, left: float | None, waiting: int) -> str:
    """The facts as people read them."""
    parts = [f"{clock(elapsed) or '0:00:00'} elapsed"]
    if left is not None:
        parts.append(f"training ends in about {clock(left) or '0:00:01'}")
    if waiting:
        parts.append(f"{waiting} job{'s wait' if waiting > 1 else ' waits'}")
    return ", ".join(parts)


def _done(row: Row, epochs: int) -> float:
    """Epochs of a job that are done; a job that predicts, or was taken from the cache, has done all."""
    trained = row.doing == "predict" or row.state in ("succeeded", "cached")
    return epochs if trained else min(epochs, float(row.progress.get("done", 0)))
