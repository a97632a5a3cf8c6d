"""The cluster's section: labels, names and tolerations that Kubernetes accepts."""

from typing import Any

import pytest

from salt_pipeline.components.core.config.cluster import StageConfig, threads
from salt_pipeline.components.core.config.config import parse_config
from tests.components.core.config.problems import problems


def test_the_tag_latest_is_refused_with_the_reason() -> None:
    (problem,) = problems({"cluster": {"tag": "latest"}})
    assert problem.startswith("cluster: the tag `latest` would be pulled")


def test_a_toleration_with_the_operator_exists_has_no_value() -> None:
    toleration = {"key": "gpu", "operator": "Exists", "value": "yes"}
    (problem,) = problems({"cluster": {"tolerations": [toleration]}})
    assert "takes no value" in problem


@pytest.mark.parametrize("secret", ["regcred", "a.b-c", "x" * 63])
@pytest.mark.parametrize("label", ["team", "example.org/cost_centre", "A.b-9"])
def test_names_that_kubernetes_accepts(secret: str, label: str) -> None:
    cluster = parse_config({"cluster": {"image_pull_secrets": [secret], "pod_labels": {label: ""}}}).cluster
    assert (cluster.image_pull_secrets, cluster.labels()) == ((secret,), {label: ""})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_pull_secrets", ["Reg"]),
        ("image_pull_secrets", ["-a"]),
        ("image_pull_secrets", ["a..b"]),
        ("image_pull_secrets", ["a\n"]),
        ("queue", "a b"),
        ("queue", "x" * 64),
        ("queue", "-a"),
        ("pod_labels", {"team": "a/b"}),
        ("pod_labels", {"team": "x" * 64}),
        ("pod_labels", {"x" * 64: ""}),
        ("pod_labels", {"Example.org/team": ""}),
        ("pod_labels", {"a/b/c": ""}),
        ("pod_labels", {"": ""}),
        ("registry", "a b;$(id)"),
        ("registry", "reg.example/"),
        ("registry", "reg.example/Team"),
        ("registry", "reg.example:port/team"),
        ("registry", "reg.example:0/team"),
        ("registry", "reg.example:65536/team"),
        ("registry", "reg.example:99999"),
        ("registry", "reg.example//team"),
        ("registry", "../team"),
        ("registry", ""),
        ("tag", "ünï"),
        ("tag", "１.2"),
        ("tag", "a\n"),
        ("accelerator", "nvidia.com/gpu; id"),
        ("node_selector", {"pool": "$(id)"}),
        ("node_selector", {"a b": "c"}),
        ("tolerations", [{"key": "a\nb"}]),
        ("tolerations", [{"key": "a", "value": "b c"}]),
    ],
)
def test_names_that_kubernetes_or_a_registry_refuses_are_named(field: str, value: Any) -> None:
    assert all(problem.startswith(f"cluster.{field}") for problem in problems({"cluster": {field: value}}))


@pytest.mark.parametrize(
    "registry",
    ["salt-pipeline", "localhost:5000", "r:65535/a", "reg.example:5000/team/my_salt", "123.dkr.example.com/a__b/c-d.e"],
)
def test_registries_as_they_are(registry: str) -> None:
    assert parse_config({"cluster": {"registry": registry}}).cluster.registry == registry


@pytest.mark.parametrize(("cpu", "count"), [("1m", 1), ("2500m", 3), ("4", 4), (2.5, 3), ("1k", 1000), ("4096", 4096)])
def test_a_task_has_as_many_threads_as_it_requests_cpus(cpu: str | float, count: int) -> None:
    assert threads(StageConfig.model_validate({"cpu": cpu})) == count


@pytest.mark.parametrize("memory", ["1Mi", "1048576", "512M", "16Gi", "2.5Gi", "1Ti", "1Pi"])
def test_memory_as_kubernetes_writes_it(memory: str) -> None:
    assert parse_config({"cluster": {"memory": memory}}).cluster.memory == memory


@pytest.mark.parametrize("key", ["kueue.x-k8s.io/queue-name", "app.kubernetes.io/name", "pipeline/runid"])
def test_labels_of_the_platform_are_not_overwritten(key: str) -> None:
    (problem,) = problems({"cluster": {"pod_labels": {key: "a"}}})
    assert f"pod_labels: {key} is reserved" in problem
