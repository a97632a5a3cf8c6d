"""`salt doctor` against a real MinIO and stand-ins for the two APIs."""

import json
import subprocess
import sys
import threading
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.settings import ClusterSettings, cluster_settings
from salt_pipeline.pipelines.doctor.run import examine, run_checks
from salt_pipeline.pipelines.doctor.verdict import NotChecked
from tests.pipelines.command import salt
from tests.pipelines.conftest import SETTINGS
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer, node

pytestmark = pytest.mark.usefixtures("no_cluster")

HANGING = '"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["5"]}'
"""A log-in helper that does not answer within the time limit."""


@pytest.mark.minio
def test_every_check_is_shown_and_a_missing_secret_fails(ready: str, kubernetes: KubeServer) -> None:
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


def test_without_any_server_the_failures_are_reported() -> None:
    code, out, _ = salt("doctor", "--json")
    assert code == 1
    verdicts = {one["check"]: one for one in json.loads(out)}
    assert verdicts["Kubeflow Pipelines"]["state"] == "fail"
    assert verdicts["Secrets"]["state"] == "not checked"


NO_CLUSTER = ClusterSettings.model_construct(_fields_set=set(), kfp_url="http://127.0.0.1:9")
"""No cluster is named, and nothing answers at the address that is taken then."""


def failed(settings: ClusterSettings) -> set[str]:
    return {one.check for one in examine(settings) if one.state == "fail"}


def test_without_a_cluster_what_only_a_cluster_needs_has_not_failed(kubernetes: KubeServer) -> None:
    kubernetes.objects["serviceaccounts"].clear()  # a cluster of another project
    assert failed(NO_CLUSTER) == set()
    assert failed(cluster_settings()) >= {"Kubeflow Pipelines", "bucket", "service account"}


@pytest.mark.parametrize(
    ("variable", "value", "check"),
    [
        ("SALT_S3_ENDPOINT", "http://127.0.0.1:9", "bucket"),
        ("SALT_S3_ENDPOINT", "127.0.0.1", "bucket"),
        ("MLFLOW_TRACKING_URI", "http://127.0.0.1:9", "MLflow"),
    ],
)
def test_without_a_cluster_what_a_local_run_uses_still_fails(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, check: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert failed(NO_CLUSTER) - {"clocks"} == {check}


def test_credentials_for_other_work_are_no_store_of_a_local_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "of-other-work")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert failed(NO_CLUSTER) == set()


def test_the_exit_code_follows_from_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALT_KFP_URL")
    code, out, _ = salt("doctor", "--json")
    assert code == any(one["state"] == "fail" for one in json.loads(out))
    code, out, said = salt("doctor", "--json", "--namespace", "mine")
    assert (code, "no cluster is set" in said) == (1, False)
    monkeypatch.setenv("SALT_NAMESPACE", "mine")
    assert salt("doctor")[0] == 1


def test_a_check_that_hangs_or_raises_does_not_hide_the_others() -> None:
    def raises() -> Any:
        raise ZeroDivisionError("by zero")

    def denied() -> Any:
        raise NotChecked("no permission")

    stop = threading.Event()
    checks: dict[str, Any] = {
        "hangs": stop.wait,
        "raises": raises,
        "denied": denied,
        "good": lambda: ("ok", "it answers", ""),
    }
    verdicts = run_checks(checks, 0.3)
    stop.set()
    assert [(v.check, v.state) for v in verdicts] == [
        ("hangs", "fail"),
        ("raises", "fail"),
        ("denied", "not checked"),
        ("good", "ok"),
    ]
    assert verdicts[0].found == "hangs: no answer in time"
    assert all(one.fix for one in verdicts if "no answer in time" in one.found)
    assert "by zero" in verdicts[1].found


def test_servers_that_do_not_answer_do_not_delay_other_checks(
    kfp: KfpServer, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.config.write_text(kubernetes.config.read_text().replace('"token": "t"', HANGING))
    kfp.fault = "slow"
    verdicts = {one.check: one for one in examine(cluster_settings(), 1.0)}
    assert "no answer in time" in verdicts["Kubeflow Pipelines"].found
    assert "no answer in time" in verdicts["Secrets"].found
    assert all(one.fix for one in verdicts.values() if "no answer in time" in one.found)
    assert verdicts["Python"].state == "ok"


IMPORTS = """
import sys
from salt_pipeline.pipelines.cluster.settings import ClusterSettings, cluster_settings
from salt_pipeline.pipelines.doctor import run
seen = []
checks, run.run_checks = run.run_checks, lambda *given: [seen.append(set(sys.modules)), checks(*given)][1]
verdicts = {one.check: one.state for one in run.examine(cluster_settings())}
assert verdicts["service account"] == verdicts["Kubeflow Pipelines"] == "ok", verdicts
packages = {name.partition(".")[0] for name in set(sys.modules) - seen[0]}
print(*sorted(packages - set(sys.stdlib_module_names) - {"salt_pipeline"}))
"""


def test_no_package_is_imported_while_a_time_limit_runs(kfp: KfpServer, kubernetes: KubeServer) -> None:
    kubernetes.nodes = [node("a")]
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": ""})
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


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
