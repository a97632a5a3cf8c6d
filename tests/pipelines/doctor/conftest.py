"""What the tests of the checks share."""

from typing import Any

import pytest

from salt_pipeline.pipelines.cluster.kube import Kube
from tests.pipelines.kube_server import KubeServer


def verdict(check: Any, *words: Any) -> Any:
    return check(*words)[0]


def found(check: Any, *words: Any) -> Any:
    return check(*words)[1]


@pytest.fixture
def kube(kubernetes: KubeServer) -> Kube:
    return Kube("kubeflow")
