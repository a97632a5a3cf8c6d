"""Predicts images and sections of any size with the trained ensemble."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import MofNCompleteColumn

from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.core.errors import SaltErrors, one_line
from salt_pipeline.components.core.grouped import SHOWN
from salt_pipeline.components.core.labelled import one_grey_level, without_salt
from salt_pipeline.components.core.metric import to_masks
from salt_pipeline.components.core.progress_bar import bar
from salt_pipeline.components.core.rle import encode
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from salt_pipeline.components.inference.image_files import find_files
from salt_pipeline.components.inference.likeness import Likeness
from salt_pipeline.components.inference.open_volume import open_volume
from salt_pipeline.components.inference.outputs import (
    TABLE,
    Row,
    Table,
    check_outputs,
    make_folders,
    open_table,
    open_writers,
)
from salt_pipeline.components.inference.predict_volume import (
    Found,
    Prediction,
    count_volume_tiles,
    transposed_tiles,
)
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.segy import USUAL, Geometry
from salt_pipeline.components.inference.sources import Rows, Source, open_source
from salt_pipeline.components.inference.tiles import STRIDE, Predict, count_tiles, predict_bands
from salt_pipeline.components.inference.volume import Volume
from salt_pipeline.components.inference.volume_outputs import check_volume_outputs
from salt_pipeline.components.inference.volume_scale import measure

log = logging.getLogger(__name__)

Tile = tuple[Source, NDArray[np.uint8], NDArray[np.bool_]]


def apply(
    images: list[str],
    bundle: Bundle,
    out: str,
    *,
    stride: int = STRIDE,
    percentiles: tuple[float, float] | None = None,
    null: float | None = None,
    transposed: bool = False,
    geometry: Geometry = USUAL,
) -> list[BadImage]:
    """Writes masks, maps, overlays and a table of all images, in the order in which they are finished.

    An image of 101 x 101 is predicted in one piece, in batches as the pipeline predicts its test set. Any other image
    is predicted in overlapping tiles; the smallest area does not apply to its mask, as it was chosen for 101 x 101.

    Args:
        images: Files (PNG, TIFF, .npy, SEG-Y) and folders of them.
        bundle: The trained ensemble.
        out: Folder to write to.
        stride: Most pixels from one tile to the next.
        percentiles: Percentiles of an image's values that become black and white; None keeps grey levels, and gives
            amplitudes the grey levels of the training images.
        null: A value that stands for no measurement.
        transposed: Whether the last two axes of arrays and pictures are exchanged: rows are traces, not times.
        geometry: Where SEG-Y's trace headers hold the position of a trace.

    Returns:
        What could not be predicted, and why; all others were.

    Raises:
        SaltError: If there is no image at all, or the outputs cannot be written; the table holds what was finished.
    """
    files, problems = find_files(images)
    if not files:
        raise problems[0] if len(problems) == 1 else SaltErrors("no image to predict", [*problems])
    make_folders(Path(out))
    work = _Work(bundle, Path(out), stride, Scaling(percentiles, bundle.training_levels), null, transposed)
    work.open(files, geometry)
    try:
        with open_table(Path(out)) as table:
            work.run(table)
    except BaseException:
        for problem in work.problems:
            log.warning("skipped: %s", problem)
        raise
    problems += work.problems
    if work.unlike > SHOWN:
        log.warning("%d images are unlike the training images: see unlike_fraction in %s", work.unlike, TABLE)
    log.info("%d images predicted, %d skipped: %s", work.finished, len(problems), one_line(out))
    return problems


class _Work:
    """The images of one call, their results so far, and the progress."""

    def __init__(
        self,
        bundle: Bundle,
        out: Path,
        stride: int,
        scaling: Scaling,
        null: float | None,
        transposed: bool,
    ) -> None:
        self.out, self.stride, self.bundle = out, stride, bundle
        self.scaling, self.null, self.transposed = scaling, null, transposed
        self.finished = 0
        self.problems: list[BadImage] = []
        self.sources: list[Source | Volume] = []
        self.model = EnsembleModel(bundle)
        self.unlike = 0
        self.total = self.done = 0

    def open(self, files: list[Path], geometry: Geometry) -> None:
        """Reads the headers of all files."""
        names = {path.stem: path for path in files}
        for path in files:
            try:
                check_outputs(self.out, path, path.stem)
                volume = open_volume(path, geometry, transposed=self.transposed)
                if volume is not None:
                    check_volume_outputs(self.out, volume, names)
                source = volume or open_source(path, self.scaling, self.null)
            except BadImage as error:
                self.problems.append(error)
                continue
            self.sources.append(source)
            self.total += self._count(source)

    def _predict(self, likeness: Likeness) -> Predict:
        """Maps tiles as pictures and arrays hold them, and measures them."""
        watched = likeness.watched(self.model.predict)
        return transposed_tiles(watched) if self.transposed else watched

    def _count(self, source: Source | Volume) -> int:
        if isinstance(source, Volume):
            return count_volume_tiles(source, self.stride)
        return count_tiles(source, self.stride)

    def run(self, table: Table) -> None:
        """Predicts all images; the table gets a line for each in the order in which they are finished."""
        self.table = table
        with bar("predicting", lambda done, total: f"{done:,} of {total:,} tiles", MofNCompleteColumn()) as show:
            for count in self._steps():
                self.done += count
                show(self.done, self.total)

    def _steps(self) -> Iterator[int]:
        waiting: list[Tile] = []
        for source in self.sources:
            try:
                if isinstance(source, Volume):
                    yield from self._volume(source)
                    continue
                rows = source.open()
                if (source.height, source.width) == (SIDE, SIDE):
                    waiting.append((source, rows.read(0, SIDE), rows.is_null(0, SIDE)))
                else:
                    yield from self._large(source, rows)
            except BadImage as error:
                self.problems.append(error)
            if len(waiting) == self.model.batch_size:
                yield self._batch(waiting)
                waiting = []
        if waiting:
            yield self._batch(waiting)

    def _batch(self, tiles: list[Tile]) -> int:
        """Images of 101 x 101, as the pipeline predicts them; one of a single grey level holds no salt."""
        sources, images, nulls = zip(*tiles, strict=True)
        image_BHW, null_BHW = np.stack(images), np.stack(nulls)
        maps_BHW = self._predict(Likeness(None))(image_BHW)
        maps_BHW[null_BHW] = 0
        masks_BHW = to_masks(maps_BHW, self.bundle.threshold, self.bundle.min_area)
        masks_BHW = without_salt(masks_BHW, one_grey_level(image_BHW))
        parts = zip(sources, image_BHW, maps_BHW, masks_BHW, null_BHW, encode(masks_BHW), strict=True)
        for source, grey_HW, map_HW, mask_HW, null_HW, rle in parts:
            likeness = Likeness(self.bundle.training_ranges)
            likeness.add((grey_HW.T if self.transposed else grey_HW)[None])
            with self.table.all_or_nothing(), open_writers(self.out, source) as writers:
                writers.write(grey_HW, map_HW, mask_HW, null_HW)
                self._finish(source, int(mask_HW.sum()), int(map_HW.max()), int(null_HW.sum()), likeness, rle)
        return len(tiles)

    def _large(self, source: Source, rows: Rows) -> Iterator[int]:
        top = salt = largest = null = 0
        likeness = Likeness(self.bundle.training_ranges)
        bands = predict_bands(source, rows, self._predict(likeness), self.stride, self.model.batch_size)
        with self.table.all_or_nothing(), open_writers(self.out, source) as writers:
            for grey_HW, map_HW, tiles in bands:
                null_HW = rows.is_null(top, top + len(map_HW))
                map_HW[null_HW] = 0
                mask_HW = to_masks(map_HW[None], self.bundle.threshold, 0)[0]
                writers.write(grey_HW, map_HW, mask_HW, null_HW)
                salt, largest = salt + int(mask_HW.sum()), max(largest, int(map_HW.max()))
                top, null = top + len(map_HW), null + int(null_HW.sum())
                yield tiles
            self._finish(source, salt, largest, null, likeness)

    def _volume(self, volume: Volume) -> Iterator[int]:
        found = Found()
        scale = measure(volume, self.scaling, self.null)
        likeness = Likeness(self.bundle.training_ranges)
        predict = likeness.watched(self.model.predict)
        prediction = Prediction(predict, self.stride, self.model.batch_size, self.bundle.threshold)
        size = Source(volume.path, volume.samples, volume.traces, self.scaling)
        yield from prediction.volume(volume, scale, self.out, found)
        self._finish(size, found.salt, found.largest, found.null, likeness)

    def _finish(self, source: Source, salt: int, largest: int, null: int, likeness: Likeness, rle: str = "") -> None:
        pixels, unlike = source.width * source.height, likeness.unlike_fraction
        fractions = round(salt / pixels, 6), round(largest / 255, 4), rle, round(null / pixels, 6)
        unlike = None if unlike is None else round(unlike, 4)
        self.table.add(Row(str(source.path), source.width, source.height, *fractions, unlike))
        self.finished += 1
        if description := likeness.describe():
            self.unlike += 1
            if self.unlike <= SHOWN:
                log.warning("%s: %s", one_line(source.path), description)
