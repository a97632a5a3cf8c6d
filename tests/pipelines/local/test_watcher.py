import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.pipelines.failure import failure
from salt_pipeline.pipelines.local.folder import open_run
from salt_pipeline.pipelines.local.watcher import Watcher
from salt_pipeline.pipelines.presets import preset_config

BEFORE = """\
12:00:00 - INFO - Executing task 'ingest'
    [KFP Executor INFO]: Looking for component `ingest`
"""
AFTER = """\
12:00:01 - INFO - Task 'ingest' finished with status FAILURE
12:00:01 - ERROR - Pipeline 'salt' finished with status FAILURE.
"""


def said(tmp_path, text, began=0):
    log = tmp_path / "log.txt"
    log.write_text(text)
    return failure(log, began)


def test_a_users_mistake_is_all_that_is_shown(tmp_path):
    text = f"{BEFORE}    {MARK}a.zip: masks/b.png: is not a PNG\n{AFTER}"
    assert said(tmp_path, text) == f"{MARK}a.zip: masks/b.png: is not a PNG"


def test_a_list_of_mistakes_is_shown_whole(tmp_path):
    text = (
        f"{BEFORE}        {MARK}a.zip has 2 problems\n          - b.png: is black\n          - c.png: is gone\n{AFTER}"
    )
    assert said(tmp_path, text).splitlines() == [
        f"{MARK}a.zip has 2 problems",
        "  - b.png: is black",
        "  - c.png: is gone",
    ]


def test_a_mistake_said_by_two_jobs_is_shown_once_and_another_beside_it(tmp_path):
    text = f"{MARK}weights.pth: is gone\n{BEFORE}   {MARK}weights.pth: is gone\n- no mistake\n{MARK}other\n{AFTER}"
    assert said(tmp_path, text.replace("- no", "no")).splitlines() == [f"{MARK}weights.pth: is gone", f"{MARK}other"]


def test_a_list_said_by_two_jobs_is_shown_once(tmp_path):
    text = f"{MARK}a.zip has 2 problems\n  - b.png: is black\n  - c.png: is gone\n{AFTER}"
    assert said(tmp_path, text + text) == said(tmp_path, text)


def test_two_lists_with_an_item_in_common_are_shown_whole(tmp_path):
    text = f"{MARK}first\n  - same\n{AFTER}{MARK}second\n  - same\n  - other\n{AFTER}"
    assert said(tmp_path, text).splitlines() == [f"{MARK}first", "  - same", f"{MARK}second", "  - same", "  - other"]


def test_without_a_mark_the_log_ends_and_its_place_is_told(tmp_path):
    lines = [f"line {i}" for i in range(40)]
    shown = said(tmp_path, "\n".join(lines)).splitlines()
    assert shown[:-1] == lines[-15:]
    assert shown[-1] == f"the complete log: {tmp_path / 'log.txt'}"


def test_what_an_earlier_attempt_said_is_not_repeated(tmp_path):
    old = f"{MARK}old mistake\n"
    assert said(tmp_path, f"{old}{MARK}new mistake\n", began=len(old)) == f"{MARK}new mistake"


def test_a_log_that_is_not_text_is_read_nevertheless(tmp_path):
    log = tmp_path / "log.txt"
    log.write_bytes(b"\xff\xfe\n" + f"{MARK}é\n".encode() + b"\xc3")
    assert failure(log, 0) == f"{MARK}é"


@pytest.fixture
def watcher(tmp_path):
    (tmp_path / "survey.zip").touch()
    folder = open_run(tmp_path / "run", str(tmp_path / "survey.zip"), "smoke", preset_config("smoke"))
    return Watcher(folder, Console(file=io.StringIO(), width=120))


def advance(watcher, done, loss=None, score=None, data="data"):
    encoder, fold = watcher.jobs[0]
    place = Path(watcher.folder.checkpoints) / f"{watcher.config.hash}-{data}" / encoder / f"fold{fold}"
    place.mkdir(parents=True, exist_ok=True)
    state = {"done": done, "epochs": 2, "loss": loss, "score": score}
    (place / "progress.json").write_text(json.dumps(state))


def test_plain_lines_tell_each_epoch_once(watcher):
    watcher._tell([])
    advance(watcher, 0.5)
    watcher._tell([])
    advance(watcher, 1, 0.7, 0.4)
    watcher._tell([])
    advance(watcher, 1.5, 0.7, 0.4)
    watcher._tell([])
    advance(watcher, 2, 0.6, 0.5)
    watcher._tell([])
    assert watcher.console.file.getvalue().splitlines() == [
        "f0 lite0: epoch 1 of 2, loss 0.7000, metric 0.4000",
        "f0 lite0: epoch 2 of 2, loss 0.6000, metric 0.5000",
    ]


def test_the_table_has_a_row_for_every_job(watcher):
    advance(watcher, 1, 0.7, 0.4)
    watcher.console.print(watcher._table([]))
    text = watcher.console.file.getvalue()
    assert all(job_title(encoder, fold) in text for encoder, fold in watcher.jobs)
    assert "1.0/2" in text
    assert "0.7000" in text
    assert "training" in text


def test_jobs_side_by_side_share_the_cores(watcher, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert watcher._environment()["OMP_NUM_THREADS"] == "4"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert watcher._environment()["OMP_NUM_THREADS"] == "3"
