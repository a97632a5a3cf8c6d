"""The stages' container images: their tag, and how they are built, saved and pushed."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound

from salt_pipeline.components.core.config.cluster import ClusterConfig
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.container_image import BASE_IMAGE, image
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.stages import STAGES, StageName
from salt_pipeline.pipelines.provenance import ROOT, git_revision

log = logging.getLogger(__name__)

DOCKERFILE = "docker/Dockerfile"
CONTENT = (
    "docker/Dockerfile",
    "docker/install",
    "docker/locks/*.lock",
    "requirements-setup.lock",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "salt_pipeline/*",
    "components/**/*",
    "pipelines/**/*",
)
"""Files that make up the images: everything that the Dockerfile copies."""

SAVE_CHUNK = 2**22
"""Bytes of an image that are read from the engine at a time."""


def base_image() -> str:
    """Name of the base image: SALT_BASE_IMAGE, as for a copy in a private registry, or the public one."""
    return os.environ.get("SALT_BASE_IMAGE") or BASE_IMAGE


def content_tag(base: str | None = None) -> str:
    """The tag of the images of this checkout: it changes with the content, not with the machine.

    Args:
        base: Name of the base image; `base_image()` by default.

    Returns:
        Version, and 12 hex digits of a SHA-256 over names and contents, as `0.1.0-3f2a90c41b7e`.

    Raises:
        SaltError: If this is not a checkout: an installed package contains no Dockerfile.
    """
    if not (ROOT / DOCKERFILE).is_file():
        raise SaltError("images are built from a checkout", file=ROOT / DOCKERFILE, expected="--set cluster.tag=TAG")
    digest = hashlib.sha256((base or base_image()).encode())
    paths = {path for pattern in CONTENT for path in ROOT.glob(pattern)}
    for path in sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return f"{version('salt-pipeline')}-{digest.hexdigest()[:12]}"


def with_tag(config: Config) -> Config:
    """Sets the tag of this checkout where the configuration names no images."""
    if config.cluster.tag or set(config.cluster.digests) == set(STAGES):
        return config
    return config.model_copy(update={"cluster": config.cluster.model_copy(update={"tag": content_tag()})})


def engine() -> docker.DockerClient:
    """Connects to the Docker engine.

    Raises:
        SaltError: If none answers.
    """
    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except DockerException as error:
        raise SaltError("no Docker engine answers", found=str(error).splitlines()[0]) from None
    return client


def missing(client: docker.DockerClient, cluster: ClusterConfig) -> list[str]:
    """Names of the images that this engine does not have."""
    names = [image(stage, cluster) for stage in STAGES]
    return [name for name in names if not _found(client, name)]


def _found(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def build(
    client: docker.DockerClient,
    stages: tuple[StageName, ...],
    cluster: ClusterConfig,
    base: str,
    progress: Callable[[str, str], None],
) -> None:
    """Builds images one after the other: they have layers in common, and the classic builder starts at the top.

    Args:
        client: The engine.
        stages: The stages to build.
        cluster: Registry and tag.
        base: Name of the base image.
        progress: Called with a stage and a line of the engine's output.

    Raises:
        SaltError: If a build fails; the message ends with the last lines of output.
    """
    for stage in sorted(stages, key=_position):
        output: list[str] = []
        for answer in client.api.build(
            path=str(ROOT),
            dockerfile=DOCKERFILE,
            target=stage.replace("_", "-"),
            tag=image(stage, cluster),
            buildargs={"BASE_IMAGE": base},
            labels=_labels(),
            network_mode="host",
            rm=True,
            decode=True,
        ):
            if "error" in answer:
                raise SaltError(
                    "\n".join(["cannot be built", *output[-10:], answer["error"]]), file=image(stage, cluster)
                )
            for line in answer.get("stream", "").splitlines():
                if line.strip():
                    output.append(line)
                    progress(stage, line)


def _position(stage: StageName) -> int:
    """Position of a stage in the Dockerfile: by then, the stages before it are in the cache."""
    return (ROOT / DOCKERFILE).read_text(encoding="utf-8").index(f" AS {stage.replace('_', '-')}\n")


def _labels() -> dict[str, str]:
    """Labels that are known only at build time; the Dockerfile sets the others."""
    revision = git_revision().removesuffix("+")
    known = {"org.opencontainers.image.revision": revision} if revision else {}
    return {"org.opencontainers.image.version": version("salt-pipeline"), **known}


def push(client: docker.DockerClient, names: list[str], progress: Callable[[str, str], None]) -> dict[str, str]:
    """Pushes images at the same time.

    Returns:
        The digest of each image, by which a pod can name it.

    Raises:
        SaltErrors: With the registry's answer for each image that failed.
    """

    def one(name: str) -> str | SaltError:
        digest = ""
        for answer in client.api.push(name, stream=True, decode=True):
            if "error" in answer:
                return SaltError("cannot be pushed", file=name, found=answer["error"])
            digest = answer.get("aux", {}).get("Digest", digest)
            progress(name, answer.get("status", ""))
        return digest

    with ThreadPoolExecutor() as pool:
        results = dict(zip(names, pool.map(one, names), strict=True))
    failed = [result for result in results.values() if isinstance(result, SaltError)]
    if failed:
        raise SaltErrors("images could not be pushed", failed)
    return {name: str(digest) for name, digest in results.items()}


def save(client: docker.DockerClient, name: str, path: Path) -> int:
    """Writes an image as a tar for `docker load`, `ctr images import` or `kind load image-archive`.

    Returns:
        Bytes written.

    Raises:
        SaltError: If the engine has no such image, or the file cannot be written.
    """
    if not _found(client, name):
        raise SaltError("no such image on this machine: `salt images build` builds it", file=name)
    chunks: Iterator[bytes] = client.images.get(name).save(chunk_size=SAVE_CHUNK, named=name)
    with atomic_path(path) as part, part.open("wb") as file:
        return sum(file.write(chunk) for chunk in chunks)


def facts(client: docker.DockerClient, name: str) -> dict[str, Any]:
    """Id and size in bytes of an image."""
    found = client.images.get(name)
    return {"image": name, "id": found.id, "bytes": found.attrs["Size"]}
