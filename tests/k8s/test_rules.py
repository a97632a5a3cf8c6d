"""Each rule finds its violations in an altered copy of the overlay `dev`."""

import copy
from collections.abc import Callable

import pytest

from tests.k8s import rules
from tests.k8s.manifests import Object, built, named, pod


def spec(objects: list[Object]) -> Object:
    return pod(named(objects, "Deployment", "salt-mlflow"))["spec"]


def container(objects: list[Object]) -> Object:
    return spec(objects)["containers"][0]


def role(objects: list[Object]) -> list[Object]:
    return named(objects, "Role", "salt-runner")["rules"]


def egress(objects: list[Object], name: str = "salt-runs") -> list[Object]:
    return named(objects, "NetworkPolicy", name)["spec"]["egress"]


Change = Callable[[list[Object]], object]
VIOLATIONS: list[tuple[Callable, Change]] = [
    (rules.labelled, lambda o: named(o, "Service", "salt-minio")["metadata"]["labels"].clear()),
    (rules.labelled, lambda o: pod(named(o, "StatefulSet", "salt-minio"))["metadata"]["labels"].clear()),
    (rules.namespaced, lambda o: o.append({"kind": "Namespace", "metadata": {"name": "kubeflow"}})),
    (rules.namespaced, lambda o: named(o, "Role", "salt-runner")["metadata"].pop("namespace")),
    (rules.unprivileged, lambda o: spec(o)["securityContext"].pop("runAsNonRoot")),
    (rules.unprivileged, lambda o: spec(o)["securityContext"].update(runAsUser=0)),
    (rules.unprivileged, lambda o: spec(o)["securityContext"].pop("seccompProfile")),
    (rules.unprivileged, lambda o: container(o)["securityContext"].pop("capabilities")),
    (rules.unprivileged, lambda o: container(o)["securityContext"].pop("allowPrivilegeEscalation")),
    (rules.unprivileged, lambda o: container(o)["securityContext"].update(readOnlyRootFilesystem=False)),
    (rules.unprivileged, lambda o: spec(o).update(hostNetwork=True)),
    (rules.unprivileged, lambda o: spec(o)["volumes"].append({"name": "host", "hostPath": {"path": "/"}})),
    (rules.bounded, lambda o: container(o)["resources"]["limits"].pop("memory")),
    (rules.bounded, lambda o: container(o)["resources"].pop("requests")),
    (rules.bounded, lambda o: spec(o)["volumes"].append({"name": "more", "emptyDir": {}})),
    (rules.pinned, lambda o: container(o).update(image="salt-pipeline/mlflow:latest")),
    (rules.pinned, lambda o: container(o).update(image="registry:5000/mlflow")),
    (rules.pinned, lambda o: container(o).update(imagePullPolicy="Always")),
    (rules.pinned, lambda o: container(o).update(image="postgres:17.10-bookworm")),
    (rules.pinned, lambda o: container(o).update(image="postgres:17.10-bookworm@sha256:12")),
    (rules.probed, lambda o: container(o).pop("livenessProbe")),
    (rules.probed, lambda o: container(o).pop("readinessProbe")),
    (rules.probed, lambda o: container(o).pop("startupProbe")),
    (rules.probed, lambda o: container(o)["livenessProbe"].pop("failureThreshold")),
    (rules.secretless, lambda o: o.append({"kind": "Secret", "metadata": {"name": "salt-store"}})),
    (rules.secretless, lambda o: container(o)["env"].append({"name": "PGPASSWORD", "value": "mlflow"})),
    (
        rules.secretless,
        lambda o: container(o)["env"].append({"name": "DB", "value": "postgresql://mlflow:pw@db/mlflow"}),
    ),
    (rules.secretless, lambda o: container(o)["args"].append("--backend-store-uri=postgresql://mlflow:pw@db/mlflow")),
    (rules.secretless, lambda o: named(o, "ConfigMap", "salt-settings")["data"].update(SALT_S3_SECRET_KEY="x")),
    (rules.tokenless, lambda o: spec(o).pop("automountServiceAccountToken")),
    (rules.resolved, lambda o: named(o, "ConfigMap", "salt-settings")["data"].pop("SALT_S3_BUCKET")),
    (rules.resolved, lambda o: container(o)["env"][0]["valueFrom"]["secretKeyRef"].update(name="other")),
    (rules.resolved, lambda o: container(o)["env"][0]["valueFrom"]["secretKeyRef"].update(key="OTHER")),
    (rules.resolved, lambda o: container(o).update(envFrom=[{"secretRef": {"name": "other"}}])),
    (rules.resolved, lambda o: container(o).update(envFrom=[{"configMapRef": {"name": "other"}}])),
    (rules.resolved, lambda o: spec(o).update(serviceAccountName="other")),
    (rules.resolved, lambda o: spec(o).update(priorityClassName="other")),
    (rules.rootless, lambda o: container(o)["env"][0]["valueFrom"]["secretKeyRef"].update(name="salt-minio")),
    (rules.rootless, lambda o: container(o).update(envFrom=[{"secretRef": {"name": "salt-minio"}}])),
    (rules.narrow, lambda o: egress(o)[0].pop("ports")),
    (rules.narrow, lambda o: egress(o)[0].update(to=[{"podSelector": {}}])),
    (rules.narrow, lambda o: egress(o)[0]["to"][0].update(namespaceSelector={})),
    (rules.narrow, lambda o: egress(o, "salt-runs-servers")[0].pop("to")),
    (rules.bound, lambda o: named(o, "RoleBinding", "salt-runner")["roleRef"].update(name="other")),
    (rules.bound, lambda o: named(o, "StatefulSet", "salt-minio")["spec"].update(serviceName="other")),
    (rules.bound, lambda o: named(o, "Service", "salt-minio")["spec"]["selector"].update(app="other")),
    (rules.bound, lambda o: named(o, "ServiceAccount", "salt-runner")["secrets"].append({"name": "other"})),
    (rules.least, lambda o: role(o).append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})),
    (rules.least, lambda o: role(o).append({"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]})),
    (rules.least, lambda o: role(o).append({"apiGroups": ["*"], "resources": ["jobs"], "verbs": ["get"]})),
    (rules.least, lambda o: o.append({"kind": "ClusterRole", "metadata": {"name": "salt-runner"}})),
]


@pytest.mark.parametrize("case", range(len(VIOLATIONS)), ids=lambda case: f"{VIOLATIONS[case][0].__name__}-{case}")
def test_a_violation_is_found(case: int) -> None:
    rule, change = VIOLATIONS[case]
    objects = copy.deepcopy(built("overlays/dev"))
    assert list(rule(objects)) == []
    change(objects)
    assert list(rule(objects))


def test_every_rule_has_a_violation() -> None:
    assert {rule for rule, _ in VIOLATIONS} == set(rules.RULES)
