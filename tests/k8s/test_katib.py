"""The example for Katib: its trial is a valid Job, every parameter is used, and its command is one of `salt`."""

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from salt_pipeline.components.core.container_image import image
from tests.components.network.tiny import ENCODER, write_survey
from tests.k8s import rules
from tests.k8s.manifests import K8S
from tests.pipelines.local_run import SALT

EXPERIMENT: dict[str, Any] = yaml.safe_load((K8S / "katib/experiment.yaml").read_text())
SPEC = EXPERIMENT["spec"]
TRIAL = SPEC["trialTemplate"]
VALUES = {"learningRate": "0.0012345", "scse": "false"}


def job() -> dict[str, Any]:
    """The Job of a trial, as Katib makes it."""
    text = re.sub(r"\$\{trialParameters\.(\w+)\}", lambda found: VALUES[found[1]], yaml.safe_dump(TRIAL["trialSpec"]))
    return yaml.safe_load(text) | {"metadata": {"name": "trial"}}


def container() -> dict[str, Any]:
    (found,) = job()["spec"]["template"]["spec"]["containers"]
    return found


def test_the_trial_is_a_job_that_the_cluster_accepts() -> None:
    kubernetes_validate.validate(job(), "1.31", strict=True)
    assert list(rules.unprivileged([job()])) == []
    assert container()["image"] == image("train_fold")
    assert container()["name"] == TRIAL["primaryContainerName"]


def test_parameters_and_counts_are_as_katib_checks_them() -> None:
    assert (EXPERIMENT["apiVersion"], EXPERIMENT["kind"]) == ("kubeflow.org/v1beta1", "Experiment")
    assert len(EXPERIMENT["metadata"]["name"]) <= 40
    assert SPEC["parallelTrialCount"] <= SPEC["maxTrialCount"] >= SPEC["maxFailedTrialCount"]
    references = [parameter["reference"] for parameter in TRIAL["trialParameters"]]
    assert sorted(references) == sorted(parameter["name"] for parameter in SPEC["parameters"])
    used = re.findall(r"\$\{trialParameters\.(\w+)\}", yaml.safe_dump(TRIAL["trialSpec"]))
    assert sorted(used) == sorted(parameter["name"] for parameter in TRIAL["trialParameters"]) == sorted(VALUES)
    for parameter in SPEC["parameters"]:
        space = parameter["feasibleSpace"]
        wanted = {"double": {"min", "max", "distribution"}, "categorical": {"list"}}[parameter["parameterType"]]
        assert set(space) == wanted
        assert all(isinstance(value, str) for value in [*space.get("list", []), space.get("min", "")])


def with_collector(script: str, folder: Path) -> tuple[list[str], Path, Path]:
    """The command as Katib's webhook changes it (wrapWorkerContainer), the metrics file, and the file of the end."""
    metrics, end = folder / "metrics.log", folder / "trial.pid"
    words = [*container()["command"], script]
    assert words[:2] == ["bash", "-c"], "Katib joins any other words, unquoted, under sh -c"
    return [*words[:2], " ".join([*words[2:], f"1>{metrics} 2>&1", "&&", f"echo completed > {end}"])], metrics, end


def test_a_trial_that_fails_is_not_reported_as_completed(tmp_path: Path) -> None:
    (tmp_path / "salt").write_text("#!/bin/bash\nexit 2\n")
    (tmp_path / "salt").chmod(0o755)
    words, _, end = with_collector(f"export PATH={tmp_path}:$PATH\n{container()['args'][0]}", tmp_path)
    assert subprocess.run(words, capture_output=True, check=False).returncode == 2
    assert not end.exists()


@pytest.mark.timeout(600)
def test_the_command_trains_and_prints_the_objective(tmp_path: Path) -> None:
    """The trial's own script, on a small network, with its folders replaced."""
    write_survey(tmp_path)
    (tmp_path / "salt").write_text(f'#!/bin/bash\nexec {SALT[0]} -m salt_pipeline.pipelines.cli.main "$@"\n')
    (tmp_path / "salt").chmod(0o755)
    small = " ".join(
        f"--set '{change}'"
        for change in (
            f'encoders=[{{"name":"{ENCODER}","weight":1}}]',
            "model.encoder_weights=none",
            "split.folds=3",
            "train.epochs=1",
            "train.phase1_epochs=0",
            "train.batch_size=8",
        )
    )
    script = container()["args"][0]
    for old, new in {
        "/inputs": str(tmp_path),
        "/tmp/out": str(tmp_path / "out"),
        "tu-tf_efficientnet_lite0": f"{ENCODER} {small}",
        "python3": SALT[0],
    }.items():
        assert old in script
        script = script.replace(old, new)
    words, metrics, end = with_collector(f"export PATH={tmp_path}:$PATH\n{script}", tmp_path)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert end.read_text() == "completed\n"
    printed = dict(line.split("=") for line in metrics.read_text().splitlines())
    assert {SPEC["objective"]["objectiveMetricName"], *SPEC["objective"]["additionalMetricNames"]} <= set(printed)
    assert 0 <= float(printed["score"]) <= 1
    trained = (tmp_path / "out/model/model.json").read_text()
    assert VALUES["learningRate"] in trained
