"""What identifies the archive of a local run, so that a resume notices that it has changed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.core.store.uris import is_uri


def archive_version(data: str) -> str:
    """Identifies an archive's content cheaply: by the store's checksum, or by the sizes and times of its files.

    Raises:
        SaltError: If the store has no such archive, or it is a pipe, a socket or a device.
    """
    if is_uri(data):
        found = Store().stat(data)
        if found is None:
            raise SaltError("no such archive in the store", file=data, field="--data")
        return found.metadata.get("sha256", found.etag)[:16]
    source = Path(data)
    if not source.is_dir():
        check_regular(source.stat().st_mode, source)
    files = sorted(_inside(source)) if source.is_dir() else [source]
    facts = "\n".join(f"{os.fspath(f)} {f.stat().st_size} {f.stat().st_mtime_ns}" for f in files)
    return hashlib.sha256(facts.encode(errors="surrogateescape")).hexdigest()[:16]


def absolute_archive(data: str, out: Path) -> str:
    """The absolute path of an archive, or its URI.

    Args:
        data: The archive, a path or an s3:// URI.
        out: The folder for what is made from it.

    Raises:
        SaltError: If there is no such archive, the folder lies in the archive's folder or is that folder, or a name is
            not UTF-8.
    """
    if not is_uri(data) and not Path(data).exists():
        raise SaltError("no such archive", file=data, field="--data")
    if not is_uri(data) and Path(data).is_dir() and out.resolve().is_relative_to(Path(data).resolve()):
        raise SaltError("lies in the folder of --data", file=out, field="--out", expected="a folder outside of it")
    source = data if is_uri(data) else str(Path(data).resolve())
    for option, text in (("--data", source), ("--out", str(out.resolve()))):
        if text != text.encode(errors="replace").decode():
            raise SaltError("has a name that is not UTF-8, which KFP and MLflow do not take", file=text, field=option)
    return source


def check_unchanged(data: str, version: str) -> None:
    """Checks that an archive is the one that a run or sweep began with.

    Raises:
        SaltError: If it no longer exists, or has another version.
    """
    if not is_uri(data) and not Path(data).exists():
        raise SaltError("the archive no longer exists", file=data, field="--data")
    if archive_version(data) != version:
        raise SaltError("the archive has changed since this folder was begun: use another --out", file=data)


def _inside(folder: Path) -> Iterator[Path]:
    """The files of a folder, and of each folder that a link in it leads to, with these links; every folder once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        facts = Path(place).stat()
        if (facts.st_dev, facts.st_ino) in seen:
            folders.clear()
            continue
        seen.add((facts.st_dev, facts.st_ino))
        folders.sort()  # which of two links to a folder comes first is the same every time
        links = (name for name in folders if Path(place, name).is_symlink())
        yield from (Path(place, name) for name in (*links, *names) if name in folders or Path(place, name).is_file())
