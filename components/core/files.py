"""Atomic writes of files, JSON, and hashes of content."""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import MAX_JSON, parse_json
from salt_pipeline.components.core.part_files import part_file
from salt_pipeline.components.core.regular_file import check_regular, read_regular

_RUST_ERROR = re.compile(r"\(os error ([0-9]+)\)")
"""How libraries in Rust, such as safetensors, report an error of the operating system."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which replaces `path` once the block has succeeded.

    A reader never sees an incomplete file: neither after a kill nor on a full disk. What a killed process left in the
    folder is removed.

    Args:
        path: Where the file is to be. A missing folder is created.

    Yields:
        The path to write to.

    Raises:
        SaltError: If the file cannot be written, or is a device, a pipe or a socket; nothing is left behind.
    """
    path = Path(path)
    _check_replaceable(path)
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part_file(path) as part:
            try:
                yield part
                with part.open("rb+") as file:
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)


def _check_replaceable(path: Path) -> None:
    """Refuses folders without a name (`.` and `/`), and what root could replace by a file.

    That is /dev/full, /dev/stdout, or a pipe that another program reads.
    """
    if not path.name:
        raise SaltError(f"cannot be written: {os.strerror(errno.EISDIR)}", file=path)
    with suppress(OSError):
        mode = path.stat().st_mode
        if not stat.S_ISDIR(mode):  # which the system does not let us replace
            check_regular(mode, path)


@contextmanager
def write_errors(path: str | Path) -> Iterator[None]:
    """Turns the failure of a write, such as one on a full disk, into a message that names the file.

    `atomic_path` does it for its own file; this is for files in a scratch folder, which need not be atomic.

    Args:
        path: The file that the block writes.

    Raises:
        SaltError: If the operating system fails a call in the block, whichever library reports that.
    """
    try:
        yield
    except Exception as error:
        reason = _system_error(error)
        if reason is None:
            raise
        raise SaltError(f"cannot be written: {reason}", file=path) from error


def _system_error(error: Exception) -> str | None:
    """What the operating system says of a failed call; None for an error of another kind."""
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else str(error)
    found = None if isinstance(error, SaltError) else _RUST_ERROR.search(str(error))
    return os.strerror(int(found[1])) if found else None


def link_or_copy(source: Path, target: Path) -> None:
    """Makes `target` a hard link to `source`, atomically; or a copy, where no link is possible.

    Raises:
        SaltError: If it cannot be written.
    """
    with atomic_path(target) as part:
        try:
            if not os.access(source, os.W_OK):  # a read-only file cannot be flushed to the disk
                raise PermissionError
            part.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, part)


def write_json(path: str | Path, content: Any) -> None:
    """Writes JSON, indented, atomically.

    Raises:
        SaltError: If the file cannot be written.
        ValueError: If a number is not finite: JSON has no such numbers, and passing one is a bug of ours.
    """
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Reads JSON.

    Raises:
        SaltError: If the file is missing, too large or not a regular one, is not JSON, or holds a number that is not
            finite.
    """
    try:
        text = read_regular(path, MAX_JSON).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SaltError("is not JSON", file=path, found=f"{error.reason} at byte {error.start}") from error
    return parse_json(text, path)


def content_hash(content: Any) -> str:
    """The first 16 hex digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
