"""Augmentation: image and mask move as one, chance is the generator's alone, every member occurs."""

import pytest
import torch
from torch import Tensor

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.network.inputs import image_axis, square_grid, to_image, to_input
from salt_pipeline.components.train_fold.augment import BRIGHTNESS, Augment, Warp, shade
from tests.components.network.tiny import MODEL, images

CPU = torch.device("cpu")


def options(**changes: object) -> ModelConfig:
    return ModelConfig.model_validate(MODEL | {"fit": "pad", "input_size": 128} | changes)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pair(count: int) -> tuple[Tensor, Tensor]:
    image_BHW, mask_BHW = images(count)
    return torch.from_numpy(image_BHW), torch.from_numpy(mask_BHW)


def drawn(batch: int, *, flip: bool = False) -> Warp:
    """A draw with no member, or with the flip alone, for every image."""
    warp = Warp(batch, 0.0, seeded(), CPU)
    if flip:
        warp.matrix_B22[:, 0, 0] = -1
    return warp


@pytest.mark.parametrize("fit", [{}, {"fit": "resize", "input_size": 64}])
def test_a_share_of_0_is_the_identity(fit: dict[str, object]) -> None:
    image_BHW, mask_BHW = pair(6)
    x_B1HW, truth_BHW = Augment(options(**fit), 0.0, seeded(), CPU)(image_BHW, mask_BHW)
    torch.testing.assert_close(x_B1HW, to_input(image_BHW, options(**fit)), rtol=0, atol=2e-4)
    assert torch.equal(truth_BHW, mask_BHW.float())


def test_an_unaugmented_share_is_left_alone() -> None:
    image_BHW, mask_BHW = pair(1)
    x_B1HW, _ = Augment(options(), 0.8, seeded(), CPU)(image_BHW.expand(400, -1, -1), mask_BHW.expand(400, -1, -1))
    same_B = (x_B1HW - to_input(image_BHW, options())).abs().amax(dim=(1, 2, 3)) < 1e-3
    # a fifth by the share, and of the others 1/8 that draw neither flip nor member
    assert 0.2 < same_B.float().mean() < 0.4


def test_the_flip_mirrors_columns() -> None:
    grid_BHW2 = drawn(2, flip=True)(square_grid(image_axis(CPU), 2))
    torch.testing.assert_close(grid_BHW2, square_grid(image_axis(CPU), 2).flip(2), rtol=0, atol=1e-6)


def test_flips_of_images_and_masks_are_exact_and_half_of_all() -> None:
    image_BHW, mask_BHW = pair(2)
    mask_BHW[:] = 0
    mask_BHW[:, :, :30] = 1
    image_BHW, mask_BHW = image_BHW[1:].expand(300, -1, -1), mask_BHW[1:].expand(300, -1, -1)
    x_B1HW, truth_BHW = Augment(options(), 1.0, seeded(), CPU)(image_BHW, mask_BHW)
    mirrored = to_input(image_BHW[:1].flip(2), options())
    plain_B = (to_image(x_B1HW - mirrored, options())).abs().amax(dim=(1, 2)) < 1e-3
    assert plain_B.sum() > 15  # flipped and nothing else: an eighth
    assert torch.equal(truth_BHW[plain_B], mask_BHW[:1].flip(2).float().expand(int(plain_B.sum()), -1, -1))
    mass_B = truth_BHW[:, :, 60:].sum(dim=(1, 2)) > truth_BHW[:, :, :41].sum(dim=(1, 2))
    assert 0.35 < mass_B.float().mean() < 0.65


@pytest.mark.parametrize("fit", [{}, {"fit": "resize", "input_size": 128}])
def test_image_and_mask_move_together(fit: dict[str, object]) -> None:
    _, mask_BHW = pair(120)
    config = options(input_mean=0, input_std=1, **fit)
    x_B1HW, truth_BHW = Augment(config, 1.0, seeded(3), CPU)(mask_BHW * 255, mask_BHW)
    seen_BHW = to_image(x_B1HW, config) > 0.5
    agree_B = (seen_BHW == truth_BHW.bool()).float().mean(dim=(1, 2))
    assert agree_B.min() > 0.97  # brightness and blur move the border by a pixel at most
    assert (truth_BHW != mask_BHW).flatten(1).any(dim=1).sum() > 40


def test_the_same_seed_gives_the_same_batch() -> None:
    batches = [Augment(options(), 0.8, seeded(seed), CPU)(*pair(8)) for seed in (7, 7, 8)]
    assert torch.equal(batches[0][0], batches[1][0])
    assert torch.equal(batches[0][1], batches[1][1])
    assert not torch.equal(batches[0][0], batches[2][0])


