"""Only regular files are read: a pipe may never answer, and a device may never end."""

import stat
from pathlib import Path

from salt_pipeline.components.core.errors import SaltError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(mode: int, file: str | Path) -> None:
    """Checks the kind of a file.

    Args:
        mode: Of `Path.stat`, links followed.
        file: Its name for the message.

    Raises:
        SaltError: If it is a folder, a pipe, a socket or a device.
    """
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "another kind of file")
        raise SaltError("is not a regular file", file=file, found=kind)


def read_regular(path: str | Path, limit: int) -> bytes:
    """Reads a complete file.

    Args:
        path: The file.
        limit: Most bytes that it may have.

    Raises:
        SaltError: If it cannot be read, is not a regular file, or is larger.
    """
    try:
        info = Path(path).stat()
        check_regular(info.st_mode, path)
        content = b""
        if info.st_size <= limit:
            with Path(path).open("rb") as file:
                content = file.read(limit + 1)
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=path) from error
    size = max(info.st_size, len(content))
    if size > limit:
        raise SaltError("is too large", file=path, found=f"{size:,} bytes", expected=f"at most {limit:,}")
    return content
