import numpy as np
import pytest

from salt_pipeline.components.core.metric import cut, overlap, score_images
from salt_pipeline.components.report.inputs import read_truth
from salt_pipeline.components.report.page.thresholds import area_chart, score_table, table_areas, threshold_chart
from tests.components.report.conftest import MIN_AREA, Made


def test_the_table_agrees_with_the_metric(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    labelled = read_truth(made.paths["dataset"], made.paths["folds"])
    maps = made.maps["ensemble"]
    areas = np.array([0, 1, MIN_AREA, 4000])
    table = score_table(overlap(maps, labelled.masks_BHW), areas)
    assert table.shape == (4, 255)
    for row, area in enumerate(areas):
        for threshold in (0.0, 0.25, 0.5, 0.7, 0.99):
            expected = score_images(maps, labelled.masks_BHW, threshold, int(area)).mean()
            assert table[row, cut(threshold) - 1] == pytest.approx(expected)


@pytest.mark.parametrize("min_area", [0, 59, 512, 3000])
def test_the_chosen_area_is_in_the_table(min_area: int) -> None:
    areas = table_areas(min_area)
    assert areas[0] == 0
    assert areas[-1] >= max(512, min_area)
    assert (np.diff(areas) > 0).all()


def test_the_choice_is_shown() -> None:
    scores = {name: np.linspace(0, 1, 255) for name in ("a", "b", "ensemble")}
    chart = threshold_chart(scores, 0.3)
    assert ">chosen: 0.300</text>" in chart
    assert all(f">{name}</text>" in chart for name in scores)
    areas = table_areas(40)
    table = np.random.default_rng(0).random((len(areas), 255))
    chart = area_chart(table, areas, 0.3, 40)
    assert "the chosen pair, 0.300 and 40 px" in chart
    assert chart != area_chart(table, areas, 0.6, 40)
    assert area_chart(np.ones_like(table), areas, 0.3, 40)
