"""Summary of a network: its parts, their output shapes and their numbers of parameters."""

from typing import Any

import torch
from torch import Tensor, nn

from salt_pipeline.components.network.unet import SaltNet


def summarise(model: SaltNet, encoder: str) -> dict[str, Any]:
    """Runs the network once on zeros and records the output of each part.

    An encoder's stages are not modules of one name in every library. A stage's parameters are therefore those that its
    feature map depends on and the map before does not, which automatic differentiation knows of any encoder.

    Args:
        model: The network, on any device; its mode is restored afterwards.
        encoder: Its encoder's name.

    Returns:
        `encoder`, `parameters` of the network, and `layers` in the data's order, each with `name`, `kind` (input,
        encoder, centre, gate, decoder, hypercolumn or head), `shape` (channels, height, width) and `parameters`; the
        gate says whether it `gates`, a decoder stage whether it ends in `scse`, the hypercolumn how many `maps` it has.
    """
    size = model.config.input_size
    training = model.training
    outputs: dict[nn.Module, Any] = {}

    def note(module: nn.Module, _inputs: object, output: Any) -> None:
        outputs[module] = output

    watched = [model.encoder, model.centre_top, model.centre, model.classifier, *model.decoder]
    hooks = [module.register_forward_hook(note) for module in watched]
    try:
        with torch.enable_grad():
            logit_B1HW, _ = model.eval()(torch.zeros(1, 1, size, size, device=model.bias.device))
    finally:
        for hook in hooks:
            hook.remove()
        model.train(training)

    layers = [_layer("input", "input", (1, size, size), 0), *_encoder_stages(outputs[model.encoder][1:])]
    for name, module in (("centre 1", model.centre_top), ("centre 2", model.centre)):
        layers.append(_layer(name, "centre", outputs[module].shape[1:], _count(module)))
    gate = _layer("classifier", "gate", outputs[model.classifier].shape[1:], _count(model.classifier))
    layers.append(gate | {"gates": model.config.gate})
    for number, stage in enumerate(model.decoder, 1):
        layer = _layer(f"decoder {number}", "decoder", outputs[stage].shape[1:], _count(stage))
        layers.append(layer | {"scse": model.config.scse})
    maps = [outputs[module] for module in ([*model.decoder, model.centre] if len(model.columns) > 1 else [stage])]
    channels = sum(map_BCHW.shape[1] for map_BCHW in maps)
    # Each map is brought to one channel before it is upsampled: the last convolution's parameters are in the columns.
    layers.append(_layer("hypercolumn", "hypercolumn", (channels, size, size), 0) | {"maps": len(maps)})
    layers.append(_layer("head", "head", logit_B1HW.shape[1:], _count(model.columns) + model.bias.numel()))
    return {"encoder": encoder, "parameters": _count(model), "layers": layers}


def _layer(name: str, kind: str, shape: Any, parameters: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "shape": [int(side) for side in shape], "parameters": parameters}


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _encoder_stages(features: list[Tensor]) -> list[dict[str, Any]]:
    layers = []
    seen: set[Any] = set()
    for number, feature_BCHW in enumerate(features, 1):
        parameters = _new_parameters(feature_BCHW, seen)
        layers.append(_layer(f"encoder {number}", "encoder", feature_BCHW.shape[1:], parameters))
    return layers


def _new_parameters(output: Tensor, seen: set[Any]) -> int:
    """Counts the parameters an output depends on, in the graph's nodes that were not seen yet, which it adds."""
    count = 0
    waiting = [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        count += variable.numel() if variable is not None else 0
        waiting.extend(below for below, _ in node.next_functions)
    return count
