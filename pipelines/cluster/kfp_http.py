"""HTTP requests to Kubeflow Pipelines' API: credentials, proxy, time limits; every failure is one line."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import ValidationError

from salt_pipeline.components.core.errors import SaltError, ServiceError
from salt_pipeline.components.core.http_address import is_http_address
from salt_pipeline.pipelines.cluster.http_errors import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    CREATE_SECONDS,
    is_loopback,
    may_pass,
    one_line,
    reason,
)
from salt_pipeline.pipelines.cluster.settings import ClusterSettings

Record = TypeVar("Record")

_FORWARD = "; is it forwarded? kubectl port-forward -n {} svc/ml-pipeline 8888:8888"
_CREDENTIALS = "SALT_KFP_TOKEN_FILE, SALT_KFP_TOKEN or SALT_KFP_COOKIE"
_LOG_IN = re.compile(r"dex|oidc|oauth|log ?in|sign ?in|authenticat|keycloak", re.IGNORECASE)


class KfpError(ServiceError):
    """Kubeflow Pipelines did not do what was asked.

    Args:
        problem: What is wrong.
        url: Address of the API.
        status: HTTP status of the answer; None if there was none.
        found: What the API answered.
    """

    def __init__(self, problem: str, url: str, status: int | None = None, found: str | None = None) -> None:
        file = f"Kubeflow Pipelines at {url}"
        super().__init__(problem, file=file, found=found, status=status, passing=may_pass(status))


class KfpRecordError(KfpError):
    """Kubeflow Pipelines answered with a record that its API does not describe."""


class KfpHttp:
    """Sends requests to Kubeflow Pipelines.

    Args:
        settings: The addresses and names of the cluster.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        import kfp_server_api as api

        self.settings = settings
        config = api.Configuration(host=settings.kfp_url)
        config.client_side_validation = False  # a newer server may know further states
        config.retries = False
        if settings.kfp_ca_file:
            config.ssl_ca_cert = str(settings.kfp_ca_file)
        config.proxy, config.proxy_headers = _proxy(settings.kfp_url)
        config.refresh_api_key_hook = self._refresh
        config.api_key_prefix["authorization"] = "Bearer"
        cookie = settings.kfp_cookie.get_secret_value() if settings.kfp_cookie else None
        self._client = api.ApiClient(config, cookie=cookie)
        self._refresh(config)

    def _refresh(self, config: Any) -> None:
        """Reads the token anew: the generated client calls it before each request."""
        token = self.settings.token()
        if token:
            config.api_key["authorization"] = token

    def call(self, method: Callable[..., Any], *words: Any, **named: Any) -> Any:
        """Calls a method of the generated client.

        Raises:
            KfpError: If there is no answer, it is an error, or it does not come from Kubeflow Pipelines.
        """
        return self._guard(lambda: method(*words, **named, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS)))

    def create(self, method: Callable[..., Any], *words: Any) -> Any:
        """Calls a method that starts something, which must not be started twice: it may take longer.

        Raises:
            KfpError: As `call`.
        """
        return self._guard(lambda: method(*words, _request_timeout=(CONNECT_SECONDS, CREATE_SECONDS)))

    def pages(self, method: Callable[..., Any], field: str, *words: Any, **named: Any) -> Iterator[Any]:
        """Every item of a listing; each page is requested when it is needed."""
        token, seen = "", set[str]()
        while True:
            page = self.call(method, *words, **named, page_token=token, page_size=50)
            yield from getattr(page, field) or []
            token = page.next_page_token
            if not token:
                return
            if token in seen:
                raise KfpError("answers with the same page again and again", self.settings.kfp_url)
            seen.add(token)

    def record(self, read: Callable[..., Record], *answered: Any) -> Record:
        """Makes a record of what the API answered.

        Args:
            read: Makes it.
            *answered: Its arguments.

        Raises:
            KfpRecordError: If something is missing in the answer, or of another type.
        """
        try:
            return read(*answered)
        except (ValueError, AttributeError, TypeError) as error:
            fields = error.errors() if isinstance(error, ValidationError) else []
            found = ", ".join(f"{field['loc'][0]}: {field['msg']}" for field in fields[:3])
            problem = "answers with a record that its API does not describe"
            raise KfpRecordError(problem, self.settings.kfp_url, found=found or None) from None

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path that the generated client has no method for."""
        text = self.text(path)
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self.unexpected(text)
        return answer

    def text(self, path: str) -> str:
        """The text at a path."""
        config = self._client.configuration
        token = config.get_api_key_with_prefix("authorization")
        headers = {"authorization": token} if token else {}
        if self._client.cookie:
            headers["Cookie"] = self._client.cookie
        limit = (CONNECT_SECONDS, ANSWER_SECONDS)

        def ask() -> Any:
            url = config.host + path
            self._client.last_response = self._client.request("GET", url, headers=headers, _request_timeout=limit)
            return None

        self._guard(ask, json_only=False)
        return _decoded(self._client.last_response.data)

    def _guard(self, ask: Callable[[], Any], json_only: bool = True) -> Any:
        import kfp_server_api as api
        import urllib3

        url = self.settings.kfp_url
        self._client.last_response = None
        try:
            answer = ask()
        except SaltError:  # the token's file cannot be read
            raise
        except (urllib3.exceptions.HTTPError, OSError) as error:
            hint = _FORWARD.format(self.settings.kfp_namespace) if is_loopback(url) else ""
            raise KfpError(f"cannot be reached: {reason(error)}{hint}", url) from None
        except api.ApiException as error:
            raise KfpError(_answered(error, self.settings.namespace), url, error.status or None) from None
        except (ValueError, AttributeError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            # The generated client fails so on TLS errors and on answers of another shape.
            found = one_line(str(error)) if isinstance(error, ValueError) else None
            raise KfpError("its answer cannot be understood: check SALT_KFP_URL", url, found=found) from None
        text = _decoded(self._client.last_response.data)
        if (json_only and not text.lstrip().startswith("{")) or _is_page(text):
            raise self.unexpected(text)
        return answer

    def unexpected(self, text: str) -> KfpError:
        """The error for an answer that does not come from the API."""
        url = self.settings.kfp_url
        if _is_page(text) and _LOG_IN.search(text):
            return KfpError(f"answers with a log-in page: set {_CREDENTIALS}", url, 401)
        found = one_line(text, 60) or "nothing"
        return KfpError("does not answer as its API does: check SALT_KFP_URL", url, 400, found=found)


def _proxy(url: str) -> tuple[str | None, dict[str, str] | None]:
    """The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, and its credentials; no proxy for this machine."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if not proxy or is_loopback(url) or proxy_bypass(parts.netloc):
        return None, None
    # The last @ ends the credentials, before anything else is looked for: a password may hold any character.
    scheme, _, place = proxy.rpartition("://") if "://" not in proxy else proxy.partition("://")
    user, _, host = place.rpartition("@")
    address = f"{scheme or 'http'}://{host.rstrip('/')}"
    if not is_http_address(address):
        name, expected = f"{parts.scheme.upper()}_PROXY", "http://host:port, perhaps with user:password@"
        raise SaltError("is not the address of a proxy that is supported", field=name, expected=expected)
    basic = base64.b64encode(unquote(user).encode()).decode()
    return address, {"proxy-authorization": f"Basic {basic}"} if user else None


