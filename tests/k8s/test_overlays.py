import re
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import kubernetes_validate
import pytest
import yaml

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.container_image import BASE_IMAGE
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from tests.k8s.manifests import COMPLETE, K8S, PATCHES, Object, build, built, named, of_kind, pod
from tests.k8s.rules import RULES

VERSIONS = ("1.33", "1.34", "1.35")
SERVERS = (names.MINIO, names.POSTGRES, names.MLFLOW)
WITH_SERVERS = ("overlays/dev", "overlays/gpu")
PROFILE = "overlays/profile"


def test_every_overlay_is_tested() -> None:
    found = {str(path.parent.relative_to(K8S)) for path in (K8S / "overlays").glob("*/kustomization.yaml")}
    assert found == {name for name in (*COMPLETE, *PATCHES) if name != "base"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [*COMPLETE, "base/namespace"])
def test_objects_are_valid_in_every_version_of_kubernetes(name: str, version: str) -> None:
    for item in built(name):
        kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", COMPLETE)
def test_every_rule_is_followed(name: str, rule: Callable[[list[Object]], Iterator[str]]) -> None:
    assert list(rule(built(name))) == []


@pytest.mark.parametrize("name", COMPLETE)
def test_objects_that_the_pipeline_refers_to_exist(name: str) -> None:
    objects = built(name)
    named(objects, "ServiceAccount", names.SERVICE_ACCOUNT)
    settings = named(objects, "ConfigMap", names.SETTINGS_CONFIG_MAP)["data"]
    assert set(settings) == set(names.SETTINGS_KEYS)
    StoreSettings(endpoint=settings["SALT_S3_ENDPOINT"], bucket=settings["SALT_S3_BUCKET"])


@pytest.mark.parametrize("name", [name for name in COMPLETE if name != PROFILE])
def test_runs_are_in_the_namespace_of_kubeflow_pipelines(name: str) -> None:
    assert named(built(name), "ServiceAccount", names.SERVICE_ACCOUNT)["metadata"]["namespace"] == names.NAMESPACE


def test_the_namespace_of_a_profile_is_set_in_one_line(tmp_path: Path) -> None:
    root = Path(copytree(K8S, tmp_path / "k8s"))
    texts = {path: path.read_text() for path in (root / PROFILE).iterdir()}
    [(path, text)] = [item for item in texts.items() if "my-profile" in item[1]]
    path.write_text(text.replace("namespace: my-profile\n", "namespace: team-salt\n"))
    objects = build(root / PROFILE)
    assert {item["metadata"]["namespace"] for item in objects} == {"team-salt"}
    [subject] = named(objects, "RoleBinding", names.SERVICE_ACCOUNT)["subjects"]
    assert subject["namespace"] == "team-salt"
    assert "my-profile" not in str(objects)


def test_runs_in_a_profile_reach_kubeflow_pipelines_and_its_objects_are_not_replaced() -> None:
    objects = built(PROFILE)
    spec = named(objects, "NetworkPolicy", "salt-runs-profile")["spec"]
    assert spec["podSelector"] == named(objects, "NetworkPolicy", "salt-runs")["spec"]["podSelector"]
    peers = [peer for rule in spec["egress"] for peer in rule.get("to", [])]
    kubeflow = {"matchLabels": {"kubernetes.io/metadata.name": names.NAMESPACE}}
    assert [peer["namespaceSelector"] for peer in peers] == [kubeflow, kubeflow]
    assert {"app", "component"} == {
        key
        for peer in peers
        for key in [
            *peer["podSelector"].get("matchLabels", ()),
            *(entry["key"] for entry in peer["podSelector"].get("matchExpressions", ())),
        ]
    }
    ours = {(item["kind"], item["metadata"]["name"]) for item in objects}
    assert ("ConfigMap", names.KFP_LAUNCHER_CONFIG_MAP) not in ours


@pytest.mark.parametrize("name", WITH_SERVERS)
def test_the_addresses_are_those_of_the_servers(name: str) -> None:
    objects = built(name)
    settings = named(objects, "ConfigMap", names.SETTINGS_CONFIG_MAP)["data"]
    ports = {item["metadata"]["name"]: item["spec"]["ports"][0]["port"] for item in of_kind(objects, "Service")}
    assert set(ports) == set(SERVERS)
    assert settings["SALT_S3_ENDPOINT"] == f"http://{names.MINIO}:{ports[names.MINIO]}"
    assert settings["MLFLOW_TRACKING_URI"] == f"http://{names.MLFLOW}:{ports[names.MLFLOW]}"


