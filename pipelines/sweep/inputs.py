"""What all trainings of a sweep share: the dataset and its folds."""

from collections.abc import Sequence
from pathlib import Path

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError, one_line
from salt_pipeline.components.core.schemas import DATASET, FOLDS, open_table, table_metadata
from salt_pipeline.pipelines.sweep.job import folds_file


def prepare(archive: str, configs: Sequence[Config], work: Path) -> None:
    """Reads the archive and splits it as each configuration says, unless the files exist.

    Args:
        archive: A path or an s3:// URI.
        configs: The configurations; the seed of the first one splits for all.
        work: The folder of the sweep.

    Raises:
        SaltError: If the archive is wrong, or the folder holds another one or folds of another seed.
    """
    from salt_pipeline.components.fold_split.stage import split
    from salt_pipeline.components.ingest.stage import ingest

    dataset, seed, name = work / "dataset.parquet", configs[0].seed, one_line(Path(archive).name)
    if not dataset.is_file():
        ingest(archive, configs[0].model_dump(mode="json"), str(dataset))
    source = table_metadata(open_table(dataset, DATASET)).get("source", "")
    if source != name:
        problem = "was made from another archive: use another folder"
        raise SaltError(problem, file=dataset, field="source", found=source, expected=name)
    for path, config in {folds_file(config, work): config for config in configs}.items():
        if not path.is_file():
            split(str(dataset), config.model_copy(update={"seed": seed}).model_dump(mode="json"), str(path))
        found = table_metadata(open_table(path, FOLDS)).get("seed", "")
        if found != str(seed):
            problem = "was split with another seed: use another folder"
            raise SaltError(problem, file=path, field="seed", found=found, expected=seed)
