from pathlib import Path

import pytest

from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.kube import Kube
from salt_pipeline.pipelines.doctor import kubernetes as checks
from salt_pipeline.pipelines.doctor.verdict import NotChecked
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.conftest import SETTINGS
from tests.pipelines.doctor.conftest import found, verdict
from tests.pipelines.kube_server import KubeServer, node, pod


def test_a_version_that_is_not_tested_is_a_warning(kubernetes: KubeServer, kube: Kube) -> None:
    for minor, state in (("33", "ok"), ("36+", "ok"), ("32", "warn"), ("37", "warn")):
        kubernetes.minor = minor
        assert verdict(checks.version, kube) == state


def test_a_service_account_without_permissions_fails(kubernetes: KubeServer, kube: Kube) -> None:
    assert verdict(checks.service_account, kube, "salt-runner") == "ok"
    kubernetes.may_not = {("patch", "workflowtaskresults"), ("get", "secrets")}
    said = found(checks.service_account, kube, "salt-runner")
    assert said == "salt-runner has no permission to patch workflowtaskresults, get secrets/mlpipeline-minio-artifact"
    assert verdict(checks.service_account, kube, "other") == "fail"


def test_missing_keys_of_secrets_and_of_the_config_map_are_named(kubernetes: KubeServer, kube: Kube) -> None:
    assert found(checks.config_map, kube) == "salt-settings is missing"
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS | {"SALT_S3_BUCKET": ""})
    assert found(checks.config_map, kube) == "salt-settings: SALT_S3_BUCKET is missing"
    kubernetes.put("secrets", names.STORE_SECRET, {"SALT_S3_ACCESS_KEY": "x"})
    said = checks.secrets(kube, "salt-runner")[1]
    assert said == "salt-store: SALT_S3_SECRET_KEY is missing; mlpipeline-minio-artifact is missing"


def test_an_account_with_a_cloud_role_needs_no_keys(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.put("secrets", names.KFP_STORE_SECRET, dict.fromkeys(names.KFP_STORE_KEYS, "x"))
    assert checks.secrets(kube, "salt-runner")[:2] == ("fail", "salt-store is missing")
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/salt"}
    kubernetes.objects["serviceaccounts"]["salt-runner"]["metadata"]["annotations"] = role
    assert checks.secrets(kube, "salt-runner")[:2] == ("ok", names.KFP_STORE_SECRET)


def test_gpus_that_pods_requested_are_not_free(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.nodes = [node("a")]
    assert checks.gpus(kube)[0::2] == ("warn", "salt submit --set cluster.accelerator=none")
    kubernetes.nodes = [node("a"), node("b", gpus=4), node("c", gpus=4)]
    one, two, three = ({"nvidia.com/gpu": str(count)} for count in (1, 2, 3))
    kubernetes.pods = [pod("b", one, one), pod("c", one, init=(three, two)), pod(None, two), pod("a", one)]
    assert checks.gpus(kube)[:2] == ("ok", "3 of 8 free on 2 nodes")
    kubernetes.pods += [pod("c", three)]
    assert verdict(checks.gpus, kube) == "warn"


def test_the_number_of_jobs_that_fit_at_once_is_shown(kubernetes: KubeServer, kube: Kube) -> None:
    kubernetes.nodes = []
    assert checks.capacity(kube)[:2] == ("warn", "no node is ready and accepts pods")
    kubernetes.nodes = [node("a", cpu="2", memory="32Gi")]
    state, said, fix = checks.capacity(kube)
    assert (state, fix) == ("warn", "the others wait, or: --set cluster.cpu=200m")
    assert said.startswith("quick: 4 of 10 jobs fit at once (each 0.5 CPUs, 2Gi memory); seed: 0 of 10 jobs")
    kubernetes.nodes = [node("a", cpu="16", memory="64Gi")]
    assert checks.capacity(kube)[0::2] == ("warn", "seed needs larger nodes, or GPUs that are free")
    kubernetes.nodes.append(node("b", cpu="64", memory="512Gi", gpus=8))
    assert verdict(checks.capacity, kube) == "ok"
    kubernetes.nodes = [node("a", cpu="100m", memory="1Gi")]
    assert "fits on none of 1 nodes: asks for" in checks.capacity(kube)[2]


def test_images_of_an_installation_without_a_checkout_are_not_checked(
    kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salt_pipeline.pipelines.images.ROOT", tmp_path)
    with pytest.raises(NotChecked, match=r"no checkout, so the tag of the images is that of the run"):
        checks.images(kube)


def test_images_that_no_node_has_are_counted(kubernetes: KubeServer, kube: Kube) -> None:
    from salt_pipeline.components.core.container_image import image
    from salt_pipeline.components.core.stages import STAGES
    from salt_pipeline.pipelines.images import with_tag

    cluster = with_tag(preset_config("smoke")).cluster
    pulled = [f"docker.io/{image(stage, cluster)}" for stage in STAGES]
    kubernetes.nodes = [node("a", images=pulled[:3]), node("b", images=pulled[3:])]
    assert verdict(checks.images, kube) == "ok"
    kubernetes.nodes.pop()
    assert found(checks.images, kube).startswith(f"4 of 7 of tag {cluster.tag} on no node")
