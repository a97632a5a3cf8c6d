"""What this project makes of a GPU: steps, prediction, resume and two jobs on one card, beside what is to be reached.

Run: python -m benchmarks.gpu [--archive ARCHIVE]

It needs a checkout and the packages of docker/locks/train-fold.lock, and exits with 1 if a figure misses what is to
reach. It is meant to take five minutes; since it was shortened, it has not been timed.
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from benchmarks.gpu.plain_loop import plain_rate, write_pngs
from benchmarks.gpu.prediction import prediction_rate
from benchmarks.gpu.resume import resume_difference
from benchmarks.gpu.sharing import sharing_rates
from benchmarks.gpu.steps import StepFigures, measure_steps
from benchmarks.gpu.trainings import CASES, Case
from salt_pipeline.components.core.labelled import read_labelled
from salt_pipeline.components.core.schemas import array_to_pixels
from salt_pipeline.components.ingest.stage import ingest
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.components.network.device import device_name, pick_device
from salt_pipeline.components.train_fold.step import Images

PREDICTION_BEFORE, PREDICTION_GOAL = 688, 4000
"""Images per second of Lite2 at 128 px under flip TTA; before: on an H200 at de0d743."""

PLAIN_GOAL = 8
"""Times the images per second of the plain loop."""

IMAGES = 1000
"""Number of synthetic images without an archive."""


STEP_COLUMNS = (
    "| network, input, batch | Python, ms | graph, ms | images/s | GPU time, ms | kernels | copies, Python and graph | "
    "waits, Python and graph | memory, GB |"
)

log = logging.getLogger(__name__)


class Row(NamedTuple):
    """A line of the table; `reached` is None where nothing was to be reached."""

    what: str
    before: str
    found: str
    goal: str
    reached: bool | None

    def __str__(self) -> str:
        verdict = {None: "", True: "reached", False: "MISSED"}[self.reached]
        return f"| {self.what} | {self.before} | {self.found} | {self.goal} | {verdict} |"


def step_row(case: Case, figures: StepFigures) -> Row:
    """A step's line."""
    before = "" if case.before is None else f"{case.before:.1f} ms"
    goal = "" if case.goal is None else f"at most {case.goal:g} ms"
    reached = None if case.goal is None else figures.graph_ms <= case.goal
    return Row(f"training step, {case.name}", before, f"{figures.graph_ms:.1f} ms", goal, reached)


def table(title: str, columns: str) -> None:
    """Begins a table."""
    print(f"\n{title}\n\n{columns}\n" + "| --- " * (columns.count("|") - 1) + "|", flush=True)


def step_line(case: Case, of: StepFigures) -> str:
    """The figures of a step."""
    memory = "" if of.memory is None else f"{of.memory / 1e9:.1f}"
    return (
        f"| {case.name} | {of.eager_ms:.1f} | {of.graph_ms:.1f} | {of.images_per_second:,.0f} | "
        f"{of.graph.gpu_ms:.1f} | {of.graph.kernels:.0f} | {of.eager.host_copies:.1f}, {of.graph.host_copies:.1f} | "
        f"{of.eager.waits:.1f}, {of.graph.waits:.1f} | {memory} |"
    )


def measure(cases: Sequence[Case], images: Images, device: torch.device) -> Iterator[Row]:
    """Measures everything; the first case is also predicted with and compared with the plain loop."""
    first, found = cases[0], {}
    table("Steps: launched by Python, and one graph", STEP_COLUMNS)
    for case in cases:
        log.info("steps of %s", case.name)
        found[case] = measure_steps(case, images, device)
        print(step_line(case, found[case]), flush=True)
    table("What is to be reached", "| what | before | found | to reach | |")
    yield from (step_row(case, figures) for case, figures in found.items())
    busy = max(max(figures.graph.host_copies, figures.graph.waits) for figures in found.values())
    yield Row("copies and waits in a step", "157 and 10", f"{busy:g} at most", "none", busy == 0)
    yield predicted(first, images, device)
    yield from plain(first, images, device, found[first].images_per_second)
    for case in cases:
        if case.resumed:
            yield from resumed(case, images, device)
    yield shared(first, images)
    yield Row("`salt run --preset best`, ten jobs", "", "not measured here", "at most 12 minutes", None)


def predicted(case: Case, images: Images, device: torch.device) -> Row:
    """The prediction's line."""
    log.info("prediction")
    rate = prediction_rate(case, images, device)
    before, goal = f"{PREDICTION_BEFORE} images/s", f"at least {PREDICTION_GOAL:,}"
    return Row("prediction, flip TTA", before, f"{rate:,.0f} images/s", goal, rate >= PREDICTION_GOAL)


def plain(case: Case, images: Images, device: torch.device, own: float) -> Iterator[Row]:
    """The lines of the plain loop, with few workers and with all that the machine has."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch, "survey")
        write_pngs(images, folder)
        for workers in sorted({4, os.cpu_count() or 4}):
            log.info("the plain loop, %d workers", workers)
            rate = plain_rate(case, folder, device, workers)
            what = f"images/s of the plain loop with {workers} workers, {rate:,.0f}"
            yield Row(what, "", f"{own / rate:.1f} times", f"at least {PLAIN_GOAL} times", own / rate >= PLAIN_GOAL)


def resumed(case: Case, images: Images, device: torch.device) -> Iterator[Row]:
    """The lines of a training that is interrupted and resumed."""
    log.info("resume of %s", case.name)
    for how, largest in resume_difference(case, images, device).items():
        yield Row(f"weights, {case.name}: {how}", "", f"differ by {largest:g}", "equal", largest == 0)


def shared(case: Case, images: Images) -> Row:
    """The line of two jobs on one card."""
    log.info("two jobs on one card")
    few = Images(images.image_BHW[:64], images.mask_BHW[:64])
    alone, both = sum(sharing_rates(case, few, 1)), sum(sharing_rates(case, few, 2))
    return Row("two jobs at once, of one alone", "", f"{both / alone:.2f} times the images/s", "", None)


def load(archive: str | None) -> Images:
    """The labelled images of an archive, or synthetic ones, on the CPU."""
    with TemporaryDirectory() as scratch:
        dataset = f"{scratch}/dataset.parquet"
        if archive is None:
            write_survey(f"{scratch}/survey.zip", labelled=IMAGES, test=1)
        ingest(archive or f"{scratch}/survey.zip", {}, dataset)
        rows, _ = read_labelled(dataset, ["image", "mask"])
    return Images(*(torch.from_numpy(array_to_pixels(rows[name]).copy()) for name in ("image", "mask")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", help="zip file or folder of labelled images; synthetic ones without it")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    device = pick_device()
    images = load(options.archive)
    print(f"{device_name(device)}, torch {torch.__version__}, {len(images.image_BHW)} images")
    missed = False
    for row in measure(CASES, images, device):
        print(row, flush=True)
        missed |= row.reached is False
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
