"""Where the cluster is, from the environment."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.core.errors import SaltError, SaltErrors
from pipelines import cluster_names as names


class ClusterSettings(BaseSettings):
    """The cluster's addresses and names; each is an environment variable, `SALT_` and the field's name."""

    model_config = SettingsConfigDict(env_prefix="SALT_", env_ignore_empty=True, frozen=True, extra="ignore")

    kfp_url: str = Field("http://127.0.0.1:8888", description="Kubeflow Pipelines' API.")
    kfp_ui_url: str | None = Field(None, description="Its user interface, for links; the API's address if unset.")
    kfp_token: SecretStr | None = Field(None, description="Bearer token, where the API asks for one.")
    kfp_ca_file: Path | None = Field(None, description="Authority that signed the API's certificate.")
    namespace: str = Field(names.NAMESPACE, min_length=1, description="Namespace of Kubeflow Pipelines and its runs.")
    service_account: str = Field(names.SERVICE_ACCOUNT, min_length=1, description="Account that a run's pods get.")
    pipeline_root: str | None = Field(None, description="Where artifacts go; what the cluster says if unset.")

    @field_validator("kfp_url", "kfp_ui_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("an address begins with http:// or https://")
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("an address takes no user and password: see SALT_KFP_TOKEN")
        return value and value.rstrip("/")

    @field_validator("kfp_ca_file")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("no such file")
        return value

    def run_link(self, run_id: str) -> str:
        """Address of a run in the user interface."""
        return f"{self.kfp_ui_url or self.kfp_url}/#/runs/details/{run_id}"


def cluster_settings(**given: Any) -> ClusterSettings:
    """Reads the settings.

    Args:
        **given: Values that go before the environment's.

    Raises:
        SaltError: Naming every variable that is wrong.
    """
    try:
        return ClusterSettings(**given)
    except ValidationError as error:
        problems = [
            SaltError(
                item["msg"].removeprefix("Value error, "), field=f"SALT_{item['loc'][0]}".upper(), found=item["input"]
            )
            for item in error.errors(include_url=False)
        ]
        raise problems[0] if len(problems) == 1 else SaltErrors("settings are not valid", problems) from None
