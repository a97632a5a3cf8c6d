"""A sweep that is submitted to a cluster: its jobs, its parameters, and what is refused."""

import json
import re
from pathlib import Path

import pytest
import yaml

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.config.with_options import with_options
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines.sweep.submit import MOST_JOBS
from tests.pipelines.argo import execution, workflow
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.sweep.planned import planned_parameters

RATES, AREAS = "train.learning_rate=[1e-3,3e-3]", "submission.min_area=[0,100]"
SWEEP = ["sweep", "--cluster", "--preset", "smoke", "--set", "cluster.tag=1.2.3", "--set", RATES]


def test_the_items_of_the_loop_make_the_jobs_of_the_sweep() -> None:
    planned, parameters = planned_parameters([RATES, AREAS, "model.scse=[true,false]"], seeds=(1, 2))
    jobs = planned.distinct_jobs()
    assert len(jobs) == 2 * 2 * 2 * 2 * 2, "rates, scSE, encoders, folds, seeds; the areas apply after the training"
    assert len(parameters["jobs"]) == len(jobs)
    for item, job in zip(parameters["jobs"], jobs, strict=True):
        assert item.keys() == {"encoder", "fold", "changes"}
        assert (item["encoder"], item["fold"]) == (job.encoder, job.fold)
        document = with_options(parameters["config"], json.loads(item["changes"]))
        assert parse_config(document).hash == job.config.hash
        assert "submission" not in item["changes"], "a sweep with other areas finds the training in the cache"
    assert len(parameters["sweep"]["settings"]) == 8


def test_more_jobs_than_a_workflow_holds_are_refused() -> None:
    many = f"train.epochs=[{','.join(map(str, range(2, 3 + MOST_JOBS // 4)))}]"
    with pytest.raises(
        SaltError, match=rf"--set: too many jobs \(found {MOST_JOBS + 4}, expected at most {MOST_JOBS} on"
    ):
        planned_parameters([many])


@pytest.mark.minio
def test_a_sweep_is_one_run_of_a_pipeline_of_its_own(ready: str, kfp: KfpServer) -> None:
    code, out, said = salt(*SWEEP, "--data", ready, "--fold", 0, "--fold", 1, "--seed", 3)
    assert code == 0, said
    (run,) = kfp.runs.values()
    assert out == f"{run['run_id']}\n{kfp.url}/#/runs/details/{run['run_id']}\n"
    assert re.fullmatch(r"sweep-[0-9a-f]{6}", run["display_name"])
    assert f"salt logs {run['run_id'][:8]} compare-settings" in said
    assert [one["display_name"] for one in kfp.pipelines] == ["salt-sweep"]
    parameters = run["runtime_config"]["parameters"]
    assert len(parameters["jobs"]) == 8
    assert {json.loads(item["changes"])["seed"] for item in parameters["jobs"]} == {3}
    assert parameters["config"]["seed"] == 42, "the folds keep the seed of the configuration"
    assert parameters["checkpoints"].endswith("/checkpoints/folds-42"), "a run of seed 3 has other folds"
    assert parameters["config"]["cluster"]["tag"] == "1.2.3"
    assert parameters["sweep"]["settings"] == [["train.learning_rate=0.001"], ["train.learning_rate=0.003"]]
    assert parameters["sweep"]["base"] == ["cluster.tag=1.2.3"]
    assert parameters["run"] == parameters["sweep"]["run"] == run["display_name"]
    text = kfp.uploads[0].decode()
    spec, _ = yaml.safe_load_all(text[text.index("# PIPELINE DEFINITION") : text.rindex("\r\n--")])
    needed = spec["root"]["inputDefinitions"]["parameters"]
    assert set(parameters) == set(needed)


SWEPT = "3f2a90c4-0000-4000-8000-000000000001"


@pytest.fixture
def failed(kfp: KfpServer) -> KfpServer:
    """A sweep on a cluster one of whose trainings has failed; the comparison of another attempt has run."""
    _, parameters = planned_parameters([RATES, 'encoders=[{"name":"resnet34","weight":1}]'])
    kfp.add_run("sweep-1a", "FAILED", SWEPT, parameters)
    tasks = {("train-fold", 0): ["Succeeded"], ("train-fold", 1): ["Failed"] * 3, ("compare-settings", None): "omitted"}
    kfp.workflows[SWEPT] = workflow(tasks, SWEPT)
    for node in kfp.workflows[SWEPT]["status"]["nodes"].values():
        pod = f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"
        kfp.logs[pod] = f"log of {node['name']}\n"
    return kfp


def test_watch_and_logs_name_a_job_with_its_options(failed: KfpServer) -> None:
    code, _, said = salt("watch", SWEPT)
    assert code == 1
    job = "resnet34 train.learning_rate=0.003/fold0"
    assert f"{job}: train-fold: failed" in said
    assert f"its log: salt logs {SWEPT[:8]} '{job}'\n" in said
    assert "compare-settings: skipped" in said
    assert "ensemble" not in said
    assert "iterations(1:1)" in salt("logs", SWEPT, job)[1]
    assert "iterations(0:0)" in salt("logs", SWEPT, "resnet34/fold0")[1]
    known = "ingest, fold-split, compare-settings, resnet34/fold0 ..."
    assert f"no such stage or job (found report, expected {known})" in fails("logs", SWEPT, "report")


@pytest.mark.minio
def test_fetch_downloads_the_table(
    failed: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    failed.runs[SWEPT]["runtime_config"]["pipeline_root"] = f"minio://{bucket}/v2"
    base = f"s3://{bucket}/v2/salt-sweep/{SWEPT}"
    store.put(f"{base}/compare-settings/e1/comparison", b"{}")
    assert "some results are missing (expected results.md)" in fails("fetch", SWEPT, "--out", tmp_path / "less")
    store.put(f"{base}/compare-settings/e1/table", b"| a |")
    store.put(f"{base}/train-fold/{execution('train-fold', 1)}/oof", b"maps")
    assert salt("fetch", SWEPT, "--out", tmp_path / "out", "--all")[0] == 0
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    job = "resnet34 train.learning_rate=0.003/fold0"
    assert made == ["results.json", "results.md", f"train_fold/{job}/oof.parquet"]
