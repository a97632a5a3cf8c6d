"""What went wrong between us and a server, in a few words."""

import re

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.time_limit import NoAnswer

CONNECT_SECONDS, ANSWER_SECONDS = 4.0, 8.0
"""Limits of every call to a server: to reach it, and to hear from it."""


def reason(error: BaseException) -> str:
    """Shortens an error of urllib3 or of a socket."""
    import urllib3.exceptions as known

    words = {
        known.NameResolutionError: "no such host",
        known.SSLError: f"TLS fails ({one_line(str(error))})",
        known.NewConnectionError: re.sub(r".*(\[Errno -?\d+\] |: )", "", one_line(str(error))).lower(),
        known.TimeoutError: "no answer in time",
        TimeoutError: "no answer in time",
        known.ProtocolError: "the connection broke off",
    }
    found = next((said for kind, said in words.items() if isinstance(error, kind)), one_line(str(error)))
    return found or type(error).__name__


def one_line(text: str, limit: int = 300) -> str:
    """A text without its line breaks, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]} ..."


def timed_out(error: BaseException) -> bool:
    """Whether a failure is only that no answer came in time: of what was asked it says nothing."""
    import urllib3.exceptions as known

    inner: BaseException | None = error
    while isinstance(inner, SaltError) and not isinstance(inner, NoAnswer):
        inner = inner.__cause__ or inner.__context__
    while isinstance(inner, known.MaxRetryError):
        inner = inner.reason
    refused = isinstance(inner, known.NewConnectionError)  # a kind of timeout only by name
    return not refused and isinstance(inner, NoAnswer | known.TimeoutError | TimeoutError)


def ask(url: str, ca_file: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, str, str | None]:
    """Status, text and date of what a server answers.

    Raises:
        SaltError: If there is no answer.
    """
    import urllib3

    pool = urllib3.PoolManager(
        ca_certs=ca_file, retries=False, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    )
    try:
        answer = pool.request("GET", url, headers=headers)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise SaltError(f"cannot be reached: {reason(error)}", file=url) from None
    return answer.status, answer.data.decode(errors="replace"), answer.headers.get("date")


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's, as that of a forwarded port is."""
    return re.match(r"https?://([^/@]*@)?(127\.|localhost|\[::1\])", url) is not None
