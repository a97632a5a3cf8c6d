"""A job's key is read back from its folder; its progress is found in a folder and in a real MinIO."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core import job_files
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.job_files import PROGRESS, JobKey, newest_data_hash, read_progress
from salt_pipeline.components.core.store.store import Store

CONFIG, DATA, OTHER = "0123456789abcdef", "00000000000000bb", "00000000000000aa"
KEY = JobKey(CONFIG, DATA, "tu-tf_efficientnet_lite0", 1)

hashes = st.text("0123456789abcdef", min_size=16, max_size=16)
encoders = st.from_regex(r"[a-z0-9_][a-z0-9_-]*(/[a-z0-9_-]+)?", fullmatch=True)


def test_the_folder_is_named_by_hashes_encoder_and_fold() -> None:
    """Checkpoints of earlier versions are found by these paths."""
    place = f"{CONFIG}-{DATA}/tu-tf_efficientnet_lite0/fold1"
    assert KEY.folder("/work/checkpoints/") == f"/work/checkpoints/{place}"
    assert KEY.folder("s3://salt/checkpoints/") == f"s3://salt/checkpoints/{place}"


@given(
    st.builds(JobKey, hashes, hashes, encoders, st.integers(0, 99)), st.sampled_from(["c", "/a-b/c", "s3://a-b/c-d"])
)
def test_a_key_is_read_back_from_its_folder_and_from_a_file_in_it(key: JobKey, checkpoints: str) -> None:
    folder = key.folder(checkpoints)
    assert JobKey.parse(folder) == JobKey.parse(f"{folder}/{PROGRESS}") == key


@pytest.mark.parametrize(
    "path", ["", "s3://a-b/c/fold1", f"{CONFIG}-{DATA}/e", f"{CONFIG}/e/fold1", f"x{CONFIG}-{DATA}/e/fold1"]
)
def test_a_path_of_no_job_has_no_key(path: str) -> None:
    assert JobKey.parse(path) is None


def test_the_progress_in_a_folder_is_that_of_the_key(tmp_path: Path) -> None:
    assert read_progress(str(tmp_path), KEY) == {}
    for done, key in enumerate([KEY, KEY._replace(data_hash=OTHER), KEY._replace(fold=0)]):
        folder = Path(key.folder(str(tmp_path)))
        folder.mkdir(parents=True)
        (folder / PROGRESS).write_text(json.dumps({"done": done, "epochs": 9}))
    assert read_progress(str(tmp_path), KEY) == {"done": 0, "epochs": 9}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", ".*JSON object"),
        ("{}", "done: Field required"),
        ('{"done": "1", "epochs": 9}', "done: .*valid number"),
        ('{"done": -1, "epochs": 9}', "done: .*greater than or equal to 0"),
        ('{"done": 1, "epochs": 0}', "epochs: .*greater than or equal to 1"),
        ('{"done": 1, "epochs": 9, "loss": NaN}', "loss: is not a number"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_progress_that_no_job_writes_is_refused(tmp_path: Path, content: str, message: str) -> None:
    folder = Path(KEY.folder(str(tmp_path)))
    folder.mkdir(parents=True)
    (folder / PROGRESS).write_text(content)
    with pytest.raises(SaltError, match=rf"progress\.json: {message}"):
        read_progress(str(tmp_path), KEY)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "Input should be a JSON object (found [])"),
        ("{}", "done: Field required"),
        ('{"done": -1}', "done: Input should be greater than or equal to 0 (found -1)"),
        ('{"done": "x"}', "done: Input should be a valid number"),
        ('{"done": 1, "loss": NaN}', "loss: is not a number (found NaN"),
        ('{"done": 1, "epochs": 2, "loss": 0.5}', "an epoch with a loss must have a score"),
    ],
)
def test_progress_of_another_shape_is_named(tmp_path: Path, text: str, problem: str) -> None:
    folder = Path(KEY.folder(str(tmp_path)))
    folder.mkdir(parents=True)
    (folder / PROGRESS).write_text(text)
    with pytest.raises(SaltError) as error:
        read_progress(str(tmp_path), KEY)
    assert str(error.value).startswith(f"{folder / PROGRESS}: {problem}")


@pytest.mark.minio
@pytest.mark.usefixtures("store_environment", "no_cached_store")
def test_the_newest_data_hash_is_that_of_the_last_progress_of_a_configuration(store: Store, bucket: str) -> None:
    checkpoints = f"s3://{bucket}/checkpoints"
    assert newest_data_hash(checkpoints, CONFIG) is None
    assert read_progress(checkpoints, KEY) == {}
    later = KEY._replace(data_hash=OTHER, fold=0)
    for key in (KEY, later, KEY._replace(config_hash="f" * 16)):
        store.put(f"{key.folder(checkpoints)}/{PROGRESS}", json.dumps({"done": key.fold, "epochs": 9}).encode())
    store.put(f"{KEY.folder(checkpoints)}/{job_files.CHECKPOINT}", b"later, but no progress")
    assert newest_data_hash(checkpoints, CONFIG) == OTHER
    assert read_progress(checkpoints, later) == {"done": 0, "epochs": 9}
    assert read_progress(checkpoints, KEY) == {"done": 1, "epochs": 9}
    for content in (b"\xff", b"{", b"[]", b'{"done": NaN, "epochs": 9}', b" " * (job_files.MAX_PROGRESS + 1)):
        store.put(f"{KEY.folder(checkpoints)}/{PROGRESS}", content)
        assert read_progress(checkpoints, KEY) == {}
