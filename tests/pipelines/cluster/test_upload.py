"""The upload of the compiled pipeline."""

from typing import Any

import pytest
import yaml

from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.cluster.upload import upload
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.variant import STANDARD, Variant
from tests.pipelines.command import salt
from tests.pipelines.kfp_server import KfpServer, refusal

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]
CONFIG = preset_config("smoke", ["cluster.tag=1"])


@pytest.mark.minio
def test_the_same_content_is_uploaded_once(ready: str, kfp: KfpServer) -> None:
    assert salt("submit", "--data", ready, *SMOKE)[0] == 0
    # The parameters of a run are not part of the pipeline.
    assert salt("submit", "--data", ready, *SMOKE, "--set", "train.epochs=7")[0] == 0
    assert (len(kfp.pipelines), len(kfp.versions), len(kfp.experiments), len(kfp.runs)) == (1, 1, 1, 2)
    mine = kfp.versions[0]
    first = mine["pipeline_version_id"]
    others = [{**mine, "name": f"v{i}", "display_name": f"v{i}", "pipeline_version_id": f"{i}"} for i in range(7)]
    kfp.versions[:0] = others
    # The version is now on a later page of the list.
    assert salt("submit", "--data", ready, *SMOKE)[0] == 0
    assert len(kfp.uploads) == 1
    for uploads, words in enumerate((["--set", "cluster.tag=1.2.4"], ["--no-cache"]), start=2):
        assert salt("submit", "--data", ready, *SMOKE, *words)[0] == 0
        assert len(kfp.uploads) == uploads
    assert len({version["name"] for version in kfp.versions}) == 3 + 7
    used = [run["pipeline_version_reference"]["pipeline_version_id"] for run in kfp.runs.values()]
    assert [version == first for version in used] == [True, True, True, False, False]
    compiled = kfp.uploads[0].decode()
    content = compiled[compiled.index("# PIPELINE DEFINITION") : compiled.rindex("\r\n--")]
    assert {d["pipelineInfo"]["name"] for d in yaml.safe_load_all(content) if "pipelineInfo" in d} == {"salt"}


def refused(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch, stored: bool) -> None:
    """Makes the stand-in refuse every upload; with `stored` another submission has uploaded the same version."""
    answer = kfp.answer

    def refusing(method: Any, path: str, *rest: Any) -> Any:
        if not path.endswith("/upload_version"):
            return answer(method, path, *rest)
        if stored:
            answer(method, path, *rest)
        return refusal(400, "Failed to create a pipeline version: already exists")

    monkeypatch.setattr(kfp, "answer", refusing)


def test_a_version_that_another_submission_uploaded_in_the_meantime_is_used(
    kfp: KfpServer, api: Kfp, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(kfp, monkeypatch, stored=True)
    version = upload(api, CONFIG, STANDARD)
    assert version.id == kfp.versions[0]["pipeline_version_id"]
    assert version.name.startswith("salt-")


def test_an_upload_that_is_refused_is_an_error(kfp: KfpServer, api: Kfp, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(kfp, monkeypatch, stored=False)
    with pytest.raises(KfpError, match="already exists"):
        upload(api, CONFIG, STANDARD)


def test_each_variant_is_a_version_of_one_pipeline(kfp: KfpServer, api: Kfp) -> None:
    first, second = (upload(api, CONFIG, variant) for variant in (STANDARD, Variant(recurring=True)))
    assert first.pipeline_id == second.pipeline_id
    assert first.name != second.name
    assert upload(api, CONFIG, STANDARD) == first
    assert len(kfp.uploads) == 2
