"""The manifests that kustomize builds from the folders in k8s/."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.servers import required

K8S = Path(__file__).parents[2] / "k8s"
COMPLETE = ("base", "overlays/dev", "overlays/gpu", "overlays/existing", "overlays/profile")
"""Folders that contain complete objects."""
PATCHES = ("overlays/kfp", "overlays/kfp-ui")
"""Folders that contain patches of objects of Kubeflow Pipelines."""

Object = dict[str, Any]


def build(folder: Path) -> list[Object]:
    """Builds a kustomization."""
    kubectl, kustomize = shutil.which("kubectl"), shutil.which("kustomize")
    program = required(kubectl or kustomize, "neither kubectl nor kustomize is on the PATH")
    command = [program, "kustomize"] if kubectl else [program, "build"]
    done = subprocess.run([*command, str(folder)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


@cache
def built(name: str) -> list[Object]:
    """Builds a folder of k8s/; the objects are shared: copy them before a change."""
    return build(K8S / name)


def named(objects: list[Object], kind: str, name: str) -> Object:
    """The only object of this kind and name."""
    [found] = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [item for item in objects if item["kind"] in kinds]


def pod(workload: Object) -> Object:
    """The pod template of a Deployment or StatefulSet: labels and spec."""
    return workload["spec"]["template"]
