import base64
from importlib import metadata
from typing import Any

import pytest

from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.doctor import fixes, services
from salt_pipeline.pipelines.doctor.verdict import NotChecked
from tests.pipelines.doctor.conftest import found, verdict
from tests.pipelines.kfp_server import KfpServer

pytestmark = pytest.mark.usefixtures("no_cluster")


def test_an_mlflow_that_rejects_the_client_or_is_incompatible_is_reported(
    kfp: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotChecked, match="not set here"):
        services.mlflow("kubeflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kfp.url)
    state, said, fix = services.mlflow("kubeflow")
    assert state == "fail"
    forward = fixes.forward("kubeflow", "salt-mlflow", "5000")
    assert fix == f"{forward}; of this machine: make up, or unset MLFLOW_TRACKING_URI"
    assert "answers with HTTP 404: check MLFLOW_TRACKING_URI" in said
    monkeypatch.setattr(kfp, "answer", lambda *_: (401, "text/plain", b"no"))
    assert "rejected the credentials (HTTP 401): check MLFLOW_TRACKING_USERNAME" in found(services.mlflow, "kubeflow")
    monkeypatch.setattr(kfp, "answer", lambda *_: (200, "text/plain", b"1.30.0"))
    assert verdict(services.mlflow, "kubeflow") == "warn"


def test_the_request_to_mlflow_has_the_credentials_of_its_address(
    kfp: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(method: Any, path: Any, query: Any, body: Any, headers: Any) -> Any:
        asked.append(headers.get("authorization"))
        return 200, "text/plain", metadata.version("mlflow").encode()

    monkeypatch.setattr(kfp, "answer", answer)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kfp.url.replace("//", "//us%40er:pass%2Fword@"))
    assert verdict(services.mlflow, "kubeflow") == "ok"
    assert asked == ["Basic " + base64.b64encode(b"us@er:pass/word").decode()]


@pytest.mark.minio
def test_an_error_of_the_store_has_a_fix(store_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT_S3_BUCKET", "no-such-bucket")
    state, said, fix = services.bucket("kubeflow")
    assert (state, "there is no such bucket" in said) == ("fail", True)
    assert fix == "salt cluster init makes the bucket no-such-bucket, or set SALT_S3_BUCKET to one that exists"
    for variable in ("SALT_S3_SECRET_KEY", "SALT_S3_ACCESS_KEY"):
        monkeypatch.setenv(variable, "wrong-by-intention")
        state, said, fix = services.bucket("kubeflow")
        assert state == "fail"
        assert fix.startswith("set SALT_S3_ACCESS_KEY and SALT_S3_SECRET_KEY to the store's keys")


def test_a_clock_that_differs_by_days_fails(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster_settings()
    assert verdict(services.clocks, settings) == "ok"
    for date, state in (("Thu, 01 Jan 2026 00:00:00 GMT", "fail"), ("not a date", None)):
        monkeypatch.setattr(Kfp, "date", lambda _, date=date: date)
        if state:
            assert verdict(services.clocks, settings) == state
        else:
            with pytest.raises(NotChecked):
                services.clocks(settings)


def test_unknown_versions_are_a_warning_and_multi_user_mode_needs_a_namespace(
    kfp: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for health, state in (
        ({"tag_name": "2.17.1"}, "ok"),
        ({"tag_name": "2.99.0"}, "warn"),
        ({}, "warn"),
        ({"tag_name": "2.17.0", "multi_user": True}, "fail"),
    ):
        monkeypatch.setattr(Kfp, "health", lambda _, health=health: health)
        assert verdict(services.kubeflow, cluster_settings()) == state
