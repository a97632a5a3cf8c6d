"""Named configurations."""

from typing import Any

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import SHOWN, parse_json

_LITE_ENCODERS = [
    {"name": "tu-tf_efficientnet_lite0", "weight": 0.3},
    {"name": "tu-tf_efficientnet_lite1", "weight": 0.7},
]
_LITE_INPUT = {"stem_stride": 2, "input_mean": 0.5, "input_std": 0.5}
_LITE_MODEL = {**_LITE_INPUT, "centre_channels": 128, "decoder_channels": 32}
# Small enough that an ordinary node runs the ten jobs, a few at a time.
_CPU_NODE = {"accelerator": "none", "cpu": "500m", "memory": "2Gi", "shm": "256Mi"}
# In float32, which every CPU supports; `cpu` and `best` use bf16 where the device supports it.
_LITE_TRAIN = {"batch_size": 16, "learning_rate": 1e-3, "schedule": "one_cycle", "keep": "last", "amp": "off"}

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "smoke": (
        "seconds of training, to see that everything works: two folds, two epochs",
        {
            "split": {"folds": 2},
            "encoders": _LITE_ENCODERS,
            "model": {**_LITE_MODEL, "input_size": 64, "fit": "resize"},
            "train": {**_LITE_TRAIN, "epochs": 2, "phase1_epochs": 1},
            "cluster": _CPU_NODE,
        },
    ),
    "quick": (
        "the default: ten small pretrained networks, 64 x 64, four epochs, symmetric loss; on two cores 3 minutes on "
        "the synthetic survey, and 16 on the real archive (3,505 labelled images), where it scores 0.775",
        {
            "encoders": _LITE_ENCODERS,
            "model": {**_LITE_MODEL, "input_size": 64, "fit": "resize"},
            "train": {
                **_LITE_TRAIN,
                "epochs": 4,
                "phase1_epochs": 0,
                "learning_rate": 2e-3,
                "symmetric_lovasz": True,
                "augment": 0.5,
            },
            "cluster": _CPU_NODE,
        },
    ),
    "cpu": (
        "the same networks at 104 x 104, fifteen epochs, symmetric loss; 1 h 59 min on two cores on the real archive "
        "(3,505 labelled images), where it scores 0.825",
        {
            "encoders": _LITE_ENCODERS,
            "model": {**_LITE_MODEL, "input_size": 104},
            "train": {
                **_LITE_TRAIN,
                "epochs": 15,
                "phase1_epochs": 1,
                "symmetric_lovasz": True,
                "keep": "mean",
                "amp": "auto",
            },
            "cluster": _CPU_NODE,
        },
    ),
    "best": (
        "for a GPU: lite1 and lite2 at 256 x 256, forty epochs, symmetric loss; measured on an H200: steps, and six "
        "epochs of ten jobs in two and a half minutes; never trained to its end",
        {
            "encoders": [
                {"name": "tu-tf_efficientnet_lite1", "weight": 0.3},
                {"name": "tu-tf_efficientnet_lite2", "weight": 0.7},
            ],
            "model": {**_LITE_INPUT, "input_size": 256, "fit": "resize"},
            "train": {
                **_LITE_TRAIN,
                "epochs": 40,
                "phase1_epochs": 4,
                "batch_size": 32,
                "symmetric_lovasz": True,
                "keep": "mean",
                "amp": "auto",
            },
        },
    ),
    "seed": (
        "the recipe's settings: SE-ResNeXt-50 and 101, stem stride 1; for GPUs",
        {"submission": {"threshold": 0.5, "min_area": 0}},
    ),
}
"""Purpose of each preset, and its changes to the recipe."""


def preset_config(name: str, changes: list[str] | None = None, *, option: str = "--preset") -> Config:
    """Builds a preset's configuration.

    Args:
        name: One of `PRESETS`.
        changes: Each `section.key=value`; the value is JSON, or else a string.
        option: The option or argument that gave the name, for the message.

    Raises:
        SaltError: If there is no such preset, or a change is misspelt or out of range.
    """
    if name not in PRESETS:
        raise SaltError("no such preset", field=option, found=name, expected=" or ".join(PRESETS))
    return changed(parse_config(PRESETS[name][1]), changes or [])


def changed(config: Config, changes: list[str]) -> Config:
    """Applies `--set` options.

    Raises:
        SaltError: If a change is misspelt or out of range.
    """
    document = config.model_dump(mode="json")
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise SaltError("is not a change", field="--set", found=change, expected="section.key=value")
        *sections, last = key.strip().split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, {}) if isinstance(place, dict) else {}
        free = sections == ["cluster", "node_selector"] or sections[:2] in (
            ["cluster", "digests"],
            ["cluster", "stages"],
        )
        if not isinstance(place, dict) or (last not in place and not free):
            raise SaltError("no such option", field="--set", found=key, expected=_nearest(key, config))
        value = _value(key.strip(), text, place.get(last))
        # An unset option has no type to go by: `cluster.tag=1.10` must stay text.
        place[last] = text if last in place and place[last] is None and isinstance(value, int | float) else value
    return parse_config(document, "--set")


def _value(key: str, text: str, before: Any) -> Any:
    """Parses the value of a change: JSON, or else a string, except where the option holds a list or an object."""
    try:
        return parse_json(text)
    except SaltError as error:
        begun = text.lstrip().startswith(("[", "{")) and not isinstance(before, str)
        if not begun and not isinstance(before, list | dict):
            return text
        if error.field is None:
            shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
            problem = f"{error.problem}: {error.found}" if error.found else error.problem
            raise SaltError(problem, file="--set", field=key, found=repr(shown), expected=_example(before)) from None
        place = f"{key}.{error.field}"
        raise SaltError(error.problem, file="--set", field=place, found=error.found, expected=error.expected) from None


def _example(before: Any) -> str:
    """What an option that holds a list or an object is set to: its first entry, as JSON."""
    import json

    first = before[:1] if isinstance(before, list) else dict([*before.items()][:1]) if isinstance(before, dict) else {}
    return f"JSON, such as {json.dumps(first)}" if first else "JSON"


def _nearest(key: str, config: Config) -> str:
    import difflib

    known = list(config.flat())
    return " or ".join(difflib.get_close_matches(key, known, n=2, cutoff=0.4)) or "an option of `salt presets NAME`"
