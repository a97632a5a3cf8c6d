import numpy as np
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, read_table, write_table
from salt_pipeline.components.report.dataset_facts import read_dataset_facts
from salt_pipeline.components.report.inputs import read_truth
from tests.components.report.conftest import Made


def test_images_are_counted_by_kind(reported: tuple[Made, dict[str, float]]) -> None:
    made, _ = reported
    dataset = made.paths["dataset"]
    facts = read_dataset_facts(dataset, read_truth(dataset, made.paths["folds"]))
    coverage_B = np.array([mask.mean() for mask in made.masks])
    assert (facts.source, facts.labelled, facts.test, facts.constant) == ("survey.zip", 40, 1, 1)
    assert facts.empty == np.count_nonzero(coverage_B == 0)
    assert facts.coverage == pytest.approx(coverage_B[coverage_B > 0].mean())
    assert facts.depth == (60.0, 723.0)
    assert facts.dropped == {"0bad": "its mask is of <b>another</b> size"}


@pytest.mark.parametrize("dropped", ["[]", "{", '{"a": 1}'])
def test_dropped_images_that_are_no_object_of_texts_are_named(made: Made, dropped: str) -> None:
    table, facts = read_table(made.paths["dataset"], DATASET)
    labelled = read_truth(made.paths["dataset"], made.paths["folds"])
    write_table(made.paths["dataset"], DATASET, table.to_pydict(), facts | {"dropped": dropped})
    with pytest.raises(SaltError, match=r"dataset\.parquet: dropped: is not valid metadata \(found "):
        read_dataset_facts(made.paths["dataset"], labelled)
