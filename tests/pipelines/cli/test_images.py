import json

import pytest

from salt_pipeline.pipelines.cli.images import document
from salt_pipeline.pipelines.images import content_tag
from tests.pipelines.command import fails, salt


def test_the_tag_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALT_BASE_IMAGE", raising=False)
    assert salt("images", "tag") == (0, f"{content_tag()}\n", "")


@pytest.mark.parametrize("command", ["build", "save"])
def test_an_unknown_stage_is_named(command: str) -> None:
    said = fails("images", command, "train-fold", "training", "--tag", "1.2.0")
    assert "no such stage (found training, expected ingest or fold-split or train-fold" in said


def test_without_an_engine_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert "no Docker engine answers" in fails("images", "build", "--tag", "1.2.0")


@pytest.mark.parametrize(
    ("digests", "digest"), [({}, None), ({"salt/ingest:1": "r/ingest@sha256:2"}, "r/ingest@sha256:2")]
)
def test_a_program_gets_the_names_sizes_and_digests(digests: dict[str, str], digest: str | None) -> None:
    built = [{"image": "salt/ingest:1", "id": "sha256:1", "bytes": 300}]
    assert json.loads(json.dumps(document(["ingest"], built, 200, digests))) == [
        {
            "stage": "ingest",
            "image": "salt/ingest:1",
            "id": "sha256:1",
            "bytes": 300,
            "bytes_over_base": 100,
            "digest": digest,
        }
    ]
