"""Bad inputs at every door: each is refused in one clear line, or taken and right; nothing is lost."""

import shutil
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from tests.campaign.attempt import GOOD, Case, digests, judge
from tests.campaign.doors import (
    archives,
    artifacts,
    configuration,
    environment,
    networks,
    pictures,
    runs,
    services,
    tables,
)
from tests.campaign.goods import Goods

DOORS = (archives, tables, pictures, configuration, artifacts, networks, runs, environment, services)
CASES = [case for door in DOORS for case in door.cases()]

QUICK = 8
"""One case in so many runs with the default tests; the others are slow."""


def _params() -> list:
    """The cases; of each door the first, and each eighth after it, is quick."""
    found = []
    for _, cases in groupby(CASES, lambda case: case.door):
        for number, case in enumerate(cases):
            marks = () if number % QUICK == 0 else (pytest.mark.slow,)
            found.append(pytest.param(case, id=str(case), marks=marks))
    return found


@pytest.mark.parametrize("case", _params())
def test_a_bad_input_is_refused_clearly_or_taken_rightly(
    case: Case, goods: Goods, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder, room = tmp_path / "inputs", tmp_path / "room"
    folder.mkdir()
    room.mkdir()
    attempt = case.make(goods, folder)
    before = digests(folder)
    result = goods.run(attempt.words, room, attempt.env)
    attempt.done()
    verdict, why = judge(case, attempt, result, before, digests(folder), goods.memory)
    record_property("campaign", (case.door, verdict))
    shutil.rmtree(tmp_path)
    words = " ".join(map(str, attempt.words))
    assert verdict in GOOD, (
        f"{verdict}: {why}\n{attempt.about}\nsalt {words}\n{attempt.env}\n{result.out[-1500:]}\n{result.said[-3000:]}"
    )


def test_there_are_enough_cases_at_every_door() -> None:
    assert len({str(case) for case in CASES}) == len(CASES) >= 300
