import ast
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from salt_pipeline.pipelines.k8s_names import SETTINGS_KEYS, STORE_KEYS
from salt_pipeline.pipelines.pipeline import compile_pipeline
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.compiled import compiled

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "pipelines" / "salt.yaml"
COMPONENTS = sorted((ROOT / "components").glob("*/component.py"))
STAGES = {"ingest", "fold-split", "train-fold", "predict", "ensemble", "submission", "report"}
WITH_NETWORK = ("train-fold", "predict")


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return compiled(tmp_path_factory.mktemp("seed") / "salt.yaml")


def test_the_compiled_pipeline_is_fresh(tmp_path: Path) -> None:
    fresh = tmp_path / "salt.yaml"
    compile_pipeline(preset_config("seed"), fresh)
    assert CHECKED_IN.read_text() == fresh.read_text(), "pipelines/salt.yaml is stale: run `salt compile`"


def test_the_jobs_are_one_loop_over_the_output_of_fold_split(seed: SimpleNamespace) -> None:
    assert seed.loop["taskInfo"]["name"] == "jobs"
    assert seed.loop["iteratorPolicy"] == {"parallelismLimit": 10}
    items = seed.loop["parameterIterator"]["items"]["inputParameter"]
    source = seed.loop["inputs"]["parameters"][items]["taskOutputParameter"]
    assert source == {"outputParameterKey": "Output", "producerTask": "fold-split"}
    assert set(seed.inner) == set(WITH_NETWORK)
    train = seed.inner["train-fold"]["inputs"]["parameters"]
    assert [train[key]["parameterExpressionSelector"] for key in ("encoder", "fold")] == [
        'parseJson(string_value)["encoder"]',
        'parseJson(string_value)["fold"]',
    ]


def test_every_stage_runs_once(seed: SimpleNamespace) -> None:
    assert set(seed.containers) == STAGES
    assert {*seed.tasks, *seed.inner} - {"for-loop-1"} == STAGES


def test_the_ensemble_reads_the_outputs_of_all_jobs(seed: SimpleNamespace) -> None:
    artifacts = seed.tasks["ensemble"]["inputs"]["artifacts"]
    producers = {name: source["taskOutputArtifact"]["producerTask"] for name, source in artifacts.items()}
    assert producers == {"dataset": "ingest", "config": "ingest", "oof": "for-loop-1", "maps": "for-loop-1"}


def test_the_configuration_is_an_artifact_for_all_but_the_stage_that_writes_it(seed: SimpleNamespace) -> None:
    for stage in STAGES - {"ingest", "predict"}:  # the model file has the configuration of its training
        inputs = seed.spec["components"][f"comp-{stage}"]["inputDefinitions"]
        assert "config" in inputs["artifacts"], stage
        assert {"config", "options"}.isdisjoint(inputs.get("parameters", ())), stage
    assert "options" in seed.spec["components"]["comp-ingest"]["inputDefinitions"]["parameters"]


def test_no_two_outputs_share_a_name(seed: SimpleNamespace) -> None:
    outputs = [
        name for stage in STAGES for name in seed.spec["components"][f"comp-{stage}"]["outputDefinitions"]["artifacts"]
    ]
    assert len(outputs) == len(set(outputs))


@pytest.mark.parametrize("hours", [24, 500])
def test_a_task_is_retried_however_long_its_attempts_take(tmp_path: Path, hours: int) -> None:
    """Argo counts the limit of the retries from the start of the first attempt, and stops later attempts at it."""
    pipeline = compiled(tmp_path / "salt.yaml", f"cluster.timeout_hours={hours}")
    for name, task in (pipeline.tasks | pipeline.inner).items():
        if name in STAGES:
            window = int(task["retryPolicy"]["backoffMaxDuration"].removesuffix("s"))
            attempts = 1 + task["retryPolicy"]["maxRetryCount"]
            assert window > 2 * attempts * int(pipeline.kubernetes[name]["activeDeadlineSeconds"]), name


