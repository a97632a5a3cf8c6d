"""The augmentation's draws: every member occurs as often as it should, and an image draws its own."""

import pytest
import torch

from salt_pipeline.components.train_fold.draws import BRIGHTNESS, GAMMA, draw


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_member_occurs() -> None:
    draws = draw(400, 1.0, seeded())
    cropped_N = draws.matrix_N22.abs().diagonal(dim1=1, dim2=2).amax(dim=1) < 0.85
    turned_N = draws.matrix_N22[:, 0, 1].abs() > 0.01
    flipped_N = torch.linalg.det(draws.matrix_N22) < 0
    for member_N, fraction in (
        (cropped_N, 0.70 / 6),
        (turned_N, 1 / 6),
        (draws.elastic_N, 1 / 6),
        (draws.stretched_N, 1 / 8),
        (flipped_N, 1 / 2),
        (draws.brightness_N != 0, 1 / 8),
        (draws.gamma_N != 1, 1 / 8),
        (draws.blur_N == 3, 1 / 16),
        (draws.blur_N == 5, 1 / 16),
    ):
        assert member_N.float().mean() == pytest.approx(fraction, abs=0.08)
        assert member_N.any()
    assert draws.nodes_N2KK.flatten(1).any(dim=1).all()
    assert ((draws.steps_N2K - draws.steps_N2K[:, :, :1]).abs().flatten(1).amax(dim=1) > 0.01).all()
    assert not (draws.elastic_N & turned_N).any()
    assert not (draws.elastic_N & (draws.matrix_N22.abs() - torch.eye(2)).flatten(1).any(dim=1)).any()


def test_strengths_are_in_their_ranges() -> None:
    draws = draw(400, 1.0, seeded())
    assert draws.brightness_N.abs().max() <= BRIGHTNESS
    assert (draws.gamma_N.min() >= GAMMA[0]) & (draws.gamma_N.max() <= GAMMA[1])
    torch.testing.assert_close(draws.steps_N2K.sum(dim=2), torch.full((400, 2), 2.0))


def test_a_probability_of_0_draws_no_member() -> None:
    draws = draw(50, 0.0, seeded())
    assert torch.equal(draws.matrix_N22, torch.eye(2).expand(50, -1, -1))
    assert not any(part.any() for part in (draws.shift_N2, draws.elastic_N, draws.stretched_N, draws.brightness_N))
    assert (draws.gamma_N == 1).all()
    assert not draws.blur_N.any()


def test_takes_the_draws_of_some_images() -> None:
    draws, chosen = draw(9, 1.0, seeded()), torch.tensor([7, 0])
    for part, whole in zip(draws.take(chosen), draws, strict=True):
        assert torch.equal(part, whole[chosen])
