"""Fixtures of the campaign, and the table of its counts at the end of the run."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.campaign.goods import Goods, make
from tests.campaign.warm import Warm
from tests.conftest import made_once

COLUMNS = ("refused", "taken", "traceback", "silent", "hung", "unclear", "lost", "secret")


@pytest.fixture(scope="session")
def goods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Goods]:
    folder = made_once(tmp_path_factory, "goods", make)
    with Warm() as warm:
        yield Goods(folder, tmp_path_factory.mktemp("campaign"), warm)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the verdicts by door: xdist brings the properties of each test from its process."""
    counts: dict[str, Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            last = None
            for name, value in getattr(report, "user_properties", ()):
                if name == "campaign" and report.when == "call":
                    last = value
            if last:
                door, verdict, *times = last
                counts.setdefault(door, Counter())[verdict] += times[0] if times else 1
    if not counts:
        return
    counts["all"] = sum(counts.values(), Counter())
    terminalreporter.section("bad inputs and kills, by door")
    terminalreporter.line(f"{'door':<24}{'tried':>8}" + "".join(f"{column:>11}" for column in COLUMNS))
    for door, verdicts in counts.items():
        numbers = "".join(f"{verdicts[column] or '-':>11}" for column in COLUMNS)
        terminalreporter.line(f"{door:<24}{verdicts.total():>8}{numbers}")
