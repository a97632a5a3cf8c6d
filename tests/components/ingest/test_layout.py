from pathlib import PurePosixPath

import pytest

from salt_pipeline.components.ingest.layout import IMAGES, MASKS, TEST, is_folder_of_layout, part_of


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("train/images/a.png", IMAGES),
        ("tgs/survey/train/masks/a.png", MASKS),
        ("TEST/Images/A.PNG", TEST),
        ("images/a.png", None),
        ("train/images/a.jpg", None),
        ("train/images/deep/a.png", None),
        ("test/masks/a.png", None),
    ],
)
def test_the_last_folders_decide(path: str, part: str | None) -> None:
    assert part_of(PurePosixPath(path)) == part


def test_the_folders_of_the_layout_are_known() -> None:
    assert all(is_folder_of_layout(PurePosixPath("survey", name)) for name in ("train", "Test", "images", "MASKS"))
    assert not is_folder_of_layout(PurePosixPath("train/notes"))
