"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from salt_pipeline.components.core.container_image import image


@dsl.component(base_image=image("predict"), install_kfp_package=False)
def predict(dataset: Input[Dataset], model: Input[Model], maps: Output[Dataset]) -> None:
    """Predicts every test image with one trained model, under flip test-time augmentation."""
    from salt_pipeline.components.predict.task import predict_task

    predict_task(dataset, model, maps)
