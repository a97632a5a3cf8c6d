from pathlib import Path

import pytest

from salt_pipeline.components.core.job_files import JobKey, read_progress
from salt_pipeline.components.train_fold.checkpoint import Progress
from salt_pipeline.components.train_fold.checkpoint_folder import FolderPlace

KEY = JobKey("0" * 16, "1" * 16, "resnet18", 2)


def work(folder: Path) -> None:
    """A training that is interrupted after a checkpoint."""
    with FolderPlace(folder) as place:
        folder.mkdir(parents=True)
        place.checkpoint.write_text("weights")
        place.progress.write_text('{"done": 1, "epochs": 3}')
        place.after_step(Progress({}, epoch=1), 1.0)
        raise KeyError("interrupted")


def test_both_files_outlive_an_interrupted_training(tmp_path: Path) -> None:
    folder = Path(KEY.folder(str(tmp_path)))
    with pytest.raises(KeyError, match="interrupted"):
        work(folder)
    with FolderPlace(folder) as place:
        assert place.checkpoint.read_text() == "weights"
        assert place.origin == str(place.checkpoint)


def test_a_watcher_finds_the_progress(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        work(Path(KEY.folder(str(tmp_path))))
    assert read_progress(str(tmp_path), KEY) == {"done": 1, "epochs": 3}
