import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.kube import Kube
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.doctor import retries
from salt_pipeline.pipelines.doctor.verdict import NotChecked
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.doctor.conftest import verdict
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

UPSTREAM = "spec:\n  templateDefaults:\n    retryStrategy:\n      retryPolicy: OnError\n"


def deployment(env: Any) -> Any:
    template = {"spec": {"containers": [{"name": "ml-pipeline-api-server", "env": env}]}}
    return {"metadata": {"name": "ml-pipeline"}, "spec": {"selector": {}, "template": template}}


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
def test_a_policy_that_does_not_retry_failed_containers_is_a_warning(
    kubernetes: KubeServer, kube: Kube, defaults: Any, patch: Any, state: Any
) -> None:
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": defaults} if defaults else {})
    if patch is not None:
        env = [{"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": patch}]
        kubernetes.objects["deployments"]["ml-pipeline"] = deployment(env)
    assert verdict(retries.retry_policy, kube) == state


@pytest.mark.parametrize(("window", "state"), [("600s", "warn"), ("86399", "warn"), ("24h", "ok"), ("8760h", "ok")])
def test_a_default_window_that_is_too_short_is_a_warning(
    kubernetes: KubeServer, kube: Kube, window: str, state: str
) -> None:
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


def test_a_policy_that_cannot_be_read_is_reported(kubernetes: KubeServer, kube: Kube) -> None:
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


@pytest.mark.parametrize(
    ("window", "state", "words"),
    [
        ("600s", "warn", "v2: train-fold is retried only within 600 s of its first start, and may run 3600 s"),
        ("31536000s", "ok", "v2: retries for 8760 h"),
        (None, "warn", "v2: its tasks are not retried"),
    ],
)
def test_the_window_of_the_newest_uploaded_pipeline_is_checked(
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


def test_the_windows_of_the_compiled_pipeline_are_read(tmp_path: Path) -> None:
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


def test_a_text_that_is_not_a_duration_is_reported() -> None:
    with pytest.raises(SaltError, match=r"is not a duration \(found soon"):
        retries.duration("soon")
