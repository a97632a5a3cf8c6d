"""The configuration: one document for a local run, a submitted run and the tracking server.

The defaults are the recipe: terkelbo's solution, 127th of 3,291 in the TGS Salt Identification Challenge.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from salt_pipeline.components.core.config.cluster import ClusterConfig
from salt_pipeline.components.core.config.section import Section, form, problems_of
from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.files import content_hash
from salt_pipeline.components.core.store.uris import is_uri, split_uri

Fraction = Annotated[float, Field(ge=0, le=1)]

EncoderName = Annotated[
    str,
    Field(
        pattern=form(
            r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$",
            "a name of at most 128 letters, digits and _ . + -, which begins with a letter, a digit or _",
        )
    ),
]
"""Name of an encoder: it becomes a folder, a part of file names, and text in YAML and HTML."""

WeightsSource = Annotated[
    str,
    Field(
        min_length=1, max_length=4096, pattern=form(r"^[^\x00-\x1f\x7f]+$", "a path or URI without control characters")
    ),
]
"""Where initial weights come from."""

MAX_FOLDS = 20
"""Most folds that a configuration may ask for."""

MAX_EPOCHS = 100_000
"""Most epochs: a training of the recipe has 120; at a second each, 100000 last longer than a day."""


class DataConfig(Section):
    """How the archive is read."""

    on_bad: Literal["stop", "drop"] = Field(
        "stop", description="Any problem in the archive stops the run, or the named images are dropped and recorded."
    )


class SplitConfig(Section):
    """How the labelled images are split."""

    folds: int = Field(5, ge=2, le=MAX_FOLDS, description="Number of folds. Source: the recipe.")
    group_touching: bool = Field(
        True, description="Keep tiles that touch in the same fold, so that no fold is validated on a neighbour."
    )


class EncoderConfig(Section):
    """One encoder of the ensemble."""

    name: EncoderName = Field(description="Encoder name of segmentation-models-pytorch; `tu-` ones are timm's.")
    weight: float = Field(gt=0, le=1, description="Fraction in the ensemble. Source: the recipe, 0.7 and 0.3.")


class ModelConfig(Section):
    """The network. Source of every default: the recipe."""

    encoder_weights: WeightsSource = Field(
        "imagenet", description="`imagenet`, `none`, or the path or s3:// URI of a file (.safetensors, .pth)."
    )
    stem_stride: Literal[1, 2] = Field(1, description="Stride of the encoder's first convolution; 1 drops its pooling.")
    input_size: int = Field(128, ge=64, le=512, multiple_of=8, description="Side of the network's input, px.")
    fit: Literal["pad", "resize"] = Field(
        "pad", description="The 101 x 101 image is padded to the input by reflection, or resized to it."
    )
    input_mean: Fraction = Field(0.0, description="Subtracted from the image as a fraction of white.")
    input_std: float = Field(
        1.0,
        ge=1e-3,
        le=1000,
        description="Divides the image after the mean was subtracted, as a fraction of white; 1/255 gives grey levels.",
    )
    centre_channels: int = Field(
        512,
        ge=8,
        le=4096,
        description="Channels of each of the two bottleneck convolutions; 4096 have 0.6 GB of weights.",
    )
    decoder_channels: int = Field(64, ge=16, le=1024, description="Channels of each of the five decoder stages.")
    scse: bool = Field(True, description="Concurrent squeeze and excitation after each decoder stage (r = 16).")
    hypercolumn: bool = Field(True, description="Classify pixels by all decoder outputs and the centre.")
    gate: bool = Field(True, description="Multiply the hypercolumn by the probability that there is any salt.")

    @field_validator("encoder_weights")
    @classmethod
    def _is_path_or_uri(cls, source: str) -> str:
        try:
            if is_uri(source):
                split_uri(source)
        except SaltError as error:
            raise ValueError(f"{error.problem}: expected {error.expected}") from None
        return source

    @model_validator(mode="after")
    def _padding_needs_room(self) -> Self:
        if self.fit == "pad" and not 101 <= self.input_size <= 301:
            raise ValueError(f"input_size {self.input_size} cannot be padded to from 101 by reflection: use fit=resize")
        return self


class TrainConfig(Section):
    """The training of one fold. Source of every default: the recipe."""

    epochs: int = Field(120, ge=1, le=MAX_EPOCHS, description="Epochs of both phases together.")
    phase1_epochs: int = Field(
        20, ge=0, le=MAX_EPOCHS, description="First epochs, under dice + BCE; those after are under Lovász."
    )
    batch_size: int = Field(10, ge=2, le=4096, description="Images of a step.")
    learning_rate: float = Field(
        1e-4,
        ge=1e-9,
        le=10,
        description="Adam's learning rate, the peak of a one-cycle schedule; under 1e-9 no float32 weight moves.",
    )
    weight_decay: float = Field(1e-4, ge=0, le=10, description="Adam's L2 penalty.")
    schedule: Literal["plateau", "one_cycle"] = Field(
        "plateau", description="Learning rate: lowered when the metric stalls, or one rise and cosine fall."
    )
    plateau_patience: int = Field(
        10, ge=0, le=MAX_EPOCHS, description="Epochs without a better metric before the rate is lowered."
    )
    plateau_factor: float = Field(0.5, ge=1e-6, lt=1, description="Factor of each lowering.")
    classification_weight: float = Field(
        0.1, ge=0, le=1000, description="Weight of the salt / no-salt BCE beside the segmentation loss."
    )
    symmetric_lovasz: bool = Field(False, description="Mean of the Lovász hinge of a mask and of its complement.")
    keep: Literal["best", "last", "mean"] = Field(
        "best",
        description="Weights that a training returns: those of its best epoch on the held-out fold; those of its last "
        "epoch; or an exponential moving average over the last steps. The last two choose nothing by the scored fold.",
    )
    augment: Fraction = Field(0.8, description="Fraction of the images that are augmented.")
    amp: Literal["auto", "off"] = Field("auto", description="bf16 autocast where the device computes in it.")


class PredictConfig(Section):
    """Inference on out-of-fold and test images."""

    flip_tta: bool = Field(True, description="Mean of the probabilities of an image and of its mirror image.")
    batch_size: Annotated[int, Field(ge=1, le=16384)] | Literal["auto"] = Field(
        "auto", description="Images that are predicted at once; auto: 64 on a CPU; on a GPU, 512 of 128 x 128."
    )
    amp: Literal["auto", "off"] = Field("auto", description="bf16 autocast where the device computes in it.")


class EnsembleConfig(Section):
    """The blend of the encoders."""

    weights: Literal["given", "learned"] = Field(
        "given",
        description="The encoders' weights are those given, or what scores best out of fold; the maps of a held-out "
        "fold are then blended by what is best on the other folds.",
    )


class SubmissionConfig(Section):
    """From probabilities to masks."""

    threshold: Fraction | Literal["best"] = Field(
        "best", description="A pixel is salt above this probability; or the best out of fold. Recipe: 0.5."
    )
    min_area: Annotated[int, Field(ge=0, le=101 * 101)] | Literal["best"] = Field(
        "best", description="Smaller masks are emptied, px, at most all; or the best out of fold. Recipe: 0."
    )


class Config(Section):
    """The complete configuration."""

    seed: int = Field(42, ge=0, lt=2**31, description="Seed of the folds, the initial weights and the augmentation.")
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    encoders: tuple[EncoderConfig, ...] = Field(
        (
            EncoderConfig(name="se_resnext50_32x4d", weight=0.3),
            EncoderConfig(name="se_resnext101_32x4d", weight=0.7),
        ),
        min_length=1,
        max_length=32,
    )
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    predict: PredictConfig = PredictConfig()
    ensemble: EnsembleConfig = EnsembleConfig()
    submission: SubmissionConfig = SubmissionConfig()
    cluster: ClusterConfig = ClusterConfig()

    @model_validator(mode="after")
    def _encoders_are_an_ensemble(self) -> Self:
        names = [encoder.name for encoder in self.encoders]
        if len(set(names)) < len(names):
            raise ValueError(f"encoders must differ, found {', '.join(names)}")
        if len(set(map(short_name, names))) < len(names):
            raise ValueError(f"encoders must differ in the names that tables show, found {', '.join(names)}")
        total = sum(encoder.weight for encoder in self.encoders)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"weights of the encoders must sum to 1, found {total:g}")
        return self

    @property
    def hash(self) -> str:
        """Hash of all options that determine a trained network, beside its data, encoder and fold: 16 hex digits."""
        return content_hash(self.model_dump(mode="json", include={"seed", "split", "model", "train"}))

    def flat(self) -> dict[str, Any]:
        """Every option by its full name, as `train.epochs`."""
        options: dict[str, Any] = {}
        for section, value in self.model_dump(mode="json").items():
            part = {f"{section}.{key}": v for key, v in value.items()} if isinstance(value, dict) else {section: value}
            options |= part
        return options


def option_text(value: object) -> str:
    """An option's value for display: encoders by name and weight, not as the document nests them."""
    if isinstance(value, list):
        return ", ".join(map(option_text, value))
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return str(value)


def parse_config(document: Any, source: str = "configuration") -> Config:
    """Validates a configuration.

    Args:
        document: The nested dictionary, as read from JSON.
        source: Where it was read from, for the message.

    Raises:
        SaltError: Naming every key that is unknown or out of range, what was found and what was expected.
    """
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise SaltErrors(f"{source} is not valid", problems_of(error)) from None
