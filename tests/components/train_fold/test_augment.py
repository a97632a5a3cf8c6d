"""Augmentation: image and mask move as one, and the random draws are the generator's alone."""

import pytest
import torch
from torch import Tensor

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.network.inputs import image_axis, square_grid, to_image, to_input
from salt_pipeline.components.train_fold import augment
from salt_pipeline.components.train_fold.augment import Augment, shade, warp
from salt_pipeline.components.train_fold.draws import Draws, draw
from tests.components.network.tiny import MODEL, images

CPU = torch.device("cpu")


def options(**changes: object) -> ModelConfig:
    return ModelConfig.model_validate(MODEL | {"fit": "pad", "input_size": 128} | changes)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pair(count: int) -> tuple[Tensor, Tensor]:
    image_BHW, mask_BHW = images(count)
    return torch.from_numpy(image_BHW), torch.from_numpy(mask_BHW)


def augmented(
    image_BHW: Tensor, mask_BHW: Tensor, probability: float, config: ModelConfig | None = None, seed: int = 0
) -> tuple[Tensor, Tensor]:
    draws = draw(len(image_BHW), probability, seeded(seed))
    return Augment(config or options(), CPU)(image_BHW, mask_BHW, draws)


def plain(batch: int) -> Draws:
    """Draws that leave every image as it is."""
    return draw(batch, 0.0, seeded())


@pytest.mark.parametrize("fit", [{}, {"fit": "resize", "input_size": 64}])
def test_a_probability_of_0_is_the_identity(fit: dict[str, object]) -> None:
    image_BHW, mask_BHW = pair(6)
    x_B1HW, truth_BHW = augmented(image_BHW, mask_BHW, 0.0, options(**fit))
    torch.testing.assert_close(x_B1HW, to_input(image_BHW, options(**fit)), rtol=0, atol=2e-4)
    assert torch.equal(truth_BHW, mask_BHW.float())


def test_an_image_that_draws_nothing_is_unchanged() -> None:
    image_BHW, mask_BHW = pair(1)
    x_B1HW, _ = augmented(image_BHW.expand(400, -1, -1), mask_BHW.expand(400, -1, -1), 0.8)
    same_B = (x_B1HW - to_input(image_BHW, options())).abs().amax(dim=(1, 2, 3)) < 1e-3
    # a fifth by the probability, and of the others 1/8 that draw neither flip nor member
    assert 0.2 < same_B.float().mean() < 0.4


def test_the_flip_mirrors_columns() -> None:
    draws = plain(2)
    draws.matrix_N22[:, 0, 0] = -1
    grid_BHW2 = warp(square_grid(image_axis(CPU), 2), draws)
    torch.testing.assert_close(grid_BHW2, square_grid(image_axis(CPU), 2).flip(2), rtol=0, atol=1e-6)


def test_flips_of_images_and_masks_are_exact_and_half_of_all() -> None:
    image_BHW, mask_BHW = pair(2)
    mask_BHW[:] = 0
    mask_BHW[:, :, :30] = 1
    image_BHW, mask_BHW = image_BHW[1:].expand(300, -1, -1), mask_BHW[1:].expand(300, -1, -1)
    x_B1HW, truth_BHW = augmented(image_BHW, mask_BHW, 1.0)
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
    x_B1HW, truth_BHW = augmented(mask_BHW * 255, mask_BHW, 1.0, config, seed=3)
    seen_BHW = to_image(x_B1HW, config) > 0.5
    agree_B = (seen_BHW == truth_BHW.bool()).float().mean(dim=(1, 2))
    assert agree_B.min() > 0.97  # brightness and blur move the border by a pixel at most
    assert (truth_BHW != mask_BHW).flatten(1).any(dim=1).sum() > 40


def test_the_same_seed_gives_the_same_batch() -> None:
    batches = [augmented(*pair(8), 0.8, seed=seed) for seed in (7, 7, 8)]
    assert torch.equal(batches[0][0], batches[1][0])
    assert torch.equal(batches[0][1], batches[1][1])
    assert not torch.equal(batches[0][0], batches[2][0])


def test_the_global_random_state_is_untouched() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    augmented(*pair(4), 0.8)
    assert torch.equal(before, torch.get_rng_state())


def test_the_result_is_finite_and_in_range() -> None:
    config = options(input_mean=0, input_std=1)
    image_BHW, mask_BHW = pair(64)
    image_BHW[:3], mask_BHW[3] = torch.tensor([0, 255, 128], dtype=torch.uint8)[:, None, None], 1
    x_B1HW, truth_BHW = augmented(image_BHW, mask_BHW, 1.0, config)
    assert x_B1HW.isfinite().all()
    assert x_B1HW.min() >= 0
    assert x_B1HW.max() <= 1
    assert set(truth_BHW.unique().tolist()) <= {0.0, 1.0}
    assert (truth_BHW[3] == 1).all()


def test_a_crop_stays_inside_the_image() -> None:
    draws = draw(300, 1.0, seeded())
    inside_B = (draws.shift_N2.abs().amax(dim=1) > 0) & (draws.matrix_N22[:, 0, 1] == 0) & ~draws.stretched_N
    corners_BHW2 = warp(square_grid(torch.tensor([-1.0, 1.0]), 300), draws)[inside_B]
    assert inside_B.sum() > 20
    assert corners_BHW2.abs().max() <= 1 + 1e-5


def test_a_grid_distortion_keeps_the_image_s_ends_and_order() -> None:
    steps_N2K = draw(400, 1.0, seeded()).steps_N2K
    draws = plain(400)._replace(steps_N2K=steps_N2K, stretched_N=torch.ones(400, dtype=torch.bool))
    x_BN = warp(square_grid(image_axis(CPU), 400), draws)[:, 0, :, 0]
    assert (x_BN.diff(dim=1) > 0).all()
    torch.testing.assert_close(x_BN[:, [0, -1]], torch.tensor([[-1.0, 1.0]]).expand(400, -1), rtol=0, atol=1e-5)


def test_shading_by_hand() -> None:
    x_B1HW = torch.full((5, 1, 9, 9), 0.5)
    x_B1HW[:, 0, 4, 4] = 1
    draws = plain(5)._replace(
        brightness_N=torch.tensor([0, 0.1, 0, 0, 0]),
        gamma_N=torch.tensor([1, 1, 0.8, 1, 1]),
        blur_N=torch.tensor([0, 0, 0, 3, 5]),
    )
    out_B1HW = shade(x_B1HW.clone(), draws)
    assert torch.equal(out_B1HW[0], x_B1HW[0])
    assert out_B1HW[1, 0, 0, 0].item() == pytest.approx(0.6)
    assert out_B1HW[2, 0, 0, 0].item() == pytest.approx(0.5**0.8)
    for row, size in ((3, 3), (4, 5)):
        assert out_B1HW[row, 0, 4, 4].item() == pytest.approx(0.5 + 0.5 / size**2)


def test_a_gpu_s_form_gives_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes all images and discards what was not drawn; equal to 1e-5, since vectors end elsewhere."""
    image_BHW, mask_BHW = pair(64)
    alone, truth_BHW = augmented(image_BHW, mask_BHW, 1.0)
    monkeypatch.setattr(augment, "_change_alone", augment._change_all)
    everywhere, other_BHW = augmented(image_BHW, mask_BHW, 1.0)
    torch.testing.assert_close(everywhere, alone, rtol=0, atol=1e-5)
    assert (truth_BHW != other_BHW).float().mean() < 1e-5  # a pixel whose mask is interpolated to one half
