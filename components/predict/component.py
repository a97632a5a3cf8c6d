"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from components.core.images import image


@dsl.component(base_image=image("predict"), install_kfp_package=False)
def predict(dataset: Input[Dataset], model: Input[Model], config: dict, maps: Output[Dataset]) -> None:
    """Predicts every test image with one trained model, under flip test-time augmentation.

    Args:
        dataset: The archive as Parquet.
        model: Weights and sidecar.
        config: The configuration document.
        maps: Probability maps of the test images.
    """
    from components.core.errors import exit_on_error
    from components.core.lineage import describe
    from components.predict.stage import predict as predict_test

    with exit_on_error():
        facts = predict_test(dataset.path, model.path, config, maps.path)
        describe(maps, f"predict/{facts['encoder']}/fold{facts['fold']}/maps.parquet", **facts)
