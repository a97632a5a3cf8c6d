"""Bad networks: checkpoints, a job's model with its sidecar, bundles, and initial weights."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages
from tests.campaign.doors.artifacts import with_bad
from tests.campaign.doors.stage_commands import JOBS, attempt
from tests.campaign.goods import Goods, copy_tree, same_bytes
from tests.campaign.json_damage import damages, sample

Tensors = dict[str, np.ndarray]

PROGRESS, SIDECARS, BUNDLES = 24, 32, 32
"""Damaged documents of each kind."""


def cases() -> Iterator[Case]:
    yield from _checkpoints()
    yield from _models()
    yield from _bundles()
    for ending in ("safetensors", "pth"):
        for name, damage in [*byte_damages(10, flips=0, cuts=1), *kind_damages()]:
            yield Case("initial weights", f"{ending}-{name}", _initial(ending, damage), "refuse")


def _checkpoints() -> Iterator[Case]:
    for name, change in _tensors().items():
        yield Case("checkpoints", name, _checkpoint(_weights(change)))
    for number in range(PROGRESS):
        yield Case("checkpoints", f"progress-{number:02}", _checkpoint(_progress(number)))
    for name, damage in [*byte_damages(6, flips=2, cuts=2), *kind_damages()]:
        yield Case("checkpoints", f"file-{name}", _checkpoint(damage))


def _models() -> Iterator[Case]:
    for number in range(SIDECARS):
        stage = ("predict-fold", "submission", "export-onnx")[number % 3]
        yield Case("models", f"sidecar-{number:02}", _sidecar(number, stage))
    for name, damage in [*byte_damages(7, flips=2, cuts=2), *kind_damages()]:
        for file, stage in (("model.safetensors", "predict-fold"), ("model.json", "submission")):
            yield Case("models", f"{file}-{name}", _model(file, damage, stage))
    for name, change in _tensors().items():
        if not name.startswith(("optimizer", "generator", "kept")):
            yield Case(
                "models", f"weights-{name}", _model("model.safetensors", _weights(change), "predict-fold", sign=True)
            )


def _bundles() -> Iterator[Case]:
    for number in range(BUNDLES):
        yield Case("bundles", f"document-{number:02}", _bundle(_signed(number)))
    for file in ("bundle.json", "models/tu-lcnet_035-fold0.safetensors", "models/tu-lcnet_035-fold0.json"):
        for name, damage in [*byte_damages(9, flips=1, cuts=1), *kind_damages()]:
            change = lambda bundle, file=file, damage=damage: damage(bundle / file)  # noqa: E731
            yield Case("bundles", f"{Path(file).name}-{name}", _bundle(change))


def _checkpoint(damage: Damage) -> Callable[[Goods, Path], Attempt]:
    """A training that resumes from a bad checkpoint: refused, or it ends with the weights of the good one."""

    def make(goods: Goods, folder: Path) -> Attempt:
        _, file = with_bad(goods, folder, f"{JOBS[0]}/curve.json")
        checkpoint = next((folder / JOBS[0]).rglob("checkpoint.safetensors"))
        damage(checkpoint)
        return attempt(goods, "train-fold", file, folder, [("checkpoint.safetensors",)])

    return make


def _weights(change: Callable[[Tensors], Tensors]) -> Damage:
    def damage(path: Path) -> None:
        tensors, metadata = _open(path)
        _save(path, change(tensors), metadata)

    return damage


def _progress(number: int) -> Damage:
    def damage(path: Path) -> None:
        tensors, metadata = _open(path)
        _, text = sample(damages(json.loads(metadata["progress"])), number, PROGRESS)
        _save(path, tensors, metadata | {"progress": text})

    return damage


def _open(path: Path) -> tuple[Tensors, dict[str, str]]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118


def _save(path: Path, tensors: Tensors, metadata: dict[str, str]) -> None:
    from safetensors.numpy import save_file

    path.unlink()
    save_file(tensors, path, metadata=metadata)


def _first(tensors: Tensors, part: str) -> str:
    return min((key for key in tensors if part in key and tensors[key].ndim), default=min(tensors))


def _tensors() -> dict[str, Callable[[Tensors], Tensors]]:
    """Other tensors: `weight` is one of the network's, in a checkpoint and in a model alike."""

    def spoilt(part: str, change: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Tensors], Tensors]:
        def spoil(tensors: Tensors) -> Tensors:
            key = _first(tensors, part)
            changed = change(tensors[key])
            others = {name: value for name, value in tensors.items() if name != key}
            return others if changed is None else others | {key: changed}

        return spoil

    kinds: dict[str, Callable[[np.ndarray], np.ndarray | None]] = {
        "missing": lambda _: None,
        "nan": lambda value: np.full_like(value, np.nan, np.float32),
        "infinite": lambda value: np.full_like(value, np.inf, np.float32),
        "flat": lambda value: value.reshape(-1)[:-1].copy() if value.size > 1 else np.zeros(3, np.float32),
        "text": lambda value: value.astype(np.int8),
    }
    found = {
        f"{part}-{name}": spoilt(part, kind) for part in ("weight", "optimizer", "kept") for name, kind in kinds.items()
    }
    generator = {"generator-missing": spoilt("generator", kinds["missing"])}
    generator["generator-short"] = spoilt("generator", lambda value: value[:5].copy())
    return (
        found
        | generator
        | {
            "none": lambda _: {},
            "more": lambda tensors: tensors | {"model/more": np.zeros(3, np.float32)},
            "renamed": lambda tensors: {f"x.{key}": value for key, value in tensors.items()},
        }
    )


