"""Bad configurations: a file, `--set`, and the names of presets."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages
from tests.campaign.goods import Goods, same_bytes
from tests.campaign.json_damage import damages, sample

DOCUMENTS = 48
"""Damaged configuration files."""

SETTINGS = (
    "train.epochs",
    "train.learning_rate",
    "split.folds",
    "model.input_std",
    "encoders",
    "train.schedule",
    "data.on_bad",
    "submission.threshold",
    "cluster.timeout_hours",
    "cluster.registry",
    "cluster.tag",
)
VALUES = (
    "",
    "null",
    "many",
    "NaN",
    "Infinity",
    "1e999",
    "1_000",
    "\uff11",
    "-1",
    "0x10",
    "true",
    "[1, 2",
    '{"a": 1}',
    "../../up",
    "a b;$(id)",
    "\u00fcn\u00ef",
    "<script>[/b]",
    "x" * 5000,
    "a\nb",
    "[" * 50_000,
)
WORDS = ("train", "train.", ".epochs", "train.epochs", "=", "train.epochs.deep=1", "TRAIN.EPOCHS=2", "train=1", "a=b=c")


def cases() -> Iterator[Case]:
    for number in range(DOCUMENTS):
        yield Case("configuration", f"file-{number:02}", _file(number))
    for name, damage in [*byte_damages(5, flips=0, cuts=3), *kind_damages()]:
        yield Case("configuration", f"file-{name}", _damaged(damage), "refuse")
    for setting in SETTINGS:
        for number, value in enumerate(VALUES):
            if (number + len(setting)) % 3 == 0:
                yield Case("configuration", f"set-{setting}-{number}", _set(f"{setting}={value}", setting))
    for word in WORDS:
        yield Case("configuration", f"set-{word}", _set(word, word[:5]), "refuse")
    for number, name in enumerate(("", "sead", "../quick", "[/b]", "quick\n", "\u1e9eeed")):
        yield Case("configuration", f"preset-{number}", _preset(name), "refuse")


def _split(goods: Goods, out: Path, *options: object) -> list[object]:
    return ["fold-split", "--dataset", goods.trained / "dataset.parquet", *options, "--out", out]


def _attempt(goods: Goods, folder: Path, options: list[object], names: list[tuple[str, ...]], about: str) -> Attempt:
    """If it is taken, the folds must be those of the good configuration."""

    def right() -> str:
        good = goods.trained / "config.json"
        wanted = goods.wanted("folds", lambda out: _split(goods, out, "--config", good))
        return same_bytes(folder / "made", wanted, ["folds.parquet"])

    return Attempt(_split(goods, folder / "made", *options), names, right=right, about=about)


def _file(number: int) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        document = json.loads((goods.trained / "config.json").read_text())
        about, text = sample(damages(document), number, DOCUMENTS)
        (folder / "bad.json").write_text(text)
        place = "document" if about.endswith(": deep") else about.split(":")[0]
        return _attempt(goods, folder, ["--config", folder / "bad.json"], _names(place, "bad.json"), about)

    return make


def _names(place: str, file: str) -> list[tuple[str, ...]]:
    """A refusal names the file and the deepest key of the place; `weights of the encoders` for one in a list."""
    keys = [key for key in place.split(".") if not key.isdigit()]
    return [(file,)] if place == "document" else [(file,), tuple(keys)]


def _damaged(damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        path = folder / "bad.json"
        path.write_bytes((goods.trained / "config.json").read_bytes())
        damage(path)
        return _attempt(goods, folder, ["--config", path], [("bad.json",)], "")

    return make


def _set(word: str, name: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        good = goods.trained / "config.json"
        return _attempt(goods, folder, ["--config", good, "--set", word], [(name, "--set")], word[:80])

    return make


def _preset(name: str) -> Callable[[Goods, Path], Attempt]:
    return lambda goods, folder: _attempt(goods, folder, ["--preset", name], [("--preset",)], repr(name))
