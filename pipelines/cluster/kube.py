"""Calls to Kubernetes: each has a time limit, every failure is one line."""

import base64
import json
import os
from collections.abc import Callable
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from salt_pipeline.components.core.errors import ServiceError
from salt_pipeline.pipelines.cluster.http_errors import ANSWER_SECONDS, CONNECT_SECONDS, may_pass, one_line, reason
from salt_pipeline.pipelines.cluster.time_limit import NoAnswer, within
from salt_pipeline.pipelines.k8s_names import PART_OF

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
"""Annotation of a service account that gives its pods a web identity (IRSA on EKS)."""


class KubeError(ServiceError):
    """Kubernetes did not do what was asked.

    Args:
        problem: What is wrong.
        status: HTTP status of the answer; None if there was none.
        passing: Whether the same call may succeed after a while; by default the status decides.
    """

    def __init__(self, problem: str, status: int | None = None, passing: bool | None = None) -> None:
        super().__init__(
            problem, file="Kubernetes", status=status, passing=may_pass(status) if passing is None else passing
        )

    @property
    def denied(self) -> bool:
        """Whether the credentials or the permission are missing."""
        return self.status in (401, 403)


class Kube:
    """A namespace of a Kubernetes cluster: the kubeconfig's, or the one this process runs in.

    Args:
        namespace: Its name.

    Raises:
        KubeError: If there is no configuration.
    """

    def __init__(self, namespace: str) -> None:
        client = _client()  # before the time limit starts: a cold disk takes longer than a log-in helper
        import_module("kubernetes.config")
        try:
            within(15, self._load, "log-in helper of the kubeconfig")
        except NoAnswer as error:
            raise KubeError(str(error)) from None
        self.namespace = namespace
        self._client = client.ApiClient(self._config)
        self.core = client.CoreV1Api(self._client)
        self.apps = client.AppsV1Api(self._client)
        self.custom = client.CustomObjectsApi(self._client)
        self.access = client.AuthorizationV1Api(self._client)
        self._version = client.VersionApi(self._client)

    def at(self, namespace: str) -> Self:
        """The same cluster, another namespace."""
        other = copy(self)
        other.namespace = namespace
        return other

    def _load(self) -> None:
        import urllib3

        config = import_module("kubernetes.config")
        self._config = _client().Configuration()
        try:
            files = os.environ.get("KUBECONFIG") or "~/.kube/config"
            if os.environ.get("KUBECONFIG") or Path(files).expanduser().exists():
                config.load_kube_config(files, client_configuration=self._config)
            else:
                config.load_incluster_config(client_configuration=self._config)
        except Exception as error:  # of many kinds: no file, bad YAML, a log-in helper that fails
            problem = f"no configuration: check KUBECONFIG ({one_line(str(error))})"
            raise KubeError(problem, passing=False) from None
        self._config.retries = False
        if not self._config.verify_ssl:  # the kubeconfig says so: no warning at every call
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def call(self, method: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """Calls a method of the Kubernetes client.

        Raises:
            KubeError: If there is no answer, or it is an error.
        """
        import urllib3

        try:
            return method(*words, **named, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS))
        except _client().ApiException as error:
            raise KubeError(_answered(error), error.status or None) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise KubeError(f"{self._config.host} cannot be reached: {reason(error)}") from None
        except (ValueError, AttributeError, LookupError, TypeError) as error:
            raise KubeError(f"{self._config.host} cannot be understood: {error}", 400) from None

    def find(self, method: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """The same, but None if the object does not exist."""
        try:
            return self.call(method, *words, **named)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def version(self) -> tuple[int, int]:
        """Major and minor version of the server."""
        info = self.call(self._version.get_code)
        return int(info.major), int("".join(filter(str.isdigit, info.minor)))

    def config_map(self, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap; None if there is none."""
        found = self.find(self.core.read_namespaced_config_map, name, self.namespace)
        return None if found is None else found.data or {}

    def secret(self, name: str) -> dict[str, bytes] | None:
        """The data of a Secret; None if there is none."""
        found = self.find(self.core.read_namespaced_secret, name, self.namespace)
        return None if found is None else {key: base64.b64decode(value) for key, value in (found.data or {}).items()}

    def has_role(self, account: str) -> bool:
        """Whether a platform gives the pods of a service account a role of its own (IRSA on EKS)."""
        try:
            found = self.find(self.core.read_namespaced_service_account, account, self.namespace)
        except KubeError as error:
            if error.denied:
                return False
            raise
        return found is not None and bool((found.metadata.annotations or {}).get(ROLE_ANNOTATION))

    def put_secret(self, name: str, values: dict[str, str], replace: bool) -> None:
        """Creates a Secret, or replaces the values in the existing one."""
        client = _client()
        metadata = client.V1ObjectMeta(name=name, labels={"app.kubernetes.io/part-of": PART_OF})
        body = client.V1Secret(metadata=metadata, string_data=values)
        if replace:
            self.call(self.core.patch_namespaced_secret, name, self.namespace, body)
        else:
            self.call(self.core.create_namespaced_secret, self.namespace, body)

    def log(self, pod: str) -> str | None:
        """The log of a pod's main container; None if the pod is gone."""

        def read(**limits: Any) -> bytes:  # all of it, within the call: the connection may end early
            named = {"container": "main", "_preload_content": False, **limits}
            return bytes(self.core.read_namespaced_pod_log(pod, self.namespace, **named).data)

        found = self.find(read)
        return None if found is None else found.decode(errors="replace")

    def workflow(self, run_id: str) -> dict[str, Any]:
        """The Argo workflow of a run; an empty one if Kubernetes has deleted it."""
        kind = ("argoproj.io", "v1alpha1", self.namespace, "workflows")
        selector = f"pipeline/runid={run_id}"
        listed = self.custom.list_namespaced_custom_object
        found = self.call(lambda **limits: list(listed(*kind, label_selector=selector, **limits)["items"]))
        return found[0] if found else {}

    def may(self, verb: str, resource: str, group: str, name: str, account: str) -> bool:
        """Whether a service account has a right in the namespace; to all objects if `name` is empty."""
        client = _client()
        spec = client.V1SubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(
                namespace=self.namespace, verb=verb, resource=resource, group=group, name=name or None
            ),
            user=f"system:serviceaccount:{self.namespace}:{account}",
            groups=["system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated"],
        )
        body = client.V1LocalSubjectAccessReview(metadata=client.V1ObjectMeta(namespace=self.namespace), spec=spec)
        made = self.call(self.access.create_namespaced_local_subject_access_review, self.namespace, body)
        return bool(made.status.allowed)


def _client() -> Any:
    """The client's package. It takes a second to import and has no types."""
    return import_module("kubernetes.client")


def _answered(error: Any) -> str:
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason
    return f"answers with an error: {error.status} {one_line(str(message))}"
