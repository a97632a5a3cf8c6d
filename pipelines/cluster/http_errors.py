"""Failures between this process and a server, in a few words."""

import re
from urllib.parse import urlsplit

from salt_pipeline.components.core.errors import SaltError, ServiceError
from salt_pipeline.pipelines.cluster.time_limit import NO_ANSWER

CONNECT_SECONDS, ANSWER_SECONDS, CREATE_SECONDS = 4.0, 8.0, 60.0
"""Limits of calls to a server, in seconds: to connect, for an answer, and for that to a call that starts something."""


def may_pass(status: int | None) -> bool:
    """Whether the same call may succeed after a while.

    Args:
        status: HTTP status of the answer; None if there was none.
    """
    return status is None or status == 429 or status >= 500


def reason(error: BaseException) -> str:
    """Shortens an error of urllib3 or of a socket."""
    import urllib3.exceptions as known

    words = {
        known.NameResolutionError: "no such host",
        known.SSLError: f"TLS fails ({one_line(str(error))})",
        known.NewConnectionError: re.sub(r".*(\[Errno -?\d+\] |: )", "", one_line(str(error))).lower(),
        known.TimeoutError: NO_ANSWER,
        TimeoutError: NO_ANSWER,
        known.ProtocolError: "the connection was interrupted",
    }
    found = next((text for kind, text in words.items() if isinstance(error, kind)), one_line(str(error)))
    return found or type(error).__name__


def one_line(text: str, limit: int = 300) -> str:
    """A text without line breaks, cut to `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]} ..."


def timed_out(error: SaltError) -> bool:
    """Whether a failure is only that no answer came in time, which says nothing about what was asked for.

    Every error for it has the same words, here and in the object store's.
    """
    return NO_ANSWER in str(error)


def ask(url: str, ca_file: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, str, str | None]:
    """Status, text and date of a server's answer.

    Raises:
        ServiceError: If there is no answer.
    """
    import urllib3

    pool = urllib3.PoolManager(
        ca_certs=ca_file, retries=False, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    )
    try:
        answer = pool.request("GET", url, headers=headers)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ServiceError(f"cannot be reached: {reason(error)}", file=url, passing=True) from None
    return answer.status, answer.data.decode(errors="replace"), answer.headers.get("date")


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own, such as that of a forwarded port."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d+){3}", host) is not None
