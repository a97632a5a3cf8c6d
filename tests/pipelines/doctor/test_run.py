"""`salt doctor` and the two clients, against a real MinIO and stand-ins for the two APIs."""

import base64
import json
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster import http_errors
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.doctor import fixes, retries, services
from salt_pipeline.pipelines.doctor import kubernetes as checks
from salt_pipeline.pipelines.doctor.run import examine, run_checks
from salt_pipeline.pipelines.doctor.verdict import NotChecked
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.command import salt
from tests.pipelines.conftest import SETTINGS
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer, node, pod

pytestmark = pytest.mark.usefixtures("no_cluster")


def verdict(check: Any, *words: Any) -> Any:
    return check(*words)[0]


def found(check: Any, *words: Any) -> Any:
    return check(*words)[1]


@pytest.fixture
def kube(kubernetes: KubeServer) -> Kube:
    return Kube("kubeflow")


@pytest.mark.minio
def test_doctor_shows_every_check_of_the_issue(ready: str, kubernetes: KubeServer) -> None:
    code, out, _ = salt("doctor", "--json")
    verdicts = {one["check"]: one for one in json.loads(out)}
    assert {name: one["state"] for name, one in verdicts.items()} == {
        "Python": "ok",
        "packages": "ok",
        "Docker": verdicts["Docker"]["state"],
        "local runs": "ok",
        "Kubeflow Pipelines": "ok",
        "retry window": "ok",
        "bucket": "ok",
        "MLflow": "not checked",
        "clocks": "ok",
        "Kubernetes": "ok",
        "service account": "ok",
        "Secrets": "ok",
        "ConfigMap": "ok",
        "retry policy": "not checked",
        "GPUs": "warn",
        "room for jobs": "warn",
        "images": verdicts["images"]["state"],
    }
    assert code == 0
    kubernetes.objects["secrets"].clear()
    code, out, _ = salt("doctor")
    assert code == 1
    assert "salt-store is missing" in out


def test_doctor_ends_when_nothing_is_there() -> None:
    began = time.monotonic()
    code, out, _ = salt("doctor", "--json")
    assert code == 1
    verdicts = {one["check"]: one for one in json.loads(out)}
    assert verdicts["Kubeflow Pipelines"]["state"] == "fail"
    assert verdicts["Secrets"]["state"] == "not checked"
    assert time.monotonic() - began < 60


def test_a_check_that_hangs_or_breaks_does_not_hide_the_others() -> None:
    def breaks() -> Any:
        raise ZeroDivisionError("by zero")

    def cannot() -> Any:
        raise NotChecked("no way to look")

    stop = threading.Event()
    made: dict[str, Any] = {"hangs": stop.wait, "breaks": breaks, "cannot": cannot, "good": lambda: ("ok", "it is", "")}
    verdicts = run_checks(made, 0.3)
    stop.set()
    assert [(v.check, v.state) for v in verdicts] == [
        ("hangs", "fail"),
        ("breaks", "fail"),
        ("cannot", "not checked"),
        ("good", "ok"),
    ]
    assert "no answer in time" in verdicts[0].found
    assert "by zero" in verdicts[1].found


def test_servers_that_do_not_answer_do_not_hold_it_up(
    kfp: KfpServer, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.config.write_text(kubernetes.config.read_text().replace('"token": "t"', HANGING))
    kfp.fault = "slow"
    verdicts = {one.check: one for one in examine(cluster_settings(), 1.0)}
    assert "no answer in time" in verdicts["Kubeflow Pipelines"].found
    assert "no answer in time" in verdicts["Secrets"].found
    assert verdicts["Python"].state == "ok"


HANGING = '"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["5"]}'
"""A helper to log in that takes its time."""


def test_version_of_kubernetes(kubernetes: KubeServer, kube: Kube) -> None:
    for minor, state in (("33", "ok"), ("36+", "ok"), ("32", "warn"), ("37", "warn")):
        kubernetes.minor = minor
        assert verdict(checks.version, kube) == state


def test_service_account(kubernetes: KubeServer, kube: Kube) -> None:
    assert verdict(checks.service_account, kube, "salt-runner") == "ok"
    kubernetes.may_not = {("patch", "workflowtaskresults"), ("get", "secrets")}
    said = found(checks.service_account, kube, "salt-runner")
    assert said == "salt-runner has no permission to patch workflowtaskresults, get secrets/mlpipeline-minio-artifact"
    assert verdict(checks.service_account, kube, "other") == "fail"


def test_secrets_and_config_map_lack_keys(kubernetes: KubeServer, kube: Kube) -> None:
    assert found(checks.config_map, kube) == "salt-settings is missing"
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS | {"SALT_S3_BUCKET": ""})
    assert found(checks.config_map, kube) == "salt-settings: SALT_S3_BUCKET is missing"
    kubernetes.put("secrets", names.STORE_SECRET, {"SALT_S3_ACCESS_KEY": "x"})
    said = checks.secrets(kube, "salt-runner")[1]
    assert said == "salt-store: SALT_S3_SECRET_KEY is missing; mlpipeline-minio-artifact is missing"


