"""Of what a stage, KFP, Argo and libraries write to a log, the lines that are for people.

What is left out is named here line by line; a line that is not known stays. It is what KFP says of its own work (the
input of each task as JSON, its outputs, settings of a cluster that a local run ignores), what its launcher and Argo say
in a pod, colours, and warnings and messages of libraries.
"""

import re
from collections.abc import Iterable

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_EXECUTOR = re.compile(r"\[KFP Executor [0-9-]+ ([0-9:]+),[0-9]+ ([A-Z]+)\]: ")
_KFP_LOCAL = re.compile(r"([0-9:]{8})\.[0-9]{3} - ([A-Z]+) - ")
_NO_HANDLER = re.compile(r"()([A-Z]+):root: ?")
"""Beginnings of a line, with its time and level: of a stage, of kfp.local, and of kfp.local between two tasks."""

_JSON = re.compile(r' *("([^"\\]|\\.)*"(: .*)?,?|[{}\[\]]+,?|-?[0-9][0-9.eE+-]*,?|(true|false|null),?)$')
"""A line of the input of a task. Tasks that run at once mix their lines, so that no line tells where the JSON ends."""

_OUTPUTS = re.compile(r"Task '[^']+' outputs:$")
"""Begins a block of lines, of which each has an indent of four spaces or more."""

_WARNING = re.compile(r"\S+\.py:[0-9]+: \w*Warning: ")
"""A warning as Python writes it; the next line quotes the source."""

_OF_LIBRARIES = re.compile(
    r"(Looking for component|Loading KFP component|Got executor_input:|Wrote executor output file|"
    r"Streamed logs:|Applying expression selector|After expression selector:|Cleaned up workspace:|"
    r"Task '[^']+' has no outputs|HTTP Request: |Registry store URI not provided|-+$|"
    r"[0-9/]{10} [0-9:]{8} (INFO|WARNING) (mlflow|alembic)\.|INFO  \[alembic\.|\[MLflow\] |.*[0-9]%\||"
    r"generated new fontManager$)"
)

_OF_POD = re.compile(r"[IW][0-9]{4} [0-9:.]+ +[0-9]+ \w+\.go:[0-9]+\] |time=\S+ level=INFO .*\bargo=true\b")
"""What KFP's launcher and Argo's executor say in a pod of a run; their errors stay."""


class ReadableLines:
    """Picks the readable lines of one log, which may arrive in parts."""

    def __init__(self) -> None:
        self._outputs = self._warned = False

    def pick(self, lines: Iterable[str]) -> list[str]:
        """The lines as people read them.

        Args:
            lines: The next lines of the log, complete and without their ends.
        """
        return [picked for line in lines if (picked := self._picked(line)) is not None]

    def _picked(self, line: str) -> str | None:
        """A line as people read it; None if it is not for them."""
        line = _COLOUR.sub("", line).rstrip()
        within_outputs = self._outputs and line.startswith(" " * 4)
        source = self._warned and line.startswith("  ") and not line.startswith(("  - ", "  File "))
        self._outputs, self._warned = within_outputs, False
        if not line or within_outputs or source or _JSON.match(line) or _OF_POD.match(line):
            return None
        if _WARNING.match(line):
            self._warned = True
            return None
        head = _EXECUTOR.match(line) or _KFP_LOCAL.match(line) or _NO_HANDLER.match(line)
        said = line[head.end() :] if head else line
        self._outputs = bool(_OUTPUTS.match(said))
        if self._outputs or _OF_LIBRARIES.match(said):
            return None
        if head is None:
            return line
        time, level = head.groups()
        mark = "" if level == "INFO" or said.startswith("salt: ") else f"{level.lower()}: "
        return f"{time} {mark}{said}".lstrip()
