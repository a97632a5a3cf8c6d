"""The result of a local run: scores, times, paths."""

from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.table import Table

from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.cpu_time import KINDS
from salt_pipeline.components.core.documents import read_document
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.scores import AllScores
from salt_pipeline.pipelines.display.console import cell
from salt_pipeline.pipelines.local.folder import RunFolder, Stage

PLACES = {
    "submission.csv": "for Kaggle",
    "report.html": "the report",
    "metrics.json": "every score",
    "config.json": "the resolved configuration",
    "train_fold": "weights, curves and out-of-fold maps by encoder and fold",
    "log.txt": "the log of all stages",
}


def show_result(folder: RunFolder, seconds: float, console: Console) -> None:
    """Prints the cross-validated scores, the time each stage took, and the paths of its files.

    Args:
        folder: A finished run.
        seconds: Wall time of this call.
        console: Where to print.
    """
    results = read_document(AllScores, folder.path / "metrics.json")
    console.print(_scores(results))
    console.print(
        f"Threshold {results.threshold:.3f}, smallest area {results.min_area} px; chosen on the other folds, the "
        f"ensemble scores [bold]{results.score_cross_fitted:.4f}[/] on {results.images} images out of fold.",
        highlight=False,
    )
    if results.synthetic:
        console.print("[yellow]The survey is synthetic: these scores mean nothing.[/]")
    stages = folder.collect()
    console.print(_times(stages))
    if spent := _cpu_seconds(stages):
        parts = ", ".join(f"{what} {seconds / spent['all']:.0%}" for what, seconds in spent.items() if what != "all")
        console.print(f"{spent['all']:,.0f} CPU-seconds: {parts}", highlight=False)
    for name, what in PLACES.items():
        place = cell(folder.path / name)
        console.print(f"{place}  [dim]{what}[/]", highlight=False, soft_wrap=True)
    console.print(f"{seconds / 60:.1f} minutes in all", highlight=False)


def result_document(folder: RunFolder, seconds: float) -> dict[str, Any]:
    """The same for a program: all that metrics.json says, the times of the stages, and the paths of the files.

    Args:
        folder: A finished run.
        seconds: Wall time of this call.
    """
    read_document(AllScores, folder.path / "metrics.json")  # a damaged one is refused as `show_result` refuses it
    stages = folder.collect()
    return {
        "run": folder.run,
        "folder": str(folder.path),
        "seconds": round(seconds, 1),
        "metrics": read_json(folder.path / "metrics.json"),
        "stages": [
            {"stage": name, "tasks": len(taken), "seconds": taken} for name, taken in _seconds_by_stage(stages).items()
        ],
        "cpu_seconds": _cpu_seconds(stages),
        "files": {name: str(folder.path / name) for name in PLACES},
    }


def _seconds_by_stage(stages: list[Stage]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = defaultdict(list)
    for stage in stages:
        taken[stage.name].append(stage.seconds)
    return taken


def _cpu_seconds(stages: list[Stage]) -> dict[str, float]:
    """CPU-seconds of all tasks: in all, by kind of work of the trainings and predictions, and the rest."""
    total = sum(stage.cpu_seconds for stage in stages)
    if not total:
        return {}
    spent = {kind: sum(stage.cpu_parts.get(kind, 0) for stage in stages) for kind in KINDS}
    spent["rest"] = max(0.0, total - sum(spent.values()))
    return {"all": round(total, 1)} | {kind: round(seconds, 1) for kind, seconds in spent.items()}


def _scores(results: AllScores) -> Table:
    table = Table("out of fold", "at 0.5", "as chosen", "95% interval", "salt / no salt", box=None)
    for model in (*results.encoders, results.ensemble):
        low, high = model.score_interval
        table.add_row(
            cell(short_name(model.name)),
            f"{model.score_at_half:.4f}",
            f"{model.score:.4f}",
            f"{low:.3f} to {high:.3f}",
            f"{model.salt_accuracy:.1%}",
        )
    return table


def _times(stages: list[Stage]) -> Table:
    table = Table("stage", "tasks", "seconds of each", box=None)
    for name, seconds in _seconds_by_stage(stages).items():
        table.add_row(name, str(len(seconds)), f"{sum(seconds) / len(seconds):.0f}")
    return table
