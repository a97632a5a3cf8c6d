"""`salt submit`, `salt cluster init` and `salt doctor` against a real MinIO and stand-ins for the two APIs."""

import hashlib
import json
import os
import threading
import time

import pytest
import yaml

from components.core.errors import SaltError
from pipelines import cluster_names as names
from pipelines import doctor, doctor_kube, doctor_services, network, submit
from pipelines.cluster_settings import cluster_settings
from pipelines.doctor import NotChecked
from pipelines.kfp_api import Kfp
from pipelines.kube import Kube
from pipelines.presets import preset_config
from tests.pipelines.stand_ins import KfpServer, KubeServer
from tests.pipelines.test_cli import fails, salt

SETTINGS = {"SALT_S3_ENDPOINT": "http://salt-minio:9000", "SALT_S3_REGION": "us-east-1", "SALT_S3_BUCKET": "salt",
            "MLFLOW_TRACKING_URI": "http://salt-mlflow:5000"}  # fmt: skip


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("SALT_", "AWS_", "MLFLOW_", "KUBE"))]:
        if name not in ("SALT_MINIO", "SALT_REQUIRE_SERVERS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def kfp(monkeypatch, _environment):
    with KfpServer() as server:
        monkeypatch.setenv("SALT_KFP_URL", server.url)
        yield server


@pytest.fixture
def kubernetes(monkeypatch, tmp_path, _environment):
    with KubeServer(tmp_path) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.config))
        server.objects["serviceaccounts"]["salt-runner"] = {"metadata": {"name": "salt-runner"}}
        yield server


@pytest.fixture
def ready(kfp, kubernetes, store, store_environment, bucket, monkeypatch):
    """A cluster with everything in its place, and an archive in the store."""
    monkeypatch.setenv("SALT_S3_BUCKET", bucket)
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS | {"SALT_S3_BUCKET": bucket})
    kubernetes.put("secrets", names.STORE_SECRET, dict.fromkeys(names.STORE_KEYS, "x"))
    kubernetes.put("secrets", names.KFP_STORE_SECRET, dict.fromkeys(names.KFP_STORE_KEYS, "x"))
    store.put(f"s3://{bucket}/data/survey.zip", b"an archive")
    return f"s3://{bucket}/data/survey.zip"


SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]


@pytest.mark.minio
def test_submit_starts_a_run_with_all_it_needs(ready, kfp, bucket, monkeypatch):
    monkeypatch.setenv("SALT_KFP_UI_URL", "http://ui.example/")
    monkeypatch.setenv("SALT_PIPELINE_ROOT", "minio://mlpipeline/elsewhere")
    code, out, _ = salt("submit", "--data", ready, *SMOKE, "--set", "train.epochs=3", "--name", "first", "--experiment", "E")  # fmt: skip
    assert code == 0
    run = next(iter(kfp.runs.values()))
    assert out == f"{run['run_id']}\nhttp://ui.example/#/runs/details/{run['run_id']}\n"
    parameters = run["runtime_config"]["parameters"]
    assert run["display_name"] == "first"
    assert run["service_account"] == "salt-runner"
    assert run["runtime_config"]["pipeline_root"] == "minio://mlpipeline/elsewhere"
    assert run["experiment_id"] == kfp.experiments[0]["experiment_id"]
    assert kfp.experiments[0]["display_name"] == "E"
    assert parameters["data"] == ready
    assert parameters["config"] == preset_config("smoke", ["cluster.tag=1.2.3", "train.epochs=3"]).model_dump(mode="json")  # fmt: skip
    assert parameters["run"].startswith("first-")
    assert parameters["checkpoints"] == f"s3://{bucket}/checkpoints"
    assert parameters["data_version"] == hashlib.sha256(b"an archive").hexdigest()


