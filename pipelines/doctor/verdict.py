"""What a check of the doctor is, and what it can find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from salt_pipeline.components.core.errors import SaltError

State = Literal["ok", "warn", "fail", "not checked"]


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        check: What was looked at.
        state: How it stands.
        found: What is there.
        fix: What to do about it.
    """

    check: str
    state: State
    found: str
    fix: str = ""


class NotChecked(SaltError):
    """A check could not be made.

    Args:
        problem: Why.
        fix: What to do about it.
    """

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.fix = fix


Check = Callable[[], tuple[State, str, str]]
"""State, what was found, its fix. A SaltError is a failure, `NotChecked` what it says."""
