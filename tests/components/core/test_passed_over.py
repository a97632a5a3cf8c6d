from pathlib import PurePath

import pytest

from salt_pipeline.components.core.passed_over import is_passed_over


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
    ],
)
def test_leftovers_are_passed_over(name: str) -> None:
    assert is_passed_over(PurePath(name))


@pytest.mark.parametrize(
    "name", ["train/images/a.png", "a.PNG", ".cache/survey/a.png", "icon.png", "_a.png", "..", "../a.png", ".", ""]
)
def test_data_is_not_passed_over(name: str) -> None:
    assert not is_passed_over(PurePath(name))
