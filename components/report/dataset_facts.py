"""Facts of the dataset: numbers of images by kind, and the images that were skipped."""

from dataclasses import dataclass

import numpy as np

from salt_pipeline.components.core.labelled import one_grey_level
from salt_pipeline.components.core.schemas import DATASET, open_table, table_metadata
from salt_pipeline.components.core.table_facts import read_json_fact
from salt_pipeline.components.report.inputs import Labelled


@dataclass(frozen=True)
class DatasetFacts:
    """Facts of the dataset; counts are of images.

    Attributes:
        source: Name of the archive.
        labelled: Images with a mask.
        test: Images without a mask.
        empty: Labelled images without salt.
        constant: Labelled images of one grey level.
        coverage: Mean fraction of salt in the labelled images that hold any.
        depth: Smallest and largest known depth of the labelled images, ft.
        dropped: By id, why an image was skipped.
    """

    source: str
    labelled: int
    test: int
    empty: int
    constant: int
    coverage: float
    depth: tuple[float, float] | None
    dropped: dict[str, str]


def read_dataset_facts(dataset: str, labelled: Labelled) -> DatasetFacts:
    """Counts what the dataset holds.

    Raises:
        SaltError: If the file is not a dataset.
    """
    file = open_table(dataset, DATASET)
    facts = table_metadata(file)
    coverage_B = labelled.masks_BHW.mean(axis=(1, 2))
    known = labelled.depth_B[np.isfinite(labelled.depth_B)]
    return DatasetFacts(
        source=facts.get("source", ""),
        labelled=len(labelled.ids),
        test=file.metadata.num_rows - len(labelled.ids),
        empty=int((coverage_B == 0).sum()),
        constant=int(one_grey_level(labelled.images_BHW).sum()),
        coverage=float(coverage_B[coverage_B > 0].mean()) if coverage_B.any() else 0.0,
        depth=(float(known.min()), float(known.max())) if len(known) else None,
        dropped=_dropped(dataset, facts),
    )


def _dropped(dataset: str, facts: dict[str, str]) -> dict[str, str]:
    if "dropped" not in facts:
        return {}
    dropped: dict[str, str] = read_json_fact(dataset, facts, "dropped", dict[str, str], "a JSON object of texts")
    return dropped
