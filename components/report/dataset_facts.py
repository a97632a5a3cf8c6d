"""Facts of the dataset: numbers of images by kind, and the images that were skipped."""

from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter, ValidationError

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.labelled import one_grey_level
from salt_pipeline.components.core.schemas import DATASET, open_table, table_metadata
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
        dropped=_parse_dropped(dataset, facts.get("dropped", "{}")),
    )


def _parse_dropped(dataset: str, text: str) -> dict[str, str]:
    try:
        return TypeAdapter(dict[str, str]).validate_json(text)
    except ValidationError:
        expected = "a JSON object of texts"
        problem = "is not valid metadata"
        raise SaltError(problem, file=dataset, field="dropped", found=text[:100], expected=expected) from None
