"""Takes credentials out of every text that leaves the process: messages, logs, records, tracebacks."""

import logging
import os
import re
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"

SHORTEST = 7
"""Characters of the shortest value of a variable that is hidden wherever it appears: shorter ones are also words."""

_USER_INFO = re.compile(
    r"""(?<=://)(?:[^\s/?#"'<>]*@|[^\s/:@"'<>]*:(?!\d+[/?#])[^\s@"'<>]*@)(?:[^\s"'<>]*@(?!sha\d+:))?"""
)
"""User and password of an address; also a password with a slash or @ in it, but not the path of
`host:port/path@digest`. Where an @ follows, all before it is hidden: it may be a part of the password."""

_REPLACED: tuple[tuple[re.Pattern[str], str], ...] = (
    (_USER_INFO, rf"{HIDDEN}@"),
    # The same without the two slashes, or percent-encoded; `image:tag@sha256:...` stays.
    (re.compile(r"""(?<![\w@])[\w.%+-]+:[^\s/@:"']+@(?!sha\d+:)(?=\w)"""), rf"{HIDDEN}@"),
    (re.compile(r"""(?i)(?<=%3A%2F%2F)[^\s&/"'<>]*?%40"""), f"{HIDDEN}%40"),
    # Signatures and tokens in a query.
    (
        re.compile(
            r"""(?i)((?:[?&;]|%3F|%26)(?:x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|sig"""
            r"""|[\w.-]*(?:signature|token|password|passwd|secret)|api[_-]?key|key|auth|code)(?:=|%3D))[^&;\s"'<>]+"""
        ),
        rf"\1{HIDDEN}",
    ),
    # The path of a webhook: whoever knows it may post there.
    (
        re.compile(
            r"""(?i)(https?://[^\s/"'<>]+/(?:services|(?:web)?hooks?|webhookb2|api/webhooks)/)[^\s"'<>]*[^\s"'<>:,.;)]"""
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"""(?i)(\bauthorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer)\s+)?)[^\s"',]+"""), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer )[\w.~+/=-]{16,}"), rf"\1{HIDDEN}"),
)

_SECRET_NAME = re.compile(r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|COOKIE|API_?KEY|NOTIFY_URL|WEBHOOK)(?:_|$)")
_PLACE_NAME = re.compile(r"_(?:FILE|PATH|DIR|NAME)$")
"""Variables that hold a secret, and those that only name where one is kept."""


def redacted(text: str) -> str:
    """A text without the secrets of the environment's variables, and without credentials in any address.

    Hidden are users and passwords, signatures and tokens in queries, paths of webhooks, and authorization headers.
    """
    return redactor()(text)


def redactor() -> Callable[[str], str]:
    """The function `redacted` for several texts at once: it reads the environment, which takes longest, only here."""
    secrets = _known_secrets(tuple(os.environb.items()))

    def redact(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, replacement in _REPLACED:
            text = pattern.sub(replacement, text)
        return text

    return redact


@lru_cache(maxsize=1)  # thousands of errors may be made in one environment
def _known_secrets(environment: tuple[tuple[bytes, bytes], ...]) -> list[str]:
    """The secrets that the environment holds, as they are and percent-encoded, the longest first."""
    found: set[str] = set()
    for name, value in ((os.fsdecode(name), os.fsdecode(value)) for name, value in environment):
        if _SECRET_NAME.search(name) and not _PLACE_NAME.search(name):
            found.add(value.strip())
            found.add(value.partition("://")[2].partition("/")[2])
        for user_info in _USER_INFO.findall(value):
            found.add(user_info.removesuffix("@").partition(":")[2])
        with suppress(ValueError):  # what is no address has no password
            found.add(urlsplit(value).password or "")
    forms = {form for secret in found for form in (secret, quote(secret, safe=""), unquote(secret))}
    return sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)


class RedactedRecord(logging.LogRecord):
    """A record of any logger, libraries' included, whose text and traceback are redacted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.exc_info, tuple) and self.exc_info[0] is not None:
            self.exc_text = redacted("".join(traceback.format_exception(*self.exc_info)).rstrip())

    def getMessage(self) -> str:
        """The redacted message."""
        return redacted(super().getMessage())
