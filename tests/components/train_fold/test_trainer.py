"""Training: same bits from the same seed, resumed or not; phases, plateau, and losses that are not finite."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.device import pick_device
from salt_pipeline.components.train_fold.averaging import DECAY
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer, batch_sizes
from tests.components.network.tiny import ENCODER, config, images

JOB: dict[str, str | int] = {"config_hash": "c", "data_hash": "d", "encoder": ENCODER, "fold": 0}


def survey(count: int, seed: int) -> Images:
    image_BHW, mask_BHW = images(count, seed)
    return Images(torch.from_numpy(image_BHW), torch.from_numpy(mask_BHW))


def trainer(folder: Path, settings: Config, *, count: int = 12, encoder: str = ENCODER, **options: Any) -> Trainer:
    path = folder / "checkpoint.safetensors"
    return Trainer(settings, encoder, survey(count, 0), survey(6, 1), job=JOB, checkpoint=path, **options)


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    assert one.keys() == other.keys()
    return all(torch.equal(value, other[key]) for key, value in one.items())


class Stop(Exception):
    pass


def stop_at(epoch: int, fraction: float) -> Callable[[Progress, float], None]:
    def stop(progress: Progress, done: float) -> None:
        if progress.epoch == epoch and done == fraction:
            raise Stop

    return stop


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    first, again, other = (
        trainer(tmp_path / str(number), config(train={"epochs": 2, "phase1_epochs": 1}).model_copy(update={"seed": s}))
        for number, s in enumerate([1, 1, 2])
    )
    weights = {key: value.clone() for key, value in first.run().items()}
    assert same(weights, again.run())
    assert not same(weights, other.run())
    clock = {"seconds", "images_per_second", "ended"}
    figures = [{k: v for k, v in epoch.items() if k not in clock} for epoch in first.progress.history]
    assert figures == [{k: v for k, v in epoch.items() if k not in clock} for epoch in again.progress.history]
    assert [epoch["phase"] for epoch in figures] == [1, 2]


CYCLE = config(train={"schedule": "one_cycle", "keep": "last"})


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return trainer(tmp_path_factory.mktemp("uninterrupted"), CYCLE).run()


@pytest.mark.parametrize(("epoch", "fraction"), [(1, 0.0), (2, 1.0), (3, 0.0), (4, 1.0)])
def test_a_training_interrupted_anywhere_ends_with_the_same_bits(
    tmp_path: Path, uninterrupted: dict[str, Tensor], epoch: int, fraction: float
) -> None:
    """One cycle, last weights; interrupted in an epoch, at the change of phase, in phase 2, after the last epoch."""
    with pytest.raises(Stop):
        trainer(tmp_path, CYCLE, on_step=stop_at(epoch, fraction)).run()
    resumed = trainer(tmp_path, CYCLE)
    assert resumed.resumes
    assert resumed.progress.epoch == epoch
    assert same(uninterrupted, resumed.run())
    assert [e["epoch"] for e in resumed.progress.history] == [1, 2, 3, 4]


def test_an_encoder_that_draws_random_numbers_itself_resumes_alike(tmp_path: Path) -> None:
    settings = config(train={"epochs": 2, "phase1_epochs": 2, "keep": "last"})
    encoder = "efficientnet-b0"  # drops paths at random
    weights = trainer(tmp_path / "uninterrupted", settings, encoder=encoder, count=4).run()
    with pytest.raises(Stop):
        trainer(tmp_path / "interrupted", settings, encoder=encoder, count=4, on_step=stop_at(1, 1.0)).run()
    torch.rand(5)
    assert same(weights, trainer(tmp_path / "interrupted", settings, encoder=encoder, count=4).run())


def scored(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """Gives each epoch a chosen score, to test what follows from it."""
    left = iter(scores)
    monkeypatch.setattr(Trainer, "_validate", lambda _self: {"score": next(left), "salt_accuracy": 1.0})


def snapshots(into: dict[int, dict[str, Tensor]]) -> Callable[[Progress, float], None]:
    """Copies the weights at the end of each epoch."""

    def copy(progress: Progress, fraction: float) -> None:
        if fraction == 1.0:
            into[progress.epoch] = {k: v.clone() for k, v in copy.trainer.model.state_dict().items()}  # type: ignore

    return copy


@pytest.mark.parametrize(("keep", "phase_2_from", "end"), [("best", 1, 3), ("last", 2, 4)])
def test_phase_2_begins_and_ends_with_the_weights_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, phase_2_from: int, end: int
) -> None:
    scored(monkeypatch, [0.5, 0.4, 0.6, 0.3])
    after: dict[int, dict[str, Tensor]] = {}
    listen = snapshots(after)
    training = trainer(tmp_path, config(train={"keep": keep}), on_step=listen)
    listen.trainer = training  # type: ignore[attr-defined]
    begun: list[dict[str, Tensor]] = []
    begin = training._begin_phase2

    def begin_and_look() -> None:
        begin()
        begun.append({key: value.clone() for key, value in training.model.state_dict().items()})
        assert not training.optimizer.state

    monkeypatch.setattr(training, "_begin_phase2", begin_and_look)
    weights = training.run()
    assert len(begun) == 1
    assert same(begun[0], after[phase_2_from])
    assert same(weights, after[end])
    assert training.progress.best_epoch == 3


def test_the_mean_is_exponential_over_the_steps_and_survives_an_interruption(tmp_path: Path) -> None:
    settings = config(train={"schedule": "one_cycle", "keep": "mean", "epochs": 2, "phase1_epochs": 1})
    mean: dict[str, Tensor] = {}

    def follow(_progress: Progress, fraction: float) -> None:
        if fraction == 1.0:
            return
        for key, value in training.model.state_dict().items():
            old = mean.get(key, value)
            new = DECAY * old.double() + (1 - DECAY) * value.double()
            mean[key] = new if value.is_floating_point() else value.clone()

    training = trainer(tmp_path / "uninterrupted", settings, on_step=follow)
    weights = training.run()
    for key, value in weights.items():
        torch.testing.assert_close(value.double(), mean[key].double(), atol=1e-6, rtol=1e-5)

    with pytest.raises(Stop):
        trainer(tmp_path / "interrupted", settings, on_step=stop_at(1, 1.0)).run()
    assert same(weights, trainer(tmp_path / "interrupted", settings).run())


def test_the_plateau_lowers_the_rate_after_its_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, [0.5, 0.5, 0.4, 0.5, 0.6, 0.6, 0.6, 0.6])
    options = {"epochs": 8, "phase1_epochs": 8, "plateau_patience": 1, "learning_rate": 1e-3}
    training = trainer(tmp_path, config(train=options), count=2)
    training.run()
    # two epochs without a better one are one more than the patience; the count then starts anew
    rates = [epoch["learning_rate"] for epoch in training.progress.history]
    assert rates == [1e-3, 1e-3, 1e-3, 5e-4, 5e-4, 5e-4, 5e-4, 2.5e-4]


def test_phase_2_begins_with_a_fresh_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, [0.5, 0.4, 0.4, 0.4])
    options = {"phase1_epochs": 3, "plateau_patience": 0, "learning_rate": 1e-3}
    training = trainer(tmp_path, config(train=options), count=2)
    training.run()
    assert [epoch["learning_rate"] for epoch in training.progress.history] == [1e-3, 1e-3, 5e-4, 1e-3]


@pytest.mark.parametrize(("batch_size", "count"), [(8, 9), (8, 17), (2, 5), (2, 3), (3, 4), (5, 12), (32, 2804)])
def test_no_batch_is_a_single_image(batch_size: int, count: int) -> None:
    sizes = batch_sizes(count, batch_size)
    assert sum(sizes) == count
    assert min(sizes) >= 2
    assert max(sizes) <= max(batch_size, 3)
    assert max(sizes) - min(sizes) <= 1


def test_a_loss_that_is_not_finite_stops_with_its_place(tmp_path: Path) -> None:
    def spoil(progress: Progress, fraction: float) -> None:
        if progress.epoch == 2 and fraction == 0:  # after the first batch of the third epoch
            with torch.no_grad():
                training.model.bias.fill_(math.inf)

    training = trainer(tmp_path, config(), count=16, on_step=spoil)
    with pytest.raises(SaltError, match=r"epoch 3, batch 2, phase 2: the loss is not finite.*train\.learning_rate"):
        training.run()
    assert trainer(tmp_path, config(), count=16).progress.epoch == 2  # the last good checkpoint is complete


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_training_on_a_gpu_that_is_interrupted_ends_with_the_same_bits(tmp_path: Path, epoch: int) -> None:
    device = pick_device()
    settings = config(train={"amp": "auto", "keep": "mean", "schedule": "one_cycle"})

    def on_gpu(name: str, **options: Any) -> Trainer:
        (tmp_path / name).mkdir(exist_ok=True)
        parts = [Images(part.image_BHW.to(device), part.mask_BHW.to(device)) for part in (survey(60, 0), survey(6, 1))]
        return Trainer(settings, ENCODER, *parts, job=JOB, checkpoint=tmp_path / name / "checkpoint", **options)

    uninterrupted = on_gpu("uninterrupted")
    weights = {key: value.clone() for key, value in uninterrupted.run().items()}
    assert uninterrupted.step.graphs
    with pytest.raises(Stop):
        on_gpu("interrupted", on_step=stop_at(epoch, 0.0)).run()
    assert same(weights, on_gpu("interrupted").run())
