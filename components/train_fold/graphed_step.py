"""A step that a GPU replays from one recorded CUDA graph, so that it never waits for Python to launch kernels."""

import logging
from collections.abc import Callable

import torch

from salt_pipeline.components.core.errors import NOTICE

log = logging.getLogger(__name__)

WARM_UP = 3
"""Number of steps that are launched one operation at a time before the first is recorded.

They create the state of the optimiser and of the moving average, and let the libraries allocate their workspaces.
"""


class GraphedStep:
    """Calls a step; on a GPU it records the step once for each batch size, and replays the recording from then on.

    A step that cannot be recorded is launched one operation at a time, as on a CPU; a warning says so once.

    Args:
        step: The step, a function of the batch size alone. It must read and write tensors at fixed addresses, have
            shapes that depend on the batch size alone, and never wait for the device.
        device: Where it computes.
    """

    def __init__(self, step: Callable[[int], None], device: torch.device) -> None:
        self.step = step
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self.records = device.type == "cuda"
        self.launched = 0

    def __call__(self, count: int) -> None:
        """Does the step of the next `count` images."""
        if self.records and self.launched >= WARM_UP and count not in self.graphs:
            self._record(count)
        if count in self.graphs:
            self.graphs[count].replay()
        else:
            self.step(count)
            self.launched += 1

    def _record(self, count: int) -> None:
        graph = torch.cuda.CUDAGraph()
        pool = next((other.pool() for other in self.graphs.values()), None)
        try:
            # Other threads, which upload checkpoints and read the machine's load, may use the driver meanwhile.
            with torch.cuda.graph(
                graph, pool=pool, stream=torch.cuda.current_stream(), capture_error_mode="thread_local"
            ):
                self.step(count)
        except torch.OutOfMemoryError:
            raise  # a step that Python launches would need as much
        except RuntimeError as error:
            self.records = False
            cause = error.__context__ or error  # the end of an interrupted recording fails too, and hides why
            log.warning(
                "%sthe step cannot be recorded as a CUDA graph, so Python launches every kernel: %s", NOTICE, cause
            )
        else:
            self.graphs[count] = graph
