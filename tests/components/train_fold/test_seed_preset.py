"""The two networks of the preset `seed` at full size: one training step and one prediction."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.train_fold.step import Images
from salt_pipeline.components.train_fold.trainer import Trainer
from salt_pipeline.pipelines.presets import preset_config
from tests.components.network.tiny import images


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("encoder", ["se_resnext50_32x4d", "se_resnext101_32x4d"])
def test_a_training_step_changes_all_weights_and_maps_are_predicted(encoder: str, tmp_path: Path) -> None:
    changes = ["model.encoder_weights=none", "train.batch_size=2", "train.amp=off"]
    config = preset_config("seed", changes)
    assert (config.model.stem_stride, config.model.input_size, config.model.fit) == (1, 128, "pad")
    image_BHW, mask_BHW = (torch.from_numpy(x_BHW) for x_BHW in images(2, seed=1))
    survey = Images(image_BHW, mask_BHW)
    trainer = Trainer(config, encoder, survey, survey, job={}, checkpoint=tmp_path / "checkpoint.safetensors")
    model = trainer.model

    widths = [column.in_channels for column in model.columns if isinstance(column, nn.Conv2d)]
    assert widths == [64] * 5 + [512]
    assert sum(widths) == 832
    assert not [m for m in model.encoder.modules() if isinstance(m, nn.MaxPool2d)]

    before = {key: value.clone() for key, value in model.named_parameters()}
    figures = trainer._train_epoch()
    assert all(np.isfinite(figure) for figure in figures.values())
    unchanged = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert not unchanged

    maps_BHW, salt_B = predict_maps(model, image_BHW, config, flip_tta=True)
    assert maps_BHW.shape == (2, 101, 101)
    assert maps_BHW.dtype == np.uint8
    assert ((salt_B >= 0) & (salt_B <= 1)).all()