@pytest.mark.minio
def test_the_same_content_is_uploaded_once(ready, kfp):
    for _ in range(2):
        assert salt("submit", "--data", ready, *SMOKE)[0] == 0
    assert (len(kfp.pipelines), len(kfp.versions), len(kfp.experiments), len(kfp.runs)) == (1, 1, 1, 2)
    # What goes with the run as a parameter is no part of the pipeline.
    assert salt("submit", "--data", ready, *SMOKE, "--set", "train.epochs=7")[0] == 0
    assert len(kfp.versions) == 1
    for i, words in enumerate((["--set", "cluster.tag=1.2.4"], ["--set", "split.folds=3"], ["--no-cache"]), start=2):
        assert salt("submit", "--data", ready, *SMOKE, *words)[0] == 0
        assert len(kfp.versions) == i
    # The first is far down the list of versions by now, and still found.
    assert salt("submit", "--data", ready, *SMOKE)[0] == 0
    assert len(kfp.versions) == 4
    assert len({version["name"] for version in kfp.versions}) == 4
    first = kfp.versions[0]["pipeline_version_id"]
    used = [run["pipeline_version_reference"]["pipeline_version_id"] for run in kfp.runs.values()]
    assert [version == first for version in used] == [True, True, True, False, False, False, True]
    compiled = kfp.uploads[0].decode()
    content = compiled[compiled.index("# PIPELINE DEFINITION") : compiled.rindex("\r\n--")]
    assert {d["pipelineInfo"]["name"] for d in yaml.safe_load_all(content) if "pipelineInfo" in d} == {"salt"}


@pytest.mark.minio
def test_every_problem_is_told_at_once_and_nothing_is_submitted(ready, kfp, kubernetes, monkeypatch, bucket):
    kubernetes.objects["secrets"].clear()
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS)
    said = fails("submit", "--data", f"s3://{bucket}/no.zip", *SMOKE)
    assert "--data: no such object" in said
    assert "Secret kubeflow/salt-store: is not there: see `salt cluster init`" in said
    assert f"is another bucket than SALT_S3_BUCKET's here (found salt, expected {bucket})" in said
    kfp.fault = "500"
    monkeypatch.setenv("SALT_S3_BUCKET", "no-such-bucket")
    said = fails("submit", "--data", ready, *SMOKE)
    assert "answers with an error: 500" in said
    assert "no-such-bucket" in said
    kfp.fault = None
    assert not kfp.runs
    assert not kfp.uploads


@pytest.mark.minio
def test_what_may_not_be_looked_at_is_a_warning(ready, kfp, kubernetes, monkeypatch):
    kubernetes.forbidden = {"secrets"}
    code, _, said = salt("submit", "--data", ready, *SMOKE)
    assert (code, said) == (0, "warning: Secret salt-store: we may not look whether it is there\n")
    monkeypatch.delenv("KUBECONFIG")
    code, _, said = salt("submit", "--data", ready, *SMOKE)
    assert code == 0
    assert "warning: Secrets and ConfigMap were not looked for: Kubernetes: no configuration: see KUBECONFIG" in said


def test_submit_reads_from_a_store_only(kfp):
    assert "--data: a cluster reads from the object store" in fails("submit", "--data", "survey.zip", *SMOKE)
    assert "SALT_S3_ENDPOINT: is not set" in fails("submit", "--data", "s3://salt/survey.zip", *SMOKE)
    assert "train.epochs" in fails("submit", "--data", "s3://salt/survey.zip", "--set", "train.epochs=0")


@pytest.mark.minio
@pytest.mark.parametrize("fault", ["500", "html"])
def test_an_api_that_fails_in_the_midst_is_one_line(ready, kfp, fault):
    settings = cluster_settings()
    checked = submit.check(Kfp(settings), ready, preset_config("smoke", ["cluster.tag=1"]))
    kfp.fault = fault
    with pytest.raises(SaltError, match="Kubeflow Pipelines at"):
        submit.submit(Kfp(settings), checked, ready, name="x")


