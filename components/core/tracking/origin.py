"""Where a run comes from, as tags in MLflow."""

from collections.abc import Mapping


def origin_tags(origin: Mapping[str, str], command: str) -> dict[str, str]:
    """The origin of a run as tags, among them the link to the run in Kubeflow Pipelines.

    Args:
        origin: Runner, preset, revision and images; on a cluster also `kfp_run`, the id of the run there, and `kfp_ui`,
            the address of the user interface.
        command: The command that started the run.
    """
    tags = {f"salt.{key}": value for key, value in origin.items() if key != "kfp_ui"}
    tags["mlflow.source.name"] = command
    if origin.get("kfp_run"):
        tags["salt.kfp_link"] = f"{origin.get('kfp_ui', '')}/#/runs/details/{origin['kfp_run']}"
    if origin.get("git_revision"):
        tags["mlflow.source.git.commit"] = origin["git_revision"].removesuffix("+")
    return tags
