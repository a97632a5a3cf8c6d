"""Predicts every test image with one trained model."""

import logging

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from components.core.config import parse_config
from components.core.errors import SaltError
from components.core.schemas import (
    DATASET,
    MAPS,
    ROW_GROUP,
    array_to_pixels,
    open_table,
    pixels_to_array,
    table_metadata,
    table_writer,
)  # fmt: skip
from components.network.device import pick_device
from components.network.maps import predict_maps
from components.network.model_file import load_model

log = logging.getLogger(__name__)


def predict(dataset: str, model: str, config: dict, maps: str) -> dict[str, str]:
    """Writes the test set's probability maps, a row group at a time, sorted by id.

    Args:
        dataset: The Dataset Parquet file.
        model: Folder of a trained model.
        config: The configuration document; its `predict` part counts.
        maps: File to write.

    Returns:
        Strings that describe the artifact.

    Raises:
        SaltError: If an input is missing, damaged, or the model was trained on other data.
    """
    settings = parse_config(config)
    device = pick_device()
    network, sidecar = load_model(model, device)
    settings = settings.model_copy(update={"model": network.config})
    source = open_table(dataset, DATASET)
    data_hash = table_metadata(source).get("data_hash", "")
    if sidecar["data_hash"] != data_hash:
        raise SaltError(
            "the model was trained on other data", file=model, found=sidecar["data_hash"], expected=data_hash
        )
    facts = {key: str(sidecar[key]) for key in ("encoder", "fold", "config_hash", "data_hash")}
    total, done = _count_test(source), 0
    with table_writer(maps, MAPS, {"kind": "test", **facts}) as writer:
        for batch in source.iter_batches(ROW_GROUP, columns=["id", "labelled", "image"]):
            test = batch.filter(pa.compute.invert(batch["labelled"]))
            if not len(test):
                continue
            image_BHW = torch.from_numpy(array_to_pixels(test["image"]).copy()).to(device)
            maps_BHW, salt_B = predict_maps(network, image_BHW, settings, flip_tta=settings.predict.flip_tta)
            columns = {"id": test["id"], "map": pixels_to_array(maps_BHW), "salt": salt_B}
            writer.write_table(pa.table(columns, schema=MAPS))
            done += len(test)
            log.info("%s fold %s: %d of %d test images", facts["encoder"], facts["fold"], done, total)
    return facts


def _count_test(source: pq.ParquetFile) -> int:
    return sum(not flag for flag in source.read(columns=["labelled"])["labelled"].to_pylist())
