"""Ctrl-C before the command runs or while it ends, such as during its imports: exit code 130 and no traceback.

Importing this module is enough, and has to come first. While a command runs, typer handles Ctrl-C in the same way.
"""

import sys
from types import TracebackType

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the signal's number."""

_others = sys.excepthook


def _end_quietly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Replaces the interpreter's report of an exception that nothing has caught.

    Raises:
        SystemExit: If it is Ctrl-C; the interpreter then ends with its code.
    """
    if issubclass(kind, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    _others(kind, error, trace)


sys.excepthook = _end_quietly