@pytest.mark.parametrize("name", WITH_SERVERS)
def test_each_server_has_a_network_policy_that_admits_selected_pods(name: str) -> None:
    objects = built(name)
    for server in SERVERS:
        spec = named(objects, "NetworkPolicy", server)["spec"]
        [workload] = [
            work for work in of_kind(objects, "Deployment", "StatefulSet") if work["metadata"]["name"] == server
        ]
        assert spec["podSelector"]["matchLabels"].items() <= pod(workload)["metadata"]["labels"].items()
        assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
        [service] = [work for work in of_kind(objects, "Service") if work["metadata"]["name"] == server]
        for rule in spec["ingress"]:
            assert all(set(peer) == {"podSelector"} and peer["podSelector"] for peer in rule["from"])
            assert [port["port"] for port in rule["ports"]] == [service["spec"]["ports"][0]["port"]]


@pytest.mark.parametrize("name", COMPLETE)
def test_no_ingress_to_a_workflow_pod_is_allowed(name: str) -> None:
    spec = named(built(name), "NetworkPolicy", "salt-runs")["spec"]
    assert spec["podSelector"] == {
        "matchExpressions": [{"key": "workflows.argoproj.io/workflow", "operator": "Exists"}]
    }
    assert "Ingress" in spec["policyTypes"]
    assert not spec.get("ingress")


@pytest.mark.parametrize("name", WITH_SERVERS)
def test_the_egress_of_runs_matches_the_ingress_of_the_servers(name: str) -> None:
    objects = built(name)
    egress = {
        (peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"], port["port"])
        for rule in named(objects, "NetworkPolicy", "salt-runs-servers")["spec"]["egress"]
        for peer in rule["to"]
        for port in rule["ports"]
    }
    run = named(objects, "NetworkPolicy", "salt-runs")["spec"]["podSelector"]
    ingress = {
        (item["metadata"]["name"], port["port"])
        for item in of_kind(objects, "NetworkPolicy")
        for rule in item["spec"].get("ingress", [])
        if {"podSelector": run} in rule["from"]
        for port in rule["ports"]
    }
    assert egress == ingress
    assert {server for server, _ in egress} == {names.MINIO, names.MLFLOW}


def test_images_are_the_same_everywhere() -> None:
    compose = yaml.safe_load((K8S.parent / "docker/compose.yaml").read_text())["services"]
    for kind, name, service in (
        ("StatefulSet", names.MINIO, "minio"),
        ("StatefulSet", names.POSTGRES, "postgres"),
        ("Deployment", names.MLFLOW, "mlflow"),
    ):
        [container] = pod(named(built("overlays/dev"), kind, name))["spec"]["containers"]
        assert container["image"] == compose[service]["image"]
    for path in ("docker/Dockerfile", "docker/mlflow.Dockerfile"):
        assert f"ARG BASE_IMAGE={BASE_IMAGE}\n" in (K8S.parent / path).read_text()
    assert compose["mlflow"]["build"]["args"]["BASE_IMAGE"] == f"${{SALT_BASE_IMAGE:-{BASE_IMAGE}}}"


def test_mlflow_has_the_version_of_the_client() -> None:
    root = K8S.parent
    [pin] = [
        line.split()[0] for line in (root / "requirements.lock").read_text().splitlines() if line.startswith("mlflow==")
    ]
    version = pin.removeprefix("mlflow==")
    assert pin in (root / "docker/mlflow.lock").read_text().split()
    for name in WITH_SERVERS:
        container = pod(named(built(name), "Deployment", names.MLFLOW))["spec"]["containers"][0]
        assert container["image"].endswith(f":{version}")


def test_the_volumes_of_gpu_are_larger_than_those_of_dev() -> None:
    for kind, server in (("StatefulSet", names.MINIO), ("StatefulSet", names.POSTGRES)):
        claims = [
            named(built(name), kind, server)["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"][
                "storage"
            ]
            for name in WITH_SERVERS
        ]
        small, large = (int(claim.removesuffix("Gi")) for claim in claims)
        assert small < large


def test_the_gpu_quota_is_for_the_resource_that_jobs_request() -> None:
    hard = named(built("overlays/gpu"), "ResourceQuota", "salt-gpus")["spec"]["hard"]
    assert list(hard) == [f"requests.{Config().cluster.accelerator}"]
    assert int(next(iter(hard.values()))) >= len(Config().encoders) * Config().split.folds


@pytest.mark.parametrize("page", ["docs/cluster.md", "k8s/README.md"])
def test_files_that_the_pages_name_exist(page: str) -> None:
    root = K8S.parent
    named_paths = set(re.findall(r"\b(?:k8s|docker|docs)/[\w./-]*\w", (root / page).read_text()))
    assert named_paths
    assert [path for path in sorted(named_paths) if not (root / path).exists()] == []


def test_the_page_lists_every_setting() -> None:
    variables = {f"SALT_{field}".upper() for field in ClusterSettings.model_fields} | {
        *names.SETTINGS_KEYS,
        *names.STORE_KEYS,
        *(f"SALT_S3_{field}".upper() for field in StoreSettings.model_fields),
    }
    page = (K8S.parent / "docs/cluster.md").read_text()
    assert [variable for variable in sorted(variables) if f"`{variable}`" not in page] == []
