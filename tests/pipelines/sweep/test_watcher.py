import io

from rich.console import Console

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.pipelines.display.console import hide_progress
from salt_pipeline.pipelines.sweep.watcher import _show

LOG = f"12:00:00 1 of 2 trainings: f0 lite0\n{MARK}1 of 2 trainings failed\n  - a/log.txt: no such weights\n"


def shown() -> str:
    console = Console(file=(file := io.StringIO()), width=200)
    _show(io.StringIO(LOG), console)
    return file.getvalue()


def test_what_is_logged_is_shown() -> None:
    assert shown() == LOG


def test_of_a_sweep_whose_progress_is_hidden_the_errors_are_shown() -> None:
    show_again = hide_progress()
    try:
        assert shown() == LOG.split("\n", 1)[1]
    finally:
        show_again()
