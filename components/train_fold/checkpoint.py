"""A training's complete state in one safetensors file: nothing is pickled, and a reader never sees a partial file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from salt_pipeline.components.core.config.config import TrainConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.network.tensor_file import write_tensors
from salt_pipeline.components.network.tensors import check_tensors
from salt_pipeline.components.network.unet import SaltNet
from salt_pipeline.components.train_fold.progress_document import parse_progress

_ADAM = ("step", "exp_avg", "exp_avg_sq")
"""Adam's state of a parameter: the number of its steps, and averages of its gradient and of the gradient's square."""


@dataclass
class Progress:
    """The progress of a training: the part of its state that is not tensors.

    Attributes:
        job: Config hash, data hash, encoder and fold, and a hash of the held-out ids: other folds of the same images
            are another job. A checkpoint of another job is refused.
        epoch: Number of completed epochs.
        best_epoch: The epoch of the best score so far, from 1; 0 before the first.
        best_score: That score; -1 before the first.
        learning_rate: The current rate of the plateau schedule.
        stalled: Epochs since the score last improved or that rate was last lowered.
        history: One dictionary per epoch.
    """

    job: dict[str, str | int]
    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    learning_rate: float = 0.0
    stalled: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: Optimizer,
    generator: torch.Generator,
    kept: dict[str, Tensor],
    progress: Progress,
) -> None:
    """Writes everything that the next epoch depends on.

    Raises:
        SaltError: If the file cannot be written; the previous one stays.
    """
    tensors = {f"model/{key}": value for key, value in model.state_dict().items()}
    tensors |= {f"kept/{key}": value for key, value in kept.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": value for key, value in state.items()}
    tensors["generator"] = generator.get_state()
    write_tensors(path, tensors, {"progress": json.dumps(asdict(progress))})


def load_checkpoint(
    path: Path,
    model: SaltNet,
    optimizer: Optimizer,
    generator: torch.Generator,
    job: dict[str, str | int],
    train: TrainConfig,
    origin: str | None = None,
) -> tuple[dict[str, Tensor], Progress]:
    """Restores what `save_checkpoint` wrote after an epoch, in place.

    Args:
        path: The file.
        model: Gets its weights.
        optimizer: Gets its state.
        generator: Gets its state.
        job: The job that the checkpoint must be of.
        train: How that job is trained.
        origin: Where the file came from, for messages.

    Returns:
        The weights kept beside the network's own, if any, and the progress.

    Raises:
        SaltError: If the file is damaged, belongs to another job, or is not what this training would have written.
    """
    named = origin or str(path)
    try:
        text, tensors = _read(path)
        progress = Progress(**parse_progress(text, job, train))
        check_tensors(tensors, _wanted(tensors, model, optimizer, generator, train), named)
        _restore(tensors, model, optimizer, generator)
    except SaltError as error:
        raise SaltError(
            f"{error.problem}: remove it to start over",
            file=named,
            field=error.field,
            found=error.found,
            expected=error.expected,
        ) from error
    return _under("kept/", tensors), progress


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
    """The progress as JSON, and all tensors."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("progress")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
    except (OSError, SafetensorError) as error:
        raise SaltError("is not a checkpoint, or is damaged", found=error) from error
    if text is None:
        raise SaltError("is not a checkpoint", found="no progress in the file's metadata")
    return text, tensors


def _wanted(
    tensors: dict[str, Tensor], model: SaltNet, optimizer: Optimizer, generator: torch.Generator, train: TrainConfig
) -> dict[str, Tensor]:
    """What the checkpoint must hold, by name, shape and type."""
    state = model.state_dict()
    wanted = {f"model/{key}": value for key, value in state.items()}
    if train.keep != "last":
        wanted |= {f"kept/{key}": value for key, value in state.items()}
    parameters = dict(enumerate(_parameters(optimizer)))
    stateless = {i: p for i, p in parameters.items() if not any(f"optimizer/{i}/{key}" in tensors for key in _ADAM)}
    unused = stateless.keys() - _reached(model, stateless)
    for index, parameter in parameters.items():
        if index not in unused:
            kinds = (torch.zeros(()), parameter, parameter)
            wanted |= {f"optimizer/{index}/{key}": kind for key, kind in zip(_ADAM, kinds, strict=True)}
    return wanted | {"generator": generator.get_state()}


def _reached(model: SaltNet, parameters: dict[int, nn.Parameter]) -> set[int]:
    """The parameters that get a gradient; an optimiser keeps no state of others, which some encoders have."""
    if not parameters:
        return set()
    first, side = next(iter(parameters.values())), model.config.input_size
    model.eval()  # statistics of normalisations stay; a training sets its own mode in each epoch
    outputs = model(torch.zeros(1, 1, side, side, device=first.device))
    gradients = torch.autograd.grad([output.sum() for output in outputs], [*parameters.values()], allow_unused=True)
    return {index for index, gradient in zip(parameters, gradients, strict=True) if gradient is not None}


def _restore(tensors: dict[str, Tensor], model: SaltNet, optimizer: Optimizer, generator: torch.Generator) -> None:
    for index, parameter in enumerate(_parameters(optimizer)):
        state = _under(f"optimizer/{index}/", tensors)
        if any(state[key].lt(0).any() for key in ("step", "exp_avg_sq") if state):
            raise SaltError("holds negative steps or squares", field=f"optimizer/{index}")
        # The fused optimiser wants its state on the parameter's device and its averages laid out as the parameter.
        optimizer.state[parameter] = {
            key: value.to(parameter.device) if key == "step" else torch.empty_like(parameter).copy_(value)
            for key, value in state.items()
        }
        if not state:
            del optimizer.state[parameter]
    model.load_state_dict(_under("model/", tensors))
    try:
        generator.set_state(tensors["generator"])
    except RuntimeError as error:
        raise SaltError("is not a state of the generator", field="generator") from error


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
