"""Runs all checks at once, each with a time limit, and shows the results."""

import time
from dataclasses import asdict, replace
from importlib import import_module

from rich.table import Table

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.redaction import redacted
from salt_pipeline.pipelines.cluster.http_errors import one_line
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.cluster.time_limit import NoAnswer, Started
from salt_pipeline.pipelines.display.console import cell, print_json, print_table
from salt_pipeline.pipelines.doctor import kubernetes, machine, services
from salt_pipeline.pipelines.doctor.verdict import Check, NotChecked, State, Verdict

SECONDS = 10.0
"""Time limit of a check, in seconds."""

PACKAGES = ("docker", "kfp_server_api", "kubernetes.client", "kubernetes.config", "minio", "packaging.requirements")
"""What the checks import: imported before their time limits begin, since a slow disk is no slow server."""

SLOW = "run `salt doctor` again: a server or the network is slow, or a firewall drops the packets"
"""The fix of a check that took longer than its limit."""

COLOURS: dict[State, str] = {"ok": "green", "warn": "yellow", "fail": "red", "not checked": "dim"}


def examine(settings: ClusterSettings, seconds: float = SECONDS) -> list[Verdict]:
    """Runs all checks at the same time.

    Args:
        settings: The addresses and names of the cluster.
        seconds: Time limit of each check. A check that takes longer stays behind in its thread.

    Returns:
        A verdict for each check, in the order of the table.
    """
    for package in PACKAGES:
        import_module(package)
    # Less for Kubernetes, whose own failure names the cause: otherwise that of the whole check would come first.
    checks = {**machine.checks(), **services.checks(settings), **kubernetes.checks(settings, 0.8 * seconds)}
    verdicts = run_checks(checks, seconds)
    return verdicts if has_cluster(settings, verdicts) else [_of_no_cluster(one) for one in verdicts]


def has_cluster(settings: ClusterSettings, verdicts: list[Verdict]) -> bool:
    """Whether there is a cluster to check: one that was named, or one that answers at the default address."""
    return settings.named or any(one.check == services.KFP and one.state in ("ok", "warn") for one in verdicts)


def _of_no_cluster(verdict: Verdict) -> Verdict:
    """The verdict where there is no cluster: what only a cluster needs has not failed."""
    needed = verdict.check in {*machine.checks(), *services.needed_without_cluster()}
    return verdict if needed or verdict.state != "fail" else replace(verdict, state="not checked")


def run_checks(checks: dict[str, Check], seconds: float) -> list[Verdict]:
    """Starts all checks and waits for each until its time limit."""
    began = time.monotonic()
    started = {name: Started(check, name) for name, check in checks.items()}
    return [_verdict(name, one, seconds - (time.monotonic() - began)) for name, one in started.items()]


def _verdict(name: str, started: Started, seconds: float) -> Verdict:
    try:
        state, found, fix = started.result(seconds)
        return Verdict(name, state, redacted(found), redacted(fix))
    except NotChecked as error:
        return Verdict(name, "not checked", str(error), redacted(error.fix))
    except NoAnswer as error:
        return Verdict(name, "fail", str(error), SLOW)
    except SaltErrors as error:
        return Verdict(name, "fail", "; ".join(map(str, error.problems)))
    except SaltError as error:
        return Verdict(name, "fail", str(error))
    except Exception as error:  # a check that fails unexpectedly must not hide the others
        return Verdict(name, "fail", f"{type(error).__name__}: {redacted(one_line(str(error)))}")


def show(verdicts: list[Verdict], as_json: bool) -> None:
    """Prints the table, or JSON."""
    if as_json:
        print_json([asdict(verdict) for verdict in verdicts])
        return
    table = Table("check", "state", "found", "fix", box=None)
    for one in verdicts:
        table.add_row(one.check, f"[{COLOURS[one.state]}]{one.state}[/]", cell(one.found), cell(one.fix))
    print_table(table, width=200)
