"""Bad artifacts between the stages: tables, choice.json and curve.json."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from salt_pipeline.components.core.schemas import DATASET, FOLDS, MAPS
from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages, linked
from tests.campaign.doors.stage_commands import JOBS, attempt
from tests.campaign.goods import Goods, copy_tree
from tests.campaign.json_damage import damages, sample
from tests.campaign.table_damage import table_damages

OF_JOB = ("kind", "encoder", "fold", "data_hash", "config_hash")
TABLES = (
    ("dataset.parquet", DATASET, ("data_hash",), ("fold-split", "submission", "predict-fold")),
    ("folds.parquet", FOLDS, ("data_hash", "folds", "seed"), ("submission", "train-fold", "report")),
    (f"{JOBS[0]}/oof.parquet", MAPS, OF_JOB, ("ensemble", "report")),
    (f"{JOBS[0]}/maps.parquet", MAPS, OF_JOB, ("ensemble",)),
    ("oof.parquet", MAPS, ("kind", "data_hash", "config_hash", "weights"), ("submission", "report")),
    ("test.parquet", MAPS, ("kind", "data_hash", "config_hash", "weights"), ("submission",)),
)
EVERY = 2
"""Of the damages to a table, one in so many is tried, with the stages that read it in turn."""


DOCUMENTS = {"choice.json": 28, f"{JOBS[0]}/curve.json": 36}


def cases() -> Iterator[Case]:
    for table, schema, facts, stages in TABLES:
        seed = len(table)
        found = [*table_damages(schema, facts), *byte_damages(seed, flips=3, cuts=2), *kind_damages()]
        chosen = [item for item in found if not _valid(table, item[0])][::EVERY]
        for number, (name, damage) in enumerate(chosen):
            stage = stages[number % len(stages)]
            yield Case("artifacts", f"{table.replace('/', '-')}-{name}-{stage}", _replaced(table, damage, stage))
        yield Case("artifacts", f"{table.replace('/', '-')}-linked", _replaced(table, linked, stages[0]), "take")
    for table, other in (
        ("folds.parquet", "oof.parquet"),
        ("oof.parquet", "test.parquet"),
        ("test.parquet", "oof.parquet"),
    ):
        yield Case("artifacts", f"{table}-is-{other}", _other(table, other, "submission"), "refuse")
    for document, count in DOCUMENTS.items():
        for number in range(count):
            yield Case("artifacts", f"{document.replace('/', '-')}-{number:02}", _document(document, number, count))
        for name, damage in [*byte_damages(8, flips=0, cuts=2), *kind_damages()]:
            yield Case("artifacts", f"{document.replace('/', '-')}-{name}", _replaced(document, damage, "report"))


def _valid(table: str, name: str) -> bool:
    """Whether damage gives another valid table: other pixels of an image or a map, another group."""
    return name in ("image-sevens", "image-noise", "map-sevens", "map-noise", "group-large") or (
        table == "dataset.parquet" and name in ("depth-null", "position-null", "mask-null")
    )


def with_bad(goods: Goods, folder: Path, name: str) -> tuple[Path, Callable[[str], Path]]:
    """A copy of one input, to be damaged, and where each input is: the copy in the place of the good one.

    The other files of a job's folder are copied beside it.
    """
    bad = folder / name
    if len(Path(name).parts) > 1:
        copy_tree(goods.trained / Path(name).parts[0], folder / Path(name).parts[0])
    else:
        shutil.copyfile(goods.trained / name, bad)
    top = Path(name).parts[0]
    return bad, lambda wanted: (folder if Path(wanted).parts[0] == top else goods.trained) / wanted


def _replaced(name: str, damage: Damage, stage: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        bad, file = with_bad(goods, folder, name)
        damage(bad)
        return attempt(goods, stage, file, folder, [(bad.name, "does not match the other inputs")])

    return make


def _other(name: str, other: str, stage: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        bad, file = with_bad(goods, folder, name)
        shutil.copyfile(goods.trained / other, bad)
        return attempt(goods, stage, file, folder, [(bad.name,)])

    return make


def _document(name: str, number: int, count: int) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        bad, file = with_bad(goods, folder, name)
        about, text = sample(damages(json.loads(bad.read_text())), number, count)
        bad.write_text(text)
        made = attempt(goods, "report", file, folder, [(bad.name, "does not match the other inputs")])
        made.about = about
        return made

    return make
