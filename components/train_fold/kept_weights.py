"""The weights that a training keeps beside those of its last step, one class for each value of `train.keep`."""

from typing import Literal

from torch import Tensor, nn

from salt_pipeline.components.train_fold.averaging import move_average


class KeptWeights:
    """Keeps nothing: the training ends with the weights of its last step.

    Attributes:
        weights: What is kept so far, by the keys of the state dictionary, which a checkpoint stores. While it is empty,
            the network keeps its own weights.
    """

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}

    def after_step(self, model: nn.Module) -> None:
        """Takes note of the weights after a step."""

    def after_epoch(self, model: nn.Module, *, improved: bool) -> None:
        """Takes note of the weights after an epoch; `improved` if its score is the best so far."""

    def begin_phase2(self, model: nn.Module) -> None:
        """Gives the network the weights that phase 2 begins with."""

    def finish(self, model: nn.Module) -> None:
        """Gives the network the weights that the training ends with."""
        if self.weights:
            model.load_state_dict(self.weights)


class BestWeights(KeptWeights):
    """Keeps the weights of the epoch with the best score; both phase 2 and the result are taken from them."""

    def after_epoch(self, model: nn.Module, *, improved: bool) -> None:
        """Copies the weights of a better epoch."""
        if improved:
            self.weights = _copy(model)

    def begin_phase2(self, model: nn.Module) -> None:
        """Gives the network the best weights of phase 1."""
        self.finish(model)


class AveragedWeights(KeptWeights):
    """Keeps the exponential moving average over the steps; phase 2 itself continues from the last weights."""

    def after_step(self, model: nn.Module) -> None:
        """Moves the average towards the weights of this step."""
        if not self.weights:
            self.weights = _copy(model)
        move_average(self.weights, model.state_dict())


def new_kept_weights(keep: Literal["best", "last", "mean"]) -> KeptWeights:
    """The keeper for a value of `train.keep`."""
    return {"best": BestWeights, "last": KeptWeights, "mean": AveragedWeights}[keep]()


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}
