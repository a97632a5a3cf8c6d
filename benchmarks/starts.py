"""CPU-seconds of `salt --help`, and of a training and a prediction process: their imports, and a tiny network's job.

The imports are those of KFP's executor and of the stage's task. A training records itself in MLflow, in an SQLite file.
Each process runs with the bytecode of all modules, as Python keeps it after a first start, and with that of the
standard library alone, as where PYTHONDONTWRITEBYTECODE forbids to keep it.

Run: python -m benchmarks.starts [CHECKOUT]    with CHECKOUT, a folder of another commit takes turns with this one
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
ROUNDS = 5

IMPORTS = "import kfp.dsl.executor_main, salt_pipeline.components.{stage}.task"
HELP = """
import sys
from salt_pipeline.pipelines.cli.main import main
sys.argv = ["salt", "--help"]
main()
"""
TRAINING = """
import json, sys
from salt_pipeline.components.train_fold.stage import train
train(**json.loads(sys.argv[1]))
"""
PREDICTION = """
import json, sys
from salt_pipeline.components.predict.stage import predict
predict(**json.loads(sys.argv[1]))
"""


@dataclass(frozen=True)
class Side:
    """A checkout, and the bytecode that its processes find.

    Attributes:
        checkout: Folder of the code.
        folder: Scratch folder of its processes.
    """

    checkout: Path
    folder: Path

    @property
    def bytecode(self) -> Path:
        """Where Python keeps and looks for bytecode, instead of beside the modules."""
        return self.folder / "bytecode"

    def cpu_seconds(self, code: str, *words: str, keep: bool = False) -> float:
        """Runs Python code in a process, on one thread; returns the user and system time that it took.

        Args:
            code: The code.
            *words: Its arguments.
            keep: Keep the bytecode of what it imports.

        Raises:
            subprocess.CalledProcessError: If it fails.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {
            "PYTHONPATH": str(self.checkout),
            "PYTHONPYCACHEPREFIX": str(self.bytecode),
            "PYTHONDONTWRITEBYTECODE": "" if keep else "1",
            "_KFP_RUNTIME": "true",  # as KFP's command sets it
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}",
        }
        command = [sys.executable, "-c", code, *words]
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output = (self.folder / "log").read_text()
            raise subprocess.CalledProcessError(process.returncode, command, output)
        return usage.ru_utime + usage.ru_stime

    def forget_packages(self) -> None:
        """Removes all bytecode but that of the standard library."""
        for path in (sysconfig.get_path("purelib"), self.checkout):
            shutil.rmtree(f"{self.bytecode}{path}", ignore_errors=True)


class Jobs:
    """The jobs of a side: each training starts anew, and each prediction uses the model of the last training.

    Args:
        side: The side.
        survey: Dataset and folds of a tiny survey.
        config: The configuration document.
    """

    def __init__(self, side: Side, survey: tuple[str, str], config: dict[str, Any]) -> None:
        self.side, self.survey, self.config = side, survey, config
        self.count = 0

    def seconds(self, *, keep: bool = False) -> dict[str, float]:
        """CPU-seconds of each process."""
        from tests.components.train_fold.job import arguments

        self.count += 1
        out = self.side.folder / str(self.count)
        training = arguments(self.survey, out, self.config, run=f"run-{self.count}")
        prediction = {
            "dataset": self.survey[0],
            "model": training["model"],
            "config": None,
            "maps": str(out / "maps.parquet"),
        }
        run = self.side.cpu_seconds
        return {
            "salt --help": run(HELP, keep=keep),
            "training, imports": run(IMPORTS.format(stage="train_fold"), keep=keep),
            "training, complete job": run(TRAINING, json.dumps(training), keep=keep),
            "prediction, imports": run(IMPORTS.format(stage="predict"), keep=keep),
            "prediction, complete job": run(PREDICTION, json.dumps(prediction), keep=keep),
        }


def table(times: dict[str, list[dict[str, float]]]) -> str:
    """The median of each process on each side, and its ratio to that of the first side."""
    middle = {
        side: {process: statistics.median(of[process] for of in rounds) for process in rounds[0]}
        for side, rounds in times.items()
    }
    first = next(iter(middle.values()))
    titles = list(middle)[:1] + [f"{side} | ratio" for side in list(middle)[1:]]
    lines = [f"| CPU-seconds | {' | '.join(titles)} |", "| --- |" + " --: |" * (2 * len(middle) - 1)]
    for process, base in first.items():
        others = [f"{of[process]:.2f} | {of[process] / base:.2f}" for of in list(middle.values())[1:]]
        lines.append("| " + " | ".join([process, f"{base:.2f}", *others]) + " |")
    return "\n".join(lines)


def main() -> None:
    from tests.components.network.tiny import document, write_survey

    config = document(train={"epochs": 1, "phase1_epochs": 1})
    checkouts = {"with bytecode": ROOT, "without": ROOT}
    if len(sys.argv) > 1:
        checkouts["other checkout, with bytecode"] = Path(sys.argv[1]).resolve()
    with TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        survey = write_survey(scratch)
        jobs: dict[str, Jobs] = {}
        for number, (title, checkout) in enumerate(checkouts.items()):
            folder = scratch / f"side{number}"
            folder.mkdir()
            jobs[title] = Jobs(Side(checkout, folder), survey, config)
            jobs[title].seconds(keep=True)
        jobs["without"].side.forget_packages()
        times: dict[str, list[dict[str, float]]] = {title: [] for title in jobs}
        for _ in range(ROUNDS):
            for title, of in jobs.items():
                times[title].append(of.seconds())
    print(table(times))


if __name__ == "__main__":
    main()
