"""Helpers for the tests of the checks."""

from typing import Any

import pytest

from salt_pipeline.pipelines.cluster.kube import Kube
from tests.pipelines.kube_server import KubeServer


def verdict(check: Any, *words: Any) -> Any:
    """The state that a check returns."""
    return check(*words)[0]


def found(check: Any, *words: Any) -> Any:
    """The text that a check returns about what it found."""
    return check(*words)[1]


@pytest.fixture
def kube(kubernetes: KubeServer) -> Kube:
    return Kube("kubeflow")
