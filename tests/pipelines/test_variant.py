"""Variants of the compiled pipeline: an exit task, which kfp.local also runs; no cache; a promotion."""

import json
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl, local

from salt_pipeline.components.notify.component import notify
from salt_pipeline.pipelines.local.side_by_side import side_by_side
from salt_pipeline.pipelines.pipeline import compile_pipeline
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.variant import Variant
from tests.pipelines.kfp_server import Server


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("notify") / "salt.yaml"
    compile_pipeline(preset_config("seed"), path, Variant(notify_secret="salt-notify-0123456789ab"))
    spec, platform = yaml.safe_load_all(path.read_text())
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_the_exit_task_runs_after_all_stages_whether_or_not_they_succeed(compiled: Any) -> None:
    spec, _ = compiled
    tasks = spec["root"]["dag"]["tasks"]
    [stages] = set(tasks) - {"notify"}
    inside = spec["components"][tasks[stages]["componentRef"]["name"]]["dag"]["tasks"]
    assert {"ingest", "fold-split", "ensemble", "submission", "report"} < set(inside)
    exit_task = tasks["notify"]
    assert exit_task["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert exit_task["dependentTasks"] == [stages]
    parameters = exit_task["inputs"]["parameters"]
    assert parameters["status"] == {"taskFinalStatus": {"producerTask": stages}}
    assert parameters["run"] == {"componentInputParameter": "run"}
    assert parameters["kfp_run"] == {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}}


def test_the_exit_task_has_the_image_of_the_report_little_memory_and_no_key_of_the_store(compiled: Any) -> None:
    spec, platform = compiled
    containers = spec["deploymentSpec"]["executors"]
    assert containers["exec-notify"]["container"]["image"] == containers["exec-report"]["container"]["image"]
    assert containers["exec-notify"]["container"]["resources"]["resourceMemoryLimit"] == "512Mi"
    [secret] = platform["exec-notify"]["secretAsEnv"]
    assert (secret["secretName"], secret["optional"]) == ("salt-notify-0123456789ab", True)
    assert secret["keyToEnv"] == [{"secretKey": "SALT_NOTIFY_URL", "envVar": "SALT_NOTIFY_URL"}]


def test_the_pod_of_the_exit_task_is_as_those_of_the_stages(tmp_path: Path) -> None:
    options = ["cluster.queue=gpus", 'cluster.image_pull_secrets=["regcred"]']
    compile_pipeline(preset_config("seed", options), tmp_path / "salt.yaml", Variant(notify_secret="salt-notify-0"))
    platform = list(yaml.safe_load_all((tmp_path / "salt.yaml").read_text()))[1]["platforms"]["kubernetes"]
    mine, report = (platform["deploymentSpec"]["executors"][f"exec-{name}"] for name in ("notify", "report"))
    for field in ("securityContext", "podMetadata", "imagePullSecret"):
        assert mine[field] == report[field]
    assert 0 < int(mine["activeDeadlineSeconds"]) < int(report["activeDeadlineSeconds"])


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def work(fail: bool) -> str:
    """Does nothing, or fails."""
    if fail:
        raise RuntimeError("requested")
    return "done"


class Hook(Server):
    """A server that receives notifications."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def respond(self, method: str, path: str, body: bytes, headers: Message) -> tuple[int, str, bytes]:
        self.sent.append(json.loads(body))
        return 200, "text/plain", b""


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A server that the environment names as the one to notify."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with Hook() as server:
        monkeypatch.setenv("SALT_NOTIFY_URL", server.url)
        yield server


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fail", [False, True])
def test_kfp_local_runs_the_exit_task_after_success_and_failure(hook: Hook, tmp_path: Path, fail: bool) -> None:
    @dsl.pipeline(name="small")
    def small(fail: bool) -> None:
        last = notify(run="small-1", origin={}, kfp_run="")
        with dsl.ExitHandler(last, name="stages"), dsl.ParallelFor(items=[1, 2]):
            work(fail=fail).set_caching_options(False)

    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path), raise_on_error=False)
    # kfp.local by itself leaves `print` wrapped after two tasks at once: later tests would see indented lines.
    with side_by_side(2, {}):
        small(fail=fail)
    [sent] = hook.sent
    assert (sent["run"], sent["state"]) == ("small-1", "FAILED" if fail else "SUCCEEDED")


def test_the_cache_is_off_inside_the_loop_too(tmp_path: Path) -> None:
    compile_pipeline(preset_config("seed"), tmp_path / "salt.yaml", Variant(cached=frozenset()))
    assert "enableCache" not in (tmp_path / "salt.yaml").read_text()


@pytest.mark.parametrize("promote", [False, True])
def test_the_report_knows_whether_to_promote_the_model(tmp_path: Path, promote: bool) -> None:
    compile_pipeline(preset_config("seed"), tmp_path / "salt.yaml", Variant(promote=promote))
    spec, _ = yaml.safe_load_all((tmp_path / "salt.yaml").read_text())
    parameters = spec["root"]["dag"]["tasks"]["report"]["inputs"]["parameters"]
    assert parameters["promote"] == {"runtimeValue": {"constant": promote}}