def _sidecar(number: int, stage: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        bad, file = with_bad(goods, folder, f"{JOBS[0]}/model/model.json")
        about, text = sample(damages(json.loads(bad.read_text())), number, SIDECARS)
        bad.write_text(text)
        made = attempt(goods, stage, file, folder, [("model.json", "model.safetensors")])
        made.about = about
        return made

    return make


def _model(name: str, damage: Damage, stage: str, *, sign: bool = False) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        bad, file = with_bad(goods, folder, f"{JOBS[0]}/model/{name}")
        damage(bad)
        if sign:
            sidecar = bad.with_name("model.json")
            facts = json.loads(sidecar.read_text()) | {"sha256": hashlib.sha256(bad.read_bytes()).hexdigest()}
            sidecar.write_text(json.dumps(facts))
        return attempt(goods, stage, file, folder, [("model.json", "model.safetensors")])

    return make


def _bundle(damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        bundle = copy_tree(goods.trained / "bundle", folder / "bundle")
        damage(bundle)
        words = lambda model, out: ["predict", goods.folder / "pictures/a.png", "--model", model, "--out", out]  # noqa: E731

        def right() -> str:
            wanted = goods.wanted("bundle", lambda out: words(goods.trained / "bundle", out))
            return same_bytes(folder / "made", wanted, ["masks/*", "predictions.csv"])

        return Attempt(words(bundle, folder / "made"), [("bundle", "tu-lcnet_035-fold0")], right=right)

    return make


def _signed(number: int) -> Damage:
    """Changes bundle.json, and its hash with it: who can change the one can change the other."""
    from salt_pipeline.components.core.files import content_hash

    def damage(bundle: Path) -> None:
        place = bundle / "bundle.json"
        document = json.loads(place.read_text())
        _, text = sample(damages(document), number, BUNDLES)
        changed: Any = None
        try:
            changed = json.loads(text)
        except (ValueError, RecursionError):
            place.write_text(text)
            return
        if isinstance(changed, dict) and changed.get("hash") == document["hash"]:
            changed["hash"] = content_hash({key: value for key, value in changed.items() if key != "hash"})
        place.write_text(json.dumps(changed))

    return damage


def _initial(ending: str, damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        weights = folder / f"weights.{ending}"
        weights.write_bytes((goods.trained / JOBS[0] / "model/model.safetensors").read_bytes())
        damage(weights)
        made = attempt(
            goods,
            "train-fold",
            lambda name: folder / "new" if "checkpoints" in name else goods.trained / name,
            folder,
            [(weights.name,)],
        )
        made.words += ["--set", f"model.encoder_weights={weights}"]
        return made

    return make
