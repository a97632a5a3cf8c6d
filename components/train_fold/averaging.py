"""The exponential moving average of a network's weights, from tensors alone."""

from torch import Tensor

DECAY = 0.99
"""Decay per step of the exponential moving average; its horizon is about 100 steps."""


def move_average(average: dict[str, Tensor], state: dict[str, Tensor]) -> None:
    """Moves an average towards the state of one more step, in place.

    Args:
        average: The moving average of the states before; the first state itself at the beginning.
        state: A network's state dictionary. Its floating-point entries are averaged, the running statistics of
            normalisations among them; its integers, which count batches, are copied.
    """
    for key, value in state.items():
        if value.is_floating_point():
            average[key].lerp_(value, 1 - DECAY)
        else:
            average[key].copy_(value)
