"""Files that are whole or not there, and the hashes that name what is in them."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from salt_pipeline.components.core.errors import SaltError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Gives a temporary name beside `path`; what is written there becomes `path` only when all went well.

    A reader never sees half a file: not after a kill, nor with a full disk.

    Args:
        path: Where the file shall be. Its folder is made where it lacks.

    Yields:
        The path to write to.

    Raises:
        SaltError: If the file cannot be written; nothing is left behind.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise SaltError(f"cannot be written: {error.strerror or error}", file=path) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Writes JSON, indented, atomically.

    Raises:
        SaltError: If the file cannot be written.
        ValueError: If a number is not finite: JSON has no such numbers, and to let one get here is our mistake.
    """
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Reads JSON.

    Raises:
        SaltError: If the file is not there or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=path) from error
    except ValueError as error:
        raise SaltError("is not JSON", file=path, found=error) from error


def content_hash(content: Any) -> str:
    """The first 16 hex digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
