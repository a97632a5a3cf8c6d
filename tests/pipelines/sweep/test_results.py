"""The paired table, computed from maps with known scores."""

import shutil
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.paired import Paired, read_truth
from salt_pipeline.pipelines.sweep.results import Result, image_scores, results, summary, table
from tests.pipelines.sweep.finished import FOLDS, IDS, TRUTH, trained, truth


def test_settings_are_compared_image_by_image(work: Path) -> None:
    # 50 of 50 columns score 1; 40 have an IoU of 0.8 and score 0.6; 20 have an IoU below 0.5 and score 0.
    base = trained(work, "submission.min_area=0", widths=[50, 40, 40, 40, 20, 20, 50, 50], seconds=10)
    other = trained(
        work, "submission.min_area=0", "model.gate=false", widths=[40, 50, 40, 40, 50, 20, 50, 50], seconds=20
    )

    lines = list(table(results(["base", "no gate"], [[base], [other]], read_truth(work / "dataset.parquet"))))

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

    gain = results(["base", "no gate"], [base, other], read_truth(work / "dataset.parquet"))[1].gain

    assert gain
    assert gain.mean == pytest.approx((0.4 - 0.6) / 2 * 2 / 8)
    assert (gain.won, gain.lost) == (0, 2)


def test_the_smallest_area_is_chosen_on_the_other_folds(work: Path) -> None:
    # Empty masks would be best for the first fold alone; on the other fold it is best to keep the masks.
    jobs = trained(work, "submission.min_area=best", widths=[2] * 8)

    scores = image_scores(jobs, truth(*[0 if image in FOLDS[0] else 2 for image in IDS]))

    assert [scores[image] for image in FOLDS[0]] == [0] * 4
    assert [scores[image] for image in FOLDS[1]] == [0] * 4


def test_images_of_one_grey_level_hold_no_salt(work: Path) -> None:
    jobs = trained(work, "submission.min_area=0", widths=[50] * 8)
    found = truth(*[0] * 8)
    found.image_BHW[3] = 77
    assert image_scores(jobs, found) == {image: float(image == IDS[3]) for image in IDS}


def test_a_table_whose_best_setting_is_not_settled_says_so() -> None:
    found = [
        Result(name="base", score=0.5, seconds=1, gain=None),
        Result(name="b", score=0.52, seconds=1, gain=Paired("b", 0.02, -0.001, 0.04, 2, 1, 5)),
        Result(name="c", score=0.515, seconds=1, gain=Paired("c", 0.015, 0.005, 0.025, 2, 0, 6)),
    ]
    last = list(summary(found))[-1]
    assert last == "The interval of the best setting includes zero: `b` is not distinguished from `base`."


def test_nothing_is_chosen_on_one_fold(work: Path) -> None:
    jobs = trained(work, "submission.min_area=best", widths=[2] * 8)
    with pytest.raises(SaltError, match=r"--fold: is chosen on folds other.*expected two or more"):
        image_scores(jobs[:1], TRUTH)


def test_the_maps_of_another_job_are_not_counted(work: Path) -> None:
    jobs = trained(work, "submission.min_area=0", widths=[50] * 8)
    shutil.copyfile(jobs[1].oof, jobs[0].oof)
    with pytest.raises(SaltError, match=r"fold0/oof\.parquet: fold: does not match .* \(found 1, expected 0\)"):
        image_scores(jobs, TRUTH)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "training_seconds: Field required"),
        ("[]", "a JSON object"),
        ('{"training_seconds": "x"}', "training_seconds: .*valid number"),
        ('{"training_seconds": NaN}', "metrics.json: "),
    ],
)
def test_damaged_metrics_of_a_job_are_named(work: Path, content: str, problem: str) -> None:
    jobs = trained(work, "submission.min_area=0", widths=[50] * 8)
    (jobs[0].folder / "metrics.json").write_text(content)
    with pytest.raises(SaltError, match=rf"metrics\.json: .*{problem}|{problem}"):
        results(["base"], [[jobs]], TRUTH)
