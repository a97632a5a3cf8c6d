"""Runs every check at once, each with a time limit, and shows what they found."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.core.errors import SaltError, SaltErrors, without_passwords
from pipelines.cluster_settings import ClusterSettings
from pipelines.network import one_line
from pipelines.patience import Started

SECONDS = 10.0
"""What a check may take."""

State = Literal["ok", "warn", "fail", "not checked"]
COLOURS: dict[State, str] = {"ok": "green", "warn": "yellow", "fail": "red", "not checked": "dim"}


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


def examine(settings: ClusterSettings, seconds: float = SECONDS) -> list[Verdict]:
    """Runs all checks side by side.

    Args:
        settings: Where the cluster is.
        seconds: What each may take. One that takes longer is left behind in its thread.

    Returns:
        A verdict for each check, in the order of the table.
    """
    import docker  # noqa: F401 - imported once, not in every thread while its clock runs
    import kfp_server_api  # noqa: F401
    import kubernetes.client
    import kubernetes.config  # noqa: F401
    import minio  # noqa: F401

    from pipelines import doctor_kube, doctor_local, doctor_services

    checks = {
        **doctor_local.checks(),
        **doctor_services.checks(settings),
        **doctor_kube.checks(settings, seconds),
    }
    return run_checks(checks, seconds)


def run_checks(checks: dict[str, Check], seconds: float) -> list[Verdict]:
    """Starts all, waits for each until its time is up."""
    began = time.monotonic()
    started = {name: Started(check, "check") for name, check in checks.items()}
    return [_verdict(name, one, seconds - (time.monotonic() - began)) for name, one in started.items()]


def _verdict(name: str, started: Started, seconds: float) -> Verdict:
    try:
        state, found, fix = started.result(seconds)
        return Verdict(name, state, without_passwords(found), without_passwords(fix))
    except NotChecked as error:
        return Verdict(name, "not checked", str(error), error.fix)
    except SaltErrors as error:
        return Verdict(name, "fail", "; ".join(map(str, error.problems)))
    except SaltError as error:
        return Verdict(name, "fail", str(error))
    except Exception as error:  # a check that fails in a way we did not think of must not hide the others
        return Verdict(name, "fail", f"{type(error).__name__}: {without_passwords(one_line(str(error)))}")


def show(verdicts: list[Verdict], as_json: bool) -> None:
    """Prints the table, or JSON."""
    if as_json:
        Console().print_json(json.dumps([asdict(verdict) for verdict in verdicts]))
        return
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    table = Table("check", "state", "found", "fix", box=None)
    for one in verdicts:
        table.add_row(one.check, f"[{COLOURS[one.state]}]{one.state}[/]", escape(one.found), escape(one.fix))
    console.print(table)
