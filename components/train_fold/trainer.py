"""The training of one network on one fold, an epoch at a time, resumable after each."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Adam

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.network.device import autocast, spare_depthwise
from salt_pipeline.components.network.inputs import to_image
from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.network.weights import load_encoder_weights
from salt_pipeline.components.train_fold.augment import Augment
from salt_pipeline.components.train_fold.checkpoint import Progress, load_checkpoint, save_checkpoint
from salt_pipeline.components.train_fold.kept_weights import new_kept_weights
from salt_pipeline.components.train_fold.losses import dice_bce, lovasz_hinge, salt_bce
from salt_pipeline.components.train_fold.schedule import after_plateau, one_cycle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Images:
    """Labelled images on the device: uint8, both (B, 101, 101), masks 0 or 1."""

    image_BHW: Tensor
    mask_BHW: Tensor


class Trainer:
    """Trains one network.

    Args:
        config: The complete configuration.
        encoder: Name of the encoder.
        training: The images to train on.
        held_out: The images that each epoch is scored on.
        job: Config hash, data hash, encoder and fold, which a checkpoint must match.
        checkpoint: The checkpoint's file; the training resumes from it if it exists.
        origin: Where that file came from, for messages.
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
        on_step: Callable[[Progress, float], None] = lambda _progress, _fraction: None,
    ) -> None:
        self.config, self.training, self.held_out = config, training, held_out
        self.checkpoint, self.on_step = checkpoint, on_step
        self.device = training.image_BHW.device
        self.generator = torch.Generator().manual_seed(config.seed)
        torch.manual_seed(config.seed)
        model = SaltNet(encoder, config.model)
        self.resumes = checkpoint.is_file()
        if not self.resumes:
            load_encoder_weights(model.encoder, encoder, config.model.encoder_weights)
        spare_depthwise(model)
        self.model = model.to(self.device).to(memory_format=torch.channels_last)
        self.augment = Augment(config.model, config.train.augment, self.generator, self.device)
        self.optimizer = self._new_optimizer()
        self.kept = new_kept_weights(config.train.keep)
        self.progress = Progress(job, learning_rate=config.train.learning_rate)
        if self.resumes:
            kept, self.progress = load_checkpoint(checkpoint, self.model, self.optimizer, self.generator, job, origin)
            self.kept.weights = {key: value.to(self.device) for key, value in kept.items()}
            log.info("the training resumes after epoch %d", self.progress.epoch)

    def _new_optimizer(self) -> Adam:
        train = self.config.train
        return Adam(self.model.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay, fused=True)

    def run(self) -> dict[str, Tensor]:
        """Trains to the last epoch.

        Returns:
            The weights that `train.keep` asks for.

        Raises:
            SaltError: If a loss is not finite, or a checkpoint cannot be written.
        """
        train = self.config.train
        while self.progress.epoch < train.epochs:
            if 0 < self.progress.epoch == train.phase1_epochs:
                self._begin_phase2()
            started = time.monotonic()
            figures = self._train_epoch()
            figures |= self._validate() | {"seconds": time.monotonic() - started}
            self._close_epoch(figures)
        self.kept.finish(self.model)
        return self.model.state_dict()

    def _begin_phase2(self) -> None:
        """Begins phase 2, a training of its own with a new optimiser and schedule."""
        self.kept.begin_phase2(self.model)
        self.optimizer = self._new_optimizer()
        self.progress.learning_rate, self.progress.stalled = self.config.train.learning_rate, 0

    def _train_epoch(self) -> dict[str, float]:
        self.model.train()
        train = self.config.train
        # An encoder's own random draws (dropout, dropped paths) depend on the epoch alone, also after a resume.
        torch.manual_seed(self.config.seed + self.progress.epoch)
        count = len(self.training.image_BHW)
        # Batches have nearly the same size and at least two images: batch normalisation cannot take a single one.
        steps = max(1, min(ceil(count / train.batch_size), count // 2))
        order = torch.randperm(count, generator=self.generator).to(self.device).tensor_split(steps)
        losses = torch.zeros(steps, 2, device=self.device)
        started = time.monotonic()
        for step, chosen in enumerate(order):
            rate = self._learning_rate(self.progress.epoch * steps + step, train.epochs * steps)
            losses[step] = self._step(chosen, rate)
            self.on_step(self.progress, step / steps)
        self._check_finite(losses)
        segmentation, classification = losses.mean(dim=0).tolist()
        return {
            "loss": segmentation + train.classification_weight * classification,
            "segmentation_loss": segmentation,
            "classification_loss": classification,
            "learning_rate": rate,
            "images_per_second": count / (time.monotonic() - started),
        }

    def _step(self, chosen: Tensor, rate: float) -> Tensor:
        """One step of the optimiser; it does not wait for the device."""
        train = self.config.train
        x_B1HW, mask_BHW = self.augment(self.training.image_BHW[chosen], self.training.mask_BHW[chosen])
        with autocast(self.device, train.amp):
            logit_B1HW, salt_B = self.model(x_B1HW.contiguous(memory_format=torch.channels_last))
        logit_BHW = to_image(logit_B1HW, self.config.model)
        if self.phase == 1:
            segmentation = dice_bce(logit_BHW, mask_BHW)
        else:
            segmentation = lovasz_hinge(logit_BHW, mask_BHW, symmetric=train.symmetric_lovasz)
        classification = salt_bce(salt_B, mask_BHW)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        (segmentation + train.classification_weight * classification).backward()
        self.optimizer.step()
        self.kept.after_step(self.model)
        return torch.stack([segmentation, classification]).detach()

    @property
    def phase(self) -> int:
        """1 under dice + BCE, 2 under the Lovász hinge."""
        return 1 if self.progress.epoch < self.config.train.phase1_epochs else 2

    def _learning_rate(self, step: int, steps: int) -> float:
        if self.config.train.schedule == "plateau":
            return self.progress.learning_rate
        return one_cycle(self.config.train.learning_rate, step, steps)

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
        return measure(maps_BHW, salt_B, self.held_out.mask_BHW.cpu().numpy())

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


def measure(maps_BHW: NDArray[np.uint8], salt_B: NDArray[np.float32], mask_BHW: NDArray[np.uint8]) -> dict[str, float]:
    """Scores maps, at threshold 0.5, and the classifier's probabilities of any salt against the true masks."""
    return {
        "score": float(score_images(maps_BHW, mask_BHW).mean()),
        "salt_accuracy": float(((salt_B > 0.5) == mask_BHW.any(axis=(1, 2))).mean()),
    }