def test_pods_of_an_account_with_a_role_need_no_keys(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.put("secrets", names.KFP_STORE_SECRET, dict.fromkeys(names.KFP_STORE_KEYS, "x"))
    assert checks.secrets(kube, "salt-runner")[:2] == ("fail", "salt-store is missing")
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/salt"}
    kubernetes.objects["serviceaccounts"]["salt-runner"]["metadata"]["annotations"] = role
    assert checks.secrets(kube, "salt-runner")[:2] == ("ok", names.KFP_STORE_SECRET)


UPSTREAM = "spec:\n  templateDefaults:\n    retryStrategy:\n      retryPolicy: OnError\n"


@pytest.mark.parametrize(
    ("defaults", "patch", "state"),
    [
        (None, None, "ok"),
        (UPSTREAM, None, "warn"),
        (UPSTREAM, '{"templateDefaults":{"retryStrategy":{"limit":"0","retryPolicy":"Always"}}}', "ok"),
        (UPSTREAM, '{"templateDefaults":{"retryStrategy":{"limit":"2","retryPolicy":"Always"}}}', "warn"),
        (UPSTREAM, '{"templateDefaults":{}}', "warn"),
        (UPSTREAM.replace("OnError", "Always"), None, "ok"),
        ("spec: {}", "", "ok"),
    ],
)
def test_retry_policy(kubernetes: KubeServer, kube: Kube, defaults: Any, patch: Any, state: Any) -> None:
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": defaults} if defaults else {})
    if patch is not None:
        env = [{"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": patch}]
        kubernetes.objects["deployments"]["ml-pipeline"] = deployment(env)
    assert verdict(retries.retry_policy, kube) == state


@pytest.mark.parametrize(("window", "state"), [("600s", "warn"), ("86399", "warn"), ("24h", "ok"), ("8760h", "ok")])
def test_a_default_window_that_cuts_retries(kubernetes: KubeServer, kube: Kube, window: str, state: str) -> None:
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {})
    strategy = {"limit": "0", "retryPolicy": "Always", "backoff": {"duration": "30s", "maxDuration": window}}
    patch = json.dumps({"templateDefaults": {"retryStrategy": strategy}})
    kubernetes.objects["deployments"]["ml-pipeline"] = deployment(
        [{"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": patch}]
    )
    assert verdict(retries.retry_policy, kube) == state
    kubernetes.objects["deployments"].clear()
    defaults = yaml.safe_dump({"spec": {"templateDefaults": {"retryStrategy": strategy}}})
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": defaults})
    assert verdict(retries.retry_policy, kube) == state


