"""The InferenceService: Kubernetes' schemas and the rules for its pod, its own fields by structure."""

from collections.abc import Callable, Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from salt_pipeline.components.core.container_image import image
from salt_pipeline.pipelines import k8s_names as names
from tests.k8s.manifests import K8S, Object, built, named
from tests.k8s.rules import RULES
from tests.k8s.test_overlays import VERSIONS

OWN = ("minReplicas", "maxReplicas", "labels")
"""Fields of KServe's predictor; all others are those of a pod."""


@pytest.fixture(scope="module")
def service() -> Object:
    return named(built("serving"), "InferenceService", "salt")


@pytest.fixture(scope="module")
def deployment(service: Object) -> Object:
    """The Deployment that KServe makes of it."""
    predictor: dict[str, Any] = service["spec"]["predictor"]
    labels = predictor["labels"]
    spec = {key: value for key, value in predictor.items() if key not in OWN}
    metadata = {"name": "salt-predictor", "namespace": service["metadata"]["namespace"], "labels": labels}
    template = {"metadata": {"labels": labels}, "spec": spec}
    selector = {"matchLabels": {"app.kubernetes.io/name": labels["app.kubernetes.io/name"]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"selector": selector, "template": template},
    }


def test_the_fields_of_kserve_are_known(service: Object) -> None:
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert set(service) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(service["spec"]) == {"predictor"}
    predictor = service["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (1, 1)
    [container] = predictor["containers"]
    assert container["name"] == "kserve-container", "KServe finds the model's container by this name"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pod_is_valid_in_every_version_of_kubernetes(deployment: Object, version: str) -> None:
    kubernetes_validate.validate(deployment, version, strict=True)
    for policy in ("salt-mlflow-predictor", "salt-predictor"):
        kubernetes_validate.validate(named(built("serving"), "NetworkPolicy", policy), version, strict=True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_is_followed(deployment: Object, rule: Callable[[list[Object]], Iterator[str]]) -> None:
    policies = [named(built("serving"), "NetworkPolicy", name) for name in ("salt-mlflow-predictor", "salt-predictor")]
    assert list(rule([*built("overlays/dev"), *policies, deployment])) == []


def test_the_image_and_the_port_are_those_of_the_dockerfile(deployment: Object) -> None:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image("predict").replace("/predict:", "/serve:")
    dockerfile = (K8S.parent / "docker/Dockerfile").read_text().split(" AS serve\n")[1]
    assert f"EXPOSE {container['ports'][0]['containerPort']}\n" in dockerfile


def test_mlflow_admits_its_pods(deployment: Object) -> None:
    policy = named(built("serving"), "NetworkPolicy", "salt-mlflow-predictor")
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": names.MLFLOW}
    [rule] = policy["spec"]["ingress"]
    admitted = rule["from"][0]["podSelector"]["matchLabels"].items()
    assert admitted <= deployment["spec"]["template"]["metadata"]["labels"].items()
    settings = yaml.safe_load((K8S / "base/settings.env").read_text().replace("=", ": "))
    assert settings["MLFLOW_TRACKING_URI"].endswith(f":{rule['ports'][0]['port']}")


def test_its_pods_are_reached_by_a_gateway_and_reach_mlflow_alone(deployment: Object) -> None:
    spec = named(built("serving"), "NetworkPolicy", "salt-predictor")["spec"]
    template = deployment["spec"]["template"]
    assert spec["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    [admitted] = spec["ingress"]
    [container] = template["spec"]["containers"]
    assert [port["port"] for port in admitted["ports"]] == [port["containerPort"] for port in container["ports"]]
    assert list(admitted["from"][0]) == ["namespaceSelector"]
    peers = [rule["to"][0]["podSelector"]["matchLabels"] for rule in spec["egress"] if "to" in rule]
    assert peers == [{"app.kubernetes.io/name": names.MLFLOW}]
    open_ports = {port["port"] for rule in spec["egress"] if "to" not in rule for port in rule["ports"]}
    assert open_ports == {53, 5353}
