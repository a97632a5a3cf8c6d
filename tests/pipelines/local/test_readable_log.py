from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import MARK, NOTICE
from salt_pipeline.pipelines.local.readable_log import ReadableLog

OF_KFP = """\
2026/11/27 12:04:50 INFO mlflow.store.db.utils: Creating initial MLflow database tables...
12:04:57.796 - INFO - Running pipeline: \x1b[95m'salt'\x1b[0m
--------------------------------------------------------------------------------
/venv/kfp/local/orchestrator/task_executor.py:100: UserWarning: Task 'ingest': settings ['memory_limit'] have no effect.
  _warn_local_only_noops(task_name, task_spec, executor_spec.container)
12:04:57.799 - INFO - Executing task \x1b[96m'ingest'\x1b[0m
12:04:57.799 - INFO - Streamed logs:

[KFP Executor 2026-11-27 12:04:57,877 INFO]: Looking for component `ingest` in --component_module_path `/tmp/x.py`
[KFP Executor 2026-11-27 12:04:57,878 INFO]: Got executor_input:
{
    "inputs": {
        "parameterValues": {
            "encoders": [
                {
                    "weight": 0.3
                }
            ],
            "tolerations": [],
            "stages": {},
            "text": "with \\"quotes\\"",
            "flip_tta": true,
            "epochs": 2.0,
            "bounds": [
                -1.5e-05,
                null,
                "a"
[KFP Executor 2026-11-27 12:04:58,461 INFO]: reading images: 0 of 56
            ]
        }
    }
}
weights:  12%|#2        | 1.1M/9.0M [00:01<00:07]
[KFP Executor 2026-11-27 12:04:59,166 INFO]: Wrote executor output file to /runs/a/executor_output.json.
12:05:00.021 - INFO - Task \x1b[96m'ingest'\x1b[0m finished with status \x1b[92mSUCCESS\x1b[0m
12:05:00.022 - INFO - Task \x1b[96m'ingest'\x1b[0m outputs:
    dataset: Dataset( name='dataset',
                      uri='/runs/a/dataset',
                      metadata={'images': '24 labelled'} )
    Output: [{'fold': 0.0}]
12:05:04.342 - INFO - Applying expression selector 'parseJson(string_value)["fold"]' to parent value: {'fold': 1.0}
12:07:40.210 - INFO - Cleaned up workspace: /tmp/kfp-workspace-wu6wppb3
"""

MISTAKE = f"""\
[KFP Executor 2026-11-27 12:04:58,461 WARNING]: the training starts anew
[KFP Executor 2026-11-27 12:04:58,461 WARNING]: {NOTICE}MLflow is unreachable
/venv/lib/torch/x.py:7: FutureWarning: y is deprecated
  - a list of another job
Traceback (most recent call last):
  File "trainer.py", line 3, in train
    raise ValueError("1")
ValueError: 1
{MARK}a.zip: 2 problems
  - b.png: is black
ERROR:root:Task \x1b[96m'ingest'\x1b[0m finished with status \x1b[91mFAILURE\x1b[0m
12:05:00.021 - ERROR - Pipeline \x1b[95m'salt'\x1b[0m finished with status \x1b[91mFAILURE\x1b[0m.
"""


@pytest.fixture
def log(tmp_path: Path) -> ReadableLog:
    (tmp_path / "debug").write_text("of an earlier attempt\n")
    return ReadableLog(tmp_path / "debug", tmp_path / "readable")


def write(log: ReadableLog, text: str) -> None:
    with log.debug.open("a") as file:
        file.write(text)


def test_what_kfp_says_of_its_own_work_and_colours_are_left_out(log: ReadableLog) -> None:
    write(log, OF_KFP)
    assert log.follow() == [
        "12:04:57 Running pipeline: 'salt'",
        "12:04:57 Executing task 'ingest'",
        "12:04:58 reading images: 0 of 56",
        "12:05:00 Task 'ingest' finished with status SUCCESS",
    ]


def test_mistakes_tracebacks_and_our_warnings_stay(log: ReadableLog) -> None:
    write(log, MISTAKE)
    assert log.follow() == [
        "12:04:58 warning: the training starts anew",
        f"12:04:58 {NOTICE}MLflow is unreachable",
        "  - a list of another job",
        *MISTAKE.splitlines()[4:-2],
        "error: Task 'ingest' finished with status FAILURE",
        "12:05:00 error: Pipeline 'salt' finished with status FAILURE.",
    ]


def test_lines_are_copied_once_and_only_when_they_are_complete(log: ReadableLog) -> None:
    for part in ("first\nsec", "ond", "\n", ""):
        write(log, part)
        log.follow()
    assert log.readable.read_text() == "first\nsecond\n"


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_it_does_not_matter_how_the_lines_arrive(log: ReadableLog, at_once: int) -> None:
    text = OF_KFP + MISTAKE
    found = []
    for start in range(0, len(text), at_once):
        write(log, text[start : start + at_once])
        found += log.follow()
    assert len(found) == 4 + len(MISTAKE.splitlines()) - 1
    assert log.readable.read_text().splitlines() == found


def test_an_attempt_begins_with_its_date_on_one_line(log: ReadableLog) -> None:
    log.begin("first-4f2a90\n2 jobs")
    (line,) = log.readable.read_text().splitlines()
    date, time, _, words = line.split(" ", 3)
    assert (date.count("-"), time.count(":"), words) == (2, 2, r"first-4f2a90\n2 jobs")
