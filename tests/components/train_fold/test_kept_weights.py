"""The weights that each value of `train.keep` keeps, starts phase 2 with, and returns at the end."""

from typing import Literal

import pytest
import torch
from torch import nn

from salt_pipeline.components.train_fold.averaging import DECAY
from salt_pipeline.components.train_fold.kept_weights import KeptWeights, new_kept_weights


def model(value: float) -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    fill(network, value)
    return network


def fill(network: nn.Linear, value: float) -> None:
    nn.init.constant_(network.weight, value)


def trained(keep: Literal["best", "last", "mean"]) -> KeptWeights:
    """Two epochs of one step each, the first of them the best: weights of 1, then of 2."""
    kept, network = new_kept_weights(keep), model(1)
    for value, improved in ((1, True), (2, False)):
        fill(network, value)
        kept.after_step(network)
        kept.after_epoch(network, improved=improved)
    return kept


@pytest.mark.parametrize(
    ("keep", "kept", "phase2", "end"),
    [("last", None, 2.0, 2.0), ("best", 1.0, 1.0, 1.0), ("mean", 2 - DECAY, 2.0, 2 - DECAY)],
)
def test_the_weights_kept_at_phase_2_and_at_the_end(
    keep: Literal["best", "last", "mean"], kept: float | None, phase2: float, end: float
) -> None:
    training = trained(keep)
    assert [value.item() for value in training.weights.values()] == pytest.approx([] if kept is None else [kept])
    network = model(2)
    training.begin_phase2(network)
    assert network.weight.item() == phase2
    training.finish(network)
    assert network.weight.item() == pytest.approx(end)


def test_kept_weights_do_not_change_with_the_network() -> None:
    kept, network = new_kept_weights("best"), model(1)
    kept.after_epoch(network, improved=True)
    fill(network, 5)
    assert torch.equal(kept.weights["weight"], torch.ones(1, 1))
