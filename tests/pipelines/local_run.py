"""The command `salt` as a process, and the files, processes and MLflow runs of a local run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from mlflow import MlflowClient

ENCODER = "tu-tf_efficientnet_lite0"
CHANGES = ["--set", f'encoders=[{{"name": "{ENCODER}", "weight": 1}}]']
# A shell's background job ignores SIGINT, and so would the command under test.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
SALT = [sys.executable, "-c", f"{INTERRUPTIBLE}; from salt_pipeline.pipelines.cli.main import main; main()"]

FILES = {
    "config.json",
    "run.json",
    "log.txt",
    "log-debug.txt",
    "ingest/dataset.parquet",
    "ingest/config.json",
    "fold_split/folds.parquet",
    "ensemble/oof.parquet",
    "ensemble/test.parquet",
    "ensemble/bundle/bundle.json",
    "ensemble/bundle/MODEL_CARD.md",
    *(
        f"ensemble/bundle/models/tu-tf_efficientnet_lite0-fold{fold}.{kind}"
        for fold in (0, 1)
        for kind in ("safetensors", "json")
    ),
    "submission.csv",
    "submission/choice.json",
    "submission/metrics.json",
    "report.html",
    "report.md",
    "metrics.json",
    "report/metrics.json",
    "report/classification.json",
}
JOB_FILES = {
    "train_fold/{}/model/model.safetensors",
    "train_fold/{}/model/model.json",
    "train_fold/{}/oof.parquet",
    "train_fold/{}/curve.json",
    "train_fold/{}/metrics.json",
    "predict/{}/maps.parquet",
}
JOBS = [f"{ENCODER}/fold{fold}" for fold in (0, 1)]


def begin(*words: object) -> subprocess.Popen[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    command = [*SALT, *map(str, words)]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def salt(*words: object) -> SimpleNamespace:
    """Runs the command to its end; exit code, standard output and error."""
    process = begin(*words)
    out, said = process.communicate()
    return SimpleNamespace(code=process.returncode, out=out, said=said)


def processes(folder: Path) -> list[str]:
    """The processes that run in a folder."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line and line.split()[1][0] != "Z"]


def files(folder: Path) -> set[str]:
    """The files of a run that are not hidden and not checkpoints."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] != "checkpoints" and not path.parts[0].startswith(".")}


def tracked(folder: Path) -> SimpleNamespace:
    """The runs in MLflow of a local run: that of the pipeline and those of its jobs."""
    client = MlflowClient(f"sqlite:///{folder.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("salt")
    assert experiment
    name = json.loads((folder / "run.json").read_text())["run"]
    runs = client.search_runs([experiment.experiment_id], f"tags.`salt.run` = '{name}'")
    pipelines, jobs = ([r for r in runs if r.data.tags["salt.kind"] == kind] for kind in ("pipeline", "job"))
    epochs = {job.info.run_id: [m.step for m in client.get_metric_history(job.info.run_id, "score")] for job in jobs}
    return SimpleNamespace(client=client, pipelines=pipelines, jobs=jobs, epochs=epochs)


def trained_epochs(folder: Path) -> int:
    states = [json.loads(path.read_text()) for path in folder.glob("checkpoints/*/*/fold*/progress.json")]
    return sum(int(state["done"]) for state in states if state.get("score") is not None)