def test_global_chance_plays_no_part() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    Augment(options(), 0.8, seeded(), CPU)(*pair(4))
    assert torch.equal(before, torch.get_rng_state())


def test_all_that_comes_out_is_finite_and_in_range() -> None:
    config = options(input_mean=0, input_std=1)
    image_BHW, mask_BHW = pair(64)
    image_BHW[:3], mask_BHW[3] = torch.tensor([0, 255, 128], dtype=torch.uint8)[:, None, None], 1
    x_B1HW, truth_BHW = Augment(config, 1.0, seeded(), CPU)(image_BHW, mask_BHW)
    assert x_B1HW.isfinite().all()
    assert x_B1HW.min() >= 0
    assert x_B1HW.max() <= 1
    assert set(truth_BHW.unique().tolist()) <= {0.0, 1.0}
    assert (truth_BHW[3] == 1).all()


def test_every_member_occurs() -> None:
    warp = Warp(400, 1.0, seeded(), CPU)
    identity = torch.eye(2)
    cropped_B = warp.matrix_B22.abs().diagonal(dim1=1, dim2=2).amax(dim=1) < 0.85
    turned_B = warp.matrix_B22[:, 0, 1].abs() > 0.01
    bent_B, gridded_B = (torch.isin(torch.arange(400), rows) for rows in (warp.elastic, warp.stretched))
    flipped_B = torch.linalg.det(warp.matrix_B22) < 0
    for member_B, share in (
        (cropped_B, 0.70 / 6),
        (turned_B, 1 / 6),
        (bent_B, 1 / 6),
        (gridded_B, 1 / 8),
        (flipped_B, 1 / 2),
        *((warp.shading == number, 1 / 8) for number in (1, 2, 3)),
    ):
        assert member_B.float().mean() == pytest.approx(share, abs=0.08)
    assert warp.nodes_E2HW.flatten(1).any(dim=1).all()
    assert ((warp.steps_R2K - warp.steps_R2K[:, :, :1]).abs().flatten(1).amax(dim=1) > 0.01).all()
    assert not (bent_B & turned_B).any()
    assert not (bent_B & (warp.matrix_B22.abs() - identity).flatten(1).any(dim=1)).any()


def test_a_crop_stays_inside_the_image() -> None:
    warp = Warp(300, 1.0, seeded(), CPU)
    inside_B = (warp.shift_B2.abs().amax(dim=1) > 0) & (warp.matrix_B22[:, 0, 1] == 0) & (warp.shading != 0)
    corners_BHW2 = warp(square_grid(torch.tensor([-1.0, 1.0]), 300))[inside_B]
    assert inside_B.sum() > 20
    assert corners_BHW2.abs().max() <= 1 + 1e-5


def test_a_grid_distortion_keeps_the_image_s_ends_and_order() -> None:
    steps_R2K = Warp(400, 1.0, seeded(), CPU).steps_R2K
    count = len(steps_R2K)
    warp = drawn(count)
    warp.stretched, warp.steps_R2K = torch.arange(count), steps_R2K
    x_BN = warp(square_grid(image_axis(CPU), count))[:, 0, :, 0]
    assert (x_BN.diff(dim=1) > 0).all()
    torch.testing.assert_close(x_BN[:, [0, -1]], torch.tensor([[-1.0, 1.0]]).expand(count, -1), rtol=0, atol=1e-5)


def test_shading_by_hand() -> None:
    x_B1HW = torch.full((5, 1, 9, 9), 0.5)
    x_B1HW[:, 0, 4, 4] = 1
    member_B = torch.tensor([-1.0, 1, 2, 3, 0])
    out_B1HW = shade(x_B1HW.clone(), member_B, seeded())
    assert torch.equal(out_B1HW[0], x_B1HW[0])
    assert torch.equal(out_B1HW[4], x_B1HW[4])
    brighter = out_B1HW[1, 0, 0, 0] - 0.5
    assert 0 < brighter.abs() <= BRIGHTNESS
    gamma = out_B1HW[2, 0, 0, 0].log() / torch.tensor(0.5).log()
    assert 0.8 <= gamma <= 1.25
    assert gamma != 1
    peak = out_B1HW[3, 0, 4, 4] - 0.5
    assert any(peak == pytest.approx(0.5 / size**2, abs=1e-6) for size in (3, 5))
