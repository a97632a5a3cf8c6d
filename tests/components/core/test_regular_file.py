import os
import socket
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.regular_file import read_regular


def test_a_regular_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "link", 5) == b"12345"
    with pytest.raises(SaltError, match=r"a: is too large \(found 5 bytes, expected at most 4\)"):
        read_regular(tmp_path / "a", 4)


def test_nothing_else_is_read_or_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for path, kind in (("pipe", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device"), (".", "a folder")):
            with pytest.raises(SaltError, match=rf"is not a regular file \(found {kind}\)"):
                read_regular(path, 9)
    with pytest.raises(SaltError, match="none: cannot be read: No such file"):
        read_regular("none", 9)
