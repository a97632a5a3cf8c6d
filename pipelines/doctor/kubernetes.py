"""Checks of the Kubernetes namespace."""

from collections.abc import Callable

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, ServiceError
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.capacity import fit
from salt_pipeline.pipelines.cluster.kube import Kube, KubeError
from salt_pipeline.pipelines.cluster.nodes import read_nodes
from salt_pipeline.pipelines.cluster.settings import ClusterSettings
from salt_pipeline.pipelines.cluster.time_limit import Started
from salt_pipeline.pipelines.doctor import fixes
from salt_pipeline.pipelines.doctor.retries import retry_policy
from salt_pipeline.pipelines.doctor.verdict import Check, NotChecked, State
from salt_pipeline.pipelines.presets import preset_config

TESTED = ((1, 33), (1, 36))
"""Versions of Kubernetes that Kubeflow Pipelines 2.17 is tested with upstream."""

RIGHTS = (
    ("create", "workflowtaskresults", "argoproj.io", ""),
    ("patch", "workflowtaskresults", "argoproj.io", ""),
    ("get", "pods", "", ""),
    ("get", "configmaps", "", names.KFP_LAUNCHER_CONFIG_MAP),
    ("get", "secrets", "", names.KFP_STORE_SECRET),
)
"""Permissions that a run's pods need: verb, resource, group, name."""

SIZES = ("quick", "seed")
"""Presets whose jobs are compared with the nodes' resources: ten small jobs on CPUs, ten large ones on GPUs."""

GPU = Config().cluster.accelerator


def checks(settings: ClusterSettings, seconds: float) -> dict[str, Check]:
    """The checks by name; all use one connection."""
    opened = Started(lambda: Kube(settings.namespace), "Kubernetes")

    def on(check: Callable[[Kube], tuple[State, str, str]]) -> Check:
        def made() -> tuple[State, str, str]:
            try:
                kube = opened.result(seconds)
            except ServiceError as error:
                raise NotChecked(str(error), fixes.kubernetes(error)) from None
            try:
                return check(kube)
            except KubeError as error:
                if error.denied or error.status is None:
                    raise NotChecked(str(error), fixes.kubernetes(error)) from None
                raise

        return made

    return {
        "Kubernetes": on(version),
        "service account": on(lambda kube: service_account(kube, settings.service_account)),
        "Secrets": on(lambda kube: secrets(kube, settings.service_account)),
        "ConfigMap": on(config_map),
        "retry policy": on(lambda kube: retry_policy(kube.at(settings.kfp_namespace))),
        "GPUs": on(gpus),
        "room for jobs": on(capacity),
        "images": on(images),
    }


def version(kube: Kube) -> tuple[State, str, str]:
    """The version is one that Kubeflow Pipelines is tested with."""
    found = kube.version()
    good = TESTED[0] <= found <= TESTED[1]
    tested = " to ".join(f"{major}.{minor}" for major, minor in TESTED)
    return ("ok" if good else "warn"), "{}.{}".format(*found), "" if good else f"tested upstream: {tested}"


def service_account(kube: Kube, account: str) -> tuple[State, str, str]:
    """It exists and has the permissions that a run's pods need."""
    fix = "kubectl apply -k k8s/overlays/..."
    if kube.find(kube.core.read_namespaced_service_account, account, kube.namespace) is None:
        return "fail", f"{account} is missing", fix
    absent = [
        f"{verb} {resource}{f'/{name}' if name else ''}"
        for verb, resource, group, name in RIGHTS
        if not kube.may(verb, resource, group, name, account)
    ]
    if absent:
        return "fail", f"{account} has no permission to {', '.join(absent)}", fix
    return "ok", f"{account} has all permissions that a run's pods need", ""


