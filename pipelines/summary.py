"""What a local run ends with: scores, times, places."""

from collections import defaultdict

from rich.console import Console
from rich.table import Table

from components.core.storage import read_json
from pipelines.run_folder import RunFolder


def show_result(folder: RunFolder, seconds: float, console: Console) -> None:
    """Prints the cross-validated scores, the time each stage took, and where things lie.

    Args:
        folder: A finished run.
        seconds: Wall time of this call.
        console: Where to print.
    """
    results = read_json(folder.path / "metrics.json")
    console.print(results, highlight=False)
    times: dict[str, list[float]] = defaultdict(list)
    for stage in folder.collect():
        times[stage.name].append(stage.seconds)
    table = Table("stage", "tasks", "seconds of work", box=None)
    for name, taken in times.items():
        table.add_row(name, str(len(taken)), f"{sum(taken):.0f}")
    console.print(table)
    console.print(f"{seconds:.0f} s in all", highlight=False)
