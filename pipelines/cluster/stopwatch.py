"""How long the containers of a run's tasks ran, as successive polls of the run show it."""

from datetime import datetime

from salt_pipeline.pipelines.cluster.attempts import Attempt
from salt_pipeline.pipelines.cluster.tasks import Task


class Stopwatch:
    """Adds up the time in which a task's containers ran.

    The workflow does not record when a container started: a pod's `startedAt` is the moment Argo created it, before it
    had a node and its image. Only the phase at each poll is known. The time of a pod begins at the last poll that found
    it `Pending`. For a pod that was never found so it begins at its creation, so the time of a run that is polled late
    includes the waiting. A pod that is `Pending`, drivers, and the pauses between attempts do not count. The time of a
    task never decreases, although the API reports a pod's end some seconds late.
    """

    def __init__(self) -> None:
        self._waited: dict[str, datetime] = {}
        self._seconds: dict[tuple[str, int | None], float] = {}

    def look(self, tasks: list[Task], now: datetime) -> None:
        """Records the attempts of the tasks at one poll.

        Args:
            tasks: The tasks as they are now.
            now: The time of the poll.
        """
        for task in tasks:
            for attempt in task.attempts:
                if attempt.phase == "Pending":
                    self._waited[attempt.pod] = now
            ran = sum(self._ran(attempt, now) for attempt in task.attempts)
            key = (task.stage, task.iteration)
            self._seconds[key] = max(ran, self._seconds.get(key, 0.0))

    def seconds(self, task: Task) -> float:
        """How long, in seconds, a task's containers had run at the last poll."""
        return self._seconds.get((task.stage, task.iteration), 0.0)

    def _ran(self, attempt: Attempt, now: datetime) -> float:
        if attempt.phase == "Pending" or attempt.created is None:
            return 0.0
        began = max(attempt.created, self._waited.get(attempt.pod, attempt.created))
        ended = now if attempt.phase == "Running" else attempt.finished or began
        return max(0.0, (ended - began).total_seconds())
