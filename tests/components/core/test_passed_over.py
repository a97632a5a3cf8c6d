from pathlib import PurePath

import pytest

from salt_pipeline.components.core.passed_over import is_in_hidden_folder, is_passed_over


@pytest.mark.parametrize(
    "name",
    [
        "survey/Icon\r",
        "__MACOSX/survey/._Icon\r",
        "__MACOSX",
        "train/images/._a.png",
        "train/.DS_Store",
        "Thumbs.db",
        "thumbs.db",
        "train/Desktop.ini",
        "train/images/.ipynb_checkpoints/a-checkpoint.png",
        "$RECYCLE.BIN/S-1-5/desktop.ini",
        "train/images/@eaDir/a.png/thumb.png",
        ".~lock.depths.csv#",
        ".git/objects/a.png",
        "lost+found/a.png",
        "#recycle/train/images/a.png",
    ],
)
def test_leftovers_are_passed_over(name: str) -> None:
    assert is_passed_over(PurePath(name))


@pytest.mark.parametrize(
    "name", ["train/images/a.png", "a.PNG", ".cache/survey/a.png", "icon.png", "_a.png", "..", "../a.png", ".", ""]
)
def test_data_is_not_passed_over(name: str) -> None:
    assert not is_passed_over(PurePath(name))


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        (".Trash-1000/files/train/images/a.png", True),
        ("survey/.stversions/train/images/a.png", True),
        ("train/images/a.png", False),
        ("./train/images/a.png", False),
        ("../train/a.png", False),
        (".../a.png", False),
        ("train/.a.png", False),
    ],
)
def test_hidden_folders_of_a_zip(name: str, hidden: bool) -> None:
    assert is_in_hidden_folder(PurePath(name)) == hidden
