"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.core.images import image


@dsl.component(base_image=image("predict"), install_kfp_package=False)
def predict(dataset: Input[Dataset], model: Input[Model], config: Input[Artifact], maps: Output[Dataset]) -> None:
    """Predicts every test image with one trained model, under flip test-time augmentation."""
    from components.core.errors import exit_on_error
    from components.core.jobs import job_title
    from components.core.lineage import describe
    from components.core.storage import read_json
    from components.predict.stage import predict as run

    with exit_on_error():
        facts = run(dataset.path, model.path, read_json(config.path), maps.path)
        job = {key: facts[key] for key in ("encoder", "fold")}
        describe(maps, job_title(**job) + " test maps", **job)
