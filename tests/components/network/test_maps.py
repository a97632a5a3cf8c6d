"""Maps are the mean over an image and its mirror image."""

import numpy as np
import pytest
import torch

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.device import computes_bf16
from salt_pipeline.components.network.inputs import to_image, to_input
from salt_pipeline.components.network.maps import images_at_once, predict_maps
from salt_pipeline.components.network.unet import SaltNet
from tests.components.network.tiny import config, images, network


def decided() -> SaltNet:
    """A network whose maps differ from 0.5."""
    model = network().eval()
    with torch.no_grad():
        for column in model.columns:
            column.get_parameter("weight").mul_(100)
    return model


def test_the_mean_of_both_mirror_images() -> None:
    settings = config(predict={"batch_size": 4})
    model, image_BHW = decided(), torch.from_numpy(images(6)[0])
    with torch.no_grad():
        pairs = [model(to_input(part, settings.model)) for part in (image_BHW, image_BHW.flip(2))]
    direct_BHW, mirrored_BHW = (to_image(logit, settings.model).sigmoid() for logit, _ in pairs)
    expected = ((direct_BHW + mirrored_BHW.flip(2)) / 2 * 255).round().numpy()

    maps_BHW, salt_B = predict_maps(model, image_BHW, settings, flip_tta=True)
    assert maps_BHW.dtype == np.uint8
    assert maps_BHW.std() > 1
    assert abs(maps_BHW.astype(int) - expected).max() <= 1  # batches of other sizes may round elsewhere
    assert (maps_BHW == expected).mean() > 0.999
    torch.testing.assert_close(torch.from_numpy(salt_B), (pairs[0][1].sigmoid() + pairs[1][1].sigmoid()) / 2)

    plain_BHW, _ = predict_maps(model, image_BHW, settings, flip_tta=False)
    assert abs(plain_BHW - (direct_BHW * 255).round().numpy()).max() <= 1
    assert (plain_BHW != maps_BHW).any()


def test_bf16_moves_a_map_little() -> None:
    model, image_BHW = decided(), torch.from_numpy(images(6)[0])
    exact_BHW, _ = predict_maps(model, image_BHW, config(), flip_tta=True)
    maps_BHW, _ = predict_maps(model, image_BHW, config(predict={"amp": "auto"}), flip_tta=True)
    assert exact_BHW.std() > 1
    assert abs(maps_BHW.astype(int) - exact_BHW).mean() < 1
    assert (maps_BHW != exact_BHW).any() == computes_bf16(image_BHW.device)


@pytest.mark.parametrize(("size", "stride", "on_gpu"), [(64, 2, 2048), (128, 2, 512), (256, 2, 128), (128, 1, 64)])
def test_a_gpu_takes_as_many_pixels_as_take_the_same_memory(size: int, stride: int, on_gpu: int) -> None:
    model = config().model.model_copy(update={"input_size": size, "stem_stride": stride})
    assert images_at_once("auto", model, torch.device("cuda")) == on_gpu
    assert images_at_once("auto", model, torch.device("cpu")) == 64
    assert images_at_once(7, model, torch.device("cuda")) == 7


def test_a_gpu_whose_memory_is_full_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()

    def full(*_args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    monkeypatch.setattr(model, "forward", full)
    with pytest.raises(SaltError) as found:
        predict_maps(model, torch.zeros(2, 101, 101, dtype=torch.uint8), config(), flip_tta=False)
    assert str(found.value) == (
        "predict.batch_size: the memory of the GPU is full: run fewer jobs at once (--jobs), or lower this option "
        "(found 64; CUDA out of memory. Tried to allocate 2 GiB.)"
    )


def test_weights_that_are_too_large_give_no_maps() -> None:
    model = network()
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(1e30)
    images_BHW = torch.arange(2 * 101 * 101).reshape(2, 101, 101).to(torch.uint8)
    with pytest.raises(SaltError, match="the network predicts numbers that are not finite"):
        predict_maps(model, images_BHW, config(), flip_tta=False)
