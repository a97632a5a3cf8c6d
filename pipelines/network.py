"""What went wrong between us and a server, in a few words."""

import re

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
