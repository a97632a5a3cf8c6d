"""Reads the inputs of the stage: masks and order of the dataset, and the maps, which must match it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.blended import read_blend
from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.dataset import dataset_groups
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.labelled import check_facts, check_ids, one_grey_level, without_salt
from salt_pipeline.components.core.schemas import (
    DATASET,
    MAPS,
    SIDE,
    array_to_pixels,
    open_table,
    row_groups,
    table_metadata,
)
from salt_pipeline.components.core.tile_statistics import levels, measure, ranges


@dataclass(frozen=True)
class ImageIndex:
    """The dataset without the pixels of its images.

    Attributes:
        labelled: Ids of the labelled images, sorted.
        masks_BHW: Their masks, 1 is salt.
        test: Ids of the test images, sorted.
        order: Ids of the test images as in the sample submission.
        flat: Ids of the images, labelled or not, of one grey level.
        data_hash: Hash of the data.
        synthetic: Whether the images were generated.
        training_ranges: Ranges of the statistics of the labelled images, those of one grey level excluded.
        training_levels: The 1st and the 99th percentile of the grey levels of the same images together.
    """

    labelled: list[str]
    masks_BHW: NDArray[np.uint8]
    test: list[str]
    order: list[str]
    flat: frozenset[str]
    data_hash: str
    synthetic: bool
    training_ranges: dict[str, dict[str, float]] | None
    training_levels: tuple[int, int] | None


def read_index(path: str) -> ImageIndex:
    """Reads the dataset, a row group at a time.

    Raises:
        SaltError: If it is not a dataset, has no labelled image, or two test images have the same place.
    """
    metadata = table_metadata(open_table(path, DATASET))
    labelled: list[str] = []
    masks: list[NDArray[np.uint8]] = []
    positions: dict[str, int | None] = {}
    flat: set[str] = set()
    measured = [measure(np.empty((0, SIDE, SIDE), np.uint8))]
    count_L = np.zeros(256, np.int64)
    for table in dataset_groups(path, DATASET.names):
        ids = np.array(table["id"].to_pylist(), dtype=object)
        truth_B = np.array(table["labelled"].to_pylist(), dtype=bool)
        labelled += ids[truth_B].tolist()
        masks.append(array_to_pixels(table["mask"].filter(table["labelled"])))
        places = np.array(table["position"].to_pylist(), dtype=object)
        positions |= zip(ids[~truth_B], places[~truth_B], strict=True)
        images_BHW = array_to_pixels(table["image"])
        flat_B = one_grey_level(images_BHW)
        flat.update(ids[flat_B])
        training_BHW = images_BHW[truth_B & ~flat_B]
        measured.append(measure(training_BHW))
        count_L += np.bincount(training_BHW.ravel(), minlength=256)
    if not labelled:
        raise SaltError("holds no labelled image", file=path)
    _check_positions(path, positions)
    measured_BS = np.concatenate(measured)
    return ImageIndex(
        labelled=labelled,
        masks_BHW=np.concatenate(masks),
        test=list(positions),
        order=sorted(positions, key=lambda image: (positions[image] is None, positions[image] or 0)),
        flat=frozenset(flat),
        data_hash=metadata.get("data_hash", ""),
        synthetic=metadata.get("synthetic") == "true",
        training_ranges=ranges(measured_BS),
        training_levels=levels(count_L, len(measured_BS)),
    )


def _check_positions(path: str, positions: dict[str, int | None]) -> None:
    """Checks that each test image has a place of its own in the submission, or that none has one."""
    if all(place is None for place in positions.values()):
        return
    by_place: dict[int | None, str] = {None: ""}
    for image, place in positions.items():
        if place in by_place:
            problem = "is null" if place is None else f"is also that of image {by_place[place]}"
            expected = "a place of its own for each test image"
            raise SaltError(problem, file=path, field=f"position, image {image}", found=place, expected=expected)
        by_place[place] = image


def open_maps(
    path: str, ids: list[str], index: ImageIndex, kind: Literal["oof", "test"], config: Config
) -> Iterator[NDArray[np.uint8]]:
    """Streams maps, in the order of `ids`; those of images of one grey level are all 0.

    Args:
        path: Parquet file of schema `MAPS`.
        ids: The images, sorted.
        index: The dataset.
        kind: Which maps they must be.
        config: The configuration that they must be made by.

    Returns:
        Maps (B, 101, 101) of one row group after the other. All ids are checked before the first.

    Raises:
        SaltError: If the maps are not of exactly these ids, are not blended, or are of other data or another
            configuration.
    """
    with open_table(path, MAPS) as file:
        metadata = table_metadata(file)
    check_facts(path, metadata, {"kind": kind, "data_hash": index.data_hash, "config_hash": config.hash})
    read_blend(path, metadata, config)
    found = [image for table in row_groups(path, MAPS, ["id", "salt"]) for image in table["id"].to_pylist()]
    check_ids(path, found, ids)

    def stream() -> Iterator[NDArray[np.uint8]]:
        for table in row_groups(path, MAPS, ["id", "map"]):
            flat_B = np.array([image in index.flat for image in table["id"].to_pylist()], dtype=bool)
            yield without_salt(array_to_pixels(table["map"]), flat_B)

    return stream()


def read_weights(path: str, config: Config) -> dict[str, float]:
    """Returns the weights of the encoders in the test maps: from the file's metadata, else from the configuration.

    Raises:
        SaltError: If the maps are blended of other encoders, or the weights are not valid.
    """
    with open_table(path, MAPS) as file:
        blend = read_blend(path, table_metadata(file), config)
    return {name: weight for name, (weight,) in blend.items()}
