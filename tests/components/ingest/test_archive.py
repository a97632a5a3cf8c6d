import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.archive import open_archive
from salt_pipeline.components.ingest.problems import Problems

from .conftest import data_of, messages, only, pack, pack_nested


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    assert "does not exist" in only(tmp_path / "no.zip")


def test_remote_paths_are_refused() -> None:
    assert only("gs://bucket/survey.zip").startswith("gs://bucket/survey.zip: is a URI of a kind that is not supported")


def test_an_empty_name_is_no_archive() -> None:
    assert only("").startswith("'': is no archive")


def test_an_inner_zip_of_any_size_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("train.zip", b"")
        archive.getinfo("train.zip").file_size = 2 << 30
    assert only(tmp_path / "a.zip").startswith("train.zip: is too large (found 2147483648 bytes, expected at most 1073")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("hello")
    assert "is no zip" in only(tmp_path / "a.zip")


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_zip_is_refused(survey: Any, tmp_path: Path, fraction: Any) -> None:
    archive = pack_nested(survey.folder, tmp_path / "a.zip")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * fraction)])
    assert only(archive).startswith(f"{archive}: is no zip, or is truncated or damaged")


def test_a_truncated_inner_zip_is_refused(survey: Any, tmp_path: Path) -> None:
    inner = pack(survey.folder / "train", tmp_path / "train.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("train.zip", inner[:-5000])
        archive.writestr("test.zip", b"no zip at all")
    assert only(tmp_path / "a.zip").startswith("train.zip, test.zip: is no zip, or is truncated or damaged (found ")


def test_empty_archives_are_refused(tmp_path: Path) -> None:
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    (tmp_path / "folder").mkdir()
    for data in (tmp_path / "a.zip", tmp_path / "folder"):
        assert only(data) == f"{data}: holds no files"


def test_a_member_that_is_too_large_unpacked_is_refused(survey: Any, tmp_path: Path) -> None:
    image_id = survey.test[0]
    survey.path("test/images", image_id).write_bytes(bytes(200 << 20))
    data = pack(survey.folder, tmp_path / "a.zip", compression=zipfile.ZIP_DEFLATED)
    assert data.stat().st_size < 2 << 20
    assert only(data) == f"test/images/{image_id}.png: is too large (found 209715200 bytes, expected at most 1048576)"


def test_folders_and_endings_may_have_any_case(survey: Any, tmp_path: Path) -> None:
    before = data_of(survey.folder)
    for path in sorted(survey.folder.rglob("*"), reverse=True):
        path.rename(path.with_name(path.name if path.name == "SYNTHETIC.txt" else _upper(path)))
    assert messages(survey.folder) == []
    assert data_of(survey.folder) == before


def _upper(path: Path) -> str:
    return path.stem + path.suffix.upper() if path.suffix == ".png" else path.name.upper()


def test_names_are_shown_on_one_line(survey: Any) -> None:
    for name in ("a\nsalt: error: b", "c\x1b[31m", os.fsdecode(b"d\xe9"), "e" * 240):
        shutil.copy(survey.path("test/images", survey.test[0]), survey.path("test/images", name))
    said = only(survey.folder)
    assert said.isprintable()
    assert r"test/images/a\nsalt: error: b.png, test/images/c\x1b[31m.png" in said
    assert "and 1 more: is no id" in said


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_an_archive_that_is_no_regular_file_is_refused(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file (found a " in only(tmp_path / path)


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: File name too long" in only(tmp_path / ("x" * 300))


def test_only_what_is_used_counts_towards_the_size(survey: Any) -> None:
    with (survey.folder / "film.mov").open("wb") as film:
        film.truncate(5 << 30)  # a sparse file
    assert messages(survey.folder) == []


def test_a_duplicate_member_is_refused(survey: Any, tmp_path: Path) -> None:
    path = f"train/images/{survey.labelled[0]}.png"
    data = pack(survey.folder, tmp_path / "a.zip")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(data, "a") as archive:
        archive.writestr(path, b"another")
    assert only(data) == f"{path}: is a duplicate of {path}"


def test_files_of_the_operating_system_are_ignored(survey: Any, tmp_path: Path) -> None:
    for name in ("__MACOSX/train/images/._a.png", ".DS_Store", "train/images/.DS_Store", "train/images/._b.png"):
        path = survey.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"junk")
    for data in (
        survey.folder,
        pack(survey.folder, tmp_path / "a.zip"),
        pack_nested(survey.folder, tmp_path / "b.zip"),
    ):
        assert messages(data) == []


def test_zips_beside_their_unpacked_folders_are_ignored(survey: Any) -> None:
    (survey.folder / "train.zip").write_bytes(b"not even a zip")
    assert messages(survey.folder) == []


def test_nothing_is_unpacked(survey: Any, tmp_path: Path) -> None:
    data = pack_nested(survey.folder, tmp_path / "a.zip")
    before = sorted(tmp_path.rglob("*"))
    with open_archive(str(data), Problems()) as entries:
        assert len(entries) == 3 + 2 * 20 + 10
        assert all(len(entry.read(1 << 20)) == entry.size for entry in entries)
    assert sorted(tmp_path.rglob("*")) == before


def test_reading_more_than_the_limit_is_refused(survey: Any) -> None:
    with open_archive(str(survey.folder), Problems()) as entries, pytest.raises(SaltError, match="expected at most 10"):
        entries[0].read(10)
