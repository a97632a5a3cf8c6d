import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.archive import open_archive
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.stage import check_data

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
    assert only("gs://bucket/survey.zip").startswith("gs://bucket/survey.zip: is a URI of a kind that is not supported")


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
    problems = messages(tmp_path / "a.zip")
    assert [problem.split(" (")[0] for problem in problems] == [
        "train.zip: is no zip, or is truncated or damaged",
        "test.zip: is no zip, or is truncated or damaged",
    ]


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
    assert only(data) == f"{name!r}: unsafe name in the zip (expected a path inside the zip)"


def test_an_unsafe_name_in_an_inner_zip_is_refused(survey: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(pack(survey.folder / "train", tmp_path / "train.zip"), "a") as inner:
        inner.writestr("../images/a.png", b"x")
    (tmp_path / "train.zip").rename(survey.folder / "train.zip")
    for path in (survey.folder / "train").rglob("*.png"):
        path.unlink()
    (survey.folder / "train/images").rmdir()
    (survey.folder / "train/masks").rmdir()
    (survey.folder / "train").rmdir()
    assert only(survey.folder).startswith("train.zip/'../images/a.png': unsafe name")


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


def test_an_encrypted_archive_is_refused(survey: Any, tmp_path: Path) -> None:
    data = pack(survey.folder, tmp_path / "a.zip")
    content = data.read_bytes()
    position = content.index(b"PK\x01\x02") + 8  # flags in the first record of the directory
    flags = struct.pack("<H", 1)
    data.write_bytes(content[:position] + flags + content[position + 2 :])
    assert only(data).startswith(f"{data}: is encrypted")


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
