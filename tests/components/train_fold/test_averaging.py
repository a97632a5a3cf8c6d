"""The exponential moving average of a state dictionary."""

import pytest
import torch

from salt_pipeline.components.train_fold.averaging import DECAY, move_average


def test_floats_move_by_the_decay_and_integers_are_copied() -> None:
    average = {"weight": torch.tensor([0.0, 2.0]), "batches": torch.tensor(3)}
    state = {"weight": torch.tensor([1.0, 2.0]), "batches": torch.tensor(8)}
    move_average(average, state)
    assert average["weight"].tolist() == pytest.approx([1 - DECAY, 2.0])
    assert average["batches"].item() == 8
    move_average(average, state)
    assert average["weight"][0].item() == pytest.approx(1 - DECAY**2)
    assert state["weight"].tolist() == [1.0, 2.0]
