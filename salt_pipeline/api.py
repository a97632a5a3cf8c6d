"""The Python API: the few functions that are of use in a notebook or in another program.

Every mistake that a caller can fix raises a `salt_pipeline.components.core.errors.SaltError`, whose message says where
it is, what was found and what was expected. tests/test_api.py runs the examples.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.extras import extra

if TYPE_CHECKING:  # it imports torch
    from salt_pipeline.components.inference.array_model import ArrayModel


def run(
    data: str | Path,
    out: str | Path,
    *,
    preset: str | None = None,
    changes: Sequence[str] = (),
    jobs: int | None = None,
    gpus: str | None = None,
) -> Path:
    """Runs the entire pipeline on this machine, as `salt run` does; needs the extra `train`.

    Args:
        data: The archive: zip, folder, or `s3://bucket/key`.
        out: Folder of the run; an interrupted run in it resumes.
        preset: Name of a preset, see `salt presets`; by default that of the run in the folder, or `quick`.
        changes: Each `section.key=value`, as the option `--set` takes it.
        jobs: Jobs that run at once; chosen by the machine if omitted.
        gpus: The GPUs that jobs use: `all`, or their numbers, as `0,1`.

    Returns:
        The folder: submission.csv, report.html, metrics.json, ensemble/bundle and more.

    Raises:
        SaltError: If an input or an option is wrong, or a stage fails; the folder's log.txt has the details.
        KeyboardInterrupt: If it was interrupted; the same call resumes it.

    Examples:
        >>> import json, salt_pipeline
        >>> folder = salt_pipeline.run("survey.zip", "runs/first", preset="smoke", changes=["train.epochs=1"])
        >>> json.loads((folder / "metrics.json").read_text())["images"]
        12
        >>> (folder / "submission.csv").read_text().splitlines()[0]
        'id,rle_mask'
    """
    from rich.console import Console

    from salt_pipeline.pipelines.local.start import plan_run, start
    from salt_pipeline.pipelines.local.watcher import INTERRUPTED

    planned = plan_run(Path(out), str(data), preset=preset, changes=changes, jobs=jobs, gpus=gpus)
    code = start(planned, Console(stderr=True))
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise SaltError("the run failed", file=planned.folder.log)
    return planned.folder.path


@extra("train")
def train_fold(
    dataset: str | Path,
    folds: str | Path,
    encoder: str,
    fold: int,
    out: str | Path,
    *,
    preset: str = "quick",
    changes: Sequence[str] = (),
) -> dict[str, float]:
    """Trains one encoder on all folds but one, as `salt train-fold` does; needs the extra `train`.

    Args:
        dataset: dataset.parquet, which `salt ingest` writes, as does every run in its folder `ingest/`.
        folds: folds.parquet, from `salt fold-split` or the folder `fold_split/` of a run.
        encoder: One of the configuration's encoders.
        fold: The fold to hold out, from 0.
        out: Folder for model/, oof.parquet (maps of the held-out images) and curve.json; an interrupted training in it
            resumes.
        preset: Name of a preset, see `salt presets`.
        changes: Each `section.key=value`, as the option `--set` takes it.

    Returns:
        Scores on the held-out images, number of epochs, and seconds of training.

    Raises:
        SaltError: If an input is wrong, or the configuration has no such encoder or fold.

    Examples:
        >>> import salt_pipeline
        >>> scores = salt_pipeline.train_fold(
        ...     "dataset.parquet", "folds.parquet", "tu-tf_efficientnet_lite0", fold=0, out="lite0-fold0",
        ...     preset="smoke", changes=["train.epochs=1"],
        ... )
        >>> scores["epochs"], 0 <= scores["score"] <= 1
        (1, True)
    """
    from salt_pipeline.components.core.files import write_json
    from salt_pipeline.components.train_fold.stage import train
    from salt_pipeline.pipelines.presets import preset_config

    folder = Path(out)
    config = preset_config(preset, [*changes], option="preset").model_dump(mode="json")
    scores, _ = train(
        str(dataset),
        str(folds),
        encoder,
        fold,
        config,
        run="",
        checkpoints=str(folder / "checkpoints"),
        model=str(folder / "model"),
        oof=str(folder / "oof.parquet"),
        curve=str(folder / "curve.json"),
    )
    write_json(folder / "metrics.json", scores)
    return scores


@extra("predict")
def load_bundle(model: str | Path) -> "ArrayModel":
    """Loads a trained ensemble for predictions; needs the extra `predict`.

    Args:
        model: A bundle: the folder `ensemble/bundle` of a run, its `s3://` prefix, `models:/<name>/<version>` or
            `models:/<name>@<alias>`.

    Returns:
        The ensemble: `predict(array)` finds salt in an array, `bundle` holds threshold, scores and versions.

    Raises:
        SaltError: If it cannot be fetched, or is incomplete or altered.

    Examples:
        >>> import numpy as np, salt_pipeline
        >>> ensemble = salt_pipeline.load_bundle("bundle")
        >>> section = np.random.default_rng(0).normal(size=(120, 150)).astype(np.float32)
        >>> found = ensemble.predict(section)
        >>> found.probability.shape, found.mask.dtype
        ((120, 150), dtype('uint8'))
        >>> sorted(ensemble.bundle.scores)[:2]
        ['salt_accuracy', 'score']
    """
    from salt_pipeline.components.inference.array_model import ArrayModel
    from salt_pipeline.components.inference.model_source import opened_bundle

    with opened_bundle(str(model)) as bundle:
        return ArrayModel(bundle)


def score(masks: NDArray[Any], truth: NDArray[Any]) -> float:
    """The competition's metric: for each image the fraction of the thresholds of IoU that it passes, averaged.

    Args:
        masks: Predicted masks (B, H, W), 1 or True is salt.
        truth: True masks (B, H, W).

    Raises:
        SaltError: If the shapes differ, or a value is neither 0 nor 1.

    Examples:
        >>> import numpy as np, salt_pipeline
        >>> truth = np.zeros((2, 101, 101), np.uint8)
        >>> truth[0, :, :50] = 1
        >>> masks = truth.copy()
        >>> masks[0, :, 50:60] = 1                           # IoU 50 / 60 = 0.83, which passes 7 of 10 thresholds
        >>> salt_pipeline.score(masks, truth)                # and an empty mask of an image without salt scores 1
        0.85
    """
    from salt_pipeline.components.core.metric import score_images

    found, wanted = _masks(masks, "masks"), _masks(truth, "truth")
    if found.shape != wanted.shape:
        raise SaltError("shapes differ", field="masks, truth", found=found.shape, expected=wanted.shape)
    return float(score_images(found, wanted, threshold=0.0).mean())


def encode(masks: NDArray[Any]) -> list[str]:
    """Encodes masks as the run-lengths of a submission: pixels are numbered from 1, column by column.

    Args:
        masks: Masks (B, H, W), 1 or True is salt.

    Raises:
        SaltError: If there are not three dimensions, or a value is neither 0 nor 1.

    Examples:
        >>> import numpy as np, salt_pipeline
        >>> mask = np.zeros((101, 101), np.uint8)
        >>> mask[:3, 1] = 1
        >>> salt_pipeline.encode(mask[None])
        ['102 3']
    """
    from salt_pipeline.components.core import rle

    return rle.encode(_masks(masks, "masks"))


def decode(text: str, side: int = 101) -> NDArray[np.uint8]:
    """Decodes the run-lengths of one mask.

    Args:
        text: The runs; the empty text is an empty mask.
        side: Height and width of the mask, px.

    Returns:
        Mask (side, side), 1 is salt.

    Raises:
        SaltError: If the runs are not sorted pairs inside the mask, with a gap between them.

    Examples:
        >>> import salt_pipeline
        >>> mask = salt_pipeline.decode("102 3")
        >>> mask.shape, mask[:4, 1].tolist()
        ((101, 101), [1, 1, 1, 0])
    """
    from salt_pipeline.components.core import rle

    return rle.decode(text, side)


def _masks(values: NDArray[Any], field: str) -> NDArray[np.uint8]:
    """Masks (B, H, W) as 0 and 1, uint8."""
    array = np.asarray(values)
    if array.ndim != 3 or not array.size:
        raise SaltError("wrong shape", field=field, found=array.shape, expected="(B, H, W)")
    if not np.isin(array, (0, 1)).all():
        raise SaltError("holds a value that is neither 0 nor 1", field=field, found=array[~np.isin(array, (0, 1))][0])
    return np.asarray(array, dtype=np.uint8)
