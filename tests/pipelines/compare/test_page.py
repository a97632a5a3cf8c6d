import base64
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.paired import masks_of, pair, read_truth
from salt_pipeline.pipelines.compare.page import SHOWN, TRUTH, WRONG, write_page
from salt_pipeline.pipelines.compare.runs import differing, open_finished
from tests.pipelines.compare.finished import finished

SCRIPT = "<script>alert(1)</script>"


def written(out: Path, survey: SimpleNamespace, runs: list[Path], name: str | None = None) -> str:
    """The page of a comparison, optionally with another name of the second run."""
    truth = read_truth(survey.dataset)
    found = [open_finished(str(run), out.parent) for run in runs]
    found[1:] = [replace(run, name=name or run.name) for run in found[1:]]
    masks = [masks_of(run, truth) for run in found]
    pairs = [pair(run.name, masks[0].score_B, one.score_B) for run, one in zip(found[1:], masks[1:], strict=True)]
    write_page(out, found, truth, masks, pairs, differing(found))
    return out.read_text()


def figures(page: str) -> dict[str, list[NDArray[np.int64]]]:
    """By image its four pictures: the image, the truth, the first run's mask, and the other's."""
    found = {}
    for figure in re.findall(r"<figure>.*?</figure>", page, re.DOTALL):
        encoded = re.findall(r"data:image/png;base64,([^\"]+)", figure)
        pictures = [np.array(Image.open(BytesIO(base64.b64decode(text)))).astype(int) for text in encoded]
        [image_id] = re.findall(r'alt="Image (\w+)"', figure)
        found[image_id] = pictures
    return found


def pixels_near(picture_HWC: NDArray[np.int64], colour: NDArray[np.uint8]) -> int:
    """Number of pixels tinted with a colour: within the third that the image behind contributes."""
    tint = colour.astype(int) // 3 * 2
    return int(((picture_HWC >= tint) & (picture_HWC <= tint + 85)).all(2).sum())


def test_images_that_changed_most_are_shown_with_correct_and_wrong_pixels(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path]
) -> None:
    shown = figures(written(tmp_path / "compare.html", survey, runs))
    assert len(shown) <= 2 * SHOWN
    salt = dict(zip(survey.ids, survey.mask_BHW, strict=True))
    # The second run is wrong on the first two images.
    gained = [image_id for image_id in shown if salt[image_id].any() and image_id not in survey.ids[:2]]
    assert gained
    for image_id in gained:
        size = int(salt[image_id].sum())
        image, truth, before, after = shown[image_id]
        assert image.shape == truth.shape == (*survey.mask_BHW.shape[1:], 3)
        assert (pixels_near(truth, TRUTH), pixels_near(truth, WRONG)) == (size, 0)
        assert (pixels_near(before, TRUTH), pixels_near(before, WRONG)) == (0, size), "the first run misses all salt"
        assert (after == truth).all(), "the second run is right"


def test_a_page_is_self_contained_and_lists_the_results(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path]
) -> None:
    page = written(tmp_path / "compare.html", survey, runs)
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert '<tr><th scope="row">train.epochs</th><td>2</td><td>7</td></tr>' in page
    assert '<th scope="row">threshold</th><td>0.500</td><td>0.250</td>' in page
    assert "on the same 24 images" in page


def test_a_name_with_markup_is_escaped(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    page = written(tmp_path / "compare.html", survey, runs, name=SCRIPT)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_option_with_markup_is_escaped(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    changed = f"model.encoder_weights={SCRIPT}"
    other = finished(tmp_path / "other", survey, np.zeros_like(survey.mask_BHW), changed)
    page = written(tmp_path / "compare.html", survey, [runs[0], other])
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_runs_with_equal_scores_have_no_images(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    page = written(tmp_path / "compare.html", survey, [runs[0], runs[0]])
    assert figures(page) == {}
    assert "No image scores differently." in page
    assert "<p>The same in all.</p>" in page


def test_a_page_that_cannot_be_written_is_reported(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaltError, match=r"compare.html: cannot be written"):
        written(tmp_path / "file" / "compare.html", survey, runs)
