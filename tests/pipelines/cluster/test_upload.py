"""The upload of the compiled pipeline."""

import pytest
import yaml

from tests.pipelines.command import salt
from tests.pipelines.kfp_server import KfpServer

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]


@pytest.mark.minio
def test_the_same_content_is_uploaded_once(ready: str, kfp: KfpServer) -> None:
    assert salt("submit", "--data", ready, *SMOKE)[0] == 0
    # What goes with the run as a parameter is no part of the pipeline.
    assert salt("submit", "--data", ready, *SMOKE, "--set", "train.epochs=7")[0] == 0
    assert (len(kfp.pipelines), len(kfp.versions), len(kfp.experiments), len(kfp.runs)) == (1, 1, 1, 2)
    mine = kfp.versions[0]
    first = mine["pipeline_version_id"]
    others = [{**mine, "name": f"v{i}", "display_name": f"v{i}", "pipeline_version_id": f"{i}"} for i in range(7)]
    kfp.versions[:0] = others
    # Far down the list by now, and still found.
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
