"""The records into which the generated client's objects are read."""

from datetime import UTC, datetime, timedelta

from kfp_server_api import V2beta1Run, V2beta1RuntimeConfig, V2beta1RuntimeStatus

from salt_pipeline.pipelines.cluster.kfp_records import ClusterRun, read_run
from salt_pipeline.pipelines.presets import preset_config

CREATED = datetime(2026, 1, 2, tzinfo=UTC)
CONFIG = preset_config("smoke")


def test_a_run_without_parameters_is_of_another_pipeline() -> None:
    run = read_run(V2beta1Run(run_id="r", display_name="other", created_at=CREATED))
    assert (run.state, run.ended, run.parameters, run.pipeline_root) == ("PENDING", False, {}, None)
    assert (run.configuration, run.jobs, run.checkpoints, run.tracked_name) == (None, [], "", None)


def test_a_run_has_its_jobs_and_its_name_in_mlflow() -> None:
    config = V2beta1RuntimeConfig(parameters={"config": CONFIG.model_dump(mode="json"), "run": "first-1a"})
    run = read_run(V2beta1Run(run_id="r", display_name="first", created_at=CREATED, runtime_config=config))
    assert run.configuration == CONFIG
    assert len(run.jobs) == CONFIG.split.folds * len(CONFIG.encoders)
    assert run.tracked_name == "first-1a"
    scheduled = V2beta1Run(
        run_id="r", display_name="weekly-1", created_at=CREATED, runtime_config=config, recurring_run_id="s"
    )
    assert read_run(scheduled).tracked_name == "weekly-1"


def test_the_jobs_of_a_sweep_are_named_with_their_options() -> None:
    items: list[dict[str, object]] = [
        {"encoder": "tu-tf_efficientnet_lite0", "fold": 0.0, "changes": "{}"},
        {"encoder": "resnet34", "fold": 1, "changes": '{"seed": 3, "train.learning_rate": 0.003}'},
    ]
    given = {"config": CONFIG.model_dump(mode="json"), "run": "sweep-1a", "sweep": {}, "jobs": items}

    def read() -> ClusterRun:
        config = V2beta1RuntimeConfig(parameters=given)
        return read_run(V2beta1Run(run_id="r", display_name="n", created_at=CREATED, runtime_config=config))

    assert read().jobs == [("tu-tf_efficientnet_lite0", 0), ("resnet34 seed=3 train.learning_rate=0.003", 1)]
    assert (read().is_sweep, read().order[-1]) == (True, "compare-settings")
    trained = list(read().trainings.values())
    assert [one.encoder for one in trained] == ["tu-tf_efficientnet_lite0", "resnet34"]
    assert trained[0].config == CONFIG
    assert (trained[1].config.seed, trained[1].config.train.learning_rate) == (3, 0.003)
    for wrong in ({"encoder": "a"}, {"encoder": "a", "fold": 0, "changes": "{"}):
        items[0] = dict(wrong)
        assert read().jobs == []


def test_an_end_in_the_year_1970_counts_as_none() -> None:
    for finished, end in ((datetime(1970, 1, 1, tzinfo=UTC), None), (CREATED + timedelta(1), CREATED + timedelta(1))):
        assert (
            read_run(V2beta1Run(run_id="r", display_name="n", created_at=CREATED, finished_at=finished)).finished == end
        )


def test_a_failed_run_was_stopped_if_it_was_cancelling() -> None:
    history = [V2beta1RuntimeStatus(state=state) for state in ("RUNNING", "CANCELING", "FAILED")]
    assert read_run(
        V2beta1Run(run_id="r", display_name="n", created_at=CREATED, state="FAILED", state_history=history)
    ).was_stopped
    assert not read_run(
        V2beta1Run(run_id="r", display_name="n", created_at=CREATED, state="FAILED", state_history=history[::2])
    ).was_stopped


def test_a_step_of_the_history_without_a_state_is_passed_over() -> None:
    history = [V2beta1RuntimeStatus(state=state) for state in ("PENDING", None, "RUNNING")]
    run = read_run(V2beta1Run(run_id="r", display_name="n", created_at=CREATED, state_history=history))
    assert run.past_states == ("PENDING", "RUNNING")
