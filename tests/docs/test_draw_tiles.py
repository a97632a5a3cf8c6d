import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from docs.draw_tiles import GAP, LABEL, PREDICTION, SIDE, TRUTH, draw, read_run


def make_run(folder: Path, **metadata: str) -> Path:
    """A run of two labelled images and a test image: the first is half salt, the second has none."""
    for name in ("ingest", "ensemble", "submission"):
        (folder / name).mkdir()
    grey, half = np.full((SIDE, SIDE), 100, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    half[:50] = 1
    images = pa.array([grey.tobytes()] * 3, pa.binary(SIDE * SIDE))
    masks = pa.array([half.tobytes(), (0 * half).tobytes(), None], pa.binary(SIDE * SIDE))
    columns = {"id": ["a", "b", "c"], "labelled": [True, True, False], "image": images, "mask": masks}
    dataset = pa.table(columns).replace_schema_metadata(metadata)
    pq.write_table(dataset, folder / "ingest" / "dataset.parquet")
    few = np.zeros((SIDE, SIDE), np.uint8)
    few[0, :3] = 255
    maps = pa.array([(154 * half).tobytes(), few.tobytes()], pa.binary(SIDE * SIDE))
    pq.write_table(pa.table({"id": ["a", "b"], "map": maps}), folder / "ensemble" / "oof.parquet")
    (folder / "submission" / "choice.json").write_text(json.dumps({"threshold": 0.6, "min_area": 4}))
    return folder


def test_the_masks_follow_the_threshold_and_the_smallest_area(tmp_path: Path) -> None:
    _, truth, predicted = read_run(make_run(tmp_path, synthetic="true"))
    assert truth.sum(axis=(1, 2)).tolist() == predicted.sum(axis=(1, 2)).tolist() == [50 * SIDE, 0]


@pytest.mark.parametrize("metadata", [{}, {"synthetic": "false"}])
def test_images_of_the_competition_are_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="not a run on a synthetic survey"):
        read_run(make_run(tmp_path, **metadata))


def test_the_rows_are_image_truth_and_prediction(tmp_path: Path) -> None:
    picture = draw(*read_run(make_run(tmp_path, synthetic="true")))
    assert picture.size == (LABEL + SIDE, 3 * (SIDE + GAP) - GAP)
    middle = LABEL + SIDE // 2
    pixels = np.asarray(picture)[:, middle, :3]
    assert pixels[10].tolist() == [100, 100, 100]
    assert np.allclose(pixels[SIDE + GAP + 10], [(level + 100) / 2 for level in TRUTH], atol=2)
    assert np.allclose(pixels[2 * (SIDE + GAP) + 10], [(level + 100) / 2 for level in PREDICTION], atol=2)
    assert pixels[SIDE - 10].tolist() == [100, 100, 100], "no salt in the lower half"
