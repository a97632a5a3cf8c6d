"""A step runs on the device alone: nothing reads a tensor on the host, no shape depends on data, nothing is copied."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.train_fold.averaging import move_average
from salt_pipeline.components.train_fold.epoch_buffers import EpochBuffers
from salt_pipeline.components.train_fold.kept_weights import new_kept_weights
from salt_pipeline.components.train_fold.step import Images, Step
from salt_pipeline.pipelines.presets import preset_config
from tests.components.network.tiny import ENCODER, config

META = torch.device("meta")
"""A device whose tensors have no values, so that an operation which needs one raises an error."""


class Operations(TorchDispatchMode):
    """Counts operations, and refuses one that has a tensor of another device."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device, self.counts = device, Counter[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.counts[str(func)] += 1
        devices = {leaf.device.type for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)}
        assert devices <= {self.device}, f"{func} copies between devices"
        return result


class Still(Optimizer):
    """Changes nothing: torch's fused optimisers take no step on the device `meta`."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        assert all(parameter.grad is not None for group in self.param_groups for parameter in group["params"])


@pytest.fixture(autouse=True)
def no_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device `meta` has none."""
    monkeypatch.setattr(torch, "autocast", lambda *_args, **_options: nullcontext())


def step_on(settings: Config, encoder: str, phase: int, count: int = 20) -> Step:
    model = SaltNet(encoder, settings.model).to(META)
    pixels_BHW = torch.zeros(count, 101, 101, dtype=torch.uint8, device=META)
    epoch = EpochBuffers(count, 2, META)
    optimizer = Still(model.parameters(), {})
    return Step(settings, phase, Images(pixels_BHW, pixels_BHW), epoch, model, optimizer, new_kept_weights("mean"))


def operations(step: Step, count: int) -> Counter[str]:
    """The operations of a second step: the first creates the moving average."""
    step(count)
    with Operations("meta") as seen:
        step(count)
    return seen.counts


PRESETS = [("best", "tu-tf_efficientnet_lite2"), ("seed", "se_resnext50_32x4d")]


@pytest.mark.parametrize("phase", [1, 2])
@pytest.mark.parametrize(("preset", "encoder"), PRESETS)
def test_a_step_stays_on_the_device(preset: str, encoder: str, phase: int) -> None:
    settings = preset_config(preset, ["train.amp=off", "train.keep=mean"])
    seen = operations(step_on(settings, encoder, phase), 10)
    averaging = {name: count for name, count in seen.items() if "lerp" in name or "foreach" in name}
    # one operation for all weights, one for all counters
    assert averaging == {"aten._foreach_lerp_.Scalar": 1, "aten._foreach_copy_.default": 1}


def test_the_moving_average_of_more_tensors_takes_no_more_operations() -> None:
    counts = []
    for width in (1, 50):
        state = {key: value.to(META) for key, value in nn.Sequential(*[nn.BatchNorm2d(2)] * width).state_dict().items()}
        with Operations("meta") as seen:
            move_average({key: torch.empty_like(value) for key, value in state.items()}, state)
        counts.append({name: count for name, count in seen.counts.items() if "empty" not in name})
    assert counts[0] == counts[1]


WAITS: dict[str, Callable[[Tensor], Any]] = {
    "reads a value": lambda x: x.sum().item(),
    "has a shape that depends on data": lambda x: x.nonzero(),
    "selects by a mask": lambda x: x[x > 0],
    "copies from the host": lambda x: x + torch.ones(1).to(x.device),
}


@pytest.mark.parametrize("fault", WAITS)
def test_a_step_that_would_wait_is_noticed(fault: str) -> None:
    step = step_on(config(), ENCODER, 1)
    losses = step._losses
    step._losses = lambda x_B1HW, truth_BHW: (WAITS[fault](x_B1HW), losses(x_B1HW, truth_BHW))[1]  # type: ignore
    with pytest.raises((RuntimeError, AssertionError, NotImplementedError)), Operations("meta"):
        step(10)