@pytest.mark.minio
def test_init_makes_everything_once(kubernetes, minio, store_environment, store, bucket, monkeypatch):
    monkeypatch.setenv("SALT_S3_BUCKET", bucket + "-new")
    code, out, said = salt("cluster", "init", "--dev", "--expire-days", 9)
    assert code == 0
    assert out.splitlines() == [
        "Secret salt-store: made",
        "Secret mlpipeline-minio-artifact: made",
        "Secret salt-minio: made",
        "Secret salt-postgres: made",
        f"bucket {bucket}-new: made",
        out.splitlines()[5],
        "checkpoints: kept 9 days, set",
        "MLflow experiment salt: left out, MLFLOW_TRACKING_URI names no server here",
    ]
    key = store_environment["SALT_S3_SECRET_KEY"]
    held = {name: kubernetes.secret(name) for name in kubernetes.objects["secrets"]}
    assert held["salt-store"]["SALT_S3_SECRET_KEY"] == held["salt-minio"]["MINIO_ROOT_PASSWORD"] == key
    assert held["mlpipeline-minio-artifact"] == {"accesskey": store_environment["SALT_S3_ACCESS_KEY"], "secretkey": key}
    for text in (out, said):
        assert key not in text
        assert held["salt-postgres"]["POSTGRES_PASSWORD"] not in text
    store.check(f"{bucket}-new")

    code, out, _ = salt("cluster", "init", "--dev", "--expire-days", 9)
    assert code == 0
    assert all(line.endswith("unchanged") or "left out" in line for line in out.splitlines())
    assert {name: kubernetes.secret(name) for name in held} == held
    assert "kept 10 days, set" in salt("cluster", "init", "--expire-days", 10)[1]


def test_keys_are_made_up_only_when_asked_and_only_once(kubernetes):
    assert "are not set (expected the store's keys" in fails("cluster", "init")
    assert "with --dev" in fails("cluster", "init", "--generate")
    assert not kubernetes.objects["secrets"]
    code, out, _ = salt("cluster", "init", "--dev", "--generate")
    assert code == 0
    assert "bucket salt: left out, SALT_S3_ENDPOINT is not set here" in out
    held = {name: kubernetes.secret(name) for name in kubernetes.objects["secrets"]}
    assert len({value for secret in held.values() for value in secret.values()}) == 3
    assert len(held["salt-minio"]["MINIO_ROOT_PASSWORD"]) >= 32
    assert all(value not in out for secret in held.values() for value in secret.values())
    assert salt("cluster", "init", "--dev", "--generate")[0] == 0
    assert {name: kubernetes.secret(name) for name in held} == held


def test_other_values_are_left_unless_replaced(kubernetes, monkeypatch):
    monkeypatch.setenv("SALT_S3_ACCESS_KEY", "ours")
    monkeypatch.setenv("SALT_S3_SECRET_KEY", "our-secret")
    kubernetes.put("secrets", names.KFP_STORE_SECRET, {"accesskey": "minio", "secretkey": "minio123", "other": "kept"})
    monkeypatch.setattr("pipelines.cluster_init._buckets", lambda *_: iter(()))
    _, out, _ = salt("cluster", "init")
    assert "Secret mlpipeline-minio-artifact: holds other values, left as it is (--replace puts ours in)" in out
    assert kubernetes.secret(names.KFP_STORE_SECRET)["accesskey"] == "minio"
    assert "mlpipeline-minio-artifact: replaced" in salt("cluster", "init", "--replace")[1]
    assert kubernetes.secret(names.KFP_STORE_SECRET) == {
        "accesskey": "ours",
        "secretkey": "our-secret",
        "other": "kept",
    }


