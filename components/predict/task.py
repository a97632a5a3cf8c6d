"""The task of the stage: maps KFP's artifacts to plain files, calls the stage, and describes the results."""

from kfp.dsl import Artifact

from salt_pipeline.components.core.artifacts import describe
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.jobs import job_title
from salt_pipeline.components.predict.stage import predict


@exit_on_error()
def predict_task(dataset: Artifact, model: Artifact, maps: Artifact) -> None:
    """Predicts every test image with one trained model, by the configuration that it was trained with.

    Args:
        dataset: The images.
        model: Weights and sidecar, which holds the configuration.
        maps: Output: probability maps of the test images.
    """
    facts = predict(dataset.path, model.path, None, maps.path)
    job = {key: facts[key] for key in ("encoder", "fold")}
    describe(maps, f"{job_title(**job)} test maps", **job, cpu_parts=facts["cpu_parts"])
