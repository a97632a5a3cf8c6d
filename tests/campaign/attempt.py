"""A bad input that is tried at a door, and the verdict on what the command made of it."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from salt_pipeline.components.core.errors import MARK
from tests.campaign.warm import MEMORY, Result

if TYPE_CHECKING:
    from tests.campaign.goods import Goods

Verdict = Literal["refused", "taken", "traceback", "silent", "hung", "unclear", "lost", "secret"]

GOOD: tuple[Verdict, ...] = ("refused", "taken")

SECRET = "hunter2SECRET"
"""The password that some cases hold; no command may print it."""

MOST_LINES = 40
"""Lines of the longest error: a table of problems."""

LIBRARY = re.compile(
    r"Traceback|site-packages|<class '|NoneType|object has no attribute|errors\.pydantic\.dev|weights_only|"
    r"HTTPConnectionPool|urllib3|Max retries|sqlalchemy|alembic\.|SafetensorError|botocore|Invalid clause|"
    r"unexpected keyword argument|positional argument|unhashable|not subscriptable|Errno|"
    r"Value error,|MaxRetryError|<_io\.|0x[0-9a-f]{8}"
)
"""Text of a library, or of the interpreter, which tells a user nothing."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@dataclass
class Attempt:
    """One command on one bad input.

    Attributes:
        words: The command.
        names: What a refusal must name, each by any of the alternatives: the file, the field.
        env: Variables of its environment.
        right: Returns what is wrong with the results, or nothing, where the input was taken.
        about: What was done to the input.
        warning: What must be printed where the input was taken.
        done: Called after the command: it ends a server.
    """

    words: list[object]
    names: list[tuple[str, ...]] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    right: Callable[[], str] = lambda: "it was taken"
    about: str = ""
    warning: str = ""
    done: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Case:
    """A bad input, made only when it is tried.

    Attributes:
        door: Where it comes in.
        name: What is wrong with it.
        make: Makes it in an empty folder.
        may: Whether it must be refused, must be taken, or is judged by the results if it is taken.
    """

    door: str
    name: str
    make: "Callable[[Goods, Path], Attempt]"
    may: Literal["refuse", "take", "either"] = "either"

    def __str__(self) -> str:
        return f"{self.door}-{self.name}"


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each regular file in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def judge(
    case: Case, attempt: Attempt, result: Result, before: dict[str, str], after: dict[str, str], warm_memory: int
) -> tuple[Verdict, str]:
    """The verdict on a command, and its reason."""
    everything = result.out + result.said
    found: list[tuple[bool, Verdict, str]] = [
        (SECRET in everything, "secret", "the password was printed"),
        (result.late or result.code in (-9, -24), "hung", f"ended by {result.code} after {result.seconds:.1f} s"),
        (result.memory > warm_memory + MEMORY, "hung", f"held {result.memory >> 20} MiB"),
        ("MemoryError" in everything, "hung", "took all memory that it could get"),
        ("Traceback (most recent" in everything or result.code < 0, "traceback", f"exit code {result.code}"),
    ]
    for is_so, verdict, why in found:
        if is_so:
            return verdict, why
    if result.code == 0:
        wrong = "it must be refused" if case.may == "refuse" else attempt.right()
        wrong = wrong or ("" if attempt.warning in everything else f"does not warn of {attempt.warning}")
        return ("silent", wrong) if wrong else ("taken", "")
    changed = [name for name, digest in before.items() if after.get(name) != digest]
    parts = [name for name in after if name.endswith(".part")]
    if changed or parts:
        return "lost", f"changed {changed}, left {parts}"
    problem = "it must be taken" if case.may == "take" else unclear(attempt, result)
    return ("unclear", problem) if problem else ("refused", "")


def unclear(attempt: Attempt, result: Result) -> str:
    """What is wrong with a refusal, if anything."""
    everything = result.out + result.said
    marked = result.said.find(MARK)
    usage = "Usage: " in result.said and "Error" in result.said
    message = result.said[marked:] if marked >= 0 else result.said
    shown = " ".join(everything.replace("│", " ").split())
    checks = [
        (result.code in (1, 2), f"exit code {result.code}"),
        (marked >= 0 or usage, "no error is reported"),
        (not LIBRARY.search(everything), f"text of a library: {LIBRARY.findall(everything)[:1]}"),
        (len(message.splitlines()) <= MOST_LINES, f"{len(message.splitlines())} lines"),
        (len(message) <= 8000, f"{len(message)} letters"),
        (not _CONTROL.search(everything), f"control characters {_CONTROL.findall(everything)[:3]}"),
        (
            usage or all(line.startswith(("  - ", MARK)) for line in message.splitlines()[1:]),
            "more than one line, and no table",
        ),
    ]
    checks += [(any(name in shown for name in names), f"does not name {names}") for names in attempt.names]
    return "; ".join(problem for fine, problem in checks if not fine)