def _decoded(data: str | bytes) -> str:
    return data.decode(errors="replace") if isinstance(data, bytes) else data


def _is_page(text: str) -> bool:
    return text.lstrip()[:9].lower() in ("<!doctype", "<html>") or text.lstrip()[:5].lower() == "<html"


def _answered(error: Any, namespace: str) -> str:
    """An error that the API answered, in one line."""
    line = _message(_decoded(error.body or ""))
    if 300 <= (error.status or 0) < 400:
        target = str((error.headers or {}).get("Location", "")).partition("?")[0]
        to = f" to {one_line(target, 100)}" if target else ""
        if _LOG_IN.search(target):
            return f"redirects{to}, a log-in page ({error.status}): set {_CREDENTIALS}"
        return f"redirects{to} ({error.status}): check SALT_KFP_URL; if a log-in is required, set {_CREDENTIALS}"
    if error.status == 401:
        return f"rejected the credentials (401): check {_CREDENTIALS}{f' ({line})' if line else ''}"
    if error.status == 403:
        return (
            f"denied access to namespace {namespace} (403): check -n or SALT_NAMESPACE, and "
            f"{_CREDENTIALS}{f' ({line})' if line else ''}"
        )
    if not error.status:  # the generated client's own, for a date or a number that is none
        return f"its answer cannot be understood: {one_line(str(error.reason))}"
    return f"answers with an error: {error.status} {one_line(str(error.reason))}{f': {line}' if line else ''}"


def _message(body: str) -> str:
    """The message in an error's body: that of JSON, or short plain text."""
    try:
        answer = json.loads(body)
        text = answer.get("message") or answer.get("error_message") or answer.get("error") or ""
    except (ValueError, AttributeError, RecursionError):
        text = "" if "<" in body else body
    return one_line(str(text))
