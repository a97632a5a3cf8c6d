"""The project's rules for manifests: each yields its violations, as `kind/name: problem`."""

import re
from collections.abc import Iterator

from salt_pipeline.pipelines import k8s_names as names
from tests.k8s.manifests import Object, of_kind, pod

SECRET_KEYS = {
    names.STORE_SECRET: set(names.STORE_KEYS),
    names.KFP_STORE_SECRET: set(names.KFP_STORE_KEYS),
    names.MINIO_SECRET: set(names.MINIO_KEYS),
    names.POSTGRES_SECRET: set(names.POSTGRES_KEYS),
    names.MLFLOW_SECRET: set(names.MLFLOW_KEYS),
}
"""Keys of the Secrets that `salt cluster init` creates."""
ANYWHERE = {53, 5353, 443, 6443, 8443}
"""Ports of DNS and of the Kubernetes API, whose addresses differ between clusters."""
_SECRET_NAME = re.compile(r"(?i)pass(word|wd)?$|secret|token|access_?key|private_?key|credential")
_SECRET_VALUE = re.compile(
    r"://[^/\s:@]+:[^/\s@$]+@|\bAKIA[0-9A-Z]{16}\b|-----BEGIN|^[0-9a-fA-F]{32,}$|^[A-Za-z0-9+/]{40,}={0,2}$"
)


