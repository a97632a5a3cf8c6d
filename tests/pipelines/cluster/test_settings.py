"""The settings of the cluster, from the environment."""

from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.pipelines.cluster import settings as module
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from tests.pipelines.cluster.multi_user_server import MultiUserServer
from tests.pipelines.command import fails


def test_the_variable_of_kfp_itself_sets_the_address(
    kubeflow: MultiUserServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SALT_KFP_URL")
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", kubeflow.url)
    assert f"Kubeflow Pipelines at {kubeflow.url}: redirects" in fails("runs")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SALT_KFP_UI_URL", "ui", "SALT_KFP_UI_URL: an address begins with http:// or https:// (found ui)"),
        ("SALT_KFP_URL", "http://ada:word@kfp", "SALT_KFP_URL: an address takes no user and password"),
        ("SALT_KFP_TOKEN_FILE", "no/such", "SALT_KFP_TOKEN_FILE: no such file (found no/such)"),
        ("SALT_KFP_COOKIE", "session=", "SALT_KFP_COOKIE: a cookie is written as name=value"),
        ("SALT_KFP_COOKIE", "session=a\nb", "SALT_KFP_COOKIE: a cookie is written as name=value"),
        ("SALT_PIPELINE_ROOT", "ftp://host/x", "SALT_PIPELINE_ROOT: is not in a store of Kubeflow Pipelines"),
        ("SALT_PIPELINE_ROOT", "s3:/bucket", "SALT_PIPELINE_ROOT: is not in a store of Kubeflow Pipelines"),
    ],
)
def test_an_invalid_setting_is_reported(
    no_cluster: None, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SaltError) as caught:
        cluster_settings()
    assert str(caught.value).startswith(message)


def test_all_invalid_settings_are_reported_at_once(no_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT_KFP_URL", "kfp:8888")
    monkeypatch.setenv("SALT_KFP_COOKIE", "s3cr3t")
    with pytest.raises(SaltErrors, match="settings are not valid") as caught:
        cluster_settings()
    assert [problem.field for problem in caught.value.problems] == ["SALT_KFP_URL", "SALT_KFP_COOKIE"]
    assert "s3cr3t" not in str(caught.value)


def test_a_given_value_takes_precedence_and_an_empty_variable_counts_as_not_set(
    no_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_NAMESPACE", "team-a")
    monkeypatch.setenv("SALT_SERVICE_ACCOUNT", "")
    assert cluster_settings(namespace=None).namespace == "team-a"
    assert cluster_settings(namespace="team-b").namespace == "team-b"
    assert cluster_settings().service_account == "salt-runner"


def test_links_lead_to_the_user_interface_or_else_to_the_api(no_cluster: None) -> None:
    settings = cluster_settings(kfp_url="http://kfp:8888/")
    assert settings.run_link("r") == "http://kfp:8888/#/runs/details/r"
    elsewhere = cluster_settings(kfp_url="http://kfp:8888", kfp_ui_url="https://ui/pipeline/")
    assert elsewhere.schedule_link("s") == "https://ui/pipeline/#/recurringrun/details/s"


def test_a_token_of_the_environment_takes_precedence_over_its_file(
    no_cluster: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert cluster_settings().token() is None
    mounted = tmp_path / "mounted"
    mounted.write_text(" notebook's\n")
    monkeypatch.setattr(module, "MOUNTED_TOKEN", mounted)
    assert cluster_settings().token() == "notebook's"
    path = tmp_path / "token"
    path.write_text("file's\n")
    assert cluster_settings(kfp_token_file=path).token() == "file's"
    assert cluster_settings(kfp_token_file=path, kfp_token="given ").token() == "given"


def test_a_token_file_that_is_not_text_is_reported(no_cluster: None, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SaltError, match="SALT_KFP_TOKEN_FILE: cannot be read: it is not a text file"):
        cluster_settings(kfp_token_file=path).token()


def test_an_address_counts_as_chosen_only_if_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SALT_KFP_URL", "KF_PIPELINES_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
        assert not cluster_settings().chosen
        monkeypatch.setenv(variable, "http://127.0.0.1:8888")
        assert cluster_settings().chosen
        monkeypatch.delenv(variable)
