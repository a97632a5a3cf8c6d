"""Checkpoints in a real MinIO: resumed elsewhere after a kill, written by concurrent attempts, altered."""

import hashlib
import json
import logging
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.job_files import JobKey, newest_data_hash, read_progress
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.train_fold import checkpoint_store
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.checkpoint_store import StorePlace
from salt_pipeline.components.train_fold.stage import train
from salt_pipeline.components.train_fold.training_code import code_hash
from tests.components.network.tiny import ENCODER, HASH, document, write_survey
from tests.components.train_fold.job import arguments, start
from tests.servers import MinioServer, minio_program

pytestmark = [pytest.mark.minio, pytest.mark.usefixtures("store_environment", "no_cached_store")]

JOB: dict[str, str | int] = {"config_hash": "c", "data_hash": "d", "encoder": "e", "fold": 0}


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return write_survey(tmp_path_factory.mktemp("survey"))


def write(place: StorePlace, epoch: int, content: bytes | None = None) -> None:
    """What a training does at an epoch's end."""
    part = place.folder / "part"
    part.write_bytes(content or f"{place.attempt} {epoch}".encode())
    part.replace(place.checkpoint)
    place.progress.write_text(json.dumps({"done": epoch}))
    place.after_step(Progress(JOB, epoch=epoch), 1.0)


def test_a_killed_job_resumed_by_two_attempts_gives_the_same_bits(
    minio: MinioServer, store: Store, bucket: str, survey: tuple[str, str], tmp_path: Path
) -> None:
    config = document(train={"phase1_epochs": 2, "schedule": "plateau", "keep": "best"})
    checkpoints = f"s3://{bucket}/checkpoints"
    key = JobKey(parse_config(config).hash, HASH, ENCODER, 1)
    uri = f"{key.folder(checkpoints)}/checkpoint.safetensors"
    child = start(arguments(survey, tmp_path / "killed", config, checkpoints=checkpoints), minio.environment())
    while store.stat(uri) is None and child.poll() is None:
        time.sleep(0.03)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    found = store.stat(uri)
    assert found is not None
    assert int(found.metadata["epoch"]) >= 1

    other = start(arguments(survey, tmp_path / "other", config, checkpoints=checkpoints), minio.environment())
    train(**arguments(survey, tmp_path / "one", config, checkpoints=checkpoints))
    assert other.wait() == 0
    train(**arguments(survey, tmp_path / "uninterrupted", config, checkpoints=str(tmp_path / "checkpoints")))
    files = [(tmp_path / name / "model/model.safetensors").read_bytes() for name in ("one", "other", "uninterrupted")]
    assert files[0] == files[1] == files[2]
    kept = store.stat(uri)
    assert kept is not None
    assert kept.metadata["epoch"] == "4"
    assert newest_data_hash(checkpoints, key.config_hash) == HASH
    state = read_progress(checkpoints, key)
    assert (state["done"], state["epochs"], state["encoder"]) == (4, 4, ENCODER)
    assert read_progress(checkpoints, key._replace(fold=2)) == {}


def test_an_earlier_epoch_never_replaces_a_later_one(
    store: Store, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    uri = f"s3://{bucket}/job/checkpoint.safetensors"
    with StorePlace(f"s3://{bucket}/job") as ahead, StorePlace(f"s3://{bucket}/job") as behind:
        assert not ahead.checkpoint.exists()
        write(ahead, 1)
        ahead._wait()
        write(behind, 1)
        behind._wait()
        assert store.get(uri) == f"{ahead.attempt} 1".encode()
        write(behind, 3)
        behind._wait()
        write(ahead, 2)
        ahead._wait()
        assert store.get(uri) == f"{behind.attempt} 3".encode()
        assert "another attempt is as far or further" in caplog.text
    with StorePlace(f"s3://{bucket}/job") as later:
        assert later.checkpoint.read_bytes() == f"{behind.attempt} 3".encode()


def test_the_latest_epoch_of_concurrent_attempts_is_kept(store: Store, bucket: str) -> None:
    uri = f"s3://{bucket}/job"

    def attempt(seed: int) -> None:
        epochs = sorted(random.Random(seed).sample(range(1, 40), 8))
        with StorePlace(uri) as place:
            for epoch in epochs:
                write(place, epoch)

    last = max(max(random.Random(seed).sample(range(1, 40), 8)) for seed in range(6))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attempt, range(6)))
    found = store.stat(f"{uri}/checkpoint.safetensors")
    assert found is not None
    assert found.metadata["epoch"] == str(last)
    content = store.get(f"{uri}/checkpoint.safetensors").decode()
    assert content == f"{found.metadata['attempt']} {last}"


