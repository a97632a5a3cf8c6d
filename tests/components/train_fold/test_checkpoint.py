"""A checkpoint restores the complete state bit for bit, or is refused."""

import dataclasses
import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.optim import Adam

from salt_pipeline.components.core.config.config import TrainConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.train_fold.checkpoint import Progress, load_checkpoint, save_checkpoint
from tests.components.network.tiny import ENCODER, network

TRAIN = TrainConfig(epochs=4, phase1_epochs=4, learning_rate=1e-3, keep="best")
JOB: dict[str, str | int] = {"config_hash": "c", "data_hash": "d", "encoder": ENCODER, "fold": 2}


class State:
    """A network in channels_last and its fused optimiser, after `steps` steps."""

    def __init__(self, steps: int, seed: int = 0) -> None:
        self.model = network().to(memory_format=torch.channels_last)
        self.optimizer = Adam(self.model.parameters(), lr=1e-3, fused=True)
        self.generator = torch.Generator().manual_seed(seed)
        self.step(steps)

    def step(self, count: int) -> None:
        for _ in range(count):
            x_B1HW = torch.rand(4, 1, 64, 64, generator=self.generator)
            logit_B1HW, salt_B = self.model(x_B1HW)
            self.optimizer.zero_grad()
            (logit_B1HW.square().mean() + salt_B.square().mean()).backward()
            self.optimizer.step()

    def save(self, path: Path, progress: Progress) -> None:
        best = {key: value.clone() for key, value in network().state_dict().items()}
        save_checkpoint(path, self.model, self.optimizer, self.generator, best, progress)

    def load(
        self, path: Path, job: dict[str, str | int] = JOB, train: TrainConfig = TRAIN
    ) -> tuple[dict[str, torch.Tensor], Progress]:
        return load_checkpoint(path, self.model, self.optimizer, self.generator, job, train)


def progress_after(*scores: float) -> Progress:
    """The progress of a training with these scores, the last of which is not the best."""
    history: list[dict[str, float]] = [
        {"epoch": index + 1, "phase": 1, "loss": 0.1 + 0.2, "score": score, "seconds": 2.5, "images_per_second": 8.0}
        for index, score in enumerate(scores)
    ]
    best = max(scores)
    return Progress(JOB, len(scores), scores.index(best) + 1, best, 1e-3, 1, history)


AFTER = progress_after(0.5, 0.75, 0.25)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.safetensors"


def test_the_state_is_restored_and_training_continues_bit_for_bit(path: Path) -> None:
    uninterrupted = State(2)
    uninterrupted.save(path, AFTER)
    resumed = State(0, seed=9)
    best, found = resumed.load(path)
    assert dataclasses.asdict(found) == dataclasses.asdict(AFTER)
    assert all(torch.equal(value, best[key]) for key, value in network().state_dict().items())
    for parameter, other in zip(uninterrupted.model.parameters(), resumed.model.parameters(), strict=True):
        mine, yours = uninterrupted.optimizer.state[parameter], resumed.optimizer.state[other]
        assert mine.keys() == yours.keys()
        for key in mine:
            assert torch.equal(mine[key], yours[key])
        assert yours["exp_avg"].stride() == other.stride()
    for state in (uninterrupted, resumed):
        state.step(2)
    pairs = zip(uninterrupted.model.state_dict().values(), resumed.model.state_dict().values(), strict=True)
    assert all(torch.equal(mine, yours) for mine, yours in pairs)


@pytest.mark.parametrize(("key", "other"), [("fold", 3), ("encoder", "resnet18"), ("data_hash", "e")])
def test_a_checkpoint_of_another_job_is_refused(path: Path, key: str, other: str | int) -> None:
    State(1).save(path, AFTER)
    with pytest.raises(SaltError, match="checkpoint of another job"):
        State(0).load(path, JOB | {key: other})


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(path: Path, fraction: float) -> None:
    State(1).save(path, AFTER)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(SaltError, match="damaged: remove it to start over"):
        State(0).load(path)


def test_another_safetensors_file_is_refused(path: Path) -> None:
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(SaltError, match="is not a checkpoint"):
        State(0).load(path)


def test_a_checkpoint_of_another_network_is_refused(path: Path) -> None:
    State(1).save(path, AFTER)
    other = State(1)
    other.model = network(decoder_channels=24)
    with pytest.raises(SaltError, match=r"model/decoder.*: tensor does not fit this network: remove it to start over"):
        other.load(path)


