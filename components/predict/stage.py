"""Predicts every test image with one trained model."""

import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.cpu_time import CpuTime
from salt_pipeline.components.core.dataset import dataset_groups
from salt_pipeline.components.core.errors import SaltErrors
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.core.labelled import check_facts
from salt_pipeline.components.core.schemas import (
    DATASET,
    MAPS,
    array_to_pixels,
    open_table,
    pixels_to_array,
    table_metadata,
    table_writer,
)
from salt_pipeline.components.network.device import pick_device
from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.network.model_file import load_model

log = logging.getLogger(__name__)

Batch = tuple[list[str], NDArray[np.uint8]]


def predict(dataset: str, model: str, config: dict | None, maps: str) -> dict[str, str]:
    """Writes the test set's probability maps, a row group at a time, sorted by id.

    Args:
        dataset: The Dataset Parquet file.
        model: Folder of a trained model.
        config: The configuration document, of which the `predict` part is used; None uses the model's own.
        maps: File to write.

    Returns:
        Strings that describe the artifact.

    Raises:
        SaltError: If an input is missing or damaged, or the model was trained on other data.
    """
    cpu_time = CpuTime()
    data_hash = table_metadata(open_table(dataset, DATASET)).get("data_hash", "")
    predictor = Predictor(model, config)
    check_facts(model, predictor.facts, {"data_hash": data_hash})

    def batches() -> Iterator[Batch]:
        for group in dataset_groups(dataset, ["id", "labelled", "image"]):
            test = group.filter(pc.invert(group["labelled"]))
            yield test["id"].to_pylist(), array_to_pixels(test["image"])

    with cpu_time.spent_on("prediction"):
        facts = predictor.write(batches(), maps)
    return {**facts, "cpu_parts": cpu_time.fact()}


def _own_config(model: str, sidecar: dict[str, Any]) -> Config:
    """The configuration that a model was trained by."""
    try:
        return parse_config(sidecar.get("config"))
    except SaltErrors as error:
        raise SaltErrors(f"{Path(model, 'model.json')}: config: is not valid", error.problems) from None


class Predictor:
    """A trained model, ready to predict.

    Args:
        model: Its folder.
        config: The configuration document, of which the `predict` part is used; None uses the model's own.

    Raises:
        SaltError: If it cannot be loaded.
    """

    def __init__(self, model: str, config: dict | None) -> None:
        self.device = pick_device()
        self.network, sidecar = load_model(model, self.device)
        settings = _own_config(model, sidecar) if config is None else parse_config(config)
        self.config = settings.model_copy(update={"model": self.network.config})
        self.facts = {key: str(sidecar[key]) for key in ("encoder", "fold", "config_hash", "data_hash")}

    def write(self, batches: Iterable[Batch], maps: str) -> dict[str, str]:
        """Predicts batches of ids and uint8 images (B, 101, 101), in the order of their ids, into a maps file."""
        done, logged = 0, time.monotonic()
        with table_writer(maps, MAPS, {"kind": "test", **self.facts}) as writer:
            for ids, image_BHW in batches:
                if not ids:
                    continue
                maps_BHW, salt_B = predict_maps(
                    self.network,
                    torch.from_numpy(image_BHW.copy()).to(self.device),
                    self.config,
                    flip_tta=self.config.predict.flip_tta,
                )
                columns = {"id": ids, "map": pixels_to_array(maps_BHW), "salt": salt_B}
                writer.write_table(pa.table(columns, schema=MAPS))
                done += len(ids)
                if time.monotonic() - logged > 10:
                    log.info("%s: %d images predicted", job_title(self.facts["encoder"], self.facts["fold"]), done)
                    logged = time.monotonic()
        return self.facts
