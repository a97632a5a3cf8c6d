import pytest

from salt_pipeline.components.core.errors import MARK, NOTICE
from salt_pipeline.pipelines.display.readable_lines import ReadableLines

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


OF_POD = """\
time=2026-11-27T18:17:15.099Z level=INFO msg="capturing logs" argo=true
I1127 18:17:15.415715      16 main.go:67] Setting log level to: '1'
I1127 18:17:15.432559      16 registry.go:68] No task-level plugins enabled, returning no-op dispatcher
[KFP Executor 2026-11-27 18:17:15,795 INFO]: Got executor_input:
{
    "inputs": {
        "uri": "minio://mlpipeline/v2/artifacts/salt/59c2/train-fold/7a22/model"
    }
}
[KFP Executor 2026-11-27 18:17:35,461 INFO]: f0 lite0: 0.1417 out of fold
[KFP Executor 2026-11-27 18:17:36,102 INFO]: generated new fontManager
I1127 18:17:43.374170      16 launcher_v2.go:1230] ExecutorOutput: {
  "artifacts": {}
}
I1127 18:17:43.399318      16 object_store.go:231] uploadFile(localFilePath="/minio/mlpipeline/v2/artifacts/x/model")
W1127 18:17:43.400000      16 object_store.go:232] a second attempt
F1127 18:17:43.879942      16 main.go:58] failed to execute component: exit status 1
time=2026-11-27T18:17:44.180Z level=INFO msg="sub-process exited" argo=true error=<nil>
time=2026-11-27T18:17:44.190Z level=ERROR msg="executor error" argo=true error="no space left on device"
"""


def test_what_kfp_says_of_its_own_work_and_colours_are_left_out() -> None:
    assert ReadableLines().pick(OF_KFP.split("\n")) == [
        "12:04:57 Running pipeline: 'salt'",
        "12:04:57 Executing task 'ingest'",
        "12:04:58 reading images: 0 of 56",
        "12:05:00 Task 'ingest' finished with status SUCCESS",
    ]


def test_mistakes_tracebacks_and_our_warnings_stay() -> None:
    assert ReadableLines().pick(MISTAKE.split("\n")) == [
        "12:04:58 warning: the training starts anew",
        f"12:04:58 {NOTICE}MLflow is unreachable",
        "  - a list of another job",
        *MISTAKE.splitlines()[4:-2],
        "error: Task 'ingest' finished with status FAILURE",
        "12:05:00 error: Pipeline 'salt' finished with status FAILURE.",
    ]


def test_of_kfp_and_argo_in_a_pod_only_errors_stay() -> None:
    assert ReadableLines().pick(OF_POD.split("\n")) == [
        "18:17:35 f0 lite0: 0.1417 out of fold",
        "F1127 18:17:43.879942      16 main.go:58] failed to execute component: exit status 1",
        OF_POD.splitlines()[-1],
    ]


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_it_does_not_matter_in_which_parts_the_lines_arrive(at_once: int) -> None:
    lines = (OF_KFP + MISTAKE + OF_POD).split("\n")
    parts = ReadableLines()
    found = [line for start in range(0, len(lines), at_once) for line in parts.pick(lines[start : start + at_once])]
    assert found == ReadableLines().pick(lines)
