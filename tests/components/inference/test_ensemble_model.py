"""The networks of a bundle give the pipeline's own maps."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from tests.components.trained import Trained


def test_the_ensemble_gives_the_pipelines_own_maps_exactly(trained: Trained) -> None:
    model = EnsembleModel(open_bundle(trained.bundle))
    assert [len(members) for members in model.encoders.values()] == [2, 2]
    assert trained.maps_BHW.std() > 3
    assert len(set((trained.folder / "submission.csv").read_text().splitlines()[1:])) == len(trained.ids)
    np.testing.assert_array_equal(model.predict(trained.images_BHW), trained.maps_BHW)
    assert model.predict(trained.images_BHW[:0]).shape == (0, 101, 101)


@pytest.mark.parametrize("changes", [{"fold": 1}, {"config_hash": "0" * 16}, {"data_hash": "0" * 16}])
def test_a_sidecar_of_another_job_or_run_is_refused(
    trained: Trained, tmp_path: Path, changes: dict[str, object]
) -> None:
    shutil.copytree(trained.bundle, tmp_path / "bundle")
    bundle = open_bundle(tmp_path / "bundle")
    sidecar = bundle.path(bundle.members[0].sidecar)
    write_json(sidecar, read_json(sidecar) | changes)
    (name,) = changes
    with pytest.raises(SaltError, match=rf"fold0\.json: {name}: does not match the other inputs .*bundle\.json"):
        EnsembleModel(bundle)
