import numpy as np

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.ensemble.mean import blend_rows
from salt_pipeline.components.ensemble.merge import MapRows


def rows(level: int, salt: float, path: str) -> MapRows:
    map_BHW = np.full((2, SIDE, SIDE), level, np.uint8)
    map_BHW[1] += 1
    return MapRows(np.array(["a", "b"]), map_BHW, np.full(2, salt, np.float32), np.full(2, path))


def test_folds_have_equal_weights_and_encoders_their_own() -> None:
    first = [rows(10, 0.1, "first0"), rows(20, 0.3, "first1")]
    second = [rows(100, 0.8, "second0"), rows(200, 1.0, "second1")]

    (blended,) = blend_rows([[*first, *second]], [0.75, 0.25], folds=2)

    assert np.unique(blended.map_BHW[0]).tolist() == [49]  # 0.75 x 15 + 0.25 x 150 = 48.75
    assert np.unique(blended.map_BHW[1]).tolist() == [50]
    np.testing.assert_allclose(blended.salt_B, 0.75 * 0.2 + 0.25 * 0.9, rtol=1e-6)
    assert blended.salt_B.dtype == np.float32
    assert blended.ids_B.tolist() == ["a", "b"]
    assert blended.path_B.tolist() == ["first0", "first0"]


def test_each_row_group_is_blended_alone() -> None:
    groups = [[rows(10, 0.1, "x")], [rows(30, 0.5, "x")]]
    blended = list(blend_rows(groups, [1.0], folds=1))
    assert [part.map_BHW[0, 0, 0] for part in blended] == [10, 30]
