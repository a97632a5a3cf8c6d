"""Address and credentials of the object store, from the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.numbers import SHOWN
from salt_pipeline.components.core.redaction import redacted
from salt_pipeline.components.core.store.uris import BUCKET_NAME, is_bucket

_OURS = "SALT_S3_"

AWS_SOURCE = "AWS"
"""Source of the credentials if only the endpoint shows that the store is AWS."""

_ROLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables by which a platform gives a pod or a container a role: EKS, ECS, MinIO's web identities."""


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9a-f:]+(%\w+)?", re.ASCII)
_REGION = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")

_EXPECTED = {
    "endpoint": "http://host:port or https://host:port, without user or path",
    "region": "for example us-east-1",
    "bucket": BUCKET_NAME,
}
"""What is expected of the settings whose values a message may show."""


def _from(*names: str) -> Any:
    return Field(validation_alias=AliasChoices(*names))


class StoreSettings(BaseSettings):
    """The object store: MinIO, AWS, or another store with the S3 API.

    Each setting is read from a variable SALT_S3_..., or else from the one that AWS's own tools read. The keys come from
    the first of these: our variables, our file, AWS's variables, AWS's file, a web identity, a container's role; if the
    endpoint is in AWS's domain, also ~/.aws/credentials and the instance's role.

    Attributes:
        endpoint: Address with http:// or https://; None means AWS itself.
        access_key: The access key.
        secret_key: The secret key.
        session_token: Token of temporary credentials.
        credentials_file: Credentials in the format of ~/.aws/credentials; the profile is AWS_PROFILE or `default`.
        region: The bucket's region; MinIO accepts any.
        ca_file: Certificates of the authorities that an https endpoint is checked against, instead of the system's.
        bucket: Bucket of everything that is stored without an explicit URI.

    Raises:
        SaltErrors: Naming each variable with a mistake.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    endpoint: Annotated[str | None, _from("SALT_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")] = None
    access_key: Annotated[SecretStr | None, _from("SALT_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID")] = None
    secret_key: Annotated[SecretStr | None, _from("SALT_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY")] = None
    session_token: Annotated[SecretStr | None, _from("SALT_S3_SESSION_TOKEN", "AWS_SESSION_TOKEN")] = None
    credentials_file: Annotated[Path | None, _from("SALT_S3_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE")] = None
    region: Annotated[str, _from("SALT_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")] = "us-east-1"
    ca_file: Annotated[Path | None, _from("SALT_S3_CA_FILE", "AWS_CA_BUNDLE")] = None
    bucket: Annotated[str, _from("SALT_S3_BUCKET")] = "salt"

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            problems = [_problem(item) for item in error.errors(include_url=False)]
            raise SaltErrors("the settings of the object store are not valid", problems) from None

    @model_validator(mode="before")
    @classmethod
    def _keys_of_one_kind(cls, found: Any) -> Any:
        """Our keys, or the caller's, are not completed from AWS's variables: those may be of another account."""
        if not isinstance(found, Mapping):
            return found
        given, named = "access_key" in found, bool(os.environ.get(f"{_OURS}ACCESS_KEY"))
        alien = [f"{_OURS}{name}" for name in ("SECRET_KEY", "SESSION_TOKEN") if given or named]
        if os.environ.get(f"{_OURS}CREDENTIALS_FILE") and not given and not named:
            alien = [f"{_OURS}{name}" for name in ("ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN")]
        return {key: value for key, value in found.items() if key not in alien or (key in os.environ and not given)}

    @field_validator("endpoint")
    @classmethod
    def _is_address(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        try:
            parts = urlsplit(endpoint)
            port, host = parts.port, parts.hostname or ""
        except ValueError:  # of a port that is no number or too large, or of half an IPv6 address
            raise ValueError("is not an address") from None
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or port == 0:
            raise ValueError("is not an address")
        if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("accepts no user, path or query")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("region")
    @classmethod
    def _is_region(cls, region: str) -> str:
        if not _REGION.fullmatch(region):
            raise ValueError("is not the name of a region")
        return region

    @field_validator("bucket")
    @classmethod
    def _is_bucket(cls, bucket: str) -> str:
        if not is_bucket(bucket):
            raise ValueError("is not the name of a bucket")
        return bucket

    @field_validator("access_key", "secret_key", "session_token")
    @classmethod
    def _can_be_sent(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        text = key.get_secret_value() if key else ""
        allowed = str.isprintable if info.field_name == "secret_key" else _is_visible_ascii  # it is not sent itself
        if not all(map(allowed, text)) or text != text.strip():
            raise ValueError("holds a line break, a blank at an end, or another character that cannot be sent")
        return key

    @model_validator(mode="after")
    def _client_accepts_it(self) -> Self:
        """minio-py has rules of its own for the hosts of AWS."""
        if self.endpoint is not None and "amazonaws.com" in self.endpoint:
            from minio.helpers import BaseURL

            try:
                BaseURL(self.endpoint, self.region)
            except ValueError as error:
                raise ValueError(f"{_OURS}ENDPOINT: is not an address of AWS's store ({error})") from None
        return self

    @model_validator(mode="after")
    def _keys_come_in_pairs(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            missing = "SECRET_KEY" if self.secret_key is None else "ACCESS_KEY"
            raise ValueError(f"{_OURS}{missing} is missing: keys come in pairs")
        return self

    @model_validator(mode="after")
    def _certificates_exist(self) -> Self:
        if self.secure and self.ca_file is not None and not self.ca_file.is_file():
            raise ValueError(f"{_OURS}CA_FILE: no such file (found {self.ca_file})")
        return self

    @property
    def secure(self) -> bool:
        """Whether connections to the store use TLS."""
        return self.endpoint is None or self.endpoint.startswith("https://")

    @property
    def source(self) -> str | None:
        """The variable that names the source of the credentials, or AWS; None if the store needs no credentials."""
        if self.access_key is not None:
            return f"{_OURS}ACCESS_KEY" if os.environ.get(f"{_OURS}ACCESS_KEY") else "AWS_ACCESS_KEY_ID"
        if self.credentials_file is not None:
            ours = f"{_OURS}CREDENTIALS_FILE"
            return ours if os.environ.get(ours) else "AWS_SHARED_CREDENTIALS_FILE"
        host = urlsplit(self.endpoint or "").hostname or ""
        aws = [AWS_SOURCE] * host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        return next((name for name in _ROLES if os.environ.get(name)), next(iter(aws), None))

    @property
    def configured(self) -> bool:
        """Whether a store is set: an address, or a source of credentials, which then means AWS."""
        return self.endpoint is not None or self.source is not None

    def environment(self) -> dict[str, str]:
        """The variables that give a container the same settings; they contain the keys if these were given directly."""
        variables: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name == "credentials_file":  # a path of this machine
                continue
            if value is not None and (name != "ca_file" or self.secure):
                plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                variables[f"{_OURS}{name.upper()}"] = plain
        return variables


def is_store_chosen() -> bool:
    """Whether a SALT_S3_... variable names the store: AWS credentials in the environment do not opt in."""
    return any(os.environ.get(f"{_OURS}{name}") for name in ("ENDPOINT", "BUCKET"))


def _is_visible_ascii(character: str) -> bool:
    return "!" <= character <= "~"


def _problem(item: Any) -> SaltError:
    """One mistake that pydantic found, under the setting's name that is set; the values of secrets are not shown."""
    problem = item["msg"].removeprefix("Value error, ")
    for setting, field in StoreSettings.model_fields.items():
        assert isinstance(field.validation_alias, AliasChoices)
        names = [str(choice) for choice in field.validation_alias.choices]
        if item["loc"] and item["loc"][0] in (setting, *names):
            variable = next((name for name in names if os.environ.get(name)), names[0])
            expected = _EXPECTED.get(setting)
            return SaltError(problem, field=variable, found=expected and _shown(item["input"]), expected=expected)
    return SaltError(problem)


def _shown(value: object) -> str:
    """The beginning of a value; credentials are taken out first, since half of a password is not recognised."""
    return redacted(repr(value))[:SHOWN]