def test_a_failed_write_keeps_the_last_checkpoint(path: Path) -> None:
    State(0).save(path, Progress(JOB, epoch=1))
    before = path.read_bytes()
    handler, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(SaltError, match=r"checkpoint\.safetensors: cannot be written: File too large"):
            State(0).save(path, Progress(JOB, epoch=2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("part", ["own", "kept"])
def test_weights_that_are_not_finite_are_refused(path: Path, part: str) -> None:
    state = State(1)
    kept = {key: value.clone() for key, value in network().state_dict().items()}
    weights = state.model.state_dict() if part == "own" else kept
    name = next(iter(weights))
    weights[name].view(-1)[0] = torch.nan
    save_checkpoint(path, state.model, state.optimizer, state.generator, kept, AFTER)
    with pytest.raises(SaltError, match=rf"checkpoint\.safetensors: .*{name}: the weights hold numbers .*found nan"):
        State(0).load(path)


def altered(path: Path, change: Callable[[dict[str, torch.Tensor], dict[str, Any]], object]) -> None:
    """Writes a checkpoint of three epochs again, with other content but complete by its format."""
    State(1).save(path, AFTER)
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
        progress = json.loads(file.metadata()["progress"])
    change(tensors, progress)
    save_file(tensors, path, metadata={"progress": json.dumps(progress)})


def test_progress_that_no_training_writes_is_refused(path: Path) -> None:
    altered(path, lambda _tensors, progress: progress.update({"epoch": 1.5}))
    state = State(0)
    with pytest.raises(SaltError, match=r"checkpoint\.safetensors: epoch: .*valid integer.*found 1.5") as caught:
        state.load(path)
    assert ": remove it to start over" in str(caught.value)
    assert not state.optimizer.state


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "null", '"text"'])
def test_progress_that_is_no_json_object_is_refused(path: Path, text: str) -> None:
    save_file({"generator": torch.zeros(1)}, path, metadata={"progress": text})
    with pytest.raises(SaltError, match="remove it to start over"):
        State(0).load(path)


Tensors = dict[str, torch.Tensor]


def without(prefix: str) -> Callable[[Tensors, object], None]:
    def remove(tensors: Tensors, _progress: object) -> None:
        for key in [key for key in tensors if key.startswith(prefix)]:
            del tensors[key]

    return remove


def replaced(key: str, value: torch.Tensor) -> Callable[[Tensors, object], None]:
    return lambda tensors, _progress: tensors.update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("generator"), "generator: tensor is missing"),
        (without("optimizer/"), "optimizer/0/step: tensor is missing"),
        (without("optimizer/7/"), "optimizer/7/step: tensor is missing"),
        (without("optimizer/7/exp_avg_sq"), "optimizer/7/exp_avg_sq: tensor is missing"),
        (without("kept/"), "kept/bias: tensor is missing"),
        (without("kept/bias"), "kept/bias: tensor is missing"),
        (without("model/bias"), "model/bias: tensor is missing"),
        (replaced("generator", torch.zeros(5, dtype=torch.uint8)), r"generator: .*found uint8 \(5,\), expected uint8"),
        (replaced("generator", torch.full((5056,), 255, dtype=torch.uint8)), "generator: is not a state"),
        (replaced("optimizer/0/exp_avg", torch.zeros(2, 3)), r"optimizer/0/exp_avg: .*found float32 \(2, 3\)"),
        (replaced("optimizer/0/step", torch.tensor(1)), r"optimizer/0/step: .*found int64 \(\), expected float32 \(\)"),
        (replaced("optimizer/0/step", torch.tensor(-1.0)), "optimizer/0: holds negative"),
        (replaced("optimizer/0/step", torch.tensor(torch.inf)), "optimizer/0/step: the weights hold numbers"),
        (replaced("optimizer/999/step", torch.tensor(1.0)), "optimizer/999/step: unexpected tensor"),
        (replaced("model/bias", torch.zeros(1).double()), r"model/bias: .*found float64 \(1,\), expected float32"),
        (replaced("more", torch.zeros(1)), "more: unexpected tensor"),
    ],
)
def test_tensors_that_no_training_writes_are_refused(
    path: Path, change: Callable[[Tensors, object], None], message: str
) -> None:
    altered(path, change)
    with pytest.raises(SaltError, match=rf"checkpoint\.safetensors: {message}") as caught:
        State(0).load(path)
    assert ": remove it to start over" in str(caught.value)


def test_a_parameter_without_a_gradient_needs_no_state(path: Path) -> None:
    state, unused = State(0), torch.nn.Parameter(torch.zeros(3))
    state.model.unused = unused
    state.optimizer = Adam(state.model.parameters(), lr=1e-3, fused=True)
    state.step(1)
    kept = {key: value.clone() for key, value in state.model.state_dict().items()}
    save_checkpoint(path, state.model, state.optimizer, state.generator, kept, AFTER)
    state.load(path)
    assert unused not in state.optimizer.state
