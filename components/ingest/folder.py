"""Lists the files of an archive that is a folder."""

import os
import stat
from pathlib import Path, PurePosixPath

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.passed_over import is_passed_over
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.ingest.entry import Entry, unreadable
from salt_pipeline.components.ingest.layout import FILES_LIMIT, is_folder_of_layout
from salt_pipeline.components.ingest.problems import Problems

_Identity = tuple[int, int]
"""Device and inode: the same for all names and links of a file or folder."""


def folder_entries(folder: Path, problems: Problems) -> list[Entry]:
    """Lists files, leftovers of other programs passed over, sorted by path.

    Links to folders and files are followed wherever they lead, but not back to a folder that they are in. A file that
    two links lead to is listed once per folder name.

    Args:
        folder: The folder.
        problems: Collects folders that cannot be read, and links in place of a folder that lead nowhere.

    Raises:
        SaltError: If the folder cannot be read, or holds more than `FILES_LIMIT` files.
    """
    entries: list[Entry] = []
    count = 0
    seen: set[tuple[object, ...]] = set()
    waiting: list[tuple[PurePosixPath, frozenset[_Identity]]] = [(PurePosixPath(), frozenset())]
    while waiting:
        below, ancestors = waiting.pop()
        try:
            info = (folder / below).stat()
            names = sorted(path.name for path in (folder / below).iterdir())
        except OSError as error:
            problems.add(SaltError(f"cannot be read: {error.strerror}", file=folder / below))
            continue
        count += len(names)
        if count > FILES_LIMIT:
            raise SaltError("holds too many files", file=folder, expected=f"at most {FILES_LIMIT:,}")
        inside = ancestors | {(info.st_dev, info.st_ino)}
        for path in (below / name for name in names):
            if is_passed_over(path):
                continue
            try:
                found = (folder / path).stat()
            except OSError as error:
                entries.append(_broken(path, error, problems))
                continue
            identity = (found.st_dev, found.st_ino)
            if stat.S_ISDIR(found.st_mode):
                if identity not in inside:
                    waiting.append((path, inside))
            elif (identity, path.parts[-3:]) not in seen:
                seen.add((identity, path.parts[-3:]))
                entries.append(_entry(folder, path, found))
    return sorted(entries, key=lambda entry: entry.path)


def _entry(folder: Path, path: PurePosixPath, info: os.stat_result) -> Entry:
    try:
        check_regular(info.st_mode, str(path))
    except SaltError as error:
        return unreadable(path, str(path), error.problem, found=error.found or "")
    file = folder / path
    return Entry(path, str(path), info.st_size, lambda: file.open("rb"))


def _broken(path: PurePosixPath, error: OSError, problems: Problems) -> Entry:
    """A link that leads nowhere or in a circle, or a file that may not be looked at."""
    entry = unreadable(path, str(path), f"cannot be read: {error.strerror}", expected="a file, or a link to one")
    if is_folder_of_layout(path):
        problems.add(SaltError(f"cannot be read: {error.strerror}", file=entry.where, expected="a folder"))
    return entry
