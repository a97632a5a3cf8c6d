"""The KFP component of the stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from components.core.images import image


@dsl.component(base_image=image("ensemble"), install_kfp_package=False)
def ensemble(
    dataset: Input[Dataset],
    oof: Input[list[Dataset]],
    maps: Input[list[Dataset]],
    config: Input[Artifact],
    blended_oof: Output[Dataset],
    blended_test: Output[Dataset],
) -> None:
    """Blends the out-of-fold and the test maps of all jobs."""
    from components.core.errors import exit_on_error
    from components.core.lineage import describe
    from components.core.storage import read_json
    from components.ensemble.stage import blend

    with exit_on_error():
        oof_facts, test_facts = blend(
            dataset.path,
            [file.path for file in oof],
            [file.path for file in maps],
            read_json(config.path),
            blended_oof=blended_oof.path,
            blended_test=blended_test.path,
        )
        # The report gets no test maps, which are large, but tells how long their tasks took.
        seconds = " ".join(file.metadata.get("stage_seconds", "") for file in maps)
        describe(blended_oof, "ensemble oof", predict_seconds=seconds, **oof_facts)
        describe(blended_test, "ensemble test maps", **test_facts)