def test_init_says_what_a_cluster_does_not_do(kubernetes, monkeypatch):
    kubernetes.forbidden = {"secrets"}
    assert "Kubernetes: answers with an error: 403 secrets is forbidden" in fails(
        "cluster", "init", "--dev", "--generate"
    )
    kubernetes.forbidden = set()
    monkeypatch.setenv("SALT_S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    code, out, _ = salt("cluster", "init", "--dev", "--generate")
    said = fails("cluster", "init", "--dev", "--generate")
    assert "not everything was prepared" in said
    assert "127.0.0.1:9" in said
    assert "MLflow at http://127.0.0.1:9: does not do it" in said
    assert "Secret salt-store: unchanged" in salt("cluster", "init")[1]
    kubernetes.__exit__()
    assert "cannot be reached: connection refused" in fails("cluster", "init", "--dev", "--generate")


# salt doctor


def verdict(check, *words):
    return check(*words)[0]


def found(check, *words):
    return check(*words)[1]


@pytest.fixture
def kube(kubernetes):
    return Kube("kubeflow")


@pytest.mark.minio
def test_doctor_shows_every_check_of_the_issue(ready, kubernetes):
    code, out, _ = salt("doctor", "--json")
    verdicts = {one["check"]: one for one in json.loads(out)}
    assert {name: one["state"] for name, one in verdicts.items()} == {
        "Python": "ok", "packages": "ok", "Docker": verdicts["Docker"]["state"], "Kubeflow Pipelines": "ok",
        "bucket": "ok", "MLflow": "not checked", "clocks": "ok", "Kubernetes": "ok", "service account": "ok",
        "Secrets": "ok", "ConfigMap": "ok", "retry policy": "ok", "GPUs": "warn",
        "images": verdicts["images"]["state"],
    }  # fmt: skip
    assert code == 0
    kubernetes.objects["secrets"].clear()
    code, out, _ = salt("doctor")
    assert code == 1
    assert "salt-store is not there" in out


def test_doctor_ends_when_nothing_is_there():
    began = time.monotonic()
    code, out, _ = salt("doctor", "--json")
    assert code == 1
    verdicts = {one["check"]: one for one in json.loads(out)}
    assert verdicts["Kubeflow Pipelines"]["state"] == "fail"
    assert verdicts["Secrets"]["state"] == "not checked"
    assert time.monotonic() - began < 60


def test_a_check_that_hangs_or_breaks_does_not_hide_the_others():
    def breaks():
        raise ZeroDivisionError("by zero")

    def cannot():
        raise NotChecked("no way to look")

    stop = threading.Event()
    checks = {"hangs": stop.wait, "breaks": breaks, "cannot": cannot, "good": lambda: ("ok", "it is", "")}
    verdicts = doctor.run_checks(checks, 0.3)
    stop.set()
    assert [(v.check, v.state) for v in verdicts] == [
        ("hangs", "fail"), ("breaks", "fail"), ("cannot", "not checked"), ("good", "ok"),
    ]  # fmt: skip
    assert "no answer in time" in verdicts[0].found
    assert "by zero" in verdicts[1].found


def test_version_of_kubernetes(kubernetes, kube):
    for minor, state in (("33", "ok"), ("36+", "ok"), ("32", "warn"), ("37", "warn")):
        kubernetes.minor = minor
        assert verdict(doctor_kube.version, kube) == state


def test_service_account(kubernetes, kube):
    assert verdict(doctor_kube.service_account, kube, "salt-runner") == "ok"
    kubernetes.may_not = {("patch", "workflowtaskresults"), ("get", "secrets")}
    said = found(doctor_kube.service_account, kube, "salt-runner")
    assert said == "salt-runner may not patch workflowtaskresults, get secrets/mlpipeline-minio-artifact"
    assert verdict(doctor_kube.service_account, kube, "other") == "fail"


def test_secrets_and_config_map_lack_keys(kubernetes, kube):
    assert found(doctor_kube.config_map, kube) == "salt-settings is not there"
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS | {"SALT_S3_BUCKET": ""})
    assert found(doctor_kube.config_map, kube) == "salt-settings lacks SALT_S3_BUCKET"
    kubernetes.put("secrets", names.STORE_SECRET, {"SALT_S3_ACCESS_KEY": "x"})
    said = found(doctor_kube.secrets, kube)
    assert said == "salt-store lacks SALT_S3_SECRET_KEY; mlpipeline-minio-artifact is not there"


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
def test_retry_policy(kubernetes, kube, defaults, patch, state):
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": defaults} if defaults else {})
    if patch is not None:
        env = [{"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": patch}]
        kubernetes.objects["deployments"]["ml-pipeline"] = deployment(env)
    assert verdict(doctor_kube.retry_policy, kube) == state


def test_retry_policy_that_cannot_be_read(kubernetes, kube):
    kubernetes.objects["deployments"]["ml-pipeline"] = deployment(
        [{"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": "{"}]
    )
    with pytest.raises(SaltError, match="is not JSON"):
        doctor_kube.retry_policy(kube)
    kubernetes.objects["deployments"].clear()
    kubernetes.put("configmaps", names.ARGO_CONFIG_MAP, {"workflowDefaults": "a: [b"})
    with pytest.raises(SaltError, match="is not YAML"):
        doctor_kube.retry_policy(kube)


