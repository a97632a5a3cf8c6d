"""How many jobs of a local run are at work at once, on which GPUs, with how many threads each."""

import logging
import os
import re
from dataclasses import dataclass

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import all_jobs
from salt_pipeline.pipelines.hardware.gpus import Gpu, chosen_gpus, torch_is_for_cpus, visible_gpus
from salt_pipeline.pipelines.hardware.runner import Runner

log = logging.getLogger(__name__)

ON_CPU = 2
"""Jobs at once on a machine without a GPU, unless `--jobs` says otherwise."""

PROCESS_MIB = 1024
"""GPU memory of a process beside its tensors: CUDA's context, and what the allocator keeps in reserve.

Ten trainings on an H200 took 43 GB, of which their tensors were 36 GB.
"""

PREDICTION_MIB = 2048
"""GPU memory of the tensors of a prediction, which an epoch ends with: 1.6 to 2.3 GB, computed from their sizes."""

MEGAPIXEL_MIB = 2200
"""GPU memory of the tensors of a step per million input pixels of a batch, with an EfficientNet-Lite.

Measured on an H200 with batches of 32: 1.1 GB at 128 x 128, which are 0.52 million pixels, and 3.6 GB at 256 x 256,
which are 2.1 million.
"""

OTHER_ENCODERS = 3
"""Factor of a step's tensors for all other encoders."""

STEM_STRIDE_1 = 8
"""Factor of a step's tensors where the stem has a stride of 1.

SE-ResNeXt-50 took 4.9 GB and SE-ResNeXt-101 took 7.2 GB on an H200, with batches of 10 at 128 x 128: with both factors
the estimate of a step is 9.1 GB.
"""


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

    A driver that fails, or a torch that is built for CPUs, is only logged, unless the user asks for GPUs: the jobs then
    choose their device themselves.

    Args:
        config: The configuration of the run.
        runner: How the stages run.
        choice: The option `--gpus`.

    Raises:
        SaltError: If the user asks for GPUs, and no job can use one.
    """
    if runner == "docker" and config.cluster.accelerator == "none":
        if choice is not None:
            wanted = "--set cluster.accelerator=nvidia.com/gpu"
            raise SaltError("this configuration gives containers no GPU", field="--gpus", found=choice, expected=wanted)
        return []
    try:
        found = visible_gpus()
        if found and runner == "subprocess" and torch_is_for_cpus():
            raise SaltError("is built for CPUs, so no job can use a GPU", field="torch", expected="the build of PyPI")
        return found
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
    capacity = {gpu.index: max(1, gpu.free // memory_of_job(config, bf16=gpu.computes_bf16)) for gpu in chosen}
    cores = os.cpu_count() or 1
    default = min(sum(capacity.values()), cores) if capacity else ON_CPU
    at_once = min(jobs or default, count or len(all_jobs(config)))
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, cores // at_once))
    if not re.fullmatch(r"[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*", threads):
        raise SaltError(
            "is not a number of threads", field="OMP_NUM_THREADS", found=repr(threads), expected="1 to 9999"
        )
    return Plan(at_once, threads, capacity, cores, tuple(found))


def memory_of_job(config: Config, *, bf16: bool) -> int:
    """Estimates the GPU memory of a training from above, MiB: generously, as a job that runs out of it fails.

    Args:
        config: Its configuration.
        bf16: Whether the GPU computes in bfloat16.
    """
    model, megapixels = config.model, config.train.batch_size * config.model.input_size**2 / 1e6
    lite = all("efficientnet_lite" in encoder.name for encoder in config.encoders)
    step = MEGAPIXEL_MIB * megapixels * (1 if lite else OTHER_ENCODERS)
    tensors = step * (STEM_STRIDE_1 if model.stem_stride == 1 else 1) + PREDICTION_MIB
    return PROCESS_MIB + int(tensors * (1 if bf16 and config.train.amp == "auto" else 2))
