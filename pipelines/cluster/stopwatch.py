"""How long the containers of a run's tasks ran, from one look at the run to the next."""

from datetime import datetime

from salt_pipeline.pipelines.cluster.attempts import Attempt
from salt_pipeline.pipelines.cluster.tasks import Task


class Stopwatch:
    """Adds up the time in which a task's containers ran.

    The workflow does not say when a container began: a pod's `startedAt` is the moment Argo created it, before it had a
    node and its image. What can be known is each look's phase. A pod counts from the last look that found it
    `Pending`; one that never was seen so counts from its creation, so that of a run looked at late the waiting is in
    the time. A pod that is `Pending` counts nothing, nor do drivers, nor the pauses between attempts. No task's time
    ever decreases, though the API reports a pod's end some seconds after it.
    """

    def __init__(self) -> None:
        self._waited: dict[str, datetime] = {}
        self._seconds: dict[tuple[str, int | None], float] = {}

    def look(self, tasks: list[Task], now: datetime) -> None:
        """Takes note of the tasks' attempts.

        Args:
            tasks: The tasks as they are now.
            now: The time of the look.
        """
        for task in tasks:
            for attempt in task.attempts:
                if attempt.phase == "Pending":
                    self._waited[attempt.pod] = now
            ran = sum(self._ran(attempt, now) for attempt in task.attempts)
            key = (task.stage, task.iteration)
            self._seconds[key] = max(ran, self._seconds.get(key, 0.0))

    def seconds(self, task: Task) -> float:
        """How long a task's containers had run at the last look."""
        return self._seconds.get((task.stage, task.iteration), 0.0)

    def _ran(self, attempt: Attempt, now: datetime) -> float:
        if attempt.phase == "Pending" or attempt.created is None:
            return 0.0
        began = max(attempt.created, self._waited.get(attempt.pod, attempt.created))
        ended = now if attempt.phase == "Running" else attempt.finished or began
        return max(0.0, (ended - began).total_seconds())
