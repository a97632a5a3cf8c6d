import os
import re
import shutil
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.visible import visible
from salt_pipeline.components.ingest.archive import open_archive
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.stage import check_data, data_hash
from salt_pipeline.components.ingest.survey import read_survey

from .conftest import pack, pack_nested


def messages(data: Any) -> list[str]:
    return [str(problem) for problem in check_data(str(data))[1]]


def only(data: Any) -> str:
    """The only problem of an archive."""
    problems = messages(data)
    assert len(problems) == 1, problems
    return problems[0]


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    assert "does not exist" in only(tmp_path / "no.zip")


def test_remote_paths_are_refused() -> None:
    assert only("gs://bucket/survey.zip").startswith("gs://bucket/survey.zip: is no archive")


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


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../outside.png", "train/images/../../../up.png", "..\\up.png", "C:/a.png", "a\x1b[31m.png"],
)
def test_an_unsafe_name_is_refused(survey: Any, tmp_path: Path, name: Any) -> None:
    data = pack(survey.folder, tmp_path / "a.zip")
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(name, b"x")
    shown = visible(name.replace("\\", "/"))
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
        "a\\b.txt",
    ],
)
def test_what_is_of_no_use_is_passed_over(survey: Any, tmp_path: Path, name: str) -> None:
    data = pack(survey.folder, tmp_path / "a.zip")
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(name, b"x")
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


def test_a_member_that_is_too_large_unpacked_is_refused(survey: Any, tmp_path: Path) -> None:
    image_id = survey.test[0]
    survey.path("test/images", image_id).write_bytes(bytes(200 << 20))
    data = pack(survey.folder, tmp_path / "a.zip", compression=zipfile.ZIP_DEFLATED)
    assert data.stat().st_size < 2 << 20
    assert only(data) == f"test/images/{image_id}.png: is too large (found 209715200 bytes, expected at most 1048576)"


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


def data_of(data: Path) -> Any:
    return data_hash(read_survey(str(data), Problems()))


def test_folders_and_endings_may_have_any_case(survey: Any, tmp_path: Path) -> None:
    before = data_of(survey.folder)
    for path in sorted(survey.folder.rglob("*"), reverse=True):
        path.rename(path.with_name(path.name if path.name == "SYNTHETIC.txt" else _upper(path)))
    assert messages(survey.folder) == []
    assert data_of(survey.folder) == before


def _upper(path: Path) -> str:
    return path.stem + path.suffix.upper() if path.suffix == ".png" else path.name.upper()


def test_a_zip_in_the_zip_is_named(survey: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(pack(survey.folder, tmp_path / "survey.zip"), "survey.zip")
    said = only(tmp_path / "a.zip")
    assert "no labelled image, no mask, no test image (found survey.zip, which is not unpacked" in said


def test_pictures_in_other_folders_are_named(survey: Any) -> None:
    (survey.folder / "train").rename(survey.folder / "Training set")
    said = only(survey.folder)
    assert "no labelled image, no mask (found 20 .png files in Training set/images, 20 .png files in " in said


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


def test_names_are_shown_on_one_line(survey: Any) -> None:
    for name in ("a\nsalt: error: b", "c\x1b[31m", os.fsdecode(b"d\xe9"), "e" * 240):
        shutil.copy(survey.path("test/images", survey.test[0]), survey.path("test/images", name))
    said = only(survey.folder)
    assert said.isprintable()
    assert r"'test/images/a\nsalt: error: b.png', 'test/images/c\x1b[31m.png'" in said
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
