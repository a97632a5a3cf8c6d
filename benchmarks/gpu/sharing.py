"""Two trainings at once on one card: what they compute together, compared with one alone."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from queue import Queue
from time import perf_counter

from benchmarks.gpu.trainings import Case, training, wait
from salt_pipeline.components.network.device import own_stream, pick_device
from salt_pipeline.components.train_fold.step import Images

SECONDS, STEPS = 5, 10


def sharing_rates(case: Case, images: Images, jobs: int, *, seconds: float = SECONDS) -> list[float]:
    """Images per second of each of `jobs` processes that train at the same time."""
    spawn = multiprocessing.get_context("spawn")
    rates, ready = spawn.Queue(), spawn.Barrier(jobs)
    processes = [spawn.Process(target=_train, args=(case, images, ready, rates, seconds)) for _ in range(jobs)]
    for process in processes:
        process.start()
    found = [rates.get(timeout=180) for _ in processes]
    for process in processes:
        process.join()
    return found


def _train(case: Case, images: Images, ready: Barrier, rates: "Queue[float]", seconds: float) -> None:
    device = pick_device()
    with training(case, images, STEPS, device) as trainer, own_stream(device):
        trainer._train_epoch()
        ready.wait(timeout=180)
        start, done = perf_counter(), 0
        while perf_counter() - start < seconds:
            trainer._train_epoch()
            done += STEPS * case.config.train.batch_size
        wait(device)
        rates.put(done / (perf_counter() - start))
