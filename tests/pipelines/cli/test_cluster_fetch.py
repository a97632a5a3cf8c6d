"""`salt fetch` against a stand-in server and a real object store."""

import time
from pathlib import Path

import pytest

from salt_pipeline.components.core.store.store import Store
from tests.pipelines.argo import execution, workflow
from tests.pipelines.cli.cluster_run import RUN, SECOND, SMOKE
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer

pytestmark = pytest.mark.usefixtures("no_cluster")


@pytest.mark.minio
def test_fetch_writes_results_to_the_paths_of_a_local_run(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    root = f"minio://{bucket}/v2/artifacts?region=x"
    kfp.add_run("first", "SUCCEEDED", RUN, {"config": SMOKE})
    kfp.runs[RUN]["runtime_config"]["pipeline_root"] = root
    assert "the store has no artifacts of this run" in fails("fetch", RUN, "--out", tmp_path / "out")
    base = f"s3://{bucket}/v2/artifacts/salt/{RUN}"
    store.put(f"{base}/submission/old/csv", b"old")
    time.sleep(1.1)
    reported = [f"report/e2/{name}" for name in ("results", "model_card", "report_html")]
    for name in ("submission/e1/csv", "submission/e1/choice", *reported):
        store.put(f"{base}/{name}", name.encode())
    tasks = {("train-fold", 3): ["Succeeded"]}
    kfp.workflows[RUN] = workflow(tasks, RUN)
    store.put(f"{base}/train-fold/{execution('train-fold', 3)}/model/model.json", b"{}")
    store.put(f"{base}/predict/{RUN}/maps", b"maps")
    store.put(f"{base}/ensemble/e3/executor-logs", b"log")

    code, out, _ = salt("fetch", "first", "--out", tmp_path / "out")
    assert code == 0
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert made == ["metrics.json", "report.html", "report.md", "submission.csv", "submission/choice.json"]
    assert (tmp_path / "out" / "submission.csv").read_bytes() == b"submission/e1/csv"
    assert out.splitlines() == [str(tmp_path / "out" / name) for name in made]

    assert salt("fetch", "first", "--out", tmp_path / "all", "--all")[0] == 0
    assert (tmp_path / "all" / "train_fold" / SECOND / "fold1" / "model" / "model.json").read_bytes() == b"{}"
    assert (tmp_path / "all" / "predict" / RUN / "maps.parquet").read_bytes() == b"maps"
    assert (tmp_path / "all" / "ensemble" / "e3" / "executor-logs").read_bytes() == b"log"

    store.remove(f"{base}/report/e2/report_html")
    said = fails("fetch", "first", "--out", tmp_path / "less")
    assert "some results are missing (expected report.html)" in said
    assert (tmp_path / "less" / "submission.csv").is_file()


@pytest.mark.minio
def test_fetch_finds_the_cached_artifacts_of_a_restarted_run(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    root, before = f"minio://{bucket}/v2", "aaaa0001-0000-4000-8000-000000000001"
    for run_id, name, folder in ((before, "first-1a2b3c", "stopped"), (RUN, "first-1a2b3c", "restarted")):
        kfp.add_run(folder, "SUCCEEDED", run_id, {"config": SMOKE, "run": name})
        kfp.runs[run_id]["runtime_config"]["pipeline_root"] = root
    other = kfp.add_run("other", "SUCCEEDED", parameters={"run": "other-1a2b3c"})
    kfp.workflows[before] = workflow({("train-fold", 3): ["Succeeded"]}, before)
    kfp.workflows[RUN] = workflow({("train-fold", 3): "cached"}, RUN)
    base = f"s3://{bucket}/v2/salt"
    store.put(f"{base}/{before}/train-fold/{execution('train-fold', 3)}/curve", b"curve")
    store.put(f"{base}/{other}/train-fold/{execution('train-fold', 2)}/curve", b"other")
    results = (
        "submission/e/csv",
        "submission/e/choice",
        "report/e/results",
        "report/e/model_card",
        "report/e/report_html",
    )
    for name in results:
        store.put(f"{base}/{RUN}/{name}", b"new")
    assert salt("fetch", "restarted", "--out", tmp_path / "out", "--all")[0] == 0
    made = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json")]
    assert f"train_fold/{SECOND}/fold1/curve.json" in made
    assert len([name for name in made if name.startswith("train_fold")]) == 1
