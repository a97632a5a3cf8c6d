"""The network: a UNet with hypercolumns, SCSE and a salt / no-salt gate on any encoder.

Source: terkelbo's solution of the TGS Salt Identification Challenge; hypercolumns after Hariharan et al. 2015
(arXiv:1411.5752), SCSE after Roy et al. 2018 (arXiv:1803.02579).
"""

from itertools import pairwise

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.base.modules import Attention, Conv2dReLU
from torch import Tensor, nn
from torch.nn import functional as F

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.resampling import Interpolation, pool_to_4


class DecoderStage(nn.Module):
    """Transposed convolution where the skip is larger, concatenation, convolution, SCSE.

    Args:
        in_channels: Channels from below.
        skip_channels: Channels of the skip connection.
        out_channels: Channels of the output.
        upsample: Whether the skip has twice the side of what comes from below.
        scse: Whether to end in concurrent squeeze and excitation.
    """

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int, *, upsample: bool, scse: bool) -> None:
        super().__init__()
        self.up = nn.Sequential()
        if upsample:
            up = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1, bias=False)
            self.up = nn.Sequential(up, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
            in_channels = out_channels
        self.conv = Conv2dReLU(in_channels + skip_channels, out_channels, kernel_size=3, padding=1)
        self.attention = Attention("scse", in_channels=out_channels) if scse else nn.Identity()

    def forward(self, x_BCHW: Tensor, skip_BCHW: Tensor) -> Tensor:
        """Joins what comes from below with its skip connection."""
        height, width = skip_BCHW.shape[2:]
        up_BCHW = self.up(x_BCHW)[:, :, :height, :width]  # one too many where a side was odd
        return self.attention(self.conv(torch.cat([up_BCHW, skip_BCHW], dim=1)))


class Decoder(nn.ModuleList):
    """Five stages, from the centre of the network up to the largest feature map.

    Args:
        sizes: Channels and side of the encoder's feature maps, the largest first.
        config: The network's part of the configuration.
    """

    def __init__(self, sizes: list[tuple[int, int]], config: ModelConfig) -> None:
        centre, width = config.centre_channels, config.decoder_channels
        channels, sides = zip(*reversed(sizes), strict=True)
        super().__init__(
            DecoderStage(below, skip, width, upsample=low < high, scse=config.scse)
            for below, skip, low, high in zip(
                [centre] + [width] * 4, [centre, *channels[1:]], [(sides[0] + 1) // 2, *sides[:-1]], sides, strict=True
            )
        )

    def forward(self, x_BCHW: Tensor, skips: list[Tensor]) -> list[Tensor]:
        """Computes the output of every stage, the smallest first.

        Args:
            x_BCHW: The output of the centre.
            skips: The skip connection of each stage, the smallest first.
        """
        outputs = []
        for stage, skip in zip(self, skips, strict=True):
            x_BCHW = stage(x_BCHW, skip)
            outputs.append(x_BCHW)
        return outputs


class SaltNet(nn.Module):
    """Segments salt and classifies whether the image has any.

    The recipe's last layer is a 1 x 1 convolution of the hypercolumn: all decoder outputs and the centre, each
    upsampled to full size, times the gate. Convolution, upsampling and gate are linear in the maps and act on
    different axes, so they commute: each map is brought to one channel first and upsampled then, which gives the same
    number from a hundredth of the work.

    Args:
        encoder: Encoder name of segmentation-models-pytorch.
        config: The network's part of the configuration.

    Raises:
        SaltError: If there is no such encoder, or it does not fit the input size or stem stride.
    """

    def __init__(self, encoder: str, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder, config.stem_stride)
        sizes = feature_sizes(self.encoder, encoder, config.input_size)
        centre, width = config.centre_channels, config.decoder_channels
        self.centre_top = Conv2dReLU(sizes[-1][0], centre, kernel_size=3, padding=1)
        self.centre = Conv2dReLU(centre, centre, kernel_size=3, padding=1)
        centre_side = (sizes[-1][1] + 1) // 2
        self.classifier = nn.Sequential(pool_to_4(centre_side), nn.Conv2d(centre, 1, kernel_size=4))
        self.decoder = Decoder(sizes, config)
        maps = [(width, side) for _, side in reversed(sizes)] + [(centre, centre_side)]
        if not config.hypercolumn:
            maps = [(width, sizes[0][1])]
        self.columns = nn.ModuleList(nn.Conv2d(channels, 1, kernel_size=1, bias=False) for channels, _ in maps)
        self.upsample = nn.ModuleList(Interpolation(side, config.input_size) for _, side in maps)
        self.bias = nn.Parameter(torch.zeros(1))
        self.config = config

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Computes logits.

        Args:
            x_BCHW: Normalised grey images, (B, 1, S, S).

        Returns:
            Logits of salt by pixel, (B, 1, S, S), and of any salt by image, (B,); both float32.
        """
        features = self.encoder(x_BCHW.expand(-1, 3, -1, -1))[1:]
        top = self.centre_top(features[-1])
        centre = self.centre(F.max_pool2d(top, 2, ceil_mode=True))
        salt_B = self.classifier(centre).float().flatten()
        outputs = self.decoder(centre, [top, *features[-2::-1]])
        maps = [*outputs, centre] if len(self.columns) > 1 else outputs[-1:]
        logit_B1HW = torch.zeros((), device=x_BCHW.device)
        for column, upsample, features_BCHW in zip(self.columns, self.upsample, maps, strict=True):
            logit_B1HW = logit_B1HW + upsample(column(features_BCHW))
        if self.config.gate:
            logit_B1HW = logit_B1HW * salt_B.sigmoid()[:, None, None, None]
        return logit_B1HW + self.bias, salt_B


def build_encoder(name: str, stem_stride: int) -> nn.Module:
    """Builds an encoder with random weights.

    Args:
        name: Encoder name of segmentation-models-pytorch, `tu-...` for timm's.
        stem_stride: 2 as published; 1 keeps the full resolution through the stem, without its pooling.

    Returns:
        A module that maps (B, 3, S, S) to the image and five feature maps.

    Raises:
        SaltError: If there is no such encoder or it does not give five levels.
    """
    try:
        encoder = smp.encoders.get_encoder(name, in_channels=3, depth=5, weights=None)
    except Exception as error:  # smp and timm raise many kinds for a name they cannot build
        raise SaltError(
            "no such encoder of five levels", field="encoders", found=name, expected="a name of smp or tu-<timm name>"
        ) from error
    if stem_stride == 1:
        first = next(module for module in encoder.modules() if isinstance(module, nn.Conv2d))
        first.stride = (1, 1)
        pools = [key for key, module in encoder.named_modules() if isinstance(module, nn.MaxPool2d)]
        for key in pools:
            encoder.set_submodule(key, nn.Identity())
    return encoder


def feature_sizes(encoder: nn.Module, name: str, input_size: int) -> list[tuple[int, int]]:
    """Runs the encoder once on zeros.

    Args:
        encoder: The encoder, from `build_encoder`.
        name: Its name, for the message.
        input_size: Side of the input, px.

    Returns:
        Channels and side of each of its five feature maps, the largest first.

    Raises:
        SaltError: If a map's side is neither that of the one before nor half of it, rounded up; or the last is above an
            eighth of the input, as when the encoder has no stem to run at stride 1.
    """
    misfit = SaltError(
        "its five levels must each keep the side or halve it (rounded up), down to an eighth: try "
        "model.stem_stride=2 or another model.input_size",
        field="encoders",
        found=name,
    )
    try:
        with torch.no_grad():
            features = encoder.eval()(torch.zeros(1, 3, input_size, input_size))[1:]
    except (RuntimeError, AssertionError, ValueError) as error:
        raise misfit from error
    encoder.train()
    sides = [input_size, *(feature.shape[2] for feature in features)]
    halved = all(side in (above, (above + 1) // 2) for above, side in pairwise(sides))
    if len(features) != 5 or not halved or 8 * sides[-1] > input_size:
        raise misfit
    return [(feature.shape[1], feature.shape[2]) for feature in features]
