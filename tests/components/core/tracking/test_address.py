"""Addresses of MLflow, and SQLite files in folders of any name."""

import shutil
from pathlib import Path

import pytest

from salt_pipeline.components.core.tracking.address import check_address, sqlite_file, sqlite_uri
from salt_pipeline.components.core.tracking.failures import TrackingError
from salt_pipeline.components.core.tracking.server import open_client


@pytest.mark.parametrize("name", ["50% salt #1?", "%41", "a?timeout=1", "#", "run α", "it's & so; on"])
def test_a_folder_of_any_name_holds_its_own_file(tmp_path: Path, empty_mlflow: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    shutil.copyfile(empty_mlflow, folder / "mlflow.db")
    address = sqlite_uri(folder / "mlflow.db")
    check_address(address)
    assert sqlite_file(address) == folder / "mlflow.db"
    open_client(address).create_experiment("here")
    found = open_client(address).get_experiment_by_name("here")
    assert found
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert b"here" in (folder / "mlflow.db").read_bytes()


def test_a_plain_path_is_written_as_users_write_it() -> None:
    assert sqlite_uri(Path("/runs of mine/mlflow.db")) == "sqlite:////runs of mine/mlflow.db"
    assert sqlite_file("http://mlflow:5000") is None


@pytest.mark.parametrize(
    "address",
    [
        "http://m:5000",
        "https://me:word@m/path/",
        "sqlite:///runs/mlflow.db",
        "postgresql+psycopg://u:p@h/x",
        "databricks",
    ],
)
def test_addresses_that_mlflow_takes_are_accepted(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "htp://m",
        "gs://bucket/x",
        "ftp://m/x",
        "s3:/x",
        "S3://bucket/x",
        "minio://bucket/x",
        "http://",
        "http://m:99999",
        "http://m:abc",
        "http://m m",
        "m:5000",
        "runs/mlruns",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:/mlflow.db",
        "sqlite:///a?/mlflow.db",
    ],
)
def test_other_addresses_are_refused_before_anything_is_opened(address: str) -> None:
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI: is not an address of MLflow") as caught:
        open_client(address)
    assert not caught.value.passing


def test_a_refused_address_shows_no_password() -> None:
    with pytest.raises(TrackingError) as caught:
        check_address("htp://me:hidden-word@m")
    assert "hidden-word" not in str(caught.value)
