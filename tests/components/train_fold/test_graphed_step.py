"""When a step is recorded and when it is replayed; torch's graphs are replaced by ones that need no GPU."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from salt_pipeline.components.network.device import own_stream
from salt_pipeline.components.train_fold.graphed_step import WARM_UP, GraphedStep

GPU = torch.device("cuda")


class Graphs:
    """Records calls in place of kernels; while `fault` is set, none can be recorded."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.recording: list[int] | None = None
        self.pools: list[Any] = []
        self.fault: RuntimeError | None = None

    def step(self, count: int) -> None:
        """The step itself."""
        if self.recording is None:
            self.calls.append(("launched", count))
        else:
            self.recording.append(count)

    @contextmanager
    def record(self, graph: Any, pool: Any, **_options: Any) -> Iterator[None]:
        """In place of torch.cuda.graph."""
        self.pools.append(pool)
        self.recording = graph.kernels
        try:
            yield
            if self.fault:
                raise self.fault
        finally:
            self.recording = None


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Graphs:
    graphs = Graphs()

    class Graph:
        def __init__(self) -> None:
            self.kernels: list[int] = []

        def replay(self) -> None:
            graphs.calls.extend(("replayed", count) for count in self.kernels)

        def pool(self) -> int:
            return id(self)

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graphs.record)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: None)
    return graphs


def test_each_call_is_one_step_and_each_batch_size_is_recorded_once(graphs: Graphs) -> None:
    step = GraphedStep(graphs.step, GPU)
    for count in [32] * 5 + [31] * 2 + [32, 31]:
        step(count)
    expected = [("launched", 32)] * WARM_UP + [("replayed", count) for count in (32, 32, 31, 31, 32, 31)]
    assert graphs.calls == expected
    assert len(graphs.pools) == 2
    assert graphs.pools[0] is None
    assert graphs.pools[1] is not None  # the second graph uses the memory of the first


def test_a_cpu_launches_every_step(graphs: Graphs) -> None:
    step = GraphedStep(graphs.step, torch.device("cpu"))
    for _ in range(WARM_UP + 2):
        step(8)
    assert graphs.calls == [("launched", 8)] * (WARM_UP + 2)


def test_a_step_that_cannot_be_recorded_is_launched_and_a_warning_says_so_once(
    graphs: Graphs, caplog: pytest.LogCaptureFixture
) -> None:
    graphs.fault = RuntimeError("operation not permitted when stream is capturing")
    step = GraphedStep(graphs.step, GPU)
    with caplog.at_level(logging.WARNING):
        for _ in range(WARM_UP + 3):
            step(8)
    assert graphs.calls == [("launched", 8)] * (WARM_UP + 3)
    assert [record.message for record in caplog.records] == [
        "salt: warning: the step cannot be recorded as a CUDA graph, so Python launches every kernel: "
        "operation not permitted when stream is capturing"
    ]


def test_a_gpu_whose_memory_is_full_is_not_taken_for_a_step_that_cannot_be_recorded(graphs: Graphs) -> None:
    graphs.fault = torch.OutOfMemoryError("CUDA out of memory")
    step = GraphedStep(graphs.step, GPU)
    for _ in range(WARM_UP):
        step(8)
    with pytest.raises(torch.OutOfMemoryError):
        step(8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_computes_a_step_that_reads_a_tensor_on_the_host(caplog: pytest.LogCaptureFixture) -> None:
    total = torch.zeros((), device=GPU)

    def step(count: int) -> None:
        total.add_(count)
        total.item()

    graphed = GraphedStep(step, GPU)
    with own_stream(GPU):
        for _ in range(WARM_UP + 3):
            graphed(2)
    assert total.item() == 2 * (WARM_UP + 3)
    assert len(caplog.records) == 1