def secrets(kube: Kube, account: str) -> tuple[State, str, str]:
    """They exist, with their keys; pods of an account with a role need no keys for the store."""
    wanted = {names.STORE_SECRET: names.STORE_KEYS, names.KFP_STORE_SECRET: names.KFP_STORE_KEYS}
    if kube.has_role(account):
        del wanted[names.STORE_SECRET]
    problems = []
    for name, keys in wanted.items():
        held = kube.secret(name)
        if held is None:
            problems.append(f"{name} is missing")
        elif absent := [key for key in keys if not held.get(key)]:
            problems.append(f"{name}: {', '.join(absent)} is missing")
    if problems:
        return "fail", "; ".join(problems), "salt cluster init"
    return "ok", ", ".join(wanted), ""


def config_map(kube: Kube) -> tuple[State, str, str]:
    """It exists, with the addresses."""
    held = kube.config_map(names.SETTINGS_CONFIG_MAP)
    fix = "kubectl apply -k k8s/overlays/..."
    if held is None:
        return "fail", f"{names.SETTINGS_CONFIG_MAP} is missing", fix
    if absent := [key for key in names.SETTINGS_KEYS if not held.get(key)]:
        return "fail", f"{names.SETTINGS_CONFIG_MAP}: {', '.join(absent)} is missing", fix
    return "ok", f"store {held['SALT_S3_ENDPOINT']}, MLflow {held['MLFLOW_TRACKING_URI']}", ""


def gpus(kube: Kube) -> tuple[State, str, str]:
    """How many there are, and how many of them no pod has requested."""
    nodes = read_nodes(kube)
    having = [node for node in nodes if node.allocatable.get(GPU)]
    if not having:
        return "warn", f"none of {len(nodes)} nodes offers {GPU}", "salt submit --set cluster.accelerator=none"
    total, free = int(sum(node.allocatable[GPU] for node in having)), int(sum(node.free[GPU] for node in having))
    state: State = "ok" if free > 0 else "warn"
    return state, f"{free} of {total} free on {len(having)} nodes", "" if free > 0 else "jobs will wait"


def capacity(kube: Kube) -> tuple[State, str, str]:
    """How many jobs of a small and of a large preset the nodes have room for at once."""
    nodes = read_nodes(kube)
    if not nodes:
        return "warn", "no node is ready and accepts pods", "kubectl get nodes"
    fits = {preset: fit(nodes, preset_config(preset)) for preset in SIZES}
    found = "; ".join(f"{preset}: {one.summary} (each {one.asked})" for preset, one in fits.items())
    small, large = fits.values()
    if small.misfits:
        return "warn", found, f"{small.misfits[0]}"
    if small.warning:
        return "warn", found, f"the others wait, or: {small.fix}" if small.fix else "the others wait for room"
    return (
        ("ok", found, "") if large.at_once else ("warn", found, f"{SIZES[1]} needs larger nodes, or GPUs that are free")
    )


def images(kube: Kube) -> tuple[State, str, str]:
    """The stages' images of this checkout are on the nodes."""
    from salt_pipeline.components.core.container_image import image
    from salt_pipeline.components.core.stages import STAGES
    from salt_pipeline.pipelines.images import engine, missing, with_tag

    try:
        cluster = with_tag(Config()).cluster
    except SaltError:
        raise NotChecked("this is no checkout, so the tag of the images is that of the run (cluster.tag)") from None
    wanted = [image(stage, cluster) for stage in STAGES]
    nodes = kube.call(kube.core.list_node).items
    there = {name for node in nodes for held in node.status.images or [] for name in held.names or []}
    absent = [name for name in wanted if not any(n == name or n.endswith(f"/{name}") for n in there)]
    tag = cluster.tag or "by digest"
    if not absent:
        return "ok", f"all {len(wanted)} of tag {tag} on a node", ""
    try:
        built = not missing(engine(), cluster)
    except SaltError:
        built = False
    found = f"{len(absent)} of {len(wanted)} of tag {tag} on no node"
    if built:
        return "warn", f"{found}; they are in this machine's engine", "salt images build --push, or salt images save"
    return "not checked", f"{found}; pullable: not checked", "salt images build"
