"""Lists the files of a zip, whatever program made it. Neither the names nor the sizes that it claims are trusted."""

import re
import stat
import unicodedata
import zipfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.passed_over import is_in_hidden_folder, is_passed_over
from salt_pipeline.components.ingest.entry import DAMAGE, Entry, unreadable
from salt_pipeline.components.ingest.layout import FILES_LIMIT, is_folder_of_layout
from salt_pipeline.components.ingest.problems import Problems

_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}

_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64, as Windows Explorer makes for large zips",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}
"""Names of compression methods that cannot be read (section 4.4.5 of PKWARE's APPNOTE)."""

_ZIP_AGAIN = "Deflate, or none: unpack it and zip it again with another program, or give the unpacked folder"

_NO_LINKS = "zip it again without the option that keeps links (-y)"


def open_zip(file: Path | IO[bytes], where: str, stack: ExitStack) -> zipfile.ZipFile:
    """Opens a zip until the stack closes.

    Raises:
        SaltError: If it is not a zip, is damaged, or holds more than `FILES_LIMIT` files.
    """
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except UnicodeDecodeError as error:
        found = repr(bytes(error.object)[:80])
        raise SaltError("a name in the zip is not the UTF-8 that it claims to be", file=where, found=found) from error
    except DAMAGE as error:
        raise SaltError("is no zip, or is truncated or damaged", file=where, found=error) from error
    count = len(archive.infolist())
    if count > FILES_LIMIT:
        raise SaltError("holds too many files", file=where, found=f"{count:,}", expected=f"at most {FILES_LIMIT:,}")
    return archive


def zip_entries(archive: zipfile.ZipFile, prefix: str, top: PurePosixPath, problems: Problems) -> list[Entry]:
    """Lists files in the order of their content; folders and leftovers of other programs are passed over.

    Args:
        archive: The zip.
        prefix: What stands before each name in messages.
        top: The folder that all paths are put into.
        problems: Collects names that are unsafe, and folders that are stored as links.
    """
    entries = []
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        name = info.orig_filename.replace("\\", "/")  # as PowerShell 5 separates folders; unzip reads them so too
        path, where = PurePosixPath(name), f"{prefix}{name}"
        is_folder = name.rpartition("/")[2] in ("", ".")
        if is_folder or is_passed_over(path) or is_in_hidden_folder(path):
            continue
        if _is_unsafe(name):
            problems.add(SaltError("unsafe name in the zip", file=where, expected="a path inside the zip"))
            continue
        if stat.S_ISLNK(info.external_attr >> 16) and is_folder_of_layout(path):
            problems.add(SaltError("is a link", file=where, expected=f"the folder: {_NO_LINKS}"))
        entries.append(_entry(archive, info, top / path, where))
    return entries


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: PurePosixPath, where: str) -> Entry:
    if stat.S_ISLNK(info.external_attr >> 16):
        return unreadable(path, where, "is a link", expected=f"the file: {_NO_LINKS}")
    if info.flag_bits & 1:
        return unreadable(path, where, "is encrypted", expected="a zip without a password")
    if info.compress_type not in _READABLE:
        found = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return unreadable(path, where, "has an unknown compression method", found=found, expected=_ZIP_AGAIN)
    return Entry(path, where, info.file_size, partial(archive.open, info))


def _is_unsafe(name: str) -> bool:
    """Whether a name is absolute, has a drive, leads upwards, or has control characters."""
    absolute = name.startswith("/") or re.match("[A-Za-z]:/", name)
    return bool(absolute) or ".." in name.split("/") or any(unicodedata.category(letter) == "Cc" for letter in name)