def _workloads(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    for item in of_kind(objects, "Deployment", "StatefulSet", "DaemonSet", "Job"):
        yield f"{item['kind']}/{item['metadata']['name']}", pod(item)["spec"]


def _containers(objects: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    for where, spec in _workloads(objects):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield f"{where}/{container['name']}", spec, container


def _names(objects: list[Object], kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in of_kind(objects, kind)}


def labelled(objects: list[Object]) -> Iterator[str]:
    """All objects and pods have the label app.kubernetes.io/part-of."""
    for item in objects:
        where = f"{item['kind']}/{item['metadata']['name']}"
        carriers = [item["metadata"]]
        if item["kind"] in {"Deployment", "StatefulSet"}:
            carriers.append(pod(item)["metadata"])
        if any(carrier.get("labels", {}).get("app.kubernetes.io/part-of") != names.PART_OF for carrier in carriers):
            yield f"{where}: no label part-of"


def namespaced(objects: list[Object]) -> Iterator[str]:
    """All objects are in the namespace of the runs, and no overlay would delete it with its own objects."""
    home = next((item["metadata"].get("namespace") for item in of_kind(objects, "ServiceAccount")), names.NAMESPACE)
    for item in objects:
        where = f"{item['kind']}/{item['metadata']['name']}"
        if item["kind"] == "Namespace":
            yield f"{where}: an overlay must not own the namespace"
        elif item["kind"] != "PriorityClass" and item["metadata"].get("namespace") != home:
            yield f"{where}: not in {home}"


def unprivileged(objects: list[Object]) -> Iterator[str]:
    """The Pod Security Standard `restricted`, a numeric user and a read-only root."""
    for where, spec, container in _containers(objects):
        of_pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
        both = of_pod | own
        if both.get("runAsNonRoot") is not True or not both.get("runAsUser"):
            yield f"{where}: not a numeric user other than root"
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            yield f"{where}: may gain privileges"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{where}: keeps capabilities"
        if both.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{where}: no seccomp profile"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{where}: writable root"
        if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{where}: uses a namespace of the host"
    for where, spec in _workloads(objects):
        if any("hostPath" in volume for volume in spec.get("volumes", [])):
            yield f"{where}: mounts a path of the host"


def bounded(objects: list[Object]) -> Iterator[str]:
    """CPU and memory are requested and limited, scratch space is limited."""
    for where, _, container in _containers(objects):
        resources = container.get("resources", {})
        for side in ("requests", "limits"):
            if not {"cpu", "memory"} <= resources.get(side, {}).keys():
                yield f"{where}: no {side}"
    for where, spec in _workloads(objects):
        for volume in spec.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{where}: emptyDir {volume['name']} without sizeLimit"


def pinned(objects: list[Object]) -> Iterator[str]:
    """Images have a version, public ones a digest; an image that was imported on the node is not pulled."""
    for where, _, container in _containers(objects):
        image, _, digest = container["image"].partition("@")
        name, _, tag = image.rpartition(":")
        if not name or "/" in tag or not re.search(r"\d", tag):
            yield f"{where}: image {container['image']} has no version"
        if not name.startswith(f"{names.PART_OF}/") and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            yield f"{where}: public image {container['image']} without a digest"
        if container.get("imagePullPolicy") != "IfNotPresent":
            yield f"{where}: imagePullPolicy is not IfNotPresent"


def probed(objects: list[Object]) -> Iterator[str]:
    """Every server has startup, liveness and readiness probes that tolerate a busy server."""
    patience = {"startupProbe": 300, "readinessProbe": 60, "livenessProbe": 300}
    for where, spec in _workloads(objects):
        for container in spec["containers"]:
            for name, seconds in patience.items():
                probe = container.get(name)
                if not probe:
                    yield f"{where}/{container['name']}: no {name}"
                elif probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) < seconds:
                    yield f"{where}/{container['name']}: {name} gives up within {seconds} s"


def secretless(objects: list[Object]) -> Iterator[str]:
    """No manifest contains the value of a secret."""
    for item in of_kind(objects, "Secret"):
        yield f"Secret/{item['metadata']['name']}: Secrets are made by salt cluster init"
    for item in of_kind(objects, "ConfigMap"):
        for key, value in item.get("data", {}).items():
            if _SECRET_NAME.search(key) or _SECRET_VALUE.search(value):
                yield f"ConfigMap/{item['metadata']['name']}: {key} looks like a secret"
    for where, _, container in _containers(objects):
        for variable in container.get("env", []):
            value = variable.get("value", "")
            if value and (_SECRET_NAME.search(variable["name"]) or _SECRET_VALUE.search(value)):
                yield f"{where}: {variable['name']} looks like a secret"
        for word in [*container.get("command", []), *container.get("args", [])]:
            if _SECRET_VALUE.search(word):
                yield f"{where}: an argument looks like a secret"


def tokenless(objects: list[Object]) -> Iterator[str]:
    """Servers do not call Kubernetes and have no token for it."""
    for where, spec in _workloads(objects):
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{where}: gets a service account's token"


def resolved(objects: list[Object]) -> Iterator[str]:
    """Objects that a pod refers to are in the overlay, or `salt cluster init` creates them with that key."""
    maps = {item["metadata"]["name"]: set(item.get("data", {})) for item in of_kind(objects, "ConfigMap")}
    known = {"configMapKeyRef": maps, "secretKeyRef": SECRET_KEYS, "configMapRef": maps, "secretRef": SECRET_KEYS}
    for where, _, container in _containers(objects):
        for variable in container.get("env", []):
            for kind, source in variable.get("valueFrom", {}).items():
                if kind in known and source["key"] not in known[kind].get(source["name"], set()):
                    yield f"{where}: {variable['name']} refers to a missing object"
        for entry in container.get("envFrom", []):
            for kind, source in entry.items():
                if kind in known and source["name"] not in known[kind]:
                    yield f"{where}: envFrom refers to a missing object"
    for where, spec in _workloads(objects):
        for field, kind in (("serviceAccountName", "ServiceAccount"), ("priorityClassName", "PriorityClass")):
            if field in spec and spec[field] not in _names(objects, kind):
                yield f"{where}: no {kind} {spec[field]}"


def rootless(objects: list[Object]) -> Iterator[str]:
    """Only the store has its root keys: the others access it as users with few permissions."""
    for where, _, container in _containers(objects):
        sources = [variable.get("valueFrom", {}).get("secretKeyRef", {}) for variable in container.get("env", [])]
        sources += [entry.get("secretRef", {}) for entry in container.get("envFrom", [])]
        held = {source.get("name") for source in sources}
        if names.MINIO_SECRET in held and where != f"StatefulSet/{names.MINIO}/minio":
            yield f"{where}: gets the root keys of the store"


def narrow(objects: list[Object]) -> Iterator[str]:
    """Every egress rule has ports, and selects pods unless the ports are those of DNS or the Kubernetes API."""
    for item in of_kind(objects, "NetworkPolicy"):
        where = f"NetworkPolicy/{item['metadata']['name']}"
        for rule in item["spec"].get("egress", []):
            ports = {port["port"] for port in rule.get("ports", [])}
            if not ports:
                yield f"{where}: egress to every port"
            if any(not peer.get("podSelector") or peer.get("namespaceSelector") == {} for peer in rule.get("to", [])):
                yield f"{where}: egress to all pods of a namespace"
            # The addresses of the stores differ between clusters: users of these two policies set them.
            known = item["metadata"]["name"] not in ("salt-runs-stores", "salt-runs-profile")
            if known and not rule.get("to") and not ports <= ANYWHERE:
                yield f"{where}: egress to any address at {sorted(ports - ANYWHERE)}"


def bound(objects: list[Object]) -> Iterator[str]:
    """Accounts, bindings and Services refer to objects that exist."""
    for item in of_kind(objects, "ServiceAccount"):
        if not {entry["name"] for entry in item.get("secrets", [])} <= SECRET_KEYS.keys():
            yield f"ServiceAccount/{item['metadata']['name']}: refers to a Secret that nothing creates"
    for item in of_kind(objects, "RoleBinding"):
        subjects = {entry["name"] for entry in item["subjects"]}
        if item["roleRef"]["name"] not in _names(objects, "Role") or not subjects <= _names(objects, "ServiceAccount"):
            yield f"RoleBinding/{item['metadata']['name']}: binds an object that is missing"
    for item in of_kind(objects, "StatefulSet"):
        if item["spec"]["serviceName"] not in _names(objects, "Service"):
            yield f"StatefulSet/{item['metadata']['name']}: no Service {item['spec']['serviceName']}"
    for item in of_kind(objects, "Service"):
        workloads = of_kind(objects, "Deployment", "StatefulSet")
        if not any(item["spec"]["selector"].items() <= pod(work)["metadata"]["labels"].items() for work in workloads):
            yield f"Service/{item['metadata']['name']}: selects no pod"


def least(objects: list[Object]) -> Iterator[str]:
    """No role has a wildcard, writes what a run does not write, or reads every Secret."""
    writes = {"create", "update", "patch", "delete", "deletecollection"}
    for item in of_kind(objects, "ClusterRole", "ClusterRoleBinding"):
        yield f"{item['kind']}/{item['metadata']['name']}: permissions on the entire cluster"
    for item in of_kind(objects, "Role"):
        where = f"Role/{item['metadata']['name']}"
        for rule in item["rules"]:
            if "*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]:
                yield f"{where}: wildcard"
            if set(rule["verbs"]) & writes and rule["resources"] != ["workflowtaskresults"]:
                yield f"{where}: writes {rule['resources']}"
            if {"secrets", "configmaps"} & set(rule["resources"]) and not rule.get("resourceNames"):
                yield f"{where}: reads every one of {rule['resources']}"


RULES = (
    *(labelled, namespaced, unprivileged, bounded, pinned, probed, secretless, tokenless),
    *(resolved, rootless, narrow, bound, least),
)
