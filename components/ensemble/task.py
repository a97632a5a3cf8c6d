"""What a task of the stage does: from KFP's artifacts to plain files, through the stage, and back."""

from kfp.dsl import Artifact

from salt_pipeline.components.core.artifacts import describe
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.ensemble.stage import blend


@exit_on_error()
def blend_task(
    dataset: Artifact,
    oof: list[Artifact],
    maps: list[Artifact],
    config: Artifact,
    blended_oof: Artifact,
    blended_test: Artifact,
) -> None:
    """Blends the predictions of all jobs.

    Args:
        dataset: The images; their masks teach the weights where these are learned.
        oof: Out-of-fold maps, one for each job.
        maps: Test maps, one for each job.
        config: The configuration document.
        blended_oof: Output: the blended out-of-fold maps.
        blended_test: Output: the blended test maps.
    """
    oof_facts, test_facts = blend(
        dataset.path,
        [file.path for file in oof],
        [file.path for file in maps],
        read_json(config.path),
        blended_oof=blended_oof.path,
        blended_test=blended_test.path,
    )
    # The report does not read the test maps, which are large, so this artifact carries the times of their tasks.
    seconds = " ".join(file.metadata.get("stage_seconds", "") for file in maps)
    describe(blended_oof, "ensemble oof", predict_seconds=seconds, **oof_facts)
    describe(blended_test, "ensemble test maps", **test_facts)
