"""The users of a MinIO server whose keys the pods have: each has access to its own part of a bucket only.

Kubernetes keeps their keys, in Secrets that `salt cluster init` creates; this module updates the server to match them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from urllib3.exceptions import HTTPError

from salt_pipeline.components.core.errors import SaltError, ServiceError
from salt_pipeline.components.core.store.connection import Connections
from salt_pipeline.components.core.store.failures import code_of
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.http_errors import one_line, reason

T = TypeVar("T")

_READ = ("s3:GetObject",)
_WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")


@dataclass(frozen=True)
class User:
    """A user, which has a policy of the same name.

    Attributes:
        name: Its name, which is its access key.
        bucket: The bucket that it has access to.
        read: Prefixes in it that may be read and listed, each with a slash at its end; an empty one means all of it.
        write: Prefixes that may be written as well.
        creates: Whether it may create the bucket.
    """

    name: str
    bucket: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    creates: bool = False

    @property
    def policy(self) -> dict[str, Any]:
        """Its permissions, as an S3 policy."""
        here = f"arn:aws:s3:::{self.bucket}"

        def objects(prefixes: tuple[str, ...]) -> list[str]:
            return [f"{here}/{prefix}*" for prefix in prefixes]

        prefixes = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in self.read]}}
        # Listing the topmost prefixes shows whether the bucket exists at all.
        top = {"StringEquals": {"s3:prefix": [""], "s3:delimiter": ["/"]}}
        statements = [
            _allow(("s3:GetBucketLocation", *["s3:CreateBucket"] * self.creates), [here]),
            *(_allow(("s3:ListBucket",), [here], kind) for kind in ([None] if "" in self.read else [prefixes, top])),
            _allow(_READ, objects(self.read)),
            _allow(_WRITE, objects(self.write)),
        ]
        return {"Version": "2012-10-17", "Statement": statements}


def users(bucket: str, namespace: str) -> dict[str, User]:
    """The users by the Secret that holds their keys.

    Args:
        bucket: The bucket for data, checkpoints and MLflow's files.
        namespace: Where the Secrets are. Namespaces with a common server have users of their own, otherwise one would
            replace the others' keys.
    """
    checkpoints, mlflow = f"{names.CHECKPOINTS}/", "mlflow/"
    end = "" if namespace == names.NAMESPACE else f"-{namespace}"
    return {
        names.STORE_SECRET: User(f"salt-stages{end}", bucket, ("data/", checkpoints), (checkpoints,)),
        names.KFP_STORE_SECRET: User(f"salt-kfp{end}", names.KFP_BUCKET, ("",), ("",), creates=True),
        names.MLFLOW_SECRET: User(f"salt-mlflow{end}", bucket, (mlflow,), (mlflow,)),
    }


class Admin:
    """MinIO's administration.

    Args:
        settings: The address of the server, and the keys of an administrator.
    """

    def __init__(self, settings: StoreSettings) -> None:
        assert settings.endpoint is not None
        assert settings.access_key is not None
        assert settings.secret_key is not None
        self.settings = settings
        keys = StaticProvider(settings.access_key.get_secret_value(), settings.secret_key.get_secret_value())
        self._client = MinioAdmin(
            endpoint=urlsplit(settings.endpoint).netloc,
            credentials=keys,
            region=settings.region,
            secure=settings.secure,
            http_client=Connections(str(settings.ca_file) if settings.ca_file else None),
        )

    def refusal(self) -> str | None:
        """Why these keys do not administer that server; None if they do.

        Raises:
            ServiceError: If the server is unreachable.
        """
        try:
            self._known()
        except ServiceError as error:
            if error.passing:
                raise
            return str(error)
        return None

    def put(self, user: User, secret: str) -> bool:
        """Creates or updates a user and its policy.

        Returns:
            False if both were up to date.
        """
        known = self._known().get(user.name, {})
        current = known.get("policyName") == user.name and known.get("status") == "enabled"
        if current and _sorted(self._policy(user.name)) == _sorted(user.policy) and self._enters(user, secret):
            return False
        self._call(lambda: self._client.policy_add(user.name, policy=user.policy))
        self._call(lambda: self._client.user_add(user.name, secret))
        self._call(lambda: self._client.policy_set(user.name, user=user.name))
        return True

    def _known(self) -> dict[str, Any]:
        found = self._call(lambda: json.loads(self._client.user_list()))
        return found if isinstance(found, dict) else {}

    def _policy(self, name: str) -> Any:
        found = self._call(lambda: json.loads(self._client.policy_info(name)))
        return found.get("Policy", found)

    def _enters(self, user: User, secret: str) -> bool:
        try:
            Store(StoreSettings(access_key=user.name, secret_key=secret), patience=0).check(user.bucket)
        except SaltError as error:
            return code_of(error) == "NoSuchBucket"
        return True

    def _call(self, action: Callable[[], T]) -> T:
        file = f"MinIO's administration at {self.settings.endpoint}"
        try:
            return action()
        except MinioAdminException as error:
            status = int(error._code)
            raise ServiceError(
                f"answers with HTTP {status}", file=file, found=_message(error), status=status
            ) from error
        except HTTPError as error:
            raise ServiceError(f"cannot be reached: {reason(error)}", file=file, passing=True) from error
        except (ValueError, OSError) as error:  # another server's answer, which does not decrypt
            raise ServiceError(f"cannot be understood: {one_line(str(error))}", file=file) from error


def _sorted(policy: Any) -> Any:
    """A policy with sorted lists: MinIO returns them in another order."""
    if isinstance(policy, dict):
        return {key: _sorted(value) for key, value in policy.items()}
    return sorted(map(_sorted, policy), key=str) if isinstance(policy, list) else policy


def _message(error: MinioAdminException) -> str | None:
    """The message of the answer, if it comes from a MinIO."""
    try:
        return str(json.loads(error._body)["Message"])
    except (ValueError, KeyError, TypeError):
        return None


def _allow(actions: tuple[str, ...], resources: list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})
