"""Opens the archive: the competition's zip of zips, a flat zip, or a folder.

Zips are read in place, nothing is unpacked to disk, and neither the names nor the sizes they claim are trusted.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.progress_bar import transfer
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.components.ingest.problems import Problems

TOTAL_LIMIT = 4 << 30
"""Most bytes of all files of an archive together, unpacked; the real one has about 0.25 GB."""

INNER = ("train.zip", "test.zip")
"""The zips inside the archive that are opened; they take the place of the folders `train` and `test`."""

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Entry:
    """One file of an archive.

    Attributes:
        path: Its path, with an inner `train.zip` as the folder `train`.
        where: Its name for messages.
        size: Its size as the archive claims it, bytes.
        open: Opens it for reading.
    """

    path: PurePosixPath
    where: str
    size: int
    open: Callable[[], IO[bytes]]

    def read(self, limit: int) -> bytes:
        """Reads the complete file.

        Args:
            limit: Most bytes that it may have.

        Raises:
            SaltError: If it is larger, or is damaged.
        """
        if self.size > limit:
            raise SaltError("is too large", file=self.where, found=f"{self.size} bytes", expected=f"at most {limit}")
        try:
            with self.open() as file:
                content = file.read(limit + 1)
        except _DAMAGE as error:
            raise SaltError("cannot be read", file=self.where, found=error) from error
        if len(content) > limit:
            raise SaltError("is larger than it claims", file=self.where, expected=f"at most {limit} bytes")
        return content


@contextmanager
def open_archive(data: str, problems: Problems) -> Iterator[list[Entry]]:
    """Lists the files of an archive; they can be read while the context is open, best in the order given.

    Directories and the files that macOS adds are skipped.

    Args:
        data: A zip or a folder, or the s3:// URI of a zip, which is fetched first.
        problems: Collects unsafe names.

    Raises:
        SaltError: If it does not exist, is not a zip, is damaged or encrypted, is empty, or exceeds `TOTAL_LIMIT`.
    """
    if "://" in data and not is_uri(data):
        raise SaltError("is no archive", file=data, expected="a zip or a folder on this machine, or s3://bucket/key")
    with ExitStack() as stack:
        path = stack.enter_context(_fetched(data)) if is_uri(data) else Path(data)
        if path.is_dir():
            entries = _folder_entries(path)
        elif path.exists():
            entries = _zip_entries(_open_zip(path, data, stack), "", PurePosixPath(), problems)
        else:
            raise SaltError("does not exist", file=data, expected="a zip or a folder")
        entries = _open_inner(entries, stack, problems)
        if not entries:
            raise SaltError("holds no files", file=data)
        total = sum(entry.size for entry in entries)
        if total > TOTAL_LIMIT:
            raise SaltError(
                "is too large unpacked", file=data, found=f"{total} bytes", expected=f"at most {TOTAL_LIMIT}"
            )
        yield entries


@contextmanager
def _fetched(uri: str) -> Iterator[Path]:
    """The object as a file, its checksum verified."""
    from salt_pipeline.components.core.store.store import Store

    with TemporaryDirectory() as scratch, transfer(f"fetching {uri}") as progress:
        path = Path(scratch, "archive")
        Store().download(uri, path, progress)
        yield path


def _folder_entries(folder: Path) -> list[Entry]:
    entries = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        try:
            info = path.stat()
        except OSError as error:
            raise SaltError(f"cannot be read: {error.strerror}", file=name) from error
        if stat.S_ISREG(info.st_mode) and not _is_junk(name):
            entries.append(Entry(PurePosixPath(name), name, info.st_size, lambda path=path: path.open("rb")))  # type: ignore[misc]
    return entries


def _open_inner(entries: list[Entry], stack: ExitStack, problems: Problems) -> list[Entry]:
    """Replaces inner zips by their contents; a zip beside its unpacked folder is skipped."""
    folders = {parent for entry in entries for parent in entry.path.parents}
    listed: list[Entry] = []
    broken = Problems()
    for entry in entries:
        if entry.path.name not in INNER:
            listed.append(entry)
        elif entry.path.with_suffix("") not in folders:
            try:
                if entry.size > TOTAL_LIMIT:
                    raise SaltError("is too large", file=entry.where, found=f"{entry.size} bytes")
                inner = _open_zip(stack.enter_context(_opened(entry)), entry.where, stack)
                listed += _zip_entries(inner, f"{entry.where}/", entry.path.with_suffix(""), problems)
            except SaltError as error:
                broken.add(error)
    if broken.errors:
        raise broken.as_error("zips in the archive")
    return listed


def _opened(entry: Entry) -> IO[bytes]:
    try:
        return entry.open()
    except _DAMAGE as error:
        raise SaltError("cannot be read", file=entry.where, found=error) from error


def _open_zip(file: Path | IO[bytes], where: str, stack: ExitStack) -> zipfile.ZipFile:
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except _DAMAGE as error:
        raise SaltError("is no zip, or is truncated or damaged", file=where, found=error) from error
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise SaltError("is encrypted", file=where, expected="a zip without a password")
    return archive


def _zip_entries(archive: zipfile.ZipFile, prefix: str, top: PurePosixPath, problems: Problems) -> list[Entry]:
    entries = []
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        name = info.orig_filename
        if _is_unsafe(name):
            problems.add(
                SaltError("unsafe name in the zip", file=f"{prefix}{name!r}", expected="a path inside the zip")
            )
        elif not info.is_dir() and not _is_junk(name):
            opened = lambda info=info: archive.open(info)  # noqa: E731
            entries.append(Entry(top / name, prefix + name, info.file_size, opened))
    return entries


def _is_unsafe(name: str) -> bool:
    """Whether a name is absolute, has a drive, leads upwards, or has backslashes or unprintable characters."""
    parts = name.split("/")
    return name.startswith("/") or ".." in parts or ":" in parts[0] or "\\" in name or not name.isprintable()


def _is_junk(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in {".DS_Store", "Thumbs.db"}
