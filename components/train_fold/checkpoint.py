"""A training's complete state in one safetensors file: nothing is pickled, and a reader never sees a partial file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.network.weights import check_finite


@dataclass
class Progress:
    """The progress of a training: the part of its state that is not tensors.

    Attributes:
        job: Config hash, data hash, encoder and fold; a checkpoint of another job is refused.
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
    copies = {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    with atomic_path(path) as part:
        save_file(copies, part, metadata={"progress": json.dumps(asdict(progress))})


def load_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: Optimizer,
    generator: torch.Generator,
    job: dict[str, str | int],
    origin: str | None = None,
) -> tuple[dict[str, Tensor], Progress]:
    """Restores what `save_checkpoint` wrote, in place.

    Args:
        path: The file.
        model: Gets its weights.
        optimizer: Gets its state.
        generator: Gets its state.
        job: The job that the checkpoint must be of.
        origin: Where the file came from, for messages.

    Returns:
        The weights kept beside the network's own, if any, and the progress.

    Raises:
        SaltError: If the file is damaged, belongs to another job, or holds a weight that is not finite.
    """
    named = origin or path
    try:
        with safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise SaltError(
            "is not a checkpoint, or is damaged: remove it to start over", file=named, found=error
        ) from error
    if progress.job != job:
        raise SaltError("checkpoint of another job", file=named, found=progress.job, expected=job)
    weights, kept = _under("model/", tensors), _under("kept/", tensors)
    check_finite(weights | {f"kept/{key}": value for key, value in kept.items()}, named)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:  # keys or shapes differ: another version of the code wrote it
        raise SaltError("is not a checkpoint of this network: remove it to start over", file=named) from error
    for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"]):
        state = _under(f"optimizer/{index}/", tensors)
        # The fused optimiser wants its state on the parameter's device and its averages laid out as the parameter.
        optimizer.state[parameter] = {
            key: value.to(parameter.device) if key == "step" else torch.empty_like(parameter).copy_(value)
            for key, value in state.items()
        }
        if not state:
            del optimizer.state[parameter]
    generator.set_state(tensors["generator"])
    return kept, progress


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
