import io
import zipfile
from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.entry import Entry, unreadable

PATH = PurePosixPath("train/images/a.png")


def test_no_more_is_read_than_allowed_whatever_size_is_claimed() -> None:
    assert Entry(PATH, "a", 4, lambda: io.BytesIO(b"1234")).read(4) == b"1234"
    with pytest.raises(SaltError, match=r"a: is too large \(found 5 bytes, expected at most 4\)"):
        Entry(PATH, "a", 5, lambda: io.BytesIO(b"12345")).read(4)
    with pytest.raises(SaltError, match=r"a: is larger than it claims \(expected at most 4 bytes\)"):
        Entry(PATH, "a", 1, lambda: io.BytesIO(b"12345")).read(4)


def test_a_file_that_cannot_be_read_says_why_when_it_is_needed() -> None:
    entry = unreadable(PATH, "a", "is encrypted", expected="no password")
    with pytest.raises(SaltError, match=r"^a: is encrypted \(expected no password\)$"):
        entry.read(9)


@pytest.mark.parametrize("byte", [4, 9])
def test_a_damaged_member_of_any_compression_cannot_be_read(tmp_path: Path, byte: int) -> None:
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("a.png", bytes(range(256)) * 9)
        content = bytearray(path.read_bytes())
        content[30 + len("a.png") + byte] = 0xFF
        path.write_bytes(content)
        with zipfile.ZipFile(path) as archive:
            entry = Entry(PATH, "a.zip/a.png", 9, partial(archive.open, "a.png"))
            with pytest.raises(SaltError, match=r"^a\.zip/a\.png: (cannot be read|is larger)"):
                entry.read(5000)
