"""The learning rate of each step, from plain numbers alone."""

from math import cos, pi

WARM_UP = 0.25
"""Fraction of a one-cycle schedule in which the rate rises."""

START = 0.1
"""Rate of the first step of a one-cycle schedule, as a fraction of its peak."""


def one_cycle(peak: float, step: int, steps: int) -> float:
    """The rate of a one-cycle schedule: it rises linearly to its peak and falls along a half cosine.

    Args:
        peak: The highest rate.
        step: Number of the step, from 0.
        steps: Number of steps of the entire training.

    Returns:
        The rate of this step.
    """
    rise = max(1, int(WARM_UP * steps))
    if step < rise:
        return peak * (START + (1 - START) * step / rise)
    return peak * (1 + cos(pi * (step - rise) / (steps - rise))) / 2


def after_plateau(rate: float, stalled: int, patience: int, factor: float) -> tuple[float, int]:
    """The state of a plateau schedule after an epoch without a better metric.

    Args:
        rate: The rate of that epoch.
        stalled: Number of epochs since the metric last improved or the rate was last lowered, before that epoch.
        patience: Number of such epochs before the rate is lowered.
        factor: What the rate is multiplied by then.

    Returns:
        The rate of the next epoch, and the new number of epochs.
    """
    return (rate * factor, 0) if stalled + 1 > patience else (rate, stalled + 1)
