"""Which GPU a job gets: the least busy one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock


class Slots:
    """The places for jobs on the GPUs of this machine, for the threads of one process.

    Args:
        capacity: The GPUs by their numbers, each with the jobs that its memory carries.
    """

    def __init__(self, capacity: Mapping[int, int]) -> None:
        self.capacity, self.busy, self.lock = capacity, Counter[int](), Lock()

    @contextmanager
    def take(self) -> Iterator[int | None]:
        """Takes a place for as long as the context lasts, however it ends.

        Yields:
            The GPU that runs the fewest jobs, among those whose memory carries another one if there are any; None on a
            machine without a GPU.
        """
        if not self.capacity:
            yield None
            return
        with self.lock:
            gpu = min(self.capacity, key=lambda gpu: (self.busy[gpu] >= self.capacity[gpu], self.busy[gpu]))
            self.busy[gpu] += 1
        try:
            yield gpu
        finally:
            with self.lock:
                self.busy[gpu] -= 1