def test_an_altered_checkpoint_is_never_resumed(
    store: Store, bucket: str, survey: tuple[str, str], tmp_path: Path
) -> None:
    config = document(train={"epochs": 1, "phase1_epochs": 1})
    checkpoints = f"s3://{bucket}/checkpoints"
    train(**arguments(survey, tmp_path / "first", config, checkpoints=checkpoints))
    uri = next(name for name, _ in store.list(checkpoints) if name.endswith(".safetensors"))
    content, facts = bytearray(store.get(uri)), store.stat(uri)
    assert facts is not None
    for altered in (content[: len(content) // 2], content[:-1] + bytes([content[-1] ^ 1])):
        sha256 = {name: facts.metadata[name] for name in ("epoch", "code", "sha256")}
        key = uri.removeprefix(f"s3://{bucket}/")
        store._minio._put_object(
            bucket, key, bytes(altered), {f"x-amz-meta-{name}": value for name, value in sha256.items()}
        )
        with pytest.raises(SaltError, match=f"{uri}: was altered or is damaged.* remove the object to start over"):
            train(**arguments(survey, tmp_path / "again", config, checkpoints=checkpoints))
        assert not (tmp_path / "again/model").exists()
    store.put(uri, bytes(content))
    with pytest.raises(SaltError, match=f"{uri}: is no checkpoint of a training: remove the object"):
        train(**arguments(survey, tmp_path / "again", config, checkpoints=checkpoints))
    store.put(uri, b"of another program", {"epoch": "1", "code": code_hash()})
    with pytest.raises(SaltError, match=f"{uri}: is not a checkpoint, or is damaged: remove it") as caught:
        train(**arguments(survey, tmp_path / "again", config, checkpoints=checkpoints))
    assert "/tmp" not in str(caught.value)
    store.put(uri, bytes(content), {"epoch": "7", "code": code_hash()})
    with pytest.raises(SaltError, match=rf"{uri}: epoch: its metadata do not match .* \(found 7, expected 1\)"):
        train(**arguments(survey, tmp_path / "again", config, checkpoints=checkpoints))
    store.put(uri, bytes(content), {"epoch": "-1"})
    with pytest.raises(SaltError, match=f"{uri}: is no checkpoint of a training"):
        train(**arguments(survey, tmp_path / "again", config, checkpoints=checkpoints))
    (tmp_path / "inside").mkdir()
    inside = tmp_path / "inside/checkpoint.safetensors"
    inside.write_bytes(bytes(content).replace(b'best_epoch\\": 1', b'best_epoch\\": 7'))
    store.upload(inside, uri, {"epoch": "1", "code": code_hash()})
    with pytest.raises(SaltError, match=f"{uri}: best_epoch: .*: remove it to start over .found 7, expected 1"):
        train(**arguments(survey, tmp_path / "again", config, checkpoints=checkpoints))


def test_a_checkpoint_of_other_code_is_replaced_and_not_resumed(
    store: Store, bucket: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uri = f"s3://{bucket}/job/checkpoint.safetensors"
    with StorePlace(f"s3://{bucket}/job") as older:
        write(older, 5)
    monkeypatch.setattr(checkpoint_store, "code_hash", lambda: "of another image")
    with StorePlace(f"s3://{bucket}/job") as newer:
        assert "the training begins anew" in caplog.text
        assert not newer.checkpoint.exists()
        newer.after_start(Progress(JOB))
        write(newer, 1)
    assert store.get(uri) == f"{newer.attempt} 1".encode()
    with StorePlace(f"s3://{bucket}/job") as again:
        assert again.checkpoint.read_bytes() == f"{newer.attempt} 1".encode()


def test_without_a_store_or_its_bucket_no_training_starts(
    survey: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SaltError, match="there is no such bucket"):
        train(**arguments(survey, tmp_path, document(), checkpoints="s3://no-such-bucket/checkpoints"))
    assert not list(tmp_path.iterdir())
    from salt_pipeline.components.core.store import client

    monkeypatch.setattr(client, "FIRST_ANSWER", 0.3)
    monkeypatch.setenv("SALT_S3_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SaltError, match="the store does not answer"):
        train(**arguments(survey, tmp_path, document(), checkpoints="s3://salt/checkpoints"))
    assert not list(tmp_path.iterdir())


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MinioServer]:
    """A server that a test may stop, with its address in the environment."""
    minio_program()
    with MinioServer(tmp_path / "minio") as server:
        for name, value in server.settings().environment().items():
            monkeypatch.setenv(name, value)
        Store().make_bucket("salt")
        yield server


def test_a_training_continues_over_an_outage(own_server: MinioServer) -> None:
    def start_later() -> None:
        time.sleep(1.5)
        own_server.start()

    with StorePlace("s3://salt/job") as place:
        write(place, 1)
        place._wait()
        own_server.kill()
        back = threading.Thread(target=start_later)
        back.start()
        write(place, 2)
        write(place, 3)
        last = place.attempt
    back.join()
    assert Store().get("s3://salt/job/checkpoint.safetensors") == f"{last} 3".encode()
    assert json.loads(Store().get("s3://salt/job/progress.json")) == {"done": 3}


@pytest.mark.timeout(60)
def test_a_longer_outage_stops_the_training(own_server: MinioServer, caplog: pytest.LogCaptureFixture) -> None:
    place = StorePlace("s3://salt/job", patience=1)

    def training() -> None:
        with place:
            write(place, 1)
            place._wait()
            own_server.kill()
            write(place, 2)
            write(place, 3)

    with pytest.raises(SaltError, match=r"checkpoint\.safetensors: .*the store does not answer"):
        training()
    assert "the progress is not reported" in caplog.text
    assert not place.folder.exists()
    own_server.start()
    with StorePlace("s3://salt/job") as again:
        assert (
            hashlib.sha256(again.checkpoint.read_bytes()).digest()
            == hashlib.sha256(f"{place.attempt} 1".encode()).digest()
        )
