"""The inputs and losses of an epoch's steps, on the device."""

import torch
from torch import Tensor

from salt_pipeline.components.train_fold.draws import Draws, draw


class EpochBuffers:
    """What the steps of an epoch read and write on the device; two counters tell a step which part is its own.

    Its tensors keep their addresses from epoch to epoch, as a CUDA graph requires.

    Args:
        images: Number of images.
        steps: Number of steps.
        device: Where the steps are computed.

    Attributes:
        order_N: The images' order.
        draws: The draws of their augmentation, in this order.
        rate_S: Learning rate of each step.
        loss_S2: Losses of each step, segmentation and classification.
    """

    def __init__(self, images: int, steps: int, device: torch.device) -> None:
        self.order_N = torch.zeros(images, dtype=torch.int64, device=device)
        self.draws = draw(images, 0, torch.Generator()).to(device)
        self.rate_S, self.loss_S2 = torch.zeros(steps, device=device), torch.zeros(steps, 2, device=device)
        self.number_S = torch.arange(steps, device=device)
        self.step_1, self.image_1 = (torch.zeros(1, dtype=torch.int64, device=device) for _ in range(2))

    def begin(self, order_N: Tensor, draws: Draws, rates: list[float]) -> None:
        """Begins an epoch with an order, draws and learning rates from the CPU."""
        for own, new in zip(self.draws, draws, strict=True):
            own.copy_(new)
        self.order_N.copy_(order_N)
        self.rate_S.copy_(torch.tensor(rates))
        self.step_1.zero_()
        self.image_1.zero_()

    def next_images(self, count: int) -> tuple[Tensor, Draws]:
        """Numbers and draws of the next `count` images."""
        index_B = self.image_1 + torch.arange(count, device=self.image_1.device)
        self.image_1.add_(count)
        return self.order_N.index_select(0, index_B), self.draws.take(index_B)

    def rate(self) -> Tensor:
        """The learning rate of this step, (1,)."""
        return self.rate_S.index_select(0, self.step_1)

    def end_step(self, loss_2: Tensor) -> None:
        """Stores the losses of this step and moves to the next."""
        here_S1 = (self.number_S == self.step_1)[:, None]
        self.loss_S2.copy_(torch.where(here_S1, loss_2, self.loss_S2))
        self.step_1.add_(1)
