"""The overlays `kfp` and `kfp-ui`, applied to shortened copies of the objects in upstream's manifests."""

import json
from pathlib import Path
from shutil import copytree

import kubernetes_validate
import pytest
import yaml

from salt_pipeline.pipelines import k8s_names as names
from tests.k8s.manifests import K8S, Object, build, built, named, of_kind, pod
from tests.k8s.rules import secretless


def deployment(name: str, container: str, env: list[Object]) -> Object:
    labels = {"app": name}
    mount = {"name": "mlflow-tracking-ca", "mountPath": "/etc/mlflow-tracking-ca", "readOnly": True}
    spec = {
        "containers": [{"name": container, "image": "kfp:2.17.0", "env": env, "volumeMounts": [mount]}],
        "volumes": [{"name": "mlflow-tracking-ca", "configMap": {"name": "mlflow-tracking-ca", "optional": True}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": names.NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def config_map(name: str, **data: str) -> Object:
    metadata = {"name": name, "namespace": names.NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


UPSTREAM = [
    deployment(
        names.KFP_API_DEPLOYMENT,
        "ml-pipeline-api-server",
        [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "OBJECTSTORECONFIG_HOST", "value": "seaweedfs.kubeflow"},
            {"name": "OBJECTSTORECONFIG_PORT", "value": "9000"},
            {"name": "COMPILED_PIPELINE_SPEC_PATCH", "value": "{}"},
        ],
    ),
    deployment("ml-pipeline-ui", "ml-pipeline-ui", [{"name": "ALLOW_CUSTOM_VISUALIZATIONS", "value": "true"}]),
    config_map(names.KFP_LAUNCHER_CONFIG_MAP, defaultPipelineRoot=""),
    config_map(names.ARGO_CONFIG_MAP, artifactRepository="s3: {}", workflowDefaults="spec: {}", executor="{}"),
]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Upstream's objects after both overlays."""
    folder = tmp_path_factory.mktemp("kfp")
    upstream = {(item["kind"], item["metadata"]["name"]) for item in UPSTREAM}
    ours = [*built("overlays/kfp"), *built("overlays/kfp-ui")]
    patches = [item for item in ours if (item["kind"], item["metadata"]["name"]) in upstream]
    new = [item for item in ours if item not in patches]
    (folder / "upstream.yaml").write_text(yaml.safe_dump_all([*UPSTREAM, *new]))
    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {"resources": ["upstream.yaml"], "patches": [{"patch": yaml.safe_dump(patch)} for patch in patches]}
        )
    )
    return build(folder)


def environment(objects: list[Object], name: str) -> dict[str, str]:
    return {
        item["name"]: item["value"] for item in pod(named(objects, "Deployment", name))["spec"]["containers"][0]["env"]
    }


def test_objects_are_valid_and_contain_no_secret(installation: list[Object]) -> None:
    for version in ("1.33", "1.34", "1.35"):
        for item in installation:
            kubernetes_validate.validate(item, version, strict=True)
    assert list(secretless(installation)) == []


def test_the_overlays_remove_nothing(installation: list[Object]) -> None:
    for item in of_kind(UPSTREAM, "Deployment"):
        before, after = pod(item)["spec"], pod(named(installation, "Deployment", item["metadata"]["name"]))["spec"]
        assert [c["image"] for c in after["containers"]] == ["kfp:2.17.0"]
        assert before["volumes"][0] in after["volumes"]
        assert before["containers"][0]["volumeMounts"][0] in after["containers"][0]["volumeMounts"]
        assert set(environment(UPSTREAM, item["metadata"]["name"])) <= set(
            environment(installation, item["metadata"]["name"])
        )
    argo = named(installation, "ConfigMap", names.ARGO_CONFIG_MAP)["data"]
    assert (argo["workflowDefaults"], argo["executor"]) == ("spec: {}", "{}")


def test_all_parts_use_the_minio_of_the_project(installation: list[Object]) -> None:
    service = named(built("overlays/dev"), "Service", names.MINIO)
    host, port = f"{names.MINIO}.{names.NAMESPACE}", service["spec"]["ports"][0]["port"]
    api = environment(installation, names.KFP_API_DEPLOYMENT)
    assert (api["OBJECTSTORECONFIG_HOST"], api["OBJECTSTORECONFIG_PORT"]) == (host, str(port))
    ui = environment(installation, "ml-pipeline-ui")
    assert (ui["MINIO_HOST"], ui["MINIO_PORT"]) == (names.MINIO, str(port))
    launcher = named(installation, "ConfigMap", names.KFP_LAUNCHER_CONFIG_MAP)["data"]
    assert launcher["defaultPipelineRoot"] == names.DEFAULT_PIPELINE_ROOT
    minio = yaml.safe_load(launcher["providers"])["minio"]["default"]
    assert (minio["endpoint"], minio["disableSSL"]) == (f"{host}:{port}", True)
    secret = minio["credentials"]["secretRef"]
    assert secret["secretName"] == names.KFP_STORE_SECRET
    assert (secret["accessKeyKey"], secret["secretKeyKey"]) == names.KFP_STORE_KEYS
    argo = yaml.safe_load(named(installation, "ConfigMap", names.ARGO_CONFIG_MAP)["data"]["artifactRepository"])["s3"]
    assert (argo["endpoint"], argo["bucket"], argo["insecure"]) == (f"{host}:{port}", names.KFP_BUCKET, True)
    assert argo["accessKeySecret"] == {"name": names.KFP_STORE_SECRET, "key": names.KFP_STORE_KEYS[0]}


def test_the_account_may_read_the_objects_that_the_launcher_refers_to() -> None:
    rules = named(built("base"), "Role", names.SERVICE_ACCOUNT)["rules"]
    readable = {(rule["resources"][0], name) for rule in rules for name in rule.get("resourceNames", [])}
    assert readable == {("configmaps", names.KFP_LAUNCHER_CONFIG_MAP), ("secrets", names.KFP_STORE_SECRET)}


def test_only_requested_retries_are_made(installation: list[Object]) -> None:
    patch = json.loads(environment(installation, names.KFP_API_DEPLOYMENT)["COMPILED_PIPELINE_SPEC_PATCH"])
    assert patch == {"templateDefaults": {"retryStrategy": {"limit": "0", "retryPolicy": "Always"}}}


def test_the_api_server_s_configuration_is_mounted_and_has_no_plugin(installation: list[Object]) -> None:
    spec = pod(named(installation, "Deployment", names.KFP_API_DEPLOYMENT))["spec"]
    [mount] = [item for item in spec["containers"][0]["volumeMounts"] if item["mountPath"] == "/config/config.json"]
    [volume] = [item for item in spec["volumes"] if item["name"] == mount["name"]]
    document = named(installation, "ConfigMap", volume["configMap"]["name"])["data"][mount["subPath"]]
    assert "plugins" not in json.loads(document)


def test_the_address_of_another_store_is_set_in_one_file(tmp_path: Path) -> None:
    folder = Path(copytree(K8S / "overlays/kfp", tmp_path / "kfp"))
    (folder / "minio.env").write_text("HOST=store.example\nPORT=443\nENDPOINT=store.example:443\n")
    text = yaml.safe_dump_all(build(folder))
    assert names.MINIO not in text
    assert text.count("store.example:443") == 2
    assert "HOST:PORT" not in text
