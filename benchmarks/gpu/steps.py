"""Time, kernels, copies, waits and memory of a training step, with and without a CUDA graph."""

import statistics
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.trainings import Case, training, wait, without_graph
from salt_pipeline.components.network.device import free_memory, own_stream, peak_memory
from salt_pipeline.components.train_fold.graphed_step import WARM_UP, GraphedStep
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer

WAITS = {"cudaStreamSynchronize", "cudaEventSynchronize", "cudaMemcpy"}
"""Calls of the driver that wait for the device. The profiler itself calls cudaDeviceSynchronize."""


@dataclass(frozen=True)
class Activity:
    """What the device did in one step, on average."""

    gpu_ms: float
    kernels: float
    host_copies: float
    waits: float


@dataclass(frozen=True)
class StepFigures:
    """A step's figures.

    Attributes:
        eager_ms: Launched by Python, median of the rounds.
        graph_ms: Replayed, median of the rounds.
        eager: What the device did when Python launched it.
        graph: What it did when it was replayed.
        memory: Peak memory that torch reserved, bytes; None on a CPU.
        images_per_second: Of the replayed step.
    """

    eager_ms: float
    graph_ms: float
    eager: Activity
    graph: Activity
    memory: int | None
    images_per_second: float


def measure_steps(case: Case, images: Images, device: torch.device, *, rounds: int = 2, steps: int = 20) -> StepFigures:
    """Measures entire epochs of `steps` steps, draws of the augmentation included; both kinds take turns."""
    free_memory(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with training(case, images, steps, device) as trainer, own_stream(device):
        sides = {"eager": without_graph(trainer.step), "graph": trainer.step}
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(rounds + 1):
            for name, step in sides.items():
                trainer.step = step
                took = 1000 * len(trainer.training.image_BHW) / trainer._train_epoch()["images_per_second"] / steps
                if number:  # the first round records the graph
                    times[name].append(took)
        memory = peak_memory(device)
        middle = {name: statistics.median(of) for name, of in times.items()}
        activity = {name: watch(trainer, step) for name, step in sides.items()}
    return StepFigures(
        middle["eager"],
        middle["graph"],
        activity["eager"],
        activity["graph"],
        memory,
        1000 * case.config.train.batch_size / middle["graph"],
    )


def watch(trainer: Trainer, step: GraphedStep, steps: int = WARM_UP + 2) -> Activity:
    """Counts what the device does in some steps by torch's profiler."""
    gpu = [ProfilerActivity.CUDA] if trainer.device.type == "cuda" else []
    wait(trainer.device)
    trainer.epoch.step_1.zero_()
    trainer.epoch.image_1.zero_()
    with profile(activities=[ProfilerActivity.CPU, *gpu]) as profiler:
        for _ in range(steps):
            step(trainer.config.train.batch_size)
        wait(trainer.device)
    events = list(profiler.events() or [])
    on_gpu = [event for event in events if event.device_type.name == "CUDA"]
    kernels = [event for event in on_gpu if not event.name.startswith(("Memcpy", "Memset"))]
    return Activity(
        gpu_ms=sum(event.time_range.elapsed_us() for event in on_gpu) / 1000 / steps,
        kernels=len(kernels) / steps,
        host_copies=sum(event.name.startswith(("Memcpy HtoD", "Memcpy DtoH")) for event in on_gpu) / steps,
        waits=sum(event.name in WAITS for event in events) / steps,
    )