def deployment(env):
    template = {"spec": {"containers": [{"name": "ml-pipeline-api-server", "env": env}]}}
    return {"metadata": {"name": "ml-pipeline"}, "spec": {"selector": {}, "template": template}}


def node(name, gpus=0, images=()):
    allocatable = {"cpu": "8"} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    return {"metadata": {"name": name}, "status": {"allocatable": allocatable, "images": [{"names": list(images)}]}}


def pod(where, *gpus, init=()):
    def containers(counts):
        return [{"name": f"c{i}", "resources": {"limits": {"nvidia.com/gpu": str(n)}}} for i, n in enumerate(counts)]

    return {"metadata": {"name": "p"}, "spec": {"nodeName": where, "containers": containers(gpus), "initContainers": containers(init)}}  # fmt: skip


def test_gpus(kubernetes, kube):
    kubernetes.nodes = [node("a")]
    assert doctor_kube.gpus(kube)[0::2] == ("warn", "salt submit --set cluster.accelerator=none")
    kubernetes.nodes = [node("a"), node("b", 4), node("c", 4)]
    kubernetes.pods = [pod("b", 1, 1), pod("c", 1, init=(3, 2)), pod(None, 2), pod("a", 1)]
    assert doctor_kube.gpus(kube)[:2] == ("ok", "3 of 8 free on 2 nodes")
    kubernetes.pods += [pod("c", 3)]
    assert verdict(doctor_kube.gpus, kube) == "warn"


def test_images_on_the_nodes(kubernetes, kube):
    from components.core.images import image
    from pipelines.images import STAGES, with_tag

    cluster = with_tag(preset_config("smoke")).cluster
    there = [f"docker.io/{image(stage, cluster)}" for stage in STAGES]
    kubernetes.nodes = [node("a", images=there[:3]), node("b", images=there[3:])]
    assert verdict(doctor_kube.images, kube) == "ok"
    kubernetes.nodes.pop()
    assert found(doctor_kube.images, kube).startswith(f"4 of 7 of tag {cluster.tag} on no node")


def test_mlflow_and_clocks(kfp, monkeypatch):
    with pytest.raises(NotChecked, match="not set here"):
        doctor_services.mlflow()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kfp.url)
    with pytest.raises(SaltError, match="answers with 404"):
        doctor_services.mlflow()
    monkeypatch.setattr(kfp, "answer", lambda *_: (200, "text/plain", b"1.30.0"))
    assert verdict(doctor_services.mlflow) == "warn"
    monkeypatch.undo()


def test_clock_skew(kfp, monkeypatch):
    settings = cluster_settings()
    assert verdict(doctor_services.clocks, settings) == "ok"
    for date, state in (("Thu, 01 Jan 2026 00:00:00 GMT", "fail"), ("not a date", None)):
        monkeypatch.setattr(Kfp, "date", lambda _, date=date: date)
        if state:
            assert verdict(doctor_services.clocks, settings) == state
        else:
            with pytest.raises(NotChecked):
                doctor_services.clocks(settings)


def test_multi_user_and_unknown_versions_are_noted(kfp, monkeypatch):
    for health, state in (({"tag_name": "2.17.1"}, "ok"), ({"tag_name": "2.99.0"}, "warn"), ({}, "warn"),
                          ({"tag_name": "2.17.0", "multi_user": True}, "warn")):  # fmt: skip
        monkeypatch.setattr(Kfp, "health", lambda _, health=health: health)
        assert verdict(doctor_services.kubeflow, cluster_settings()) == state


def test_a_kubernetes_that_is_slow_or_away(kubernetes, kube, monkeypatch):
    from pipelines import kube as module

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


def test_a_kubeconfig_that_is_broken(monkeypatch, tmp_path):
    (tmp_path / "kubeconfig").write_text("{not: [yaml")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(SaltError, match="no configuration: see KUBECONFIG"):
        Kube("kubeflow")


def test_a_long_answer_is_cut():
    assert network.one_line("a\nb " + "x" * 500, 10) == "a b xxxxxx ..."
