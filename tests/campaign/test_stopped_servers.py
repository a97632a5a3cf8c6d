"""MinIO and MLflow killed in the middle of a training and started again: the weights are those of an unbroken one."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.campaign.doors.stage_commands import words
from tests.campaign.goods import Goods, same_bytes
from tests.campaign.kills import Interruption, in_file
from tests.campaign.warm import Result
from tests.servers import MinioServer, MlflowServer

EPOCHS = ["--set", "train.epochs=24", "--set", "train.phase1_epochs=12"]
"""Long enough that a server is away for some of them."""

MOMENTS = (2, 9, 16)
AWAY = 1.5
"""Seconds for which a server is stopped; the trainings wait longer for one."""


@pytest.fixture
def minio(tmp_path: Path) -> Iterator[MinioServer]:
    with MinioServer(tmp_path / "minio/data") as server:
        yield server


@pytest.fixture
def mlflow(tmp_path: Path, empty_mlflow: Path) -> Iterator[MlflowServer]:
    shutil.copy(empty_mlflow, tmp_path)
    with MlflowServer(tmp_path) as server:
        yield server


def _command(goods: Goods, checkpoints: object, made: Path) -> list[object]:
    found = words("train-fold", lambda name: goods.trained / name, made)
    found[found.index("--checkpoints") + 1] = checkpoints
    return [*found, *EPOCHS]


def _unbroken(goods: Goods) -> Path:
    return goods.wanted("long", lambda out: _command(goods, out / "checkpoints", out))


def _away(server: MinioServer | MlflowServer) -> Callable[[int], None]:
    def act(_: int) -> None:
        server.kill()
        time.sleep(AWAY)
        server.start()

    return act


def _train_through_outage(
    goods: Goods,
    server: MinioServer | MlflowServer,
    epoch: int,
    made: Path,
    command: list[object],
    environment: dict[str, str],
) -> Result:
    """Trains while a server is away after an epoch; the training ends well, with the bits of one without an outage."""
    room = made.parent / "room"
    room.mkdir()
    said = in_file(lambda: [room / "said"], f"epoch {epoch} of")
    interruption = Interruption(room, said, _away(server))
    result = interruption.during(goods, command, environment)
    assert interruption.done
    assert result.code == 0, result.said
    assert same_bytes(made, _unbroken(goods), ["model/model.safetensors", "oof.parquet"]) == ""
    return result


@pytest.mark.slow
@pytest.mark.minio
@pytest.mark.parametrize("epoch", MOMENTS)
def test_a_stopped_store_costs_no_epoch(
    epoch: int, goods: Goods, minio: MinioServer, tmp_path: Path, record_property: Callable
) -> None:
    from salt_pipeline.components.core.store.store import Store

    record_property("campaign", ("stopped servers", "lost"))
    Store(minio.settings()).make_bucket("salt")
    made = tmp_path / "made"
    command = _command(goods, "s3://salt/checkpoints", made)
    _train_through_outage(goods, minio, epoch, made, command, minio.settings().environment())
    record_property("campaign", ("stopped servers", "taken"))


@pytest.mark.slow
@pytest.mark.parametrize("epoch", MOMENTS)
def test_a_stopped_mlflow_loses_no_record_in_silence(
    epoch: int, goods: Goods, mlflow: MlflowServer, tmp_path: Path, record_property: Callable
) -> None:
    from mlflow import MlflowClient

    record_property("campaign", ("stopped servers", "lost"))
    made = tmp_path / "made"
    command = [*_command(goods, made / "checkpoints", made), "--run", "campaign"]
    result = _train_through_outage(goods, mlflow, epoch, made, command, {"MLFLOW_TRACKING_URI": mlflow.address})
    client = MlflowClient(mlflow.address)
    experiment = client.get_experiment_by_name("salt")
    assert experiment
    jobs = client.search_runs([experiment.experiment_id], "tags.`salt.kind` = 'job'")
    recorded = [point.step for point in client.get_metric_history(jobs[0].info.run_id, "score")]
    # A server that comes back later than a training waits for it at its end costs records, which are reported.
    assert recorded == [*range(1, 25)] or "not recorded in MLflow: " in result.said
    record_property("campaign", ("stopped servers", "taken"))
