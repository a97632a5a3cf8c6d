"""Splits the labelled images into folds and names the training jobs."""

import logging

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.jobs import in_loop
from salt_pipeline.components.core.labelled import read_labelled
from salt_pipeline.components.core.schemas import FOLDS, array_to_pixels, write_table
from salt_pipeline.components.fold_split.strata import mask_classes, merge_rare
from salt_pipeline.components.fold_split.touching import group_tiles

log = logging.getLogger(__name__)


def split(dataset: str, config: dict, folds: str) -> tuple[list[dict], dict[str, str]]:
    """Assigns each labelled image to the fold that holds it out.

    The folds depend on the ids, the pixels and the configuration only, not on the machine.

    Args:
        dataset: Parquet file of schema `DATASET`.
        config: The configuration.
        folds: Path of the Parquet file to write, of schema `FOLDS`.

    Returns:
        The training jobs, `{"encoder": name, "fold": number}` each, in the order of the loop.
        And facts about the split, as strings.

    Raises:
        SaltError: If the configuration or the dataset is not valid, or there are too few images for the folds.
    """
    settings = parse_config(config)
    labelled, read = read_labelled(dataset, ["id", "image", "mask"])
    origin = {"data_hash": read["data_hash"]}
    ids = labelled["id"].to_pylist()
    count = settings.split.folds
    _check_count(dataset, ids, count)

    masks_BHW = array_to_pixels(labelled["mask"])
    _warn_if_one_sided(masks_BHW)
    strata = merge_rare(mask_classes(masks_BHW), count)
    groups = group_tiles(array_to_pixels(labelled["image"]), settings.split.group_touching)
    number = int(groups.max()) + 1
    if number < count:
        raise SaltError(
            "fewer groups of touching tiles than folds",
            file=dataset,
            field="split.folds",
            found=f"{number} groups for {count} folds",
        )
    fold = _assign(strata, groups, settings)

    columns = {"id": ids, "fold": fold, "group": groups, "stratum": strata.tolist()}
    write_table(folds, FOLDS, columns, {**origin, "folds": str(count), "seed": str(settings.seed)})
    facts = {
        **origin,
        "config_hash": settings.hash,
        "folds": str(count),
        "groups": str(number),
        "largest_group": str(np.bincount(groups).max()),
    }
    log.info("%d labelled images in %d groups, %d folds of %s", len(ids), number, count, np.bincount(fold).tolist())
    return [{"encoder": encoder, "fold": fold} for encoder, fold in in_loop(settings)], facts


def _check_count(dataset: str, ids: list[str], folds: int) -> None:
    if len(ids) < folds:
        raise SaltError(
            "fewer labelled images than folds",
            file=dataset,
            field="split.folds",
            found=f"{len(ids)} images for {folds} folds",
        )


def _warn_if_one_sided(masks_BHW: npt.NDArray[np.uint8]) -> None:
    salt_B = masks_BHW.any(axis=(1, 2))
    if not salt_B.any():
        log.warning("no labelled image holds any salt: a network can only learn to find none")
    elif salt_B.all():
        log.warning("every labelled image holds salt: the classifier of empty images has nothing to learn from")


def _assign(strata: npt.NDArray[np.str_], groups: npt.NDArray[np.int32], settings: Config) -> npt.NDArray[np.int32]:
    """Gives every group a fold so that the strata are spread evenly, (B,), int32."""
    count = settings.split.folds
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=settings.seed)
    fold = np.full(len(groups), -1, dtype=np.int32)
    for k, (_, held_out) in enumerate(splitter.split(strata, strata, groups)):
        fold[held_out] = k
    assert np.bincount(fold, minlength=count).all()  # an empty fold always takes the next group
    return fold
