"""The experiment on a real MLflow server."""

from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.core.tracking.tracking import Tracking
from tests.components.core.tracking.work import Recorded


def test_what_somebody_wrote_of_the_experiment_stays(server: Recorded) -> None:
    first = Tracking("first").experiment
    assert "salt.kind" in server.client.get_experiment(first).tags[NOTE]
    server.client.set_experiment_tag(first, NOTE, "ours")
    Tracking("second")
    assert server.client.get_experiment(first).tags[NOTE] == "ours"
