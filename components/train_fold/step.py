"""One step of the optimiser, as operations on the device alone."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.network.device import autocast
from salt_pipeline.components.network.inputs import to_image
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.train_fold.augment import Augment
from salt_pipeline.components.train_fold.epoch_buffers import EpochBuffers
from salt_pipeline.components.train_fold.kept_weights import KeptWeights
from salt_pipeline.components.train_fold.losses import dice_bce, lovasz_hinge, salt_bce


@dataclass(frozen=True)
class Images:
    """Labelled images on the device: uint8, both (B, 101, 101), masks 0 or 1."""

    image_BHW: Tensor
    mask_BHW: Tensor


class Step:
    """A step: augmentation, forward pass, losses, backward pass, optimiser, moving average.

    Its shapes depend on the batch size alone, it copies nothing between host and device, and it waits for nothing.

    Args:
        config: The complete configuration.
        phase: 1 under dice + BCE, 2 under the Lovász hinge.
        images: The images to train on.
        epoch: The epoch's order, draws and learning rates.
        model: The network.
        optimizer: Its optimiser, whose learning rate is that of the epoch.
        kept: The weights that are kept beside the network's.
    """

    def __init__(
        self,
        config: Config,
        phase: int,
        images: Images,
        epoch: EpochBuffers,
        model: SaltNet,
        optimizer: Optimizer,
        kept: KeptWeights,
    ) -> None:
        self.config, self.phase, self.images, self.epoch = config, phase, images, epoch
        self.model, self.optimizer, self.kept = model, optimizer, kept
        self.device = images.image_BHW.device
        self.augment = Augment(config.model, self.device)
        for group in optimizer.param_groups:
            group["lr"] = torch.zeros((), device=self.device)  # a number would be recorded in a graph for good

    def __call__(self, count: int) -> None:
        """Trains on the next `count` images of the epoch."""
        chosen_B, draws = self.epoch.next_images(count)
        image_BHW, mask_BHW = (part.index_select(0, chosen_B) for part in (self.images.image_BHW, self.images.mask_BHW))
        x_B1HW, truth_BHW = self.augment(image_BHW, mask_BHW, draws)
        loss_2 = self._losses(x_B1HW, truth_BHW)
        for group in self.optimizer.param_groups:
            group["lr"].copy_(self.epoch.rate()[0])
        self.optimizer.zero_grad(set_to_none=True)
        (loss_2[0] + self.config.train.classification_weight * loss_2[1]).backward()
        self.optimizer.step()
        self.kept.after_step(self.model)
        self.epoch.end_step(loss_2.detach())

    def _losses(self, x_B1HW: Tensor, truth_BHW: Tensor) -> Tensor:
        """Losses of the segmentation and of the classification, (2,)."""
        train = self.config.train
        with autocast(self.device, train.amp):
            logit_B1HW, salt_B = self.model(x_B1HW.contiguous(memory_format=torch.channels_last))
        logit_BHW = to_image(logit_B1HW, self.config.model)
        if self.phase == 1:
            segmentation = dice_bce(logit_BHW, truth_BHW)
        else:
            segmentation = lovasz_hinge(logit_BHW, truth_BHW, symmetric=train.symmetric_lovasz)
        return torch.stack([segmentation, salt_bce(salt_B, truth_BHW)])
