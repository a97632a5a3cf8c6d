"""The training of one network on one fold, an epoch at a time, resumable after each."""

import logging
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Adam

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.cpu_time import CpuTime
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.network.depthwise import speed_depthwise
from salt_pipeline.components.network.device import device_name, free_memory, memory_errors, own_stream
from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.network.weights import load_encoder_weights
from salt_pipeline.components.train_fold.checkpoint import Progress, load_checkpoint, save_checkpoint
from salt_pipeline.components.train_fold.draws import draw
from salt_pipeline.components.train_fold.epoch_buffers import EpochBuffers
from salt_pipeline.components.train_fold.graphed_step import GraphedStep
from salt_pipeline.components.train_fold.kept_weights import new_kept_weights
from salt_pipeline.components.train_fold.schedule import after_plateau, one_cycle
from salt_pipeline.components.train_fold.step import Images, Step

log = logging.getLogger(__name__)


class Trainer:
    """Trains one network.

    Args:
        config: The complete configuration.
        encoder: Name of the encoder.
        training: The images to train on.
        held_out: The images that each epoch is scored on.
        job: Config hash, data hash, encoder, fold and held-out images, which a checkpoint must match.
        checkpoint: The checkpoint's file; the training resumes from it if it exists.
        origin: Where that file came from, for messages.
        cpu_time: Gets the CPU time of the steps and of the validations.
        on_step: Called with the progress and the fraction of the epoch that is done (1 when it is scored and saved).
    """

    def __init__(
        self,
        config: Config,
        encoder: str,
        training: Images,
        held_out: Images,
        *,
        job: dict[str, str | int],
        checkpoint: Path,
        origin: str | None = None,
        cpu_time: CpuTime | None = None,
        on_step: Callable[[Progress, float], None] = lambda _progress, _fraction: None,
    ) -> None:
        self.config, self.training, self.held_out = config, training, held_out
        self.checkpoint, self.on_step = checkpoint, on_step
        self.cpu_time = cpu_time or CpuTime()
        self.device = training.image_BHW.device
        self.generator = torch.Generator().manual_seed(config.seed)
        torch.manual_seed(config.seed)
        model = SaltNet(encoder, config.model)
        self.resumes = checkpoint.exists()
        if self.resumes:
            check_regular(checkpoint.stat().st_mode, checkpoint)
        if not self.resumes:
            load_encoder_weights(model.encoder, encoder, config.model.encoder_weights)
        speed_depthwise(model)
        self.model = model.to(self.device).to(memory_format=torch.channels_last)
        self.sizes = batch_sizes(len(training.image_BHW), config.train.batch_size)
        self.epoch = EpochBuffers(len(training.image_BHW), len(self.sizes), self.device)
        self.held_out_mask_BHW = held_out.mask_BHW.cpu().numpy()
        self.optimizer = self._new_optimizer()
        self.kept = new_kept_weights(config.train.keep)
        self.progress = Progress(job, learning_rate=config.train.learning_rate)
        if self.resumes:
            kept, self.progress = load_checkpoint(
                checkpoint, self.model, self.optimizer, self.generator, job, config.train, origin
            )
            state = self.model.state_dict()
            self.kept.weights = {key: torch.empty_like(state[key]).copy_(value) for key, value in kept.items()}
            log.info("the training resumes after epoch %d", self.progress.epoch)
        self.step = self._new_step()
        log.info("the training computes on %s", device_name(self.device))

    def _new_optimizer(self) -> Adam:
        train = self.config.train
        on_gpu = self.device.type == "cuda"
        return Adam(self.model.parameters(), weight_decay=train.weight_decay, fused=True, capturable=on_gpu)

    def _new_step(self) -> GraphedStep:
        step = Step(
            self.config, self.phase, self.training, self.epoch, self.model, optimizer=self.optimizer, kept=self.kept
        )
        return GraphedStep(step, self.device)

    def run(self) -> dict[str, Tensor]:
        """Trains to the last epoch.

        Returns:
            The weights that `train.keep` asks for.

        Raises:
            SaltError: If a loss is not finite, a checkpoint cannot be written, or the memory of the GPU is full.
        """
        train = self.config.train
        with own_stream(self.device):
            while self.progress.epoch < train.epochs:
                if 0 < self.progress.epoch == train.phase1_epochs:
                    self._begin_phase2()
                started = time.monotonic()
                with self.cpu_time.spent_on("steps"), memory_errors("train.batch_size", train.batch_size):
                    figures = self._train_epoch()
                with self.cpu_time.spent_on("validation"):
                    figures |= self._validate()
                figures["seconds"] = time.monotonic() - started
                self._close_epoch(figures)
            self.kept.finish(self.model)
        del self.step  # and with it the memory of its graphs
        free_memory(self.device)
        return self.model.state_dict()

    def _begin_phase2(self) -> None:
        """Begins phase 2, a training of its own with a new optimiser and schedule."""
        self.kept.begin_phase2(self.model)
        self.optimizer = self._new_optimizer()
        records = self.step.records
        del self.step
        free_memory(self.device)
        self.step = self._new_step()
        self.step.records = records  # what could not be recorded in phase 1 is not tried again
        self.progress.learning_rate, self.progress.stalled = self.config.train.learning_rate, 0

    def _train_epoch(self) -> dict[str, float]:
        self.model.train()
        train, count = self.config.train, len(self.training.image_BHW)
        # An encoder's own random draws (dropout, dropped paths) depend on the epoch alone, also after a resume.
        torch.manual_seed(self.config.seed + self.progress.epoch)
        rates = self._learning_rates()
        order_N = torch.randperm(count, generator=self.generator)
        self.epoch.begin(order_N, draw(count, train.augment, self.generator), rates)
        started = time.monotonic()
        for number, size in enumerate(self.sizes):
            self.step(size)
            self.on_step(self.progress, number / len(self.sizes))
        self._check_finite(self.epoch.loss_S2)
        segmentation, classification = self.epoch.loss_S2.mean(dim=0).tolist()
        return {
            "loss": segmentation + train.classification_weight * classification,
            "segmentation_loss": segmentation,
            "classification_loss": classification,
            "learning_rate": rates[-1],
            "images_per_second": count / (time.monotonic() - started),
        }

    @property
    def phase(self) -> int:
        """1 under dice + BCE, 2 under the Lovász hinge."""
        return 1 if self.progress.epoch < self.config.train.phase1_epochs else 2

    def _learning_rates(self) -> list[float]:
        """The rate of each step of this epoch."""
        train, steps = self.config.train, len(self.sizes)
        if train.schedule == "plateau":
            return [self.progress.learning_rate] * steps
        first = self.progress.epoch * steps
        return [one_cycle(train.learning_rate, first + step, train.epochs * steps) for step in range(steps)]

    def _check_finite(self, losses: Tensor) -> None:
        bad = (~losses.isfinite()).any(dim=1).nonzero()
        if len(bad):
            raise SaltError(
                "the loss is not finite: try a lower train.learning_rate or train.amp=off",
                field=f"epoch {self.progress.epoch + 1}, batch {int(bad[0]) + 1}, phase {self.phase}",
                found=losses[bad[0, 0]].tolist(),
            )

    def _validate(self) -> dict[str, float]:
        maps_BHW, salt_B = predict_maps(self.model, self.held_out.image_BHW, self.config, flip_tta=False)
        return measure(maps_BHW, salt_B, self.held_out_mask_BHW)

    def _close_epoch(self, figures: dict[str, float]) -> None:
        progress, train = self.progress, self.config.train
        progress.history.append({"epoch": progress.epoch + 1, "phase": self.phase, **figures, "ended": time.time()})
        progress.epoch += 1
        improved = figures["score"] > progress.best_score
        if improved:
            progress.best_score, progress.best_epoch, progress.stalled = figures["score"], progress.epoch, 0
        else:
            progress.learning_rate, progress.stalled = after_plateau(
                progress.learning_rate, progress.stalled, train.plateau_patience, train.plateau_factor
            )
        self.kept.after_epoch(self.model, improved=improved)
        save_checkpoint(self.checkpoint, self.model, self.optimizer, self.generator, self.kept.weights, progress)
        self.on_step(progress, 1.0)


def batch_sizes(count: int, batch_size: int) -> list[int]:
    """Sizes of an epoch's batches: nearly the same, and two at least, as batch normalisation cannot take one image."""
    steps = max(1, min(ceil(count / batch_size), count // 2))
    return [count // steps + (step < count % steps) for step in range(steps)]


def measure(maps_BHW: NDArray[np.uint8], salt_B: NDArray[np.float32], mask_BHW: NDArray[np.uint8]) -> dict[str, float]:
    """Scores maps, at threshold 0.5, and the classifier's probabilities of any salt against the true masks."""
    return {
        "score": float(score_images(maps_BHW, mask_BHW).mean()),
        "salt_accuracy": float(((salt_B > 0.5) == mask_BHW.any(axis=(1, 2))).mean()),
    }
