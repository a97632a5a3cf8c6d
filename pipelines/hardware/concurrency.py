"""How many jobs of a local run are at work at once, on which GPUs, with how many threads each."""

import logging
import os
import re
from dataclasses import dataclass

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import all_jobs
from salt_pipeline.pipelines.hardware.gpus import Gpu, chosen_gpus, visible_gpus
from salt_pipeline.pipelines.hardware.runner import Runner

log = logging.getLogger(__name__)

ON_CPU = 2
"""Jobs at once on a machine without a GPU, unless `--jobs` says otherwise."""

PROCESS_MIB = 1536
"""GPU memory of a process beside its tensors: CUDA's context, 0.5 to 1 GB, and what the allocator keeps in reserve."""

MEGAPIXEL_MIB = 2560
"""GPU memory of the tensors of a training per million input pixels of a batch, with an EfficientNet-Lite.

Measured on an H200 with batches of 32: at most 1.3 GB at 128 x 128, which are 0.52 million pixels, and 3.5 GB at
256 x 256, which are 2.1 million. Ten trainings at 256 x 256 took 43 GB together with their processes; this estimate
gives 67 GB.
"""

OTHER_ENCODERS = 3
"""Factor of the tensors for all other encoders; an assumption, not measured."""


@dataclass(frozen=True)
class Plan:
    """What a local run uses of the machine.

    Attributes:
        jobs: Training and prediction jobs that run at once.
        threads: Compute threads of each, as in OMP_NUM_THREADS.
        capacity: The GPUs that the jobs use by their numbers, each with the jobs that its memory carries; empty to
            leave the choice of the device to the jobs.
        cores: CPU cores of the machine.
        found: The GPUs that could be used.
    """

    jobs: int
    threads: str
    capacity: dict[int, int]
    cores: int
    found: tuple[Gpu, ...]

    def __str__(self) -> str:
        machine = ", ".join([f"{self.cores} CPU cores", *(map(str, self.found) if self.found else ["no GPU"])])
        where = f" on GPU{'s' * (len(self.capacity) > 1)} {', '.join(map(str, self.capacity))}" if self.capacity else ""
        at_once = f"{self.jobs} jobs at once" if self.jobs > 1 else "1 job at a time"
        return f"{machine}: {at_once}{where}; threads per job: {self.threads}"


def usable_gpus(config: Config, runner: Runner, choice: str | None) -> list[Gpu]:
    """The GPUs that jobs of a run can use.

    A driver that fails is only logged, unless the user asks for GPUs: the jobs then choose their device themselves.

    Args:
        config: The configuration of the run.
        runner: How the stages run.
        choice: The option `--gpus`.

    Raises:
        SaltError: If the user asks for GPUs, and there are none.
    """
    if runner == "docker" and config.cluster.accelerator == "none":
        if choice is not None:
            wanted = "--set cluster.accelerator=nvidia.com/gpu"
            raise SaltError("this configuration gives containers no GPU", field="--gpus", found=choice, expected=wanted)
        return []
    try:
        return visible_gpus()
    except SaltError as error:
        if choice is not None:
            raise
        log.warning("%s", error)
        return []


def plan(
    config: Config, found: list[Gpu], jobs: int | None = None, choice: str | None = None, count: int | None = None
) -> Plan:
    """Decides what a run uses of the machine.

    Without a number of jobs, GPUs take as many as their free memory carries, but at most one per CPU core, as each job
    keeps about one core at work; CPUs take two. Jobs that run at once divide the cores: their thread pools together
    have one thread per core.

    Args:
        config: The configuration of the run.
        found: The GPUs that it can use.
        jobs: The option `--jobs`.
        choice: The option `--gpus`.
        count: Number of jobs that there are; by default those of the configuration.

    Raises:
        SaltError: If an option cannot be met.
    """
    if jobs is not None and jobs < 1:
        raise SaltError("is not a number of jobs", field="--jobs", found=jobs, expected="at least 1")
    chosen = found if choice is None else chosen_gpus(found, choice)
    capacity = {gpu.index: max(1, gpu.free // memory_of_job(config)) for gpu in chosen}
    cores = os.cpu_count() or 1
    default = min(sum(capacity.values()), cores) if capacity else ON_CPU
    at_once = min(jobs or default, count or len(all_jobs(config)))
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, cores // at_once))
    if not re.fullmatch(r"[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*", threads):
        raise SaltError(
            "is not a number of threads", field="OMP_NUM_THREADS", found=repr(threads), expected="1 to 9999"
        )
    return Plan(at_once, threads, capacity, cores, tuple(found))


def memory_of_job(config: Config) -> int:
    """Estimates the GPU memory of a training from above, MiB: generously, as a job that runs out of it fails."""
    model, pixels = config.model, config.train.batch_size * config.model.input_size**2
    lite = all("efficientnet_lite" in encoder.name for encoder in config.encoders)
    # A stem without a stride quadruples the pixels of every feature map.
    megapixels = pixels / 1e6 * (4 if model.stem_stride == 1 else 1)
    return PROCESS_MIB + int(megapixels * MEGAPIXEL_MIB * (1 if lite else OTHER_ENCODERS))
