import subprocess

import pytest

from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.provenance import ROOT, git_revision, origin_of

DIGEST = f"sha256:{'5a' * 32}"


def test_the_revision_is_that_of_the_checkout() -> None:
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert git_revision().removesuffix("+") == head


def test_a_run_in_containers_records_its_images() -> None:
    config = preset_config("smoke", ["cluster.registry=r.example/salt", "cluster.tag=1.2.0"])
    assert origin_of(config, "smoke", "subprocess")["images"] == ""
    assert origin_of(config, "smoke", "docker") == {
        "preset": "smoke",
        "runner": "docker",
        "git_revision": git_revision(),
        "images": "r.example/salt:1.2.0",
    }


def test_images_with_a_digest_are_recorded_by_it() -> None:
    config = preset_config("smoke", [f"cluster.digests.train_fold={DIGEST}"])
    assert origin_of(config, "smoke", "cluster")["images"] == f"train_fold@{DIGEST}"


def test_without_git_the_revision_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert git_revision() == ""
