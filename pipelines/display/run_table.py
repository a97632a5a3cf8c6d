"""The table of a run that both watchers show: a row for each stage and each training job, in the pipeline's order."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.pipelines.display.console import say, shows_progress

COLOURS = {
    "succeeded": "green",
    "cached": "green",
    "failed": "red",
    "not finished": "red",
    "running": "yellow",
    "retrying": "magenta",
}


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        name: Stage, or encoder and fold.
        doing: The current task of a job, as `train-fold`; empty for a stage.
        state: As of a cluster's `Task`; `not finished` where a local run ended before the task did.
        seconds: How long its containers have run; waiting for a node or an image is not included.
        retries: Attempts beyond the first.
        note: Why it waits, is retried or failed.
        progress: What a training job wrote about itself: `done` and `epochs`, `loss`, `score`.
    """

    name: str
    doing: str = ""
    state: str = "waiting"
    seconds: float = 0
    retries: int = 0
    note: str = ""
    progress: dict[str, Any] = field(default_factory=dict)

    @property
    def is_job(self) -> bool:
        """Whether it is a training job, whose name has its fold after a slash."""
        return "/" in self.name

    @property
    def status(self) -> str:
        """State, and of a job the task that is in it."""
        return f"{self.doing}: {self.state}" if self.doing else self.state

    @property
    def remark(self) -> str:
        """The note, or else the last epoch and metric."""
        if self.note or not self.progress:
            return self.note
        score = self.progress.get("score")
        epoch = f"epoch {int(self.progress.get('done', 0))}/{self.progress.get('epochs', '?')}"
        return epoch if score is None else f"{epoch}, metric {score:.4f}"


class Line(NamedTuple):
    """A line for a log.

    Attributes:
        subject: What it is about.
        state: The line is printed when this differs from the subject's state before.
        text: The line.
    """

    subject: str
    state: Hashable
    text: str


@contextmanager
def live(
    console: Console, table: Callable[[], Table], lines: Callable[[], Iterable[Line]]
) -> Iterator[Callable[[], None]]:
    """Shows a run: a table that stays in place at a terminal, a line for each change elsewhere; nothing if quiet.

    Args:
        console: Where to show it.
        table: Draws the table.
        lines: Writes what a log is to hold by now.

    Yields:
        A function that shows the run's present state.
    """
    if not shows_progress():
        yield lambda: None
        return
    if console.is_terminal:
        with Live(table(), console=console, refresh_per_second=4, transient=True) as drawn:
            yield lambda: drawn.update(table())
        console.print(table())
        return
    printed: dict[str, Hashable] = {}

    def print_changes() -> None:
        for line in lines():
            if line.subject not in printed or printed[line.subject] != line.state:
                printed[line.subject] = line.state
                say(console, line.text)

    yield print_changes


def as_table(rows: list[Row], title: str, caption: str = "") -> Table:
    """The rows for a terminal.

    Args:
        rows: The rows.
        title: Line above the table.
        caption: Lines below the table.
    """
    table = Table(box=None, title=escape(title), title_justify="left", pad_edge=False, collapse_padding=True)
    table.caption, table.caption_justify = escape(caption) or None, "left"
    for column in ("stage or job", "state", "epoch", "loss", "metric", "time", "retries", ""):
        table.add_column(column)
    for row in rows:
        epoch = f"{row.progress.get('done', 0):.1f}/{row.progress.get('epochs', '?')}" if row.progress else ""
        table.add_row(
            escape(row.name),
            f"[{COLOURS.get(row.state, 'dim')}]{row.status}[/]",
            epoch,
            _number(row.progress.get("loss")),
            _number(row.progress.get("score")),
            clock(row.seconds),
            str(row.retries or ""),
            escape(row.note),
        )
    return table


def as_line(row: Row) -> str:
    """A row for a log."""
    parts = [row.status, f"retry {row.retries}" * bool(row.retries), clock(row.seconds), row.remark]
    return f"{row.name}: {', '.join(filter(None, parts))}"


def changes(rows: Iterable[Row]) -> Iterator[Line]:
    """The lines of rows that no longer wait for their first attempt."""
    for row in rows:
        if (row.status, row.retries, row.remark) != ("waiting", 0, ""):
            yield Line(row.name, (row.status, row.retries, row.remark), as_line(row))


def job_name(job: Job) -> str:
    """A job's name as the tables show it and `salt logs` takes it, as `lite1/fold3`."""
    encoder, fold = job
    return f"{short_name(encoder)}/fold{fold}"


def clock(seconds: float) -> str:
    """A duration as h:mm:ss; empty for none."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes or rest else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
