"""Folders of finished runs, with only the files that a comparison reads."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from salt_pipeline.components.core.labelled import read_labelled
from salt_pipeline.components.core.schemas import MAPS, array_to_pixels, pixels_to_array, write_table
from salt_pipeline.components.ingest.stage import ingest
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.presets import preset_config


def ingested(home: Path) -> SimpleNamespace:
    """The dataset of a small synthetic survey."""
    write_survey(str(home / "survey.zip"), labelled=24, test=4, seed=3)
    facts = ingest(str(home / "survey.zip"), {}, str(home / "dataset.parquet"))
    rows, _ = read_labelled(str(home / "dataset.parquet"), ["id", "mask"])
    return SimpleNamespace(
        dataset=home / "dataset.parquet",
        ids=rows["id"].to_pylist(),
        mask_BHW=array_to_pixels(rows["mask"]),
        data_hash=facts["data_hash"],
    )


def finished(
    folder: Path,
    survey: SimpleNamespace,
    map_BHW: np.ndarray,
    *changes: str,
    threshold: float = 0.5,
    min_area: int = 0,
    data_hash: str | None = None,
) -> Path:
    """Writes the files of a run that a comparison reads."""
    folder.mkdir()
    (folder / "config.json").write_text(preset_config("smoke", list(changes)).model_dump_json())
    (folder / "run.json").write_text(json.dumps({"run": f"{folder.name}-1a2b3c"}))
    ensemble = {"score": 0.5, "score_interval": [0.4, 0.6], "score_at_half": 0.5, "salt_accuracy": 0.9}
    metrics = {"threshold": threshold, "min_area": min_area, "ensemble": ensemble}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    columns = {"id": survey.ids, "map": pixels_to_array(map_BHW), "salt": np.ones(len(map_BHW), np.float32)}
    facts = {"kind": "oof", "data_hash": data_hash or survey.data_hash}
    write_table(str(folder / "ensemble/oof.parquet"), MAPS, columns, facts)
    return folder


def two_runs(home: Path, survey: SimpleNamespace) -> list[Path]:
    """One run that finds nothing, and one that is right except for two images."""
    right = survey.mask_BHW * np.uint8(255)
    nothing = finished(home / "nothing", survey, np.zeros_like(right))
    right[:2] = 255 - right[:2]
    good = finished(home / "good", survey, right, "train.epochs=7", threshold=0.25)
    return [nothing, good]
