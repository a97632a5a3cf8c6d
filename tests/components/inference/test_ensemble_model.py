"""The networks of a bundle give the pipeline's own maps."""

import numpy as np

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from tests.components.trained import Trained


def test_the_ensemble_gives_the_pipelines_own_maps_exactly(trained: Trained) -> None:
    model = EnsembleModel(open_bundle(trained.bundle))
    assert [len(members) for members in model.encoders.values()] == [2, 2]
    assert trained.maps_BHW.std() > 3
    assert len(set((trained.folder / "submission.csv").read_text().splitlines()[1:])) == len(trained.ids)
    np.testing.assert_array_equal(model.predict(trained.images_BHW), trained.maps_BHW)
    assert model.predict(trained.images_BHW[:0]).shape == (0, 101, 101)
