"""What a check of `salt doctor` is, and its possible results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from salt_pipeline.components.core.errors import SaltError

State = Literal["ok", "warn", "fail", "not checked"]


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes:
        check: Name of the check.
        state: Its result.
        found: What was found.
        fix: How to fix it; empty if there is nothing to fix.
    """

    check: str
    state: State
    found: str
    fix: str = ""


class NotChecked(SaltError):
    """A check could not be made.

    Args:
        problem: Why.
        fix: How to fix it; empty if there is nothing to fix.
    """

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.fix = fix


Check = Callable[[], tuple[State, str, str]]
"""Returns state, what was found, and the fix. A SaltError is a failure, `NotChecked` a check that was not made."""
