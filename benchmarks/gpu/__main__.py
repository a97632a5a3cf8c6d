"""What this project makes of a GPU: steps, prediction, resume and two jobs on one card, beside what is to be reached.

Run: python -m benchmarks.gpu [--archive ARCHIVE]

It needs a checkout and the packages of docker/locks/train-fold.lock, takes up to five minutes, and exits with 1 if a
figure misses what is to reach.
"""

import argparse
import logging
import os
import sys
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


log = logging.getLogger(__name__)


class Row(NamedTuple):
    """A line of the table; `reached` is None where nothing was to be reached."""

    what: str
    before: str
    found: str
    goal: str
    reached: bool | None


def step_row(case: Case, figures: StepFigures) -> Row:
    """A step's line."""
    before = "" if case.before is None else f"{case.before:.1f} ms"
    goal = "" if case.goal is None else f"at most {case.goal:g} ms"
    reached = None if case.goal is None else figures.graph_ms <= case.goal
    return Row(f"training step, {case.name}", before, f"{figures.graph_ms:.1f} ms", goal, reached)


def print_steps(found: dict[Case, StepFigures]) -> None:
    """Prints the figures of the steps."""
    print(
        "| network, input, batch | launched by Python, ms | one graph, ms | images/s | GPU time, ms | kernels | "
        "copies | waits | peak memory, GB |"
    )
    print("| --- " * 9 + "|")
    for case, of in found.items():
        memory = "" if of.memory is None else f"{of.memory / 1e9:.1f}"
        print(
            f"| {case.name} | {of.eager_ms:.1f} | {of.graph_ms:.1f} | {of.images_per_second:,.0f} | "
            f"{of.graph.gpu_ms:.1f} | {of.graph.kernels:.0f} | {of.eager.host_copies:.1f} and "
            f"{of.graph.host_copies:.1f} | {of.eager.waits:.1f} and {of.graph.waits:.1f} | {memory} |"
        )
    print()


def print_rows(rows: list[Row]) -> None:
    """Prints what was measured beside what is to reach."""
    print("| what | before | found | to reach | |\n| --- | --- | --- | --- | --- |")
    for row in rows:
        verdict = {None: "", True: "reached", False: "MISSED"}[row.reached]
        print(f"| {row.what} | {row.before} | {row.found} | {row.goal} | {verdict} |")


def measure(cases: tuple[Case, ...], images: Images, device: torch.device) -> list[Row]:
    """Measures everything; the first case is also predicted with, resumed and compared with the plain loop."""
    first = cases[0]
    found = {}
    for case in cases:
        log.info("steps of %s", case.name)
        found[case] = measure_steps(case, images, device)
    print_steps(found)
    rows = [step_row(case, figures) for case, figures in found.items()]
    busy = max(max(figures.graph.host_copies, figures.graph.waits) for figures in found.values())
    rows.append(Row("copies and waits in a step", "157 and 10", f"{busy:g} at most", "none", busy == 0))

    log.info("prediction")
    rate = prediction_rate(first, images, device)
    rows.append(
        Row(
            "prediction, Lite2, flip TTA",
            f"{PREDICTION_BEFORE} images/s",
            f"{rate:,.0f} images/s",
            f"at least {PREDICTION_GOAL:,}",
            rate >= PREDICTION_GOAL,
        )
    )
    for case in cases:
        if case.goal is not None:
            log.info("resume of %s", case.name)
            for how, largest in resume_difference(case, images, device).items():
                rows.append(Row(f"weights, {case.name}: {how}", "", f"{largest:g}", "equal", largest == 0))

    log.info("the plain loop")
    with TemporaryDirectory() as scratch:
        write_pngs(images, Path(scratch, "survey"))
        for workers in sorted({4, os.cpu_count() or 4}):
            plain = plain_rate(first, Path(scratch, "survey"), device, workers)
            ratio = found[first].images_per_second / plain
            what = f"images/s of the plain loop, {workers} workers: {plain:,.0f}"
            rows.append(Row(what, "", f"{ratio:.1f} times", f"at least {PLAIN_GOAL} times", ratio >= PLAIN_GOAL))

    log.info("two jobs on one card")
    few = Images(images.image_BHW[:64], images.mask_BHW[:64])
    alone, both = sum(sharing_rates(first, few, 1)), sum(sharing_rates(first, few, 2))
    rows.append(Row("two jobs at once, of one alone", "", f"{both / alone:.2f} times the images/s", "", None))
    rows.append(Row("`salt run --preset best`, ten jobs", "", "not measured here", "at most 12 minutes", None))
    return rows


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
    print(f"{device_name(device)}, torch {torch.__version__}, {len(images.image_BHW)} images\\n")
    rows = measure(CASES, images, device)
    print_rows(rows)
    return int(any(row.reached is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
