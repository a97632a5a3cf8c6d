import re

import pytest

from salt_pipeline.components.core.container_image import BASE_IMAGE
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.stages import STAGES
from salt_pipeline.pipelines.images import CONTENT, base_image, content_tag, engine, with_tag
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.provenance import ROOT


def test_the_tag_depends_on_the_content_and_on_the_base_image() -> None:
    tag = content_tag(BASE_IMAGE)
    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", tag)
    assert content_tag(BASE_IMAGE) == tag != content_tag("r.example/python:3.11")


def test_every_pattern_of_the_content_matches_files() -> None:
    assert [pattern for pattern in CONTENT if not [*ROOT.glob(pattern)]] == []


def test_the_base_image_can_come_from_another_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALT_BASE_IMAGE", raising=False)
    assert base_image() == BASE_IMAGE
    monkeypatch.setenv("SALT_BASE_IMAGE", "")
    assert base_image() == BASE_IMAGE
    monkeypatch.setenv("SALT_BASE_IMAGE", "r.example/python:3.11")
    assert base_image() == "r.example/python:3.11"


def test_only_a_configuration_without_images_gets_the_tag_of_the_checkout() -> None:
    assert with_tag(preset_config("smoke")).cluster.tag == content_tag()
    named = preset_config("smoke", ["cluster.tag=1.2.0"])
    assert with_tag(named) == named
    digests = [f"cluster.digests.{stage}=sha256:{'5a' * 32}" for stage in STAGES]
    by_digest = preset_config("smoke", digests)
    assert with_tag(by_digest) == by_digest


def test_an_engine_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SaltError, match="no Docker engine answers"):
        engine()
