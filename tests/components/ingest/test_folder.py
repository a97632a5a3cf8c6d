"""Folders with links, leftovers, and files that are not regular ones."""

import os
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.ingest import folder
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.stage import check_data


def messages(data: Path) -> list[str]:
    counts, problems = check_data(str(data))
    assert problems or (counts["labelled"], counts["test"]) == (20, 10)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("part", ["train", "test", "train/images"])
@pytest.mark.parametrize("inside", [True, False])
def test_links_to_folders_are_followed(survey: Any, tmp_path: Path, part: str, inside: bool) -> None:
    store = survey.folder / "store" if inside else tmp_path / "store"
    store.mkdir()
    (survey.folder / part).rename(store / "moved")
    (survey.folder / part).symlink_to(store / "moved")
    assert messages(survey.folder) == []


def test_a_link_to_the_whole_folder_and_links_to_files_are_followed(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "whole").symlink_to(survey.folder)
    (tmp_path / "parent").mkdir()
    (tmp_path / "parent/survey").symlink_to(survey.folder)
    for number, path in enumerate(sorted(survey.folder.rglob("*.png"))):
        path.rename(tmp_path / f"{number}.png")
        path.symlink_to(tmp_path / f"{number}.png")
    for data in (survey.folder, tmp_path / "whole", tmp_path / "parent"):
        assert messages(data) == []


def test_a_folder_that_is_reached_twice_is_read_once(survey: Any) -> None:
    (survey.folder / "store").mkdir()
    (survey.folder / "train").rename(survey.folder / "store/train")
    (survey.folder / "train").symlink_to("store/train")
    assert messages(survey.folder) == []


def test_circles_of_links_end(survey: Any) -> None:
    (survey.folder / "up").symlink_to("..")
    (survey.folder / "self").symlink_to("self")
    (survey.folder / "train/again").symlink_to(survey.folder / "train")
    (survey.folder / "test/other").symlink_to("../train")
    (survey.folder / "train/other").symlink_to("../test")
    assert messages(survey.folder) == []


def test_links_that_lead_nowhere_are_named_where_they_are_needed(survey: Any) -> None:
    (survey.folder / "notes.txt").symlink_to("nowhere")
    for image_id in survey.test[:5]:
        survey.path("test/images", image_id).unlink()
        survey.path("test/images", image_id).symlink_to("nowhere")
    (message,) = messages(survey.folder)
    reason = "cannot be read: No such file or directory (expected a file, or a link to one)"
    assert message.endswith(f".png and 2 more: {reason}")
    (survey.folder / "test").rename(survey.folder / "old")
    (survey.folder / "test").symlink_to("nowhere")
    assert messages(survey.folder)[0] == "test: cannot be read: No such file or directory (expected a folder)"


def test_pipes_are_refused_where_they_are_needed(survey: Any) -> None:
    os.mkfifo(survey.folder / "pipe")
    assert messages(survey.folder) == []
    image_id = survey.test[0]
    for path in (survey.path("test/images", image_id), survey.folder / "depths.csv"):
        path.unlink()
        os.mkfifo(path)
    assert messages(survey.folder) == [
        f"depths.csv, test/images/{image_id}.png: is not a regular file (found a pipe)",
    ]


def test_leftovers_are_passed_over(survey: Any) -> None:
    for name in ("Icon\r", "train/.ipynb_checkpoints/images/a-checkpoint.png", "test/images/Thumbs.db", "._train"):
        path = survey.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert messages(survey.folder) == []
    names = [entry.path.name for entry in folder.folder_entries(survey.folder, Problems())]
    assert len(names) == 4 + 2 * 20 + 10


def test_a_folder_that_holds_far_more_is_not_searched(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FILES_LIMIT", 60)
    (survey.folder / "all").symlink_to(survey.folder / "train")
    assert messages(survey.folder) == [f"{survey.folder}: holds too many files (expected at most 60)"]
