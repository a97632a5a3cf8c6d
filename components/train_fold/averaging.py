"""The exponential moving average of a network's weights, from tensors alone."""

import torch
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
    floats = [key for key, value in state.items() if value.is_floating_point()]
    integers = [key for key, value in state.items() if not value.is_floating_point()]
    torch._foreach_lerp_([average[key] for key in floats], [state[key] for key in floats], 1 - DECAY)
    if integers:
        torch._foreach_copy_([average[key] for key in integers], [state[key] for key in integers])
