"""The names that the code has in common with the manifests."""

import re
from pathlib import Path

import pytest
import yaml

from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.provenance import ROOT

BASE = ROOT / "k8s" / "base"
SERVERS = (names.MINIO, names.POSTGRES, names.MLFLOW)
KINDS = ("ACCOUNT", "SECRET", "CONFIG_MAP", "DEPLOYMENT")
OBJECTS = {*SERVERS, *(value for key, value in vars(names).items() if key.endswith(KINDS))}
VARIABLES = [*names.SETTINGS_KEYS, *names.STORE_KEYS, *names.MINIO_KEYS, *names.POSTGRES_KEYS, *names.MLFLOW_KEYS]


@pytest.mark.parametrize("name", sorted({*OBJECTS, names.NAMESPACE}))
def test_the_name_of_an_object_is_valid_in_kubernetes(name: str) -> None:
    """A label of DNS (RFC 1123); the Secret of an address has 13 more characters."""
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) + 13 <= 63


def test_the_keys_that_pods_read_are_valid_names_of_variables() -> None:
    assert [key for key in [*VARIABLES, names.NOTIFY_KEY] if not re.fullmatch(r"[A-Z][A-Z0-9_]*", key)] == []


def test_no_other_module_repeats_the_name_of_an_object() -> None:
    own = Path(str(names.__file__)).resolve()
    files = [path for folder in ("components", "pipelines") for path in (ROOT / folder).rglob("*.py")]
    again = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in OBJECTS
        if path.resolve() != own and f'"{name}"' in path.read_text()
    ]
    assert len(files) > 100
    assert again == []


def test_the_manifests_of_the_base_have_these_names() -> None:
    base = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    account = yaml.safe_load((BASE / "service-account.yaml").read_text())
    variables = [line.partition("=")[0] for line in (BASE / "settings.env").read_text().splitlines() if "=" in line]
    assert base["namespace"] == names.NAMESPACE
    assert base["labels"][0]["pairs"] == {"app.kubernetes.io/part-of": names.PART_OF}
    assert [one["name"] for one in base["configMapGenerator"]] == [names.SETTINGS_CONFIG_MAP]
    assert variables == list(names.SETTINGS_KEYS)
    assert account["metadata"]["name"] == names.SERVICE_ACCOUNT
    assert [one["name"] for one in account["secrets"]] == [names.STORE_SECRET, names.KFP_STORE_SECRET]
