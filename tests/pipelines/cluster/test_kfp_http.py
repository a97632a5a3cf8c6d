"""The cluster's commands against a multi-user Kubeflow: namespaces and credentials."""

import base64
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from tests.pipelines.cluster.multi_user_server import MultiUserServer
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer, Server
from tests.pipelines.kube_server import KubeServer

RUN = "3f2a90c4-0000-4000-8000-000000000001"


CALLS = [
    ["runs"],
    ["watch", "first"],
    ["cancel", "first"],
    ["resume", "first"],
    ["logs", "first", "ingest"],
    ["fetch", "first", "--out", "x"],
    ["schedules"],
]


@pytest.mark.parametrize("words", CALLS, ids=lambda words: words[0])
def test_a_command_without_the_namespace_of_the_profile_names_the_missing_setting(
    logged_in: MultiUserServer, words: Any
) -> None:
    said = fails(*words)
    assert "denied access to namespace kubeflow (403): check -n or SALT_NAMESPACE" in said
    assert "User 'ada@example.org' is not authorized" in said
    assert said.count("\n") == 1


def test_the_namespace_comes_from_the_option_or_the_variable(
    logged_in: MultiUserServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in.add_run("first", run_id=RUN)
    assert "first" in salt("runs", "-n", logged_in.profile)[1]
    assert "stopping" in salt("cancel", "first", "--namespace", logged_in.profile)[1]
    monkeypatch.setenv("SALT_NAMESPACE", logged_in.profile)
    assert "first" in salt("runs")[1]
    assert "namespace elsewhere" in fails("runs", "-n", "elsewhere")
    assert "first" in salt("runs")[1], "an option counts for its command alone"


def test_a_log_in_page_is_reported_as_a_log_in_page(kubeflow: MultiUserServer) -> None:
    said = fails("runs")
    assert (
        "redirects to /dex/auth, a log-in page (302): set SALT_KFP_TOKEN_FILE, SALT_KFP_TOKEN or SALT_KFP_COOKIE"
        in said
    )
    assert "5ecre7" not in said
    kubeflow.gateway = False
    assert "rejected the credentials (401)" in fails("runs")


def test_a_token_file_is_read_at_each_call(
    kubeflow: MultiUserServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("token-1\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(path))
    kfp = Kfp(cluster_settings(namespace=kubeflow.profile))
    assert list(kfp.runs()) == []
    kubeflow.session = "token-2"
    path.write_text("token-2\n")
    assert list(kfp.runs()) == []
    assert kfp.health()["multi_user"]
    path.unlink()
    assert "SALT_KFP_TOKEN_FILE: no such file" in fails("runs", "-n", kubeflow.profile).replace(
        "KF_PIPELINES_SA_TOKEN_PATH", "SALT_KFP_TOKEN_FILE"
    )
    with pytest.raises(SaltError, match="cannot be read: No such file"):
        kfp.health()


def test_a_cookie_is_sent_with_every_kind_of_call_and_never_printed(
    kubeflow: MultiUserServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_KFP_COOKIE", kubeflow.cookie)
    kfp = Kfp(cluster_settings(namespace=kubeflow.profile))
    assert list(kfp.runs()) == []
    assert kfp.health()["multi_user"]
    assert kubeflow.cookie not in repr(kfp.settings)
    monkeypatch.setenv("SALT_KFP_COOKIE", "s3ss10n")
    said = fails("runs")
    assert "SALT_KFP_COOKIE: a cookie is written as name=value" in said
    assert "s3ss10n" not in said


class Proxy(Server):
    """A proxy that answers every request itself, with an empty list of runs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str | None]] = []

    def respond(self, method: str, path: str, body: bytes, headers: Message) -> tuple[int, str, bytes]:
        self.seen.append((path, headers.get("proxy-authorization")))
        return 200, "application/json", b'{"runs": []}'


def test_the_proxy_of_the_environment_is_used(no_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "no_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SALT_KFP_URL", "http://kubeflow.invalid/pipeline")
    with Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:p%40ss@"))
        assert salt("runs")[0] == 0
        [(address, credentials)] = proxy.seen
        assert address.startswith("http://kubeflow.invalid/pipeline/apis/v2beta1/runs?")
        assert credentials == "Basic bWU6cEBzcw=="
        monkeypatch.setenv("no_proxy", ".invalid")
        said = fails("runs")
        assert "cannot be reached" in said
        assert "p%40ss" not in said
        assert len(proxy.seen) == 1


def test_doctor_checks_the_namespace_and_the_permission_to_read_it(logged_in: MultiUserServer) -> None:
    from salt_pipeline.pipelines.doctor.services import kubeflow

    assert kubeflow(cluster_settings())[0] == "fail"
    state, found, _ = kubeflow(cluster_settings(namespace=logged_in.profile))
    assert (state, found) == ("ok", "2.17.0, in multi-user mode; runs in team-salt")
    with pytest.raises(SaltError, match="denied access to namespace elsewhere"):
        kubeflow(cluster_settings(namespace="elsewhere"))


def test_doctor_looks_for_the_objects_of_kubeflow_in_its_own_namespace(kubernetes: KubeServer) -> None:
    from salt_pipeline.pipelines.doctor.kubernetes import checks

    settings = cluster_settings(namespace="team-salt", kfp_namespace="kubeflow-system")
    asked = checks(settings, 5)
    for name in ("service account", "ConfigMap", "retry policy"):
        with suppress(SaltError):
            asked[name]()
    places = {path.split("/namespaces/")[1].split("?")[0] for _, path in kubernetes.asked}
    assert {"team-salt/serviceaccounts/salt-runner", "team-salt/configmaps/salt-settings"} < places
    assert "kubeflow-system/deployments/ml-pipeline" in places
    assert "kubeflow-system/configmaps/workflow-controller-configmap" in places


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:s3cr3t/W@rd@proxy:port",
        "socks5h://127.0.0.1:1080",
        "http://[::1",
        "http://me:s3cr3tW#rd",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    no_cluster: None, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("no_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SALT_KFP_URL", "http://kubeflow.invalid")
    monkeypatch.setenv("http_proxy", proxy)
    said = fails("runs")
    assert "HTTP_PROXY: is not the address of a proxy that is supported (expected http://host:port" in said
    assert "s3cr3t" not in said


def test_a_password_of_a_proxy_may_hold_any_character(no_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SALT_KFP_URL", "http://kubeflow.invalid")
    with Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:a/b?c#d@€@") + "/")
        assert salt("runs")[0] == 0
        [(_, credentials)] = proxy.seen
    assert credentials
    assert base64.b64decode(credentials.removeprefix("Basic ")).decode() == "me:a/b?c#d@€"


def test_a_listing_that_never_ends_is_an_error(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kfp, "faulty", lambda: (200, "application/json", b'{"runs": [], "next_page_token": "1"}'))
    with pytest.raises(KfpError, match="answers with the same page again and again"):
        list(Kfp(cluster_settings()).runs())
