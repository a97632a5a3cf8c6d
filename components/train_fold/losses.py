"""The recipe's two segmentation losses, and the salt / no-salt loss beside each."""

import torch
from segmentation_models_pytorch.losses import DiceLoss
from torch import Tensor
from torch.nn import functional as F

_dice = DiceLoss(mode="binary", from_logits=True, smooth=1.0)


def dice_bce(logit_BHW: Tensor, mask_BHW: Tensor) -> Tensor:
    """Dice of the batch plus the mean binary cross-entropy of its pixels: phase 1.

    Args:
        logit_BHW: Float32 logits.
        mask_BHW: Float32, 0 or 1.

    Returns:
        A scalar.
    """
    return _dice(logit_BHW[:, None], mask_BHW[:, None]) + F.binary_cross_entropy_with_logits(logit_BHW, mask_BHW)


def lovasz_hinge(logit_BHW: Tensor, mask_BHW: Tensor, *, symmetric: bool = False) -> Tensor:
    """Binary Lovász hinge by image, with elu + 1 in the place of the hinge's ReLU: phase 2.

    Source: Berman et al. 2018 (arXiv:1705.08790); elu + 1 keeps a gradient for pixels that are right already.

    Args:
        logit_BHW: Float32 logits.
        mask_BHW: Float32, 0 or 1.
        symmetric: Mean of the loss of the mask and of its complement.

    Returns:
        A scalar: the mean over the images.
    """
    logit_BN, mask_BN = logit_BHW.flatten(1), mask_BHW.flatten(1)
    errors_BN, order_BN = (1 - logit_BN * (2 * mask_BN - 1)).sort(dim=1, descending=True)
    # The complement's logits and mask have the other sign both: its errors are the same, and so is their order.
    sorted_mask_BN = mask_BN.gather(1, order_BN).int()
    gradient_BN = _lovasz_gradient(sorted_mask_BN, errors_BN.dtype)
    if symmetric:
        gradient_BN = (gradient_BN + _lovasz_gradient(1 - sorted_mask_BN, errors_BN.dtype)) / 2
    return ((F.elu(errors_BN) + 1) * gradient_BN).sum(dim=1).mean()


def _lovasz_gradient(mask_BN: Tensor, dtype: torch.dtype) -> Tensor:
    """How the Jaccard loss grows with each pixel that is wrong: algorithm 1 of the paper.

    Args:
        mask_BN: Integers, 0 or 1, in the order of falling errors.
        dtype: Type of the result.

    Returns:
        The growth at each pixel, of the mask's shape.
    """
    # Pixels are counted in integers, whose sums a GPU gives in any order alike.
    found_BN = mask_BN.cumsum(dim=1, dtype=torch.int32)
    positives_B1 = found_BN[:, -1:]
    rank_N = torch.arange(1, found_BN.shape[1] + 1, dtype=torch.int32, device=found_BN.device)
    jaccard_BN = 1 - (positives_B1 - found_BN).to(dtype) / (positives_B1 + rank_N - found_BN)
    return torch.diff(jaccard_BN, dim=1, prepend=torch.zeros_like(jaccard_BN[:, :1]))


def salt_bce(salt_B: Tensor, mask_BHW: Tensor) -> Tensor:
    """Binary cross-entropy of salt / no salt, the truth read off the augmented mask.

    Args:
        salt_B: Float32 logits by image.
        mask_BHW: Float32, 0 or 1.

    Returns:
        A scalar.
    """
    return F.binary_cross_entropy_with_logits(salt_B, mask_BHW.flatten(1).amax(dim=1))
