"""Opens the archive: the competition's zip of zips, a flat zip, or a folder.

Zips are read in place, and nothing is unpacked to disk.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.progress_bar import transfer
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.components.ingest.entry import Entry
from salt_pipeline.components.ingest.folder import folder_entries
from salt_pipeline.components.ingest.layout import INNER
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.zip_file import open_zip, zip_entries

TOTAL_LIMIT = 4 << 30
"""Most bytes of the files of an archive that are used, unpacked; the real one has about 0.25 GB."""

INNER_LIMIT = 1 << 30
"""Most bytes of a zip inside a zip, which may be unpacked to find its end; the real ones have 0.2 GB."""


@contextmanager
def open_archive(data: str, problems: Problems) -> Iterator[list[Entry]]:
    """Lists the files of an archive; they can be read while the context is open, best in the order given.

    Folders and the leftovers of other programs are passed over.

    Args:
        data: A zip or a folder, or the s3:// URI of a zip, which is fetched first.
        problems: Collects unsafe names, and what cannot be read.

    Raises:
        SaltError: If it does not exist, is not a zip, is damaged, or is empty.
    """
    if not data or ("://" in data and not is_uri(data)):
        raise SaltError(
            "is no archive",
            file=data or "''",
            expected="a zip or a folder on this machine, or s3://bucket/key",
        )
    with ExitStack() as stack:
        path = stack.enter_context(_fetched(data)) if is_uri(data) else Path(data)
        try:
            info = path.stat()
        except FileNotFoundError:
            raise SaltError("does not exist", file=data, expected="a zip or a folder") from None
        except OSError as error:
            raise SaltError(f"cannot be read: {error.strerror}", file=data) from error
        if path.is_dir():
            entries = folder_entries(path, problems)
        else:
            check_regular(info.st_mode, data)
            entries = zip_entries(open_zip(path, data, stack), "", PurePosixPath(), problems)
        entries = _open_inner(entries, stack, problems)
        if not entries and not problems.errors:
            raise SaltError("holds no files", file=data)
        yield entries


def check_total(entries: list[Entry], data: str) -> None:
    """Checks the sizes, as the archive claims them, of the files that are to be read.

    Raises:
        SaltError: If they exceed `TOTAL_LIMIT` together.
    """
    total = sum(entry.size for entry in entries)
    if total > TOTAL_LIMIT:
        found = f"{total} bytes"
        raise SaltError("is too large unpacked", file=data, found=found, expected=f"at most {TOTAL_LIMIT}")


@contextmanager
def _fetched(uri: str) -> Iterator[Path]:
    """The object as a file, its checksum verified."""
    from salt_pipeline.components.core.store.store import Store

    with TemporaryDirectory() as scratch, transfer(f"fetching {uri}") as progress:
        path = Path(scratch, "archive")
        Store().download(uri, path, progress)
        yield path


def _open_inner(entries: list[Entry], stack: ExitStack, problems: Problems) -> list[Entry]:
    """Replaces inner zips by their contents; a zip beside its unpacked folder is skipped."""
    folders = {str(parent).lower() for entry in entries for parent in entry.path.parents}
    listed: list[Entry] = []
    broken = Problems()
    for entry in entries:
        folder = entry.path.with_suffix("")
        if entry.path.name.lower() not in INNER:
            listed.append(entry)
        elif str(folder).lower() not in folders:
            try:
                if entry.size > INNER_LIMIT:
                    expected = f"at most {INNER_LIMIT}: unpack the archive, and give the folder"
                    raise SaltError("is too large", file=entry.where, found=f"{entry.size} bytes", expected=expected)
                inner = open_zip(stack.enter_context(entry.open()), entry.where, stack)
                listed += zip_entries(inner, f"{entry.where}/", folder, problems)
            except SaltError as error:
                broken.add(error)
    if broken.errors:
        raise broken.as_error("zips in the archive")
    return listed
