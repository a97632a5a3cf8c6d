"""The cluster's section: labels, names and tolerations that Kubernetes accepts."""

from typing import Any

import pytest

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
    ],
)
def test_names_that_kubernetes_refuses_are_named(field: str, value: Any) -> None:
    assert all(problem.startswith(f"cluster.{field}") for problem in problems({"cluster": {field: value}}))


@pytest.mark.parametrize("key", ["kueue.x-k8s.io/queue-name", "app.kubernetes.io/name", "pipeline/runid"])
def test_labels_of_the_platform_are_not_overwritten(key: str) -> None:
    (problem,) = problems({"cluster": {"pod_labels": {key: "a"}}})
    assert f"pod_labels: {key} is reserved" in problem
