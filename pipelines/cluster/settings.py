"""The addresses and names of the cluster, from the environment."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.http_address import is_http_address
from salt_pipeline.components.core.regular_file import read_regular
from salt_pipeline.pipelines import k8s_names as names

MOUNTED_TOKEN = Path("/var/run/secrets/kubeflow/pipelines/token")
"""Where a multi-user Kubeflow mounts the token of a notebook's pod."""


LONGEST_TOKEN = 1 << 16
"""Most bytes of a file with a token; it has 1 to 2 KiB."""


class ClusterSettings(BaseSettings):
    """The cluster's addresses and names; each is an environment variable, `SALT_` and the field's name."""

    model_config = SettingsConfigDict(
        env_prefix="SALT_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    kfp_url: str = Field(
        "http://127.0.0.1:8888",
        validation_alias=AliasChoices("SALT_KFP_URL", "KF_PIPELINES_ENDPOINT"),
        description="Kubeflow Pipelines' API.",
    )
    kfp_ui_url: str | None = Field(
        None,
        validation_alias=AliasChoices("SALT_KFP_UI_URL", "KF_PIPELINES_UI_ENDPOINT"),
        description="Its user interface, for links; the API's address if unset.",
    )
    kfp_token: SecretStr | None = Field(None, description="Bearer token, where the API asks for one.")
    kfp_token_file: Path | None = Field(
        None,
        validation_alias=AliasChoices("SALT_KFP_TOKEN_FILE", "KF_PIPELINES_SA_TOKEN_PATH"),
        description="File with the bearer token, read at every call: such tokens are replaced every few minutes.",
    )
    kfp_cookie: SecretStr | None = Field(None, description="Session cookie of a log-in page, as `name=value`.")
    kfp_ca_file: Path | None = Field(None, description="Authority that signed the API's certificate.")
    kfp_namespace: str = Field(names.NAMESPACE, min_length=1, description="Namespace of Kubeflow Pipelines itself.")
    namespace: str = Field(names.NAMESPACE, min_length=1, description="Namespace of the runs: a profile, or KFP's own.")
    service_account: str = Field(names.SERVICE_ACCOUNT, min_length=1, description="Account that a run's pods get.")
    pipeline_root: str | None = Field(None, description="URI under which artifacts are kept; by default the cluster's.")

    @field_validator("kfp_url", "kfp_ui_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("an address begins with http:// or https://")
        if value is not None and not is_http_address(value):
            raise ValueError("is not an address: expected http(s)://host:port")
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("an address takes no user and password: see SALT_KFP_TOKEN")
        return value and value.rstrip("/")

    @field_validator("pipeline_root")
    @classmethod
    def _is_a_store(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(s3|minio|gs)://[^\s@/?#]+(/\S*)?", value):
            raise ValueError("is not in a store of Kubeflow Pipelines: expected s3://, minio:// or gs://bucket/prefix")
        return value

    @field_validator("kfp_ca_file", "kfp_token_file")
    @classmethod
    def _exists(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("no such file")
        return value

    @field_validator("kfp_cookie")
    @classmethod
    def _is_a_cookie(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else "a=b"
        if not 0 < text.find("=") < len(text) - 1 or not text.isprintable():
            raise ValueError("a cookie is written as name=value, for example authservice_session=...")
        return value

    @field_validator("kfp_token")
    @classmethod
    def _is_a_token(cls, value: SecretStr | None) -> SecretStr | None:
        _check_token(value.get_secret_value() if value else "")
        return value

    @property
    def chosen(self) -> bool:
        """Whether an address of Kubeflow Pipelines was given, so that a cluster is expected to answer."""
        return "kfp_url" in self.model_fields_set

    @property
    def named(self) -> bool:
        """Whether anything of a cluster was given, if only a namespace."""
        return bool(self.model_fields_set)

    def token(self) -> str | None:
        """The bearer token as it is now.

        Raises:
            SaltError: If its file cannot be read.
        """
        if self.kfp_token:
            return self.kfp_token.get_secret_value().strip()
        path = self.kfp_token_file or (MOUNTED_TOKEN if MOUNTED_TOKEN.is_file() else None)
        if path is None:
            return None
        try:
            token = read_regular(path, LONGEST_TOKEN).decode().strip()
            _check_token(token)
        except SaltError as error:
            raise SaltError(error.problem, file=path, field="SALT_KFP_TOKEN_FILE", found=error.found) from None
        except UnicodeDecodeError:
            raise SaltError("cannot be read: it is not a text file", file=path, field="SALT_KFP_TOKEN_FILE") from None
        except ValueError as error:
            raise SaltError(str(error), file=path, field="SALT_KFP_TOKEN_FILE") from None
        return token

    def run_link(self, run_id: str) -> str:
        """Address of a run in the user interface."""
        return f"{self.kfp_ui_url or self.kfp_url}/#/runs/details/{run_id}"

    def schedule_link(self, schedule_id: str) -> str:
        """Address of a recurring run in the user interface."""
        return f"{self.kfp_ui_url or self.kfp_url}/#/recurringrun/details/{schedule_id}"


def _check_token(token: str) -> None:
    if not all("!" <= character <= "~" for character in token.strip()):
        raise ValueError("holds a blank, a line break or another character that no token has")


def cluster_settings(**given: Any) -> ClusterSettings:
    """Reads the settings.

    Args:
        **given: Values that take precedence over the environment's; None counts as not given.

    Raises:
        SaltError: Naming every variable that is wrong.
    """
    try:
        return ClusterSettings(**{field: value for field, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [_problem(item["loc"][0], item["msg"], item["input"]) for item in error.errors(include_url=False)]
        raise problems[0] if len(problems) == 1 else SaltErrors("settings are not valid", problems) from None


def _problem(where: int | str, message: str, found: Any) -> SaltError:
    """One wrong setting; the value of a secret is not shown."""
    variable = str(where) if str(where).isupper() else f"SALT_{where}".upper()
    secret = isinstance(found, SecretStr) or variable in ("SALT_KFP_TOKEN", "SALT_KFP_COOKIE")
    return SaltError(message.removeprefix("Value error, "), field=variable, found=None if secret else found)
