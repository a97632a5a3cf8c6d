"""The files of a call are found in an order that does not depend on the file system, and no two have one name."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.inference.image_files import find_files

ENDINGS = (".png", ".TIF", ".tiff", ".npy", ".Sgy", ".segy")
NAMES = st.tuples(
    st.sampled_from(["a", "b", "B", "c d", "a.b", ".a"]), st.sampled_from([*ENDINGS, ".txt", ".npz", ""])
).map("".join)


def make(folder: Path, *names: str) -> list[Path]:
    """Empty files."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def texts(*paths: Path) -> list[str]:
    return [str(path) for path in paths]


def test_files_that_are_named_keep_their_order_whatever_they_are(tmp_path: Path) -> None:
    named = [*make(tmp_path, "z.png", "notes.txt", ".hidden.png"), tmp_path / "missing.npy"]
    assert find_files(texts(*named, *named)) == (named, [])


@settings(deadline=None, max_examples=60)
@given(st.sets(NAMES))
def test_each_image_of_a_folder_is_found_or_refused_for_its_name(names: set[str]) -> None:
    with TemporaryDirectory() as scratch:
        made = make(Path(scratch), "0.png", *names)
        files, problems = find_files([scratch])
    refused = [Path(problem.file or "") for problem in problems]
    images = [path for path in made if path.name.endswith(ENDINGS) and not path.name.startswith(".")]
    assert sorted(files + refused) == sorted(images)
    assert files == sorted(files)
    stems = [path.stem for path in files]
    assert len(set(stems)) == len(stems)
    assert {path.stem for path in refused} <= set(stems)


def test_a_file_that_is_named_in_several_ways_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = make(tmp_path, "pictures/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    given_images = ["pictures/a.png", "pictures", "link", "pictures/../link/a.png", str(path)]
    assert find_files(given_images) == ([Path("pictures/a.png")], [])


@pytest.mark.parametrize("exist", [True, False])
@pytest.mark.parametrize("name", ["two/a.png", "one/a.tif", "one/a.PNG"])
def test_another_file_whose_outputs_would_have_the_same_names_is_refused(
    tmp_path: Path, name: str, exist: bool
) -> None:
    first, second = tmp_path / "one/a.png", tmp_path / name
    if exist:
        make(tmp_path, "one/a.png", name)
    files, problems = find_files(texts(first, second, tmp_path / "b.png"))
    assert files == [first, tmp_path / "b.png"]
    problem = "has the name of another image, and so would its outputs"
    assert [str(error) for error in problems] == [f"{second}: {problem} (found {first})"]


def test_a_folder_without_images_is_named_and_the_others_are_searched(tmp_path: Path) -> None:
    make(tmp_path, "none/notes.txt", "none/._a.png", "none/deep/a.png")
    (image,) = make(tmp_path, "some/b.npy")
    files, problems = find_files(texts(tmp_path / "none", tmp_path / "some"))
    assert files == [image]
    expected = "holds no images (expected png, tif, tiff, npy, sgy or segy files)"
    assert [str(error) for error in problems] == [f"{tmp_path / 'none'}: {expected}"]


@pytest.mark.parametrize(
    ("others", "listed"),
    [
        (["c.csv", "b\n.txt", "d"], r"3 other files or folders: b\n.txt, c.csv, d"),
        (["e.jpg", "c.csv", "b.txt", "d/f.png"], "4 other files or folders: b.txt, c.csv, d, ..."),
    ],
)
def test_what_else_a_folder_holds_is_logged_but_for_leftovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, others: list[str], listed: str
) -> None:
    make(tmp_path, "a.png", ".DS_Store", "Thumbs.db", *others)
    with caplog.at_level(logging.INFO):
        assert find_files([str(tmp_path)]) == ([tmp_path / "a.png"], [])
    assert caplog.messages == [f"{tmp_path}: not predicted: {listed}"]
