"""Checks of this machine: Python, its packages, the Docker engine, what a local run uses."""

import platform
import re
from importlib import metadata

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.doctor.verdict import Check, State
from salt_pipeline.pipelines.hardware.concurrency import plan
from salt_pipeline.pipelines.hardware.gpus import torch_is_for_cpus, visible_gpus
from salt_pipeline.pipelines.presets import preset_config

PACKAGE = "salt-pipeline"
NEEDED = ""
"""Stands for the base requirements, without which no cluster command runs."""


def checks() -> dict[str, Check]:
    """The checks by name."""
    return {"Python": python, "packages": packages, "Docker": docker_engine, "local runs": local_runs}


def python() -> tuple[State, str, str]:
    """Its version is one that the package allows."""
    from packaging.specifiers import SpecifierSet

    allowed = metadata.metadata(PACKAGE)["Requires-Python"]
    found = platform.python_version()
    good = found in SpecifierSet(allowed)
    return ("ok" if good else "fail"), found, "" if good else f"a Python {allowed}"


def packages() -> tuple[State, str, str]:
    """Every requirement of the package is installed, in a version that it allows."""
    missing = {extra: _missing(extra) for extra in (NEEDED, *_extras())}
    missing = {extra: names for extra, names in missing.items() if names}
    if not missing:
        return "ok", f"{PACKAGE} {metadata.version(PACKAGE)} with everything it needs", ""
    found = "; ".join(f"{f'for {extra}: ' if extra else ''}{', '.join(names)}" for extra, names in missing.items())
    within = {part for extra in missing for part in _parts(extra)}
    extras = ",".join(extra for extra in missing if extra and extra not in within)
    wanted = f"pip install '{PACKAGE}{f'[{extras}]' if extras else ''}'"
    return ("fail" if NEEDED in missing else "warn"), f"missing: {found}", wanted


def _extras() -> list[str]:
    known = metadata.metadata(PACKAGE).get_all("Provides-Extra") or []
    return [extra for extra in known if extra != "dev"]


def _parts(extra: str) -> set[str]:
    """The extras that an extra brings with it."""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in metadata.requires(PACKAGE) or []]
    own = [one for one in wanted if one.name == PACKAGE and one.marker and one.marker.evaluate({"extra": extra})]
    return {part for one in own for part in one.extras}


def _missing(extra: str) -> list[str]:
    from packaging.requirements import Requirement

    missing = []
    for line in metadata.requires(PACKAGE) or []:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        if not wanted.marker and extra:
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            missing.append(wanted.name)
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            missing.append(f"{wanted.name}{wanted.specifier} (found {found})")
    return missing


def docker_engine() -> tuple[State, str, str]:
    """It answers."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=8)
        version = client.version()["Version"]
    except (DockerException, OSError) as error:
        # The operating system's message comes last: after a colon (TCP), or as a quoted argument (Unix socket).
        reason = re.split(r": |, '", str(error))[-1].strip(" ()'\"")
        return "warn", f"no engine answers: {reason}", "only `salt images` and `salt run --runner docker` need one"
    except KeyError:
        raise SaltError("the Docker engine answers without its version") from None
    return "ok", f"engine {version}", ""


def local_runs() -> tuple[State, str, str]:
    """The cores and GPUs of this machine, and what a run uses of them."""
    try:
        found = visible_gpus()
    except SaltError as error:
        return "warn", str(error), "without nvidia-smi `salt run` cannot spread its jobs over GPUs: check the driver"
    if found and torch_is_for_cpus():
        return "warn", f"{', '.join(map(str, found))}: not used, for this torch is built for CPUs", "PyPI's torch"
    preset = "best" if found else "quick"
    return "ok", f"{plan(preset_config(preset), found)} (preset {preset})", ""
