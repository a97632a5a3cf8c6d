"""The trained ensemble, ready to map images as the pipeline itself maps its test set."""

import numpy as np
import torch
from numpy.typing import NDArray

from salt_pipeline.components.core.blend import weighted_mean
from salt_pipeline.components.core.bundle import DOCUMENT
from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.core.config.config import Config, PredictConfig
from salt_pipeline.components.core.labelled import check_facts
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.network.device import pick_device
from salt_pipeline.components.network.maps import images_at_once, predict_maps
from salt_pipeline.components.network.model_file import load_files
from salt_pipeline.components.network.unet import SaltNet


class EnsembleModel:
    """All networks of a bundle.

    The maps equal the pipeline's for the same images in the same batches, bit for bit on the same machine: each
    network's map is rounded to uint8, then blended and rounded again by the ensemble stage's own function.

    Args:
        bundle: The trained ensemble, from `open_bundle`.
        device: Where to compute; the GPU if there is one by default.

    Raises:
        SaltError: If a member cannot be loaded, or is not what the bundle says.
    """

    def __init__(self, bundle: Bundle, device: torch.device | None = None) -> None:
        self.bundle = bundle
        self.device = device or pick_device()
        self.encoders: dict[str, list[tuple[SaltNet, Config]]] = {}
        self.weights: dict[str, float] = {}
        for member in bundle.members:
            sidecar = bundle.path(member.sidecar)
            network, facts = load_files(bundle.path(member.file), sidecar, self.device)
            job = {"encoder": member.encoder, "fold": str(member.fold)}
            hashes = {"config_hash": bundle.config_hash, "data_hash": bundle.data_hash}
            check_facts(sidecar, facts, job | hashes, source=bundle.path(DOCUMENT))
            self.encoders.setdefault(member.encoder, []).append((network, self._config(network)))
            self.weights[member.encoder] = member.weight
        networks = [network for members in self.encoders.values() for network, _ in members]
        self.batch_size = min(images_at_once(bundle.batch_size, one.config, self.device) for one in networks)

    def _config(self, network: SaltNet) -> Config:
        """The parts of a configuration that prediction reads: the network's own, and those in the bundle."""
        bundle = self.bundle
        step = PredictConfig(flip_tta=bundle.flip_tta, batch_size=bundle.batch_size, amp=bundle.amp)
        return Config().model_copy(update={"model": network.config, "predict": step})

    def predict(self, image_BHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Maps images.

        Args:
            image_BHW: Grey levels (B, 101, 101), uint8.

        Returns:
            Probabilities of salt by pixel, q = round(255 p), (B, 101, 101), uint8.
        """
        assert image_BHW.dtype == np.uint8
        assert image_BHW.shape[1:] == (SIDE, SIDE)
        batches = torch.from_numpy(np.ascontiguousarray(image_BHW)).split(self.batch_size)
        maps = [self._batch(part_BHW.to(self.device)) for part_BHW in batches if len(part_BHW)]
        return np.concatenate(maps) if maps else np.empty_like(image_BHW)

    def _batch(self, image_BHW: torch.Tensor) -> NDArray[np.uint8]:
        def one(network: SaltNet, config: Config) -> NDArray[np.uint8]:
            return predict_maps(network, image_BHW, config, flip_tta=self.bundle.flip_tta)[0]

        maps = [[one(*member) for member in members] for members in self.encoders.values()]
        return weighted_mean(list(self.weights.values()), maps)
