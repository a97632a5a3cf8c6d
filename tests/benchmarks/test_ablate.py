"""The paired table, computed from maps with known scores."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablate import image_scores, table
from benchmarks.jobs import Job, prepare, run_jobs
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.paired import read_truth
from salt_pipeline.components.core.schemas import MAPS, SIDE, pixels_to_array, write_table
from salt_pipeline.pipelines.presets import preset_config
from tests.components.dataset import write_dataset

ENCODER = "tu-tf_efficientnet_lite0"
BASE = ["split.folds=2", f'encoders=[{{"name": "{ENCODER}", "weight": 1}}]', "submission.threshold=0.5"]
IDS = [f"{number:010x}" for number in range(8)]
FOLDS = (IDS[0::2], IDS[1::2])


def mask(width: int) -> np.ndarray:
    """A mask whose leftmost columns are salt."""
    columns = np.arange(SIDE) < width
    return np.broadcast_to(columns, (SIDE, SIDE)).astype(np.uint8)


TRUTH = {image: mask(50) for image in IDS}


def trained(work: Path, *changes: str, widths: list[int], seconds: float = 1.0) -> list[Job]:
    """The outputs of the two jobs of a variant, which predict the given number of columns of each image."""
    config = preset_config("cpu", [*BASE, *changes])
    by_id = dict(zip(IDS, widths, strict=True))
    jobs = [Job(config, ENCODER, fold, work) for fold in range(2)]
    for job, ids in zip(jobs, FOLDS, strict=True):
        maps_BHW = np.stack([mask(by_id[image]) * 200 for image in ids]).astype(np.uint8)
        job.folder.mkdir(parents=True)
        columns = {"id": ids, "map": pixels_to_array(maps_BHW), "salt": np.ones(len(ids), np.float32)}
        write_table(job.folder / "oof.parquet", MAPS, columns, {})
        write_json(job.folder / "metrics.json", {"training_seconds": seconds})
    return jobs


@pytest.fixture
def work(tmp_path: Path) -> Path:
    pixels = pixels_to_array(np.zeros((len(IDS), SIDE, SIDE), np.uint8))
    masks = pixels_to_array(np.stack(list(TRUTH.values())))
    columns = {"id": IDS, "labelled": [True] * 8, "image": pixels, "mask": masks, "depth": [100] * 8}
    columns["position"] = [None] * 8
    write_dataset(tmp_path / "dataset.parquet", columns, source="one.zip")
    return tmp_path


def test_variants_are_compared_image_by_image(work: Path) -> None:
    # 50 of 50 columns score 1; 40 have an IoU of 0.8 and score 0.6; 20 have an IoU below 0.5 and score 0.
    base = trained(work, "submission.min_area=0", widths=[50, 40, 40, 40, 20, 20, 50, 50], seconds=10)
    other = trained(
        work, "submission.min_area=0", "model.gate=false", widths=[40, 50, 40, 40, 50, 20, 50, 50], seconds=20
    )

    lines = list(table(["base", "no gate"], [[base], [other]], read_truth(work / "dataset.parquet")))

    assert lines[2] == "| base | 0.6000 | | | | | 10 |"
    cells = [cell.strip() for cell in lines[3].strip("|").split("|")]
    assert cells[:3] == ["no gate", "0.7250", "+0.1250"]  # (-0.4 + 0.4 + 1) / 8
    assert cells[4:] == ["2", "1", "20"]
    low, high = (float(end) for end in cells[3].split(" to "))
    assert -0.4 <= low < 0.125 < high <= 1


def test_seeds_are_averaged_before_images_are_counted(work: Path) -> None:
    plain, gateless = ["submission.min_area=0"], ["submission.min_area=0", "model.gate=false"]
    base = [trained(work, *plain, f"seed={seed}", widths=[40] * 8) for seed in (1, 2)]
    won, lost = [50] * 2 + [40] * 6, [20] * 2 + [40] * 6
    other = [trained(work, *gateless, f"seed={s}", widths=w) for s, w in ((1, won), (2, lost))]

    cells = list(table(["base", "no gate"], [base, other], read_truth(work / "dataset.parquet")))[3].split("|")

    assert float(cells[3]) == pytest.approx((0.4 - 0.6) / 2 * 2 / 8)
    assert [cell.strip() for cell in cells[5:7]] == ["0", "2"]


def test_the_smallest_area_is_chosen_on_the_other_folds(work: Path) -> None:
    # Empty masks would be best for the first fold alone; on the other fold it is best to keep the masks.
    truth = {image: mask(0 if image in FOLDS[0] else 2) for image in IDS}
    jobs = trained(work, "submission.min_area=best", widths=[2] * 8)

    scores = image_scores(jobs, truth)

    assert [scores[image] for image in FOLDS[0]] == [0] * 4
    assert [scores[image] for image in FOLDS[1]] == [0] * 4


def test_a_finished_job_is_not_trained_again(work: Path) -> None:
    jobs = trained(work, widths=[50] * 8)
    before = [(job.folder / "oof.parquet").stat().st_mtime_ns for job in jobs]

    run_jobs(jobs, workers=1)

    assert [(job.folder / "oof.parquet").stat().st_mtime_ns for job in jobs] == before


def test_a_training_that_fails_is_logged_and_does_not_stop_the_others(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="benchmarks.jobs")
    base = [Job(preset_config("cpu", BASE), ENCODER, fold, work) for fold in range(2)]

    with pytest.raises(SaltError, match="folds-"):  # there is no file of folds
        run_jobs(base, workers=2)

    logged = [record.getMessage()[:7] for record in caplog.records]
    assert logged == ["1 of 2 ", "failed:", "2 of 2 ", "failed:"]


def test_a_folder_with_another_archive_or_split_is_refused(work: Path) -> None:
    config = preset_config("cpu", BASE)
    prepare(Path("one.zip"), [config], work)

    with pytest.raises(SaltError, match=r"dataset\.parquet: source: was made from another archive.*found one\.zip"):
        prepare(Path("another.zip"), [config], work)
    with pytest.raises(SaltError, match=r"folds-.*: seed: was split with another seed.*found 42"):
        prepare(Path("one.zip"), [config.model_copy(update={"seed": 43})], work)
