"""How the pipeline is compiled: what KFP fixes before a run gets its parameters."""

from dataclasses import dataclass

from salt_pipeline.components.core.stages import StageName

CACHED: frozenset[StageName] = frozenset({"ingest", "fold_split", "train_fold", "predict"})
"""Stages whose results a cluster may take from its cache.

The run's name is an input of a training, and the trained model one of a prediction: only a run that is started anew
under its old name finds these two in the cache, so that it skips the jobs that had finished.
"""


@dataclass(frozen=True)
class Variant:
    """A variant of the compiled pipeline.

    Attributes:
        cached: Stages whose results may come from a cache; KFP's own switch at submission does not reach into loops.
        recurring: Each run takes its workflow's name as its name in MLflow: all runs of a schedule have the same
            parameters.
        notify_secret: Secret with the address that an exit task notifies of the end; empty for none.
        promote: The report makes the model the champion of MLflow's registry if it is better.
    """

    cached: frozenset[StageName] = CACHED
    recurring: bool = False
    notify_secret: str = ""
    promote: bool = False


STANDARD = Variant()
"""The variant for a single run, which is the compiled pipeline in the repository."""
