"""The dataset and the folds that all trainings of a folder share."""

from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.inputs import prepare
from tests.pipelines.sweep.finished import BASE


def test_a_folder_with_another_archive_or_split_is_refused(work: Path) -> None:
    config = preset_config("cpu", BASE)
    prepare("one.zip", [config], work)

    with pytest.raises(SaltError, match=r"dataset\.parquet: source: was made from another archive.*found one\.zip"):
        prepare("another.zip", [config], work)
    with pytest.raises(SaltError, match=r"folds-.*: seed: was split with another seed.*found 42"):
        prepare("one.zip", [config.model_copy(update={"seed": 43})], work)
