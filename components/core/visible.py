"""Text from outside as a message shows it: on one line, every character visible, and not all of a very long one."""

SHOWN = 260
"""Characters of a text that are shown; a file name has at most 255."""


def visible(text: str) -> str:
    """Returns a text as it is where every character is printable, else quoted and with escapes as Python writes it.

    Line ends, other control characters, invisible characters, and bytes of a file name that are not UTF-8 are escaped.
    """
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return shown if shown.isprintable() else repr(shown)
