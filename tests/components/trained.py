"""A complete small run by the functions of the stages: four trained jobs, their blended maps, and a bundle."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.jobs import all_jobs
from salt_pipeline.components.core.schemas import DATASET, MAPS, array_to_pixels, read_table
from salt_pipeline.components.ensemble.stage import blend
from salt_pipeline.components.predict.stage import predict
from salt_pipeline.components.submission.stage import submit
from salt_pipeline.components.train_fold.stage import train
from tests.components.network.tiny import ENCODER, document, write_survey

OPTIONS: dict[str, dict[str, Any]] = {
    "train": {"epochs": 4, "phase1_epochs": 4, "learning_rate": 0.02},
    "split": {"folds": 2},
    "predict": {"batch_size": 4},
    "submission": {"min_area": 40},
}
ENCODERS = [{"name": ENCODER, "weight": 0.7}, {"name": "tu-lcnet_050", "weight": 0.3}]
CONFIG = document(**OPTIONS) | {"encoders": ENCODERS}


@dataclass(frozen=True)
class Trained:
    """The files of the run, and the images and maps in them.

    Attributes:
        folder: All its files.
        bundle: The bundle.
        model: One job's model.
        ids: Ids of the test images.
        images_BHW: The test images.
        maps_BHW: The pipeline's own blended maps of them.
    """

    folder: Path
    bundle: Path
    model: Path
    ids: list[str]
    images_BHW: NDArray[np.uint8]
    maps_BHW: NDArray[np.uint8]


def train_ensemble(folder: Path, config: dict[str, Any] = CONFIG) -> None:
    """Trains every job of a configuration of two folds, blends their maps and bundles them in `folder`."""
    dataset, folds = write_survey(folder, labelled=18, tests=7, folds=2)
    names = all_jobs(parse_config(config))
    jobs = [folder / f"{encoder}{fold}" for encoder, fold in names]
    for place, (encoder, fold) in zip(jobs, names, strict=True):
        train(
            dataset,
            folds,
            encoder,
            fold,
            config,
            run="",
            checkpoints=str(place / "checkpoints"),
            model=str(place / "model"),
            oof=str(place / "oof.parquet"),
            curve=str(place / "curve.json"),
        )
        predict(dataset, str(place / "model"), config, str(place / "maps.parquet"))
    oof, test = str(folder / "oof.parquet"), str(folder / "test.parquet")
    oofs, maps_of = ([str(place / name) for place in jobs] for name in ("oof.parquet", "maps.parquet"))
    blend(dataset, oofs, maps_of, config, blended_oof=oof, blended_test=test)
    submit(
        dataset,
        folds,
        oof,
        test,
        [str(place / "model") for place in jobs],
        config,
        submission=str(folder / "submission.csv"),
        choice=str(folder / "choice.json"),
        bundle=str(folder / "bundle"),
    )


def read_trained(folder: Path) -> Trained:
    """Reads the files that `train_ensemble` wrote to a folder."""
    maps, images = read_table(folder / "test.parquet", MAPS)[0], read_table(folder / "dataset.parquet", DATASET)[0]
    images = images.filter([not labelled for labelled in images["labelled"].to_pylist()])
    return Trained(
        folder,
        folder / "bundle",
        folder / f"{ENCODER}0" / "model",
        maps["id"].to_pylist(),
        array_to_pixels(images["image"]),
        array_to_pixels(maps["map"]),
    )