@pytest.mark.parametrize(("encoders", "folds"), [(1, 2), (3, 5)])
def test_encoders_and_folds_are_data(tmp_path: Path, encoders: int, folds: int) -> None:
    chosen = [{"name": f"encoder{i}", "weight": 1 / encoders} for i in range(encoders)]
    document = str(chosen).replace("'", '"')
    pipeline = compiled(tmp_path / "salt.yaml", f"encoders={document}", f"split.folds={folds}")
    assert pipeline.loop["iteratorPolicy"] == {"parallelismLimit": encoders * folds}
    assert set(pipeline.inner) == set(WITH_NETWORK)


@pytest.mark.parametrize("stage", WITH_NETWORK)
def test_a_task_with_a_network_requests_accelerator_memory_and_shared_memory(seed: SimpleNamespace, stage: str) -> None:
    resources = seed.containers[stage]["resources"]
    assert resources["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert resources["accelerator"]["resourceCount"] == "1"
    assert resources["resourceMemoryLimit"] == resources["resourceMemoryRequest"] == "16Gi"
    assert resources["resourceCpuRequest"] == "4"
    fields = seed.kubernetes[stage]
    assert fields["activeDeadlineSeconds"] == str(24 * 3600)
    mount = {"volumeName": "dshm", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": "2Gi"}
    assert fields["emptyDirMounts"] == [mount]
    assert seed.inner[stage]["retryPolicy"]["maxRetryCount"] == 2


@pytest.mark.parametrize(("cpu", "threads"), [("50m", "1"), ("1500m", "2"), ("4", "4"), ("0.5", "1")])
def test_a_task_with_a_network_uses_as_many_threads_as_it_requests_cpus(tmp_path: Path, cpu: str, threads: str) -> None:
    pipeline = compiled(tmp_path / "salt.yaml", f"cluster.cpu={cpu}")
    for stage in STAGES:
        env = pipeline.containers[stage].get("env", [])
        assert env == ([{"name": "OMP_NUM_THREADS", "value": threads}] if stage in WITH_NETWORK else [])


def test_requests_and_node_selection_come_from_the_configuration(tmp_path: Path) -> None:
    pipeline = compiled(
        tmp_path / "salt.yaml",
        'cluster.node_selector={"pool": "big"}',
        'cluster.tolerations=[{"key": "gpu", "operator": "Exists"}]',
        "cluster.accelerator=amd.com/gpu",
        "cluster.accelerator_count=2",
        "cluster.memory=24Gi",
        "cluster.shm=8Gi",
        "cluster.timeout_hours=0.5",
        "cluster.retries=5",
    )
    for stage in WITH_NETWORK:
        fields, resources = pipeline.kubernetes[stage], pipeline.containers[stage]["resources"]
        assert fields["nodeSelector"]["labels"] == {"pool": "big"}
        assert fields["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
        assert fields["activeDeadlineSeconds"] == "1800"
        assert fields["emptyDirMounts"][0]["sizeLimit"] == "8Gi"
        assert resources["resourceMemoryLimit"] == "24Gi"
        assert resources["accelerator"]["resourceType"] == "amd.com/gpu"
        assert resources["accelerator"]["resourceCount"] == "2"
        assert pipeline.inner[stage]["retryPolicy"]["maxRetryCount"] == 5


def test_no_pod_runs_as_root_and_unset_options_add_no_fields(seed: SimpleNamespace) -> None:
    assert set(seed.kubernetes) == STAGES
    for fields in seed.kubernetes.values():
        assert fields["securityContext"] == {"runAsNonRoot": True}
        assert not {"podMetadata", "imagePullSecret"} & fields.keys()


def test_every_pod_has_labels_queue_and_pull_secrets(tmp_path: Path) -> None:
    pipeline = compiled(
        tmp_path / "salt.yaml",
        "cluster.queue=gpus",
        'cluster.pod_labels={"team": "geo"}',
        'cluster.image_pull_secrets=["regcred", "mirror"]',
    )
    for stage in STAGES:
        fields = pipeline.kubernetes[stage]
        assert fields["podMetadata"] == {"labels": {"team": "geo", "kueue.x-k8s.io/queue-name": "gpus"}}
        assert [secret["secretName"] for secret in fields["imagePullSecret"]] == ["regcred", "mirror"]


def test_other_tasks_request_little_and_no_special_node(seed: SimpleNamespace) -> None:
    for stage in STAGES - set(WITH_NETWORK):
        resources, fields = seed.containers[stage]["resources"], seed.kubernetes[stage]
        assert "accelerator" not in resources
        assert (resources["resourceCpuRequest"], resources["resourceMemoryLimit"]) == ("250m", "2Gi")
        assert not {"nodeSelector", "tolerations", "emptyDirMounts"} & fields.keys()


def test_a_stage_can_have_requests_of_its_own(tmp_path: Path) -> None:
    changes = [
        "cluster.stages.predict.memory=8Gi",
        "cluster.stages.predict.accelerator=none",
        "cluster.stages.report.cpu=2",
    ]
    pipeline = compiled(tmp_path / "salt.yaml", *changes)
    memory = {stage: container["resources"]["resourceMemoryLimit"] for stage, container in pipeline.containers.items()}
    assert {memory[stage] for stage in STAGES - set(WITH_NETWORK)} == {"2Gi"}
    assert (memory["predict"], memory["train-fold"]) == ("8Gi", "16Gi")
    assert "accelerator" not in pipeline.containers["predict"]["resources"]
    assert pipeline.containers["report"]["resources"]["resourceCpuRequest"] == "2"


def cached(pipeline: SimpleNamespace) -> set[str]:
    tasks = pipeline.tasks | pipeline.inner
    return {name for name in STAGES if tasks[name].get("cachingOptions", {}).get("enableCache")}


def test_a_run_that_is_started_again_finds_its_finished_jobs_in_the_cache(seed: SimpleNamespace) -> None:
    assert cached(seed) == {"ingest", "fold-split", "train-fold", "predict"}
    # Another run does not: its name, which is unique, is an input of each training.
    assert seed.inner["train-fold"]["inputs"]["parameters"]["run"] == {
        "componentInputParameter": "pipelinechannel--run"
    }


def test_only_stages_that_need_them_get_addresses_and_keys(seed: SimpleNamespace) -> None:
    for stage, fields in seed.kubernetes.items():
        given = {
            pair["envVar"]
            for kind in ("configMapAsEnv", "secretAsEnv")
            for one in fields.get(kind, ())
            for pair in one["keyToEnv"]
        }
        assert given == ({*SETTINGS_KEYS, *STORE_KEYS} if stage in ("ingest", "train-fold", "report") else set())


@pytest.mark.parametrize("preset", ["smoke", "quick", "cpu"])
def test_presets_for_cpus_request_no_accelerator(tmp_path: Path, preset: str) -> None:
    pipeline = compiled(tmp_path / "salt.yaml", preset=preset)
    assert all("accelerator" not in container.get("resources", {}) for container in pipeline.containers.values())


def test_images_have_the_registry_and_the_tag(tmp_path: Path) -> None:
    pipeline = compiled(tmp_path / "salt.yaml", "cluster.registry=reg.example:5000/team", "cluster.tag=1.2.0")
    for stage, container in pipeline.containers.items():
        assert container["image"] == f"reg.example:5000/team/{stage}:1.2.0"


def test_a_digest_takes_precedence_over_the_tag(tmp_path: Path) -> None:
    digest = "sha256:" + "5a" * 32
    pipeline = compiled(tmp_path / "salt.yaml", f"cluster.digests.train_fold={digest}", "cluster.tag=1.2.0")
    assert pipeline.containers["train-fold"]["image"] == f"salt-pipeline/train-fold@{digest}"
    assert pipeline.containers["predict"]["image"] == "salt-pipeline/predict:1.2.0"


def test_nothing_is_installed_when_a_task_starts(seed: SimpleNamespace) -> None:
    for container in seed.containers.values():
        assert not re.search(r"\bpip\b|\buv\b|\binstall", " ".join(container["command"]))
        assert not container["image"].endswith(":latest")


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.parent.name)
def test_components_are_thin(path: Path) -> None:
    function = next(node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    assert ast.get_docstring(function), "what the KFP UI shows"
    docstring, imported, called = function.body
    assert docstring.lineno == docstring.end_lineno, "it travels with every task, six times"
    assert isinstance(imported, ast.ImportFrom)
    assert imported.module == f"salt_pipeline.components.{path.parent.name}.task"
    assert isinstance(called, ast.Expr | ast.Return)
    assert isinstance(called.value, ast.Call)
