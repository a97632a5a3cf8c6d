"""The learning rate of each step."""

import math

import pytest

from salt_pipeline.components.train_fold.schedule import after_plateau, one_cycle


def test_one_cycle_rises_and_falls() -> None:
    rates = [one_cycle(1.0, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates.index(max(rates)) == 25
    assert rates[25] == pytest.approx(1)
    assert rates[62] == pytest.approx((1 + math.cos(math.pi * 37 / 75)) / 2)
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_one_cycle_of_few_steps_stays_within_its_peak(steps: int) -> None:
    assert all(0 < one_cycle(2.0, step, steps) <= 2.0 for step in range(steps))


def test_the_plateau_lowers_the_rate_when_the_patience_is_exceeded() -> None:
    states = [(1.0, 0)]
    for _ in range(4):
        states.append(after_plateau(*states[-1], patience=1, factor=0.5))
    assert states == [(1.0, 0), (1.0, 1), (0.5, 0), (0.5, 1), (0.25, 0)]
    assert after_plateau(1.0, 0, patience=0, factor=0.5) == (0.5, 0)
