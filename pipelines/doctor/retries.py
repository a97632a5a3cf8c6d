"""Checks whether a task that fails or is lost is retried, and for how long."""

import json
import re
from collections.abc import Mapping
from typing import Any

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError, PipelineVersion
from salt_pipeline.pipelines.cluster.kube import Kube
from salt_pipeline.pipelines.doctor.verdict import NotChecked, State

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
_FIX = "kubectl apply --server-side --force-conflicts --field-manager=salt-pipeline -k k8s/overlays/kfp"


def retry_policy(kube: Kube) -> tuple[State, str, str]:
    """Whether the cluster's defaults let a container that fails be retried, as `cluster.retries` requests."""
    ours, argos = _retry_strategy(_spec_patch(kube)), {}
    if str(ours.get("limit", "")) not in ("", "0"):
        return "warn", f"default limit {ours['limit']}: retries of each level of the graph multiply", _FIX
    source, policy = f"{names.KFP_API_DEPLOYMENT}'s COMPILED_PIPELINE_SPEC_PATCH", ours.get("retryPolicy")
    if policy not in ("Always", "OnFailure"):
        argos = _argo_defaults(kube)
        source, policy = names.ARGO_CONFIG_MAP, argos.get("retryPolicy", "OnFailure")
        if policy not in ("Always", "OnFailure"):
            return "warn", f"{policy}: a container that fails is not retried", _FIX
    longest = Config().cluster.timeout_hours * 3600
    for strategy, place in ((ours, names.KFP_API_DEPLOYMENT), (argos, names.ARGO_CONFIG_MAP)):
        window = str((strategy.get("backoff") or {}).get("maxDuration", ""))
        if window and duration(window) < longest:
            found = f"default maxDuration {window}: a task lost later than that after its first start is not retried"
            return "warn", found, f"remove retryStrategy.backoff.maxDuration from the defaults of {place}"
    return "ok", f"{policy}, by {source}" if ours or argos else "Argo's own: a failed container is retried", ""


def retry_window(kfp: Kfp) -> tuple[State, str, str]:
    """Whether the newest uploaded pipeline allows retries of its tasks for as long as an attempt may take.

    Argo counts a task's `backoffMaxDuration` from the start of its first attempt, including the wait for an image. If
    it is shorter than an attempt, a job that is lost late is not retried.
    """
    try:
        version = _newest_version(kfp)
    except KfpError as error:
        raise NotChecked(str(error).partition("; is it forwarded?")[0]) from None
    if version is None:
        return "ok", f"no pipeline {names.PIPELINE} is uploaded yet", ""
    windows = _windows(version.spec)
    if not windows:
        return "warn", f"{version.name}: its tasks are not retried", "salt submit --set cluster.retries=2"
    short = {task: (window, limit) for task, (window, limit) in windows.items() if window < limit}
    if short:
        task, (window, limit) = min(short.items(), key=lambda item: item[1])
        found = f"{task} is retried only within {window:.0f} s of its first start, and may run {limit:.0f} s"
        return (
            "warn",
            f"{version.name}: {found}",
            "salt submit from this checkout uploads a pipeline with a longer window",
        )
    return "ok", f"{version.name}: retries for {min(w for w, _ in windows.values()) / 3600:.0f} h", ""


def duration(text: str) -> float:
    """Seconds of a duration as Argo and KFP write it: `600`, `600s`, `1h30m`.

    Raises:
        SaltError: If it is not a duration.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?(h|ms|m|s))+", text):
        raise SaltError("is not a duration", field="retry policy", found=text, expected="for example 600s or 24h")
    return sum(float(number) * _UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)(h|ms|m|s)", text))


def _newest_version(kfp: Kfp) -> PipelineVersion | None:
    pipeline_id = kfp.pipeline_id(names.PIPELINE)
    return kfp.newest_version(pipeline_id) if pipeline_id else None


def _windows(spec: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """For each task with retries its window and the time limit of an attempt, in seconds."""
    pipeline, platform = spec.get("pipeline_spec", spec), spec.get("platform_spec") or {}
    executors = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    dags = [pipeline.get("root") or {}, *(pipeline.get("components") or {}).values()]
    tasks = [item for dag in dags for item in (dag.get("dag") or {}).get("tasks", {}).items()]
    windows = {}
    for name, task in tasks:
        policy = task.get("retryPolicy")
        if policy:
            limit = executors.get(f"exec-{name}", {}).get("activeDeadlineSeconds", 0)
            windows[name] = (duration(str(policy.get("backoffMaxDuration", "0"))), float(limit))
    return windows


def _argo_defaults(kube: Kube) -> dict[str, Any]:
    """Argo's default retry strategy; empty if there is none, or none for templates."""
    import yaml

    argo = kube.config_map(names.ARGO_CONFIG_MAP)
    if argo is None:
        raise NotChecked(f"no {names.ARGO_CONFIG_MAP} in {kube.namespace}: is Kubeflow Pipelines installed there?")
    try:
        defaults = yaml.safe_load(argo.get("workflowDefaults") or "{}")
    except yaml.YAMLError:
        raise SaltError("workflowDefaults is not YAML", file=f"ConfigMap {names.ARGO_CONFIG_MAP}") from None
    return _retry_strategy(defaults.get("spec") if isinstance(defaults, dict) else None)


def _retry_strategy(spec: Any) -> dict[str, Any]:
    """The default retry strategy of a workflow's spec; empty if there is none."""
    try:
        found = spec["templateDefaults"]["retryStrategy"]
    except (KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _spec_patch(kube: Kube) -> dict[str, Any]:
    """The patch that the API server applies to every workflow that it compiles."""
    deployment = kube.find(kube.apps.read_namespaced_deployment, names.KFP_API_DEPLOYMENT, kube.namespace)
    containers = deployment.spec.template.spec.containers if deployment else []
    for variable in (v for container in containers for v in container.env or []):
        if variable.name == "COMPILED_PIPELINE_SPEC_PATCH":
            try:
                patch = json.loads(variable.value or "{}")
            except ValueError:
                raise SaltError("COMPILED_PIPELINE_SPEC_PATCH is not JSON", file=names.KFP_API_DEPLOYMENT) from None
            return patch if isinstance(patch, dict) else {}
    return {}
