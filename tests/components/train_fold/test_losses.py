"""Losses compared with slow, literal readings of their definitions."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from salt_pipeline.components.train_fold.losses import dice_bce, lovasz_hinge, salt_bce


def literal_lovasz(logit_BHW: NDArray[Any], mask_BHW: NDArray[Any]) -> float:
    """Errors in falling order, each weighted by what the Jaccard loss grows by when its pixel too is wrong."""
    losses = []
    for logits, truth in zip(logit_BHW.reshape(len(logit_BHW), -1), mask_BHW.reshape(len(mask_BHW), -1), strict=True):
        errors = 1 - logits * np.where(truth == 1, 1.0, -1.0)
        salt, wrong, before, loss = set(np.flatnonzero(truth)), set[int](), 0.0, 0.0
        for pixel in np.argsort(-errors, kind="stable"):
            wrong.add(int(pixel))
            predicted = salt ^ wrong  # what is predicted if exactly these pixels are wrong
            jaccard = 1 - len(salt & predicted) / len(salt | predicted) if salt | predicted else 0.0
            error = errors[pixel]
            loss += (error + 1 if error > 0 else np.exp(error)) * (jaccard - before)
            before = jaccard
        losses.append(loss)
    return float(np.mean(losses))


def batch(seed: int, fraction: float = 0.4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    logit_BHW = rng.normal(0, 2, (4, 7, 9))
    mask_BHW = (rng.random((4, 7, 9)) < fraction).astype(float)
    mask_BHW[1] = 0
    mask_BHW[2] = 1
    return torch.from_numpy(logit_BHW), torch.from_numpy(mask_BHW)


@pytest.mark.parametrize("seed", range(5))
def test_lovasz_is_its_definition(seed: int) -> None:
    logit_BHW, mask_BHW = batch(seed, fraction=0.1 + 0.2 * seed)
    expected = literal_lovasz(logit_BHW.numpy(), mask_BHW.numpy())
    assert lovasz_hinge(logit_BHW, mask_BHW).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("image", [1, 2])
def test_lovasz_of_an_empty_and_of_a_full_mask(image: int) -> None:
    logit_BHW, mask_BHW = (x[image : image + 1] for x in batch(0))
    expected = literal_lovasz(logit_BHW.numpy(), mask_BHW.numpy())
    assert lovasz_hinge(logit_BHW, mask_BHW).item() == pytest.approx(expected, rel=1e-9)


def test_symmetric_lovasz_is_the_mean_over_mask_and_complement() -> None:
    logit_BHW, mask_BHW = batch(3)
    logits, masks = logit_BHW.numpy(), mask_BHW.numpy()
    expected = (literal_lovasz(logits, masks) + literal_lovasz(-logits, 1 - masks)) / 2
    assert lovasz_hinge(logit_BHW, mask_BHW, symmetric=True).item() == pytest.approx(expected, rel=1e-9)
    swapped = lovasz_hinge(-logit_BHW, 1 - mask_BHW, symmetric=True).item()
    assert swapped == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("scale", [1, 1000])
def test_lovasz_has_a_finite_gradient(symmetric: bool, scale: float) -> None:
    logit_BHW, mask_BHW = batch(1)
    logit_BHW = (scale * logit_BHW).float().requires_grad_()
    lovasz_hinge(logit_BHW, mask_BHW.float(), symmetric=symmetric).backward()
    assert logit_BHW.grad is not None
    assert logit_BHW.grad.isfinite().all()
    assert logit_BHW.grad.abs().sum() > 0


def test_elu_keeps_a_gradient_for_a_right_image() -> None:
    mask_BHW = torch.zeros(1, 3, 3)
    mask_BHW[0, 1] = 1
    logit_BHW = (4 * mask_BHW - 2).requires_grad_()  # right by a margin of 2: a ReLU hinge would be flat
    lovasz_hinge(logit_BHW, mask_BHW).backward()
    assert logit_BHW.grad is not None
    assert (logit_BHW.grad != 0).any()


def test_dice_and_bce_are_their_definitions() -> None:
    logit_BHW, mask_BHW = batch(4)
    logits, masks = logit_BHW.numpy(), mask_BHW.numpy()
    p = 1 / (1 + np.exp(-logits))
    dice = 1 - ((p * masks).sum() + 1) / ((p.sum() + masks.sum()) / 2 + 1)
    bce = -(masks * np.log(p) + (1 - masks) * np.log(1 - p)).mean()
    assert dice_bce(logit_BHW, mask_BHW).item() == pytest.approx(dice + bce, rel=1e-6)


def test_dice_does_not_count_in_a_batch_without_salt() -> None:
    logit_BHW, _ = batch(4)
    bce = np.log1p(np.exp(logit_BHW.numpy())).mean()
    assert dice_bce(logit_BHW, torch.zeros_like(logit_BHW)).item() == pytest.approx(bce, rel=1e-6)


def test_salt_is_read_off_the_mask() -> None:
    mask_BHW = torch.zeros(3, 5, 5)
    mask_BHW[1, 4, 4] = 1  # one pixel is salt enough
    salt_B = torch.tensor([-2.0, 1.0, 3.0])
    p = 1 / (1 + np.exp(-salt_B.numpy()))
    expected = -(np.log(1 - p[0]) + np.log(p[1]) + np.log(1 - p[2])) / 3
    assert salt_bce(salt_B, mask_BHW).item() == pytest.approx(expected, rel=1e-5)
