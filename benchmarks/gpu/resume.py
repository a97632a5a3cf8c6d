"""Whether an interrupted training ends with the weights of an uninterrupted one, on this device."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from benchmarks.gpu.trainings import Case, new_trainer, without_graph
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer
from salt_pipeline.pipelines.presets import changed

EPOCHS, STEPS = 4, 6


class Interrupted(Exception):
    """Stops a training where a lost machine would."""


def resume_difference(case: Case, images: Images, device: torch.device) -> dict[str, float]:
    """Largest differences of any weight, running statistics included, from an uninterrupted training.

    Returns:
        Of another one; of one that was interrupted in phase 1, at the change of phase and in phase 2, and resumed; and
        of one whose steps Python launched.
    """
    phases = [f"train.epochs={EPOCHS}", f"train.phase1_epochs={EPOCHS // 2}", "train.keep=mean"]
    config = changed(case.config, phases)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def trainer(name: str) -> Trainer:
            (folder / name).mkdir(exist_ok=True)
            return new_trainer(config, case.encoder, 1, images, STEPS, device, folder / name)

        whole = copied(trainer("whole").run())
        differences = {"the same again": difference(whole, trainer("again").run())}
        for epoch in range(1, EPOCHS):
            name = f"interrupted in epoch {epoch + 1}"
            interrupt(trainer(name), epoch)
            differences[name] = difference(whole, trainer(name).run())
        differences["without a graph"] = difference(whole, run_without_graphs(trainer("python")))
    return differences


def interrupt(trainer: Trainer, epoch: int) -> None:
    """Trains until the first step after `epoch` epochs."""

    def stop(progress: Progress, fraction: float) -> None:
        if progress.epoch == epoch and fraction < 1:
            raise Interrupted

    trainer.on_step = stop
    with suppress(Interrupted):
        trainer.run()


def run_without_graphs(trainer: Trainer) -> dict[str, Tensor]:
    """Trains with steps that Python launches."""
    new_step = trainer._new_step
    trainer._new_step = lambda: without_graph(new_step())  # type: ignore[method-assign]
    trainer.step = trainer._new_step()
    return trainer.run()


def copied(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights on the CPU."""
    return {key: value.cpu().clone() for key, value in weights.items()}


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference of any number."""
    return max(float((value.cpu() - other[key].cpu()).abs().max()) for key, value in one.items())
