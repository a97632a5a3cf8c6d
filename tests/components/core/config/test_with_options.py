"""Options of a configuration document, replaced by their full names."""

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.config.with_options import with_options
from salt_pipeline.pipelines.presets import preset_config


def test_the_differences_between_two_configurations_lead_from_one_to_the_other() -> None:
    encoders = 'encoders=[{"name": "tu-tf_efficientnet_lite0", "weight": 1}]'
    other = preset_config("smoke", ["seed=7", "train.epochs=3", "model.scse=false", encoders])
    first = preset_config("smoke")
    differences = {name: value for name, value in other.flat().items() if value != first.flat()[name]}
    assert differences.keys() == {"seed", "train.epochs", "model.scse", "encoders"}

    document = first.model_dump(mode="json", exclude_none=True)
    assert parse_config(with_options(document, differences)) == other
    assert parse_config(document) == first, "the document stays as it is"


def test_a_section_that_the_document_does_not_have_is_added() -> None:
    assert with_options({}, {"train.epochs": 3}) == {"train": {"epochs": 3}}
