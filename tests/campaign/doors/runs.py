"""Bad documents of run folders: what a resume and a comparison read."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages
from tests.campaign.goods import Goods, copy_tree, same_bytes
from tests.campaign.json_damage import damages, sample

RESUMED = {"run.json": 30, "config.json": 16}
COMPARED = {"run.json": 8, "config.json": 12, "metrics.json": 24}
TEXT_KINDS = ("empty", "long", "newline", "escape", "markup", "upwards", "unknown key")
"""Damage that leaves a text, which may be taken; the resume then ends, as the archive of this run does not exist."""

GONE = "no longer exists"


def cases() -> Iterator[Case]:
    for document, count in RESUMED.items():
        for number in range(count):
            yield Case("run folders", f"resume-{document}-{number:02}", _resumed(document, number, count), "refuse")
    for document, count in COMPARED.items():
        for number in range(count):
            yield Case("run folders", f"compare-{document}-{number:02}", _compared(document, number, count))
    for name, damage in [*byte_damages(11, flips=0, cuts=2), *kind_damages()]:
        for document in RESUMED:
            yield Case("run folders", f"resume-{document}-{name}", _resumed_damaged(document, damage), "refuse")
        yield Case("run folders", f"compare-metrics.json-{name}", _compared_damaged("metrics.json", damage))


def _run_folder(folder: Path) -> Path:
    """The folder of a run whose archive is gone: a resume ends there at the latest."""
    from salt_pipeline.pipelines.presets import preset_config

    run = folder / "run"
    run.mkdir()
    facts = {
        "run": "run-1a2b3c",
        "data": str(folder / "gone.zip"),
        "data_version": "0" * 16,
        "preset": "smoke",
        "runner": "subprocess",
        "checkpoints": str(run / "checkpoints"),
        "origin": {"salt.preset": "smoke"},
    }
    (run / "run.json").write_text(json.dumps(facts, indent=2) + "\n")
    (run / "config.json").write_text(preset_config("smoke", []).model_dump_json(indent=2) + "\n")
    return run


def _resume(folder: Path, names: tuple[str, ...], about: str) -> Attempt:
    return Attempt(["run", "--preset", "smoke", "--out", folder / "run"], [names], about=about)


def _resumed(document: str, number: int, count: int) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        place = _run_folder(folder) / document
        about, text = sample(damages(json.loads(place.read_text())), number, count)
        place.write_text(text)
        harmless = about.endswith(TEXT_KINDS) if document == "run.json" else _is_the_same(text)
        return _resume(folder, (document, GONE, "--runner", "--preset") if harmless else (document,), about)

    return make


def _is_the_same(text: str) -> bool:
    """Whether a document, for example without a key that has a default, is that of the run."""
    from salt_pipeline.components.core.config.config import parse_config
    from salt_pipeline.components.core.errors import SaltError
    from salt_pipeline.components.core.numbers import parse_json
    from salt_pipeline.pipelines.presets import preset_config

    try:
        return parse_config(parse_json(text, "config.json")) == preset_config("smoke", [])
    except SaltError:
        return False


def _resumed_damaged(document: str, damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        damage(_run_folder(folder) / document)
        return _resume(folder, (document, "holds no run", GONE), "")

    return make


def _compare(goods: Goods, folder: Path, document: str, about: str) -> Attempt:
    def words(first: Path, out: Path) -> list[object]:
        return ["compare", first, goods.folder / "compared/good", "--out", out / "page.html"]

    def right() -> str:
        wanted = goods.wanted("compare", lambda out: words(goods.folder / "compared/nothing", out))
        is_text = document == "run.json" and about.endswith(TEXT_KINDS)
        if is_text and "<script>alert" not in (folder / "made/page.html").read_text():
            return ""  # another name
        return same_bytes(folder / "made", wanted, ["page.html"])

    names = (document, "has no scores yet")
    return Attempt(words(folder / "nothing", folder / "made"), [names], right=right, about=about)


def _compared(document: str, number: int, count: int) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        place = copy_tree(goods.folder / "compared/nothing", folder / "nothing") / document
        about, text = sample(damages(json.loads(place.read_text())), number, count)
        place.write_text(text)
        return _compare(goods, folder, document, about)

    return make


def _compared_damaged(document: str, damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        damage(copy_tree(goods.folder / "compared/nothing", folder / "nothing") / document)
        return _compare(goods, folder, document, "")

    return make
