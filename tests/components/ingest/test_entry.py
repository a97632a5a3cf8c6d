import io
from pathlib import PurePosixPath

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