@pytest.mark.parametrize(
    ("window", "state", "words"),
    [
        ("600s", "warn", "v2: train-fold is retried only within 600 s of its first start, and may run 3600 s"),
        ("31536000s", "ok", "v2: retries for 8760 h"),
        (None, "warn", "v2: its tasks are not retried"),
    ],
)
def test_the_window_of_the_pipeline_that_was_uploaded_last(
    kfp: KfpServer, window: str | None, state: str, words: str
) -> None:
    assert retries.retry_window(Kfp(cluster_settings())) == ("ok", "no pipeline salt is uploaded yet", "")
    kfp.pipelines.append({"pipeline_id": "p", "name": "salt", "display_name": "salt"})
    policy = {"retryPolicy": {"maxRetryCount": 2, "backoffMaxDuration": window}} if window else {}
    spec = {
        "pipeline_spec": {
            "root": {"dag": {"tasks": {"for-loop-1": {}}}},
            "components": {"comp-for-loop-1": {"dag": {"tasks": {"train-fold": policy}}}},
        },
        "platform_spec": {
            "platforms": {
                "kubernetes": {
                    "deploymentSpec": {
                        "executors": {
                            "exec-train-fold": {"activeDeadlineSeconds": "3600"},
                        }
                    }
                }
            }
        },
    }
    version = {"pipeline_id": "p", "pipeline_version_id": "v", "display_name": "v2", "pipeline_spec": spec}
    kfp.versions += [version, {**version, "display_name": "v1", "pipeline_spec": {}}]
    assert retries.retry_window(Kfp(cluster_settings()))[:2] == (state, words)


def test_the_window_of_this_checkouts_pipeline_is_read(tmp_path: Path) -> None:
    from salt_pipeline.pipelines.pipeline import compile_pipeline

    compile_pipeline(preset_config("smoke", ["cluster.tag=1"]), tmp_path / "salt.yaml")
    pipeline, platform = yaml.safe_load_all((tmp_path / "salt.yaml").read_text())
    windows = retries._windows({"pipeline_spec": pipeline, "platform_spec": platform})
    assert windows.keys() == {"ingest", "fold-split", "train-fold", "predict", "ensemble", "submission", "report"}
    assert {limit for _, limit in windows.values()} == {24 * 3600.0}


@pytest.mark.parametrize(
    ("text", "seconds"), [("600", 600), ("600s", 600), ("1h30m", 5400), ("0.5h", 1800), ("50ms", 0.05)]
)
def test_durations_as_argo_writes_them(text: str, seconds: float) -> None:
    assert retries.duration(text) == seconds


def test_what_is_no_duration_is_named() -> None:
    with pytest.raises(SaltError, match=r"is not a duration \(found soon"):
        retries.duration("soon")


