"""Whether the nodes have room for the requests of a configuration's jobs, and which requests would fit."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from salt_pipeline.components.core.config.cluster import StageConfig
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.stages import IN_LOOP, STAGES, StageName
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.nodes import Amounts, Node, amount, may_grow, read_nodes

STEPS = {"cpu": Fraction(1, 20), "memory": Fraction(128 * 2**20)}
"""Suggested requests are multiples of these: CPUs, bytes."""

LEAST = {"cpu": Fraction(1, 10), "memory": Fraction(1280 * 2**20)}
"""Smallest requests that are suggested: CPUs, bytes. A training pod of `smoke` was measured to take 1.1 GB."""


@dataclass(frozen=True)
class Fit:
    """How a configuration's pods fit on the nodes.

    Attributes:
        jobs: How many jobs it has.
        at_once: How many of them have room now, all together.
        asked: The requests of one job, in words.
        free: The free resources of the nodes that may run it, in words.
        changes: Values of --set with which all would run at once; empty if they do, or if no values would do.
        misfits: A problem for each kind of pod that does not fit on any node, even an empty one.
    """

    jobs: int
    at_once: int
    asked: str
    free: str
    changes: tuple[str, ...]
    misfits: tuple[SaltError, ...]

    @property
    def summary(self) -> str:
        """How many jobs have room, in one clause."""
        return f"{'all' if self.at_once >= self.jobs else self.at_once} of {self.jobs} jobs fit at once"

    @property
    def warning(self) -> str:
        """The warning that not all jobs have room at once; empty if they have."""
        if self.at_once >= self.jobs:
            return ""
        rest = "the others wait" if self.at_once else "they wait until other pods end"
        warning = f"{self.summary} (each asks for {self.asked}; free: {self.free}); {rest}"
        if not self.changes:
            return warning
        limit = (
            " (memory is also the limit: a job of `smoke` takes 1.1 GB)" if "memory" in "".join(self.changes) else ""
        )
        return f"{warning}, or run all at once with {self.fix}{limit}"

    @property
    def fix(self) -> str:
        """The options with which all jobs would run at once."""
        return " ".join(f"--set {change}" for change in self.changes)


def fit(nodes: list[Node], config: Config, jobs: int | None = None) -> Fit:
    """Compares the requests of a configuration's pods with the resources of the nodes.

    The tasks of one job run one after the other: a job needs the largest request of each resource.

    Args:
        nodes: The nodes.
        config: The configuration.
        jobs: Number of jobs; by default those of the configuration.
    """
    jobs = jobs or len(config.encoders) * config.split.folds
    mine = [node for node in nodes if all(node.takes(config.cluster.node(stage)) for stage in IN_LOOP)]
    job = _of_a_job(config)
    at_once = sum(_times(node.free, job) for node in mine)
    free = {
        name: sum((max(node.free.get(name, Fraction(0)), Fraction(0)) for node in mine), Fraction(0)) for name in job
    }
    return Fit(
        jobs,
        at_once,
        _words(job),
        f"{_words(free)} on {len(mine)} of {len(nodes)} nodes",
        _changes(mine, config, jobs) if at_once < jobs else (),
        tuple(_misfits(nodes, config)),
    )


def room(namespace: str, config: Config, jobs: int | None = None) -> list[str]:
    """Checks whether the cluster has room for a configuration's pods.

    Args:
        namespace: The namespace of the pods.
        config: The configuration.
        jobs: Number of jobs; by default those of the configuration.

    Returns:
        Warnings: not all jobs have room at once, a node must be added first, or the permission to read is missing.

    Raises:
        SaltErrors: If there are pods that do not fit on any node.
    """
    try:
        kube = Kube(namespace)
        nodes = read_nodes(kube)
    except KubeError as error:
        return [f"the jobs' requests were not compared with the nodes: {error}"]
    found = fit(nodes, config, jobs)
    if not found.misfits:
        return [found.warning] if found.warning else []
    if not may_grow(kube):
        raise SaltErrors("the nodes are too small", list(found.misfits))
    return [f"{problem}; an autoscaler may add one" for problem in found.misfits]


def _needs(asked: StageConfig) -> dict[str, Fraction]:
    needs = {"cpu": amount(asked.cpu), "memory": amount(asked.memory), "pods": Fraction(1)}
    if asked.accelerator not in (None, "none"):
        needs[str(asked.accelerator)] = Fraction(asked.accelerator_count or 1)
    return needs


def _of_a_job(config: Config) -> dict[str, Fraction]:
    needs = [_needs(config.cluster.node(stage)) for stage in IN_LOOP]
    return {name: max(need.get(name, Fraction(0)) for need in needs) for need in needs for name in need}


def _times(has: Amounts, needs: Amounts) -> int:
    """How many pods with these needs a node has room for."""
    return max(0, min(int(has.get(name, Fraction(0)) // need) for name, need in needs.items() if need))


def _misfits(nodes: list[Node], config: Config) -> Iterable[SaltError]:
    """The pods that do not fit on any node, even an empty one; stages with the same requests are named together."""
    kinds: dict[tuple[str, str], list[StageName]] = {}
    for stage in STAGES:
        asked = config.cluster.node(stage)
        takers = [node for node in nodes if node.takes(asked)]
        if not any(_times(node.allocatable, _needs(asked)) for node in takers):
            selector = "".join(f", label {label}={value}" for label, value in (asked.node_selector or {}).items())
            options = _options(takers, asked, "" if stage in IN_LOOP else "light_")
            kinds.setdefault((f"{_words(_needs(asked))}{selector}", options), []).append(stage)
    largest = max(nodes, key=lambda node: node.allocatable.get("memory", Fraction(0)), default=None)
    shown = _words({n: largest.allocatable.get(n, Fraction(0)) for n in STEPS}) if largest else "none"
    for (words, options), stages in kinds.items():
        yield SaltError(
            f"fits on none of {len(nodes)} nodes: asks for {words}",
            field=", ".join(stages),
            found=f"largest node {shown}",
            expected=f"another {options}",
        )


def _options(takers: list[Node], asked: StageConfig, prefix: str) -> str:
    """The options because of which a stage fits on no node."""
    if not takers:
        return "--set cluster.node_selector=... or cluster.tolerations=..., or nodes that are ready"
    options = {name: f"cluster.{prefix}{name}" for name in STEPS} | {str(asked.accelerator): "cluster.accelerator"}
    short = [
        options[name]
        for name, need in _needs(asked).items()
        if name in options and not any(_times(node.allocatable, {name: need}) for node in takers)
    ]
    return " and ".join(f"--set {option}=..." for option in short or list(options.values())[:2])


def _changes(nodes: list[Node], config: Config, jobs: int) -> tuple[str, ...]:
    """Smaller requests with which all jobs would run at once; none if they would be too small or would not help."""
    job = _of_a_job(config)
    for names in (("cpu",), ("memory",), ("cpu", "memory")):
        for twentieths in range(19, 0, -1):
            smaller = {name: job[name] * twentieths / 20 // STEPS[name] * STEPS[name] for name in names}
            if any(value < LEAST[name] for name, value in smaller.items()):
                break
            if sum(_times(node.free, {**job, **smaller}) for node in nodes) >= jobs:
                return tuple(f"cluster.{name}={_quantity(name, value)}" for name, value in smaller.items())
    return ()


def _quantity(name: str, value: Fraction) -> str:
    if name == "memory":
        return f"{int(value // 2**30)}Gi" if value % 2**30 == 0 else f"{int(value // 2**20)}Mi"
    return str(int(value)) if value.denominator == 1 else f"{int(value * 1000)}m"


def _words(amounts: Amounts) -> str:
    words = [f"{float(amounts['cpu']):.4g} CPUs", f"{float(amounts['memory'] / 2**30):.4g}Gi memory"]
    return ", ".join(
        words + [f"{int(n)} {name}" for name, n in amounts.items() if name not in ("cpu", "memory", "pods")]
    )
