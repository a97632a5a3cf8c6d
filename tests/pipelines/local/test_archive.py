import hashlib
import os
import socket
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.archive import absolute_archive, archive_version, check_unchanged


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_folder_without_links_keeps_the_version_that_old_runs_recorded(tmp_path: Path) -> None:
    for name in ("train/images/a.png", "train-b.csv", ".hidden", "train.csv"):
        write(tmp_path / name, name)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    facts = "\n".join(f"{os.fspath(f)} {f.stat().st_size} {f.stat().st_mtime_ns}" for f in files)
    assert archive_version(str(tmp_path)) == hashlib.sha256(facts.encode()).hexdigest()[:16]


def test_files_behind_linked_folders_belong_to_the_version(tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    write(archive / "train.csv", "id")
    write(elsewhere / "images" / "a.png", "a")
    (archive / "train").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(archive)  # a circle
    known = archive_version(str(archive))
    assert archive_version(str(archive)) == known
    write(elsewhere / "images" / "a.png", "altered")
    altered = archive_version(str(archive))
    assert altered != known
    (archive / "train").unlink()
    assert archive_version(str(archive)) not in (known, altered)


def test_only_a_folder_or_a_regular_file_is_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for path, kind in (("pipe", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device")):
            with pytest.raises(SaltError, match=rf"{path}: is not a regular file \(found {kind}\)"):
                archive_version(path)


@pytest.mark.parametrize("out", [".", "runs/first", "../archive/runs"])
def test_results_are_not_written_into_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    (tmp_path / "archive").mkdir()
    monkeypatch.chdir(tmp_path / "archive")
    with pytest.raises(SaltError, match=r"--out: lies in the folder of --data \(expected a folder outside of it\)"):
        absolute_archive(".", Path(out))


def test_results_beside_the_archive_are_fine(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    archive = str(tmp_path / "archive")
    assert absolute_archive(archive, tmp_path / "archive-runs") == archive
    assert absolute_archive("s3://salt/data", tmp_path / "runs") == "s3://salt/data"


def test_a_stray_file_may_have_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "id")
    known = archive_version(str(tmp_path))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/Notizen-\xfc.txt")).touch()
    assert archive_version(str(tmp_path)) != known


def test_an_archive_that_changed_or_is_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "survey.zip"
    write(path, "one")
    version = archive_version(str(path))
    check_unchanged(str(path), version)
    write(path, "another")
    with pytest.raises(
        SaltError, match=r"survey\.zip: the archive has changed since this folder was begun: use another --out"
    ):
        check_unchanged(str(path), version)
    path.unlink()
    with pytest.raises(SaltError, match=r"survey\.zip: --data: the archive no longer exists"):
        check_unchanged(str(path), version)
