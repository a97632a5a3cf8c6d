"""Runs the stages in their containers with kfp.local's DockerRunner: as on a cluster, on one machine."""

import os
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError
from docker.types import Mount
from kfp import local

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.pipelines.images import engine, missing
from salt_pipeline.pipelines.local.folder import KFP, RunFolder

LABEL = "salt.run"
"""Label of the containers of a run; its value is the name of the run."""

USER = 10001
"""User id of the images, used in place of root: no stage runs as root."""


def docker_runner(folder: RunFolder, environment: dict[str, str]) -> local.DockerRunner:
    """Sets up the runner: no capabilities, a read-only root file system, this user's files, and no GPU so far.

    Args:
        folder: The run; the containers may write to its folders.
        environment: Environment variables of the stages.

    Raises:
        SaltError: If no engine answers, or images are missing.
    """
    client = engine()
    absent = missing(client, folder.config.cluster)
    if absent:
        raise SaltError("images are missing: `salt images build` builds them", file=", ".join(absent))
    places = [folder.path / KFP, folder.path.parent / "mlartifacts"]
    mounts = [Mount(str(places[1]), str(places[1]), type="bind")]
    if not is_uri(folder.checkpoints):
        places.append(Path(folder.checkpoints))
        mounts.append(Mount(folder.checkpoints, folder.checkpoints, type="bind"))
    if not is_uri(folder.data):
        mounts.append(Mount(folder.data, folder.data, type="bind", read_only=True))
    certificates = [environment.get(name, "") for name in ("SALT_S3_CA_FILE", "MLFLOW_TRACKING_SERVER_CERT_PATH")]
    read = [folder.config.model.encoder_weights, *certificates]
    mounts += [Mount(path, path, type="bind", read_only=True) for path in read if Path(path).is_absolute()]
    user = os.getuid() or USER
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            os.chown(place, USER, 0)
    return local.DockerRunner(
        user=f"{user}:{os.getgid()}",
        # The servers of this machine listen on its loopback address.
        network_mode="host",
        environment=environment,
        mounts=mounts,
        labels={LABEL: folder.run},
        read_only=True,
        tmpfs={"/tmp": "exec,mode=1777"},  # noqa: S108 - in the container
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        init=True,
    )


def end_containers(folder: RunFolder) -> None:
    """Ends the containers of a run that are still running."""
    client = engine()
    for container in client.containers.list(filters={"label": f"{LABEL}={folder.run}"}):
        with suppress(APIError):  # it has ended by itself in the meantime
            container.kill()
