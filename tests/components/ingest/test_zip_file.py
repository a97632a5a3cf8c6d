import re
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import one_line
from salt_pipeline.components.ingest import zip_file

from .conftest import data_of, messages, only, pack


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../outside.png", "train/images/../../../up.png", "..\\up.png", "C:/a.png", "a\x1b[31m.png"],
)
def test_an_unsafe_name_is_refused(survey: Any, tmp_path: Path, name: Any) -> None:
    data = pack(survey.folder, tmp_path / "a.zip")
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(name, b"x")
    shown = one_line(name.replace("\\", "/"))
    assert only(data) == f"{shown}: unsafe name in the zip (expected a path inside the zip)"


@pytest.mark.parametrize(
    "name",
    [
        "survey/Icon\r",
        "__MACOSX/survey/._Icon\r",
        "Screenshot 2026-01-01 at 10.00.00\u202fAM.png",
        "notes: draft?.txt",
        "<script>alert('x')</script>.html",
        "[/b] d\u00e9j\u00e0 vu\u200b.png",
        "train/images/notes.txt",
        "readme",
        ".Trash-1000/files/train/images/0000000001.png",
        "lost+found/train/images/0000000001.png",
        "a\\b.txt",
        "a/",
        "a/.",
        "train/images/.",
        ".",
        "",
    ],
)
def test_what_is_of_no_use_is_passed_over(survey: Any, tmp_path: Path, name: str) -> None:
    data = pack(survey.folder, tmp_path / "a.zip")
    info = zipfile.ZipInfo("x")
    info.filename = name
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(info, b"x")
    assert messages(data) == []


def test_an_unsafe_name_in_an_inner_zip_is_refused(survey: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(pack(survey.folder / "train", tmp_path / "train.zip"), "a") as inner:
        inner.writestr("../images/a.png", b"x")
    (tmp_path / "train.zip").rename(survey.folder / "train.zip")
    for path in (survey.folder / "train").rglob("*.png"):
        path.unlink()
    (survey.folder / "train/images").rmdir()
    (survey.folder / "train/masks").rmdir()
    (survey.folder / "train").rmdir()
    assert only(survey.folder).startswith("train.zip/../images/a.png: unsafe name")


@pytest.mark.parametrize("claim", [100, 5 << 30])
def test_a_member_with_a_wrong_size_is_refused(survey: Any, tmp_path: Path, claim: Any) -> None:
    path = f"test/images/{survey.test[0]}.png"
    with zipfile.ZipFile(pack(survey.folder, tmp_path / "a.zip"), "a") as archive:
        archive.getinfo(path).file_size = claim
        archive.comment = b"so that the directory is written again"
    expected = f"{path}: cannot be read" if claim == 100 else f"{tmp_path / 'a.zip'}: is too large unpacked"
    assert only(tmp_path / "a.zip").startswith(expected)


def test_a_changed_byte_is_found(survey: Any, tmp_path: Path) -> None:
    path = f"train/images/{survey.labelled[3]}.png"
    data = pack(survey.folder, tmp_path / "a.zip")
    with zipfile.ZipFile(data) as archive:
        position = archive.getinfo(path).header_offset + 30 + len(path) + 500
    content = bytearray(data.read_bytes())
    content[position] ^= 1
    data.write_bytes(content)
    assert only(data) == f"{path}: cannot be read (found Bad CRC-32 for file {path!r})"


def with_directory(data: Path, offset: int, value: int) -> Path:
    """Sets a 16-bit field of every record of a zip's directory."""
    content, position = bytearray(data.read_bytes()), -1
    while (position := content.find(b"PK\x01\x02", position + 1)) >= 0:
        struct.pack_into("<H", content, position + offset, value)
    data.write_bytes(content)
    return data


def test_an_encrypted_archive_is_told_once(survey: Any, tmp_path: Path) -> None:
    data = with_directory(pack(survey.folder, tmp_path / "a.zip"), 8, 1)
    places = rf"train\.csv, depths\.csv, sample_submission\.csv and {2 * 20 + 10} more"
    assert re.fullmatch(rf"{places}: is encrypted \(expected a zip without a password\)", only(data))


def test_an_unknown_compression_is_named_once(survey: Any, tmp_path: Path) -> None:
    data = with_directory(pack(survey.folder, tmp_path / "a.zip"), 10, 9)
    said = only(data)
    assert "has an unknown compression method (found Deflate64, as Windows Explorer makes for large zips" in said
    assert "zip it again" in said


def test_backslashes_separate_folders(survey: Any, tmp_path: Path) -> None:
    data = tmp_path / "a.zip"
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(survey.folder.rglob("*")):
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = str(path.relative_to(survey.folder)).replace("/", "\\")
            if path.is_file():
                archive.writestr(info, path.read_bytes())
    with zipfile.ZipFile(data) as archive:
        assert f"train\\images\\{survey.labelled[0]}.png" in archive.namelist()
    assert messages(data) == []
    assert data_of(data) == data_of(survey.folder)


def test_links_stored_in_a_zip_are_named(survey: Any, tmp_path: Path) -> None:
    data = tmp_path / "a.zip"
    image_id = survey.test[0]
    survey.path("test/images", image_id).unlink()
    pack(survey.folder, data)
    with zipfile.ZipFile(data, "a") as archive:
        for name in (f"test/images/{image_id}.png", "copy/train"):
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "../elsewhere")
    folder, file = messages(data)
    assert folder.startswith("copy/train: is a link (expected the folder: zip it again without")
    assert file.startswith(f"test/images/{image_id}.png: is a link (expected the file: zip it again without")


def test_a_name_that_is_not_utf8_is_named(survey: Any, tmp_path: Path) -> None:
    data = tmp_path / "a.zip"
    with zipfile.ZipFile(pack(survey.folder, data), "a") as archive:
        archive.writestr("d\u00e9.txt", b"x")
    content = data.read_bytes()
    data.write_bytes(content.replace("d\u00e9.txt".encode(), b"d\xe9\xe9.txt"))
    assert only(data) == f"{data}: a name in the zip is not the UTF-8 that it claims to be (found b'd\\xe9\\xe9.txt')"


def test_a_zip_of_too_many_files_is_refused(survey: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_file, "FILES_LIMIT", 50)
    data = pack(survey.folder, tmp_path / "a.zip")
    assert only(data) == f"{data}: holds too many files (found 54, expected at most 50)"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_table_that_occurs_many_times_is_named_once(survey: Any, tmp_path: Path) -> None:
    data = pack(survey.folder, tmp_path / "a.zip")
    with zipfile.ZipFile(data, "a") as archive:
        for _ in range(300):
            archive.writestr("depths.csv", b"x")
    assert only(data) == "depths.csv: is a duplicate of depths.csv, 300 times"


def test_a_table_of_nothing_but_duplicates_is_not_read_to_its_end(survey: Any) -> None:
    table = survey.folder / "depths.csv"
    table.write_text(table.read_text() * 2000)
    said = messages(survey.folder)
    assert said[0] == "after 25,000 problems, the rest is not checked"
    assert said[1].startswith("depths.csv: line 33, line 34, line 35 and 24,997 more: id occurs twice")
