"""A checkpoint restores the complete state bit for bit, or is refused."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch.optim import Adam

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.train_fold.checkpoint import Progress, load_checkpoint, save_checkpoint
from tests.components.network.tiny import ENCODER, network

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

    def load(self, path: Path, job: dict[str, str | int] = JOB) -> tuple[dict[str, torch.Tensor], Progress]:
        return load_checkpoint(path, self.model, self.optimizer, self.generator, job)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.safetensors"


def test_the_state_is_restored_and_training_continues_bit_for_bit(path: Path) -> None:
    progress = Progress(JOB, 3, 2, 0.75, 1e-3, 1, [{"epoch": 1, "score": 0.1 + 0.2}])
    uninterrupted = State(2)
    uninterrupted.save(path, progress)
    resumed = State(0, seed=9)
    best, found = resumed.load(path)
    assert dataclasses.asdict(found) == dataclasses.asdict(progress)
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


def test_a_checkpoint_before_the_first_step_has_no_averages(path: Path) -> None:
    State(0).save(path, Progress(JOB))
    resumed = State(1)
    resumed.load(path)
    assert not resumed.optimizer.state


@pytest.mark.parametrize(("key", "other"), [("fold", 3), ("encoder", "resnet18"), ("data_hash", "e")])
def test_a_checkpoint_of_another_job_is_refused(path: Path, key: str, other: str | int) -> None:
    State(0).save(path, Progress(JOB))
    with pytest.raises(SaltError, match="checkpoint of another job"):
        State(0).load(path, JOB | {key: other})


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(path: Path, fraction: float) -> None:
    State(0).save(path, Progress(JOB))
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(SaltError, match="damaged: remove it to start over"):
        State(0).load(path)


def test_another_safetensors_file_is_refused(path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(SaltError, match="is not a checkpoint"):
        State(0).load(path)


def test_a_checkpoint_of_another_network_is_refused(path: Path) -> None:
    State(0).save(path, Progress(JOB))
    other = State(0)
    other.model = network(decoder_channels=24)
    with pytest.raises(SaltError, match="is not a checkpoint of this network"):
        other.load(path)


def test_a_failed_write_keeps_the_last_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from salt_pipeline.components.train_fold import checkpoint

    State(0).save(path, Progress(JOB, epoch=1))
    before = path.read_bytes()

    def full_disk(_tensors: object, file: Path, **_: object) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(SaltError, match="No space left"):
        State(0).save(path, Progress(JOB, epoch=2))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("part", ["own", "kept"])
def test_weights_that_are_not_finite_are_refused(path: Path, part: str) -> None:
    state = State(1)
    kept = {key: value.clone() for key, value in network().state_dict().items()}
    weights = state.model.state_dict() if part == "own" else kept
    name = next(iter(weights))
    weights[name].view(-1)[0] = torch.nan
    save_checkpoint(path, state.model, state.optimizer, state.generator, kept, Progress(JOB))
    with pytest.raises(SaltError, match=rf"checkpoint\.safetensors: .*{name}: the weights hold numbers .*found nan"):
        State(0).load(path)
