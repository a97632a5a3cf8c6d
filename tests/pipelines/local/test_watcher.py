import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from salt_pipeline.components.core.errors import NOTICE
from salt_pipeline.components.core.job_files import JobKey
from salt_pipeline.components.core.jobs import all_jobs
from salt_pipeline.pipelines.display.run_table import job_name
from salt_pipeline.pipelines.hardware.concurrency import Plan
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.watcher import Watcher
from tests.components.network.tiny import HASH, write_survey


@pytest.fixture
def watcher(folder: RunFolder) -> Watcher:
    (folder.path / "ingest").mkdir()
    write_survey(folder.path / "ingest")
    plan = Plan(jobs=4, threads="3", capacity={0: 3, 2: 1}, cores=12, found=())
    return Watcher(folder, plan, Console(file=io.StringIO(), width=120), lock=0)


def advance(watcher: Watcher, done: float, loss: float, score: float) -> None:
    key = JobKey(watcher.config.hash, HASH, *all_jobs(watcher.config)[0])
    place = Path(key.folder(watcher.folder.checkpoints))
    place.mkdir(parents=True, exist_ok=True)
    state = {"done": done, "epochs": 2, "loss": loss, "score": score}
    (place / "progress.json").write_text(json.dumps(state))


def test_the_progress_that_jobs_write_is_shown(watcher: Watcher) -> None:
    advance(watcher, 1, 0.7, 0.4)
    facts = "(0:00:00 elapsed, 3 jobs wait)"
    assert [line.text for line in watcher._lines()] == [
        f"f0 lite0: training begins {facts}",
        f"f0 lite0: epoch 1 of 2, loss 0.7000, metric 0.4000 {facts}",
    ]
    watcher.console.print(watcher._table())
    text = watcher.console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{watcher.folder.run}: RUNNING, " in text
    assert " elapsed" in text
    assert all(job_name(job) in text for job in all_jobs(watcher.config))
    assert "train-fold: running 1.0/2 0.7000 0.4000" in " ".join(text.split())


def test_damaged_progress_is_reported_once_and_does_not_end_the_run(watcher: Watcher) -> None:
    advance(watcher, 1, 0.7, 0.4)
    (place,) = Path(watcher.folder.checkpoints).rglob("progress.json")
    place.write_text("[]")
    for _ in range(3):
        assert list(watcher._lines()) == []
    text = watcher.console.file.getvalue()  # type: ignore[attr-defined]
    assert text == f"{place}: Input should be a JSON object (found [])\n"


def test_a_warning_in_the_log_is_shown_once(watcher: Watcher) -> None:
    away = "MLflow is unreachable, its records are kept for later"
    with watcher.folder.debug_log.open("a") as log:
        for said in (
            f"12:30 [train-fold] {NOTICE}{away}: no answer in time\n",
            f"{NOTICE}{away}: refused\n",
            "other\n",
        ):
            print(said, end="", file=log, flush=True)
            watcher._show_warnings()
        print(f"{NOTICE}not recorded in", end="", file=log, flush=True)
        watcher._show_warnings()
        print(" MLflow: 3 x metrics", file=log, flush=True)
        watcher._show_warnings()
    text = watcher.console.file.getvalue()  # type: ignore[attr-defined]
    assert text == f"{NOTICE}{away}: no answer in time\n{NOTICE}not recorded in MLflow: 3 x metrics\n"


def test_the_run_gets_its_part_of_the_machine(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    assert watcher._environment()["OMP_NUM_THREADS"] == "3"
    assert watcher._words() == [str(watcher.folder.path), "4", '{"0": 3, "2": 1}']