def test_retry_policy_that_cannot_be_read(kubernetes: KubeServer, kube: Kube) -> None:
    with pytest.raises(NotChecked, match="is Kubeflow Pipelines installed there"):
        retries.retry_policy(kube)
    kubernetes.objects["deployments"]["ml-pipeline"] = deployment(
        [{"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": "{"}]
    )
    with pytest.raises(SaltError, match="is not JSON"):
        retries.retry_policy(kube)
    kubernetes.objects["deployments"].clear()
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": "a: [b"})
    with pytest.raises(SaltError, match="is not YAML"):
        retries.retry_policy(kube)


def deployment(env: Any) -> Any:
    template = {"spec": {"containers": [{"name": "ml-pipeline-api-server", "env": env}]}}
    return {"metadata": {"name": "ml-pipeline"}, "spec": {"selector": {}, "template": template}}


def test_gpus(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.nodes = [node("a")]
    assert checks.gpus(kube)[0::2] == ("warn", "salt submit --set cluster.accelerator=none")
    kubernetes.nodes = [node("a"), node("b", gpus=4), node("c", gpus=4)]
    one, two, three = ({"nvidia.com/gpu": str(count)} for count in (1, 2, 3))
    kubernetes.pods = [pod("b", one, one), pod("c", one, init=(three, two)), pod(None, two), pod("a", one)]
    assert checks.gpus(kube)[:2] == ("ok", "3 of 8 free on 2 nodes")
    kubernetes.pods += [pod("c", three)]
    assert verdict(checks.gpus, kube) == "warn"


def test_room_for_jobs(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.nodes = []
    assert checks.capacity(kube)[:2] == ("warn", "no node is ready and accepts pods")
    kubernetes.nodes = [node("a", cpu="2", memory="32Gi")]
    state, said, fix = checks.capacity(kube)
    assert (state, fix) == ("warn", "the others wait, or: --set cluster.cpu=200m")
    assert said.startswith("quick: 4 of 10 jobs fit at once (each 0.5 CPUs, 2Gi memory); seed: 0 of 10 jobs")
    kubernetes.nodes = [node("a", cpu="16", memory="64Gi")]
    assert checks.capacity(kube)[0::2] == ("warn", "seed needs larger nodes, or GPUs that are free")
    kubernetes.nodes.append(node("b", cpu="64", memory="512Gi", gpus=8))
    assert verdict(checks.capacity, kube) == "ok"
    kubernetes.nodes = [node("a", cpu="100m", memory="1Gi")]
    assert "fits on none of 1 nodes: asks for" in checks.capacity(kube)[2]


def test_images_on_the_nodes(kubernetes: KubeServer, kube: Kube) -> None:
    from salt_pipeline.components.core.container_image import image
    from salt_pipeline.components.core.stages import STAGES
    from salt_pipeline.pipelines.images import with_tag

    cluster = with_tag(preset_config("smoke")).cluster
    there = [f"docker.io/{image(stage, cluster)}" for stage in STAGES]
    kubernetes.nodes = [node("a", images=there[:3]), node("b", images=there[3:])]
    assert verdict(checks.images, kube) == "ok"
    kubernetes.nodes.pop()
    assert found(checks.images, kube).startswith(f"4 of 7 of tag {cluster.tag} on no node")


def test_mlflow_and_its_versions(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotChecked, match="not set here"):
        services.mlflow("kubeflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kfp.url)
    state, said, fix = services.mlflow("kubeflow")
    assert (state, fix) == ("fail", fixes.forward("kubeflow", "salt-mlflow", "5000"))
    assert "answers with HTTP 404: check MLFLOW_TRACKING_URI" in said
    monkeypatch.setattr(kfp, "answer", lambda *_: (401, "text/plain", b"no"))
    assert "rejected the credentials (HTTP 401): check MLFLOW_TRACKING_USERNAME" in found(services.mlflow, "kubeflow")
    monkeypatch.setattr(kfp, "answer", lambda *_: (200, "text/plain", b"1.30.0"))
    assert verdict(services.mlflow, "kubeflow") == "warn"


def test_mlflow_is_asked_with_the_credentials_of_its_address(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(method: Any, path: Any, query: Any, body: Any, headers: Any) -> Any:
        asked.append(headers.get("authorization"))
        return 200, "text/plain", metadata.version("mlflow").encode()

    monkeypatch.setattr(kfp, "answer", answer)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kfp.url.replace("//", "//us%40er:pass%2Fword@"))
    assert verdict(services.mlflow, "kubeflow") == "ok"
    assert asked == ["Basic " + base64.b64encode(b"us@er:pass/word").decode()]


def test_passwords_in_addresses_are_never_shown(
    kfp: KfpServer, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kfp.url.replace("//", "//user:hidden-word@"))
    kubernetes.put(
        "configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS | {"MLFLOW_TRACKING_URI": "http://u:hidden-word@m"}
    )
    _, out, _ = salt("doctor", "--json")
    assert "//***@" in out
    monkeypatch.setattr(kfp, "answer", lambda *_: (200, "text/plain", b"3.1"))
    table = salt("doctor")[1]
    monkeypatch.setenv("SALT_KFP_URL", "http://user:hidden-word@127.0.0.1:9")
    with pytest.raises(SaltError, match="takes no user and password") as error:
        cluster_settings()
    for text in (out, table, str(error.value)):
        assert "hidden-word" not in text


@pytest.mark.parametrize(
    ("check", "fix"),
    [
        (
            "bucket",
            "kubectl -n kubeflow port-forward service/salt-minio 9000; if it is stopped: kubectl -n kubeflow get pods",
        ),
        ("MLflow", "kubectl -n kubeflow port-forward service/salt-mlflow 5000; if it is stopped:"),
        ("Kubeflow Pipelines", "kubectl -n kubeflow port-forward service/ml-pipeline 8888; if it is stopped:"),
        ("Kubernetes", "export KUBECONFIG=..., or for kind: kind export kubeconfig --name salt"),
        ("Secrets", "export KUBECONFIG=..."),
    ],
)
def test_what_cannot_be_reached_comes_with_a_fix(unreachable: Any, check: str, fix: str) -> None:
    assert unreachable[check].state in ("fail", "not checked")
    assert unreachable[check].fix.startswith(fix)
    assert "is it forwarded" not in unreachable[check].found


@pytest.fixture(scope="module")
def unreachable() -> Any:
    """The verdicts where nothing runs: nothing listens at the port of `discard`."""
    away = "http://127.0.0.1:9"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALT_KFP_URL", away)
        patch.setenv("SALT_S3_ENDPOINT", away)
        patch.setenv("SALT_S3_ACCESS_KEY", "a")
        patch.setenv("SALT_S3_SECRET_KEY", "b")
        patch.setenv("MLFLOW_TRACKING_URI", away)
        patch.setenv("KUBECONFIG", "/no/such/kubeconfig")
        return {one.check: one for one in examine(cluster_settings(), 30)}


@pytest.mark.minio
def test_a_store_that_refuses_comes_with_a_fix(
    store_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_S3_BUCKET", "no-such-bucket")
    state, said, fix = services.bucket("kubeflow")
    assert (state, "there is no such bucket" in said) == ("fail", True)
    assert fix == "salt cluster init makes the bucket no-such-bucket, or set SALT_S3_BUCKET to one that exists"
    for variable in ("SALT_S3_SECRET_KEY", "SALT_S3_ACCESS_KEY"):
        monkeypatch.setenv(variable, "wrong-by-intention")
        state, said, fix = services.bucket("kubeflow")
        assert state == "fail"
        assert fix.startswith("set SALT_S3_ACCESS_KEY and SALT_S3_SECRET_KEY to the store's keys")


def test_fixes_away_from_this_machine_name_the_address() -> None:
    settings = StoreSettings(endpoint="http://store.invalid:9000", access_key="a", secret_key="b")
    assert "SALT_S3_ENDPOINT" in fixes.store(SaltError("the store does not answer"), settings, "kubeflow")
    assert "MLFLOW_TRACKING_URI" in fixes.mlflow("https://mlflow.invalid", "kubeflow")
    elsewhere = cluster_settings(kfp_url="https://kfp.invalid")
    assert "SALT_KFP_URL" in fixes.kubeflow(KfpError("cannot be reached", "x"), elsewhere)
    assert "SALT_KFP_TOKEN" in fixes.kubeflow(KfpError("refuses us", "x", 401), elsewhere)
    assert "kubectl cluster-info" in fixes.kubernetes(KubeError("cannot be reached"))
    assert "kubectl auth whoami" in fixes.kubernetes(KubeError("nodes is forbidden", 403))


def test_clock_skew(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster_settings()
    assert verdict(services.clocks, settings) == "ok"
    for date, state in (("Thu, 01 Jan 2026 00:00:00 GMT", "fail"), ("not a date", None)):
        monkeypatch.setattr(Kfp, "date", lambda _, date=date: date)
        if state:
            assert verdict(services.clocks, settings) == state
        else:
            with pytest.raises(NotChecked):
                services.clocks(settings)


def test_multi_user_and_unknown_versions_are_noted(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for health, state in (
        ({"tag_name": "2.17.1"}, "ok"),
        ({"tag_name": "2.99.0"}, "warn"),
        ({}, "warn"),
        ({"tag_name": "2.17.0", "multi_user": True}, "fail"),
    ):
        monkeypatch.setattr(Kfp, "health", lambda _, health=health: health)
        assert verdict(services.kubeflow, cluster_settings()) == state


def test_a_kubernetes_that_is_slow_or_away(kubernetes: KubeServer, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
    from salt_pipeline.pipelines.cluster import kube as module

    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    kubernetes.fault = "slow"
    with pytest.raises(SaltError, match="cannot be reached: no answer in time"):
        kube.version()
    kubernetes.fault = "html"
    with pytest.raises(SaltError, match="Kubernetes: "):
        kube.version()
    kubernetes.fault = "500"
    with pytest.raises(SaltError, match="answers with an error: 500 it broke in two lines"):
        kube.version()


def test_a_kubeconfig_that_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("{not: [yaml")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(SaltError, match="no configuration: check KUBECONFIG"):
        Kube("kubeflow")


def test_a_long_answer_is_cut() -> None:
    assert http_errors.one_line("a\nb " + "x" * 500, 10) == "a b xxxxxx ..."
