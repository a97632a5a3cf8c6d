"""The champion of MLflow's registry: a run replaces it only where it is better image by image."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.paired import Truth, read_truth
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.report.promotion import Decision, apply
from tests.components.report.registry import Registry
from tests.pipelines.compare.finished import ingested


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return ingested(tmp_path_factory.mktemp("survey"))


@pytest.fixture
def truth(survey: SimpleNamespace) -> Truth:
    return read_truth(survey.dataset)


@pytest.fixture
def registry(tmp_path: Path, survey: SimpleNamespace, empty_mlflow: Path) -> Registry:
    shutil.copy(empty_mlflow, tmp_path)
    return Registry(tmp_path, survey)


def test_the_first_becomes_the_champion_and_a_better_one_replaces_it(registry: Registry, truth: Truth) -> None:
    registry.add("first", wrong=20)
    assert registry.promote("first", truth) == Decision(True, "there was no champion")
    assert (registry.alias("champion"), registry.alias("challenger")) == ("1", None)
    registry.add("better", wrong=1)
    decision = registry.promote("better", truth)
    assert decision.promoted
    assert decision.difference is not None
    assert decision.difference.low > 0
    assert (registry.alias("champion"), registry.alias("challenger")) == ("2", None)
    assert registry.promote("better", truth).reason == "it was the champion already"


@pytest.mark.parametrize("wrong", [2, 3, 20])
def test_one_that_is_equal_or_worse_stays_the_challenger(registry: Registry, truth: Truth, wrong: int) -> None:
    registry.add("first", wrong=2)
    registry.promote("first", truth)
    registry.add("other", wrong)
    decision = registry.promote("other", truth)
    assert not decision.promoted
    assert decision.champion == "1"
    assert (registry.alias("champion"), registry.alias("challenger")) == ("1", "2")


def test_it_is_promoted_in_any_case_by_force(registry: Registry, truth: Truth) -> None:
    registry.add("first", wrong=2)
    registry.promote("first", truth)
    registry.add("worse", wrong=20)
    decision = registry.promote("worse", truth, force=True)
    assert decision.promoted
    assert "which does not lie above zero; --force was given" in decision.reason
    assert (registry.alias("champion"), registry.alias("challenger")) == ("2", None)


def test_the_decision_is_written_into_the_registry_and_the_run(
    registry: Registry, truth: Truth, tmp_path: Path
) -> None:
    registry.add("first", wrong=20)
    registry.promote("first", truth)
    registry.add("better", wrong=1)
    decision = registry.promote("better", truth)
    registry.promote("better", truth)  # it is the champion already: the reason is kept
    version, run = registry.tags("2")
    assert version["salt.promotion"] == run.data.tags["salt.promotion"] == str(decision)
    assert run.data.tags[NOTE] == f"a table\n\n**Promotion**: {decision}"
    file = registry.client.download_artifacts(run.info.run_id, "promotion.json", str(tmp_path))
    assert json.loads(Path(file).read_text())["reason"] == decision.reason


@pytest.mark.parametrize("change", ["seed=7", "split.folds=3"])
def test_one_of_other_folds_is_refused_and_changes_nothing(registry: Registry, truth: Truth, change: str) -> None:
    registry.add("first", wrong=2)
    registry.promote("first", truth)
    registry.add("other", 0, change)
    field = change.split(".", maxsplit=1)[0].split("=", maxsplit=1)[0]
    with pytest.raises(SaltError, match=rf"other-1a2b3c: {field}: its folds are not those of version 1, the champion"):
        registry.promote("other", truth)
    assert (registry.alias("champion"), registry.alias("challenger")) == ("1", None)
    assert registry.promote("other", truth, force=True).promoted


def test_a_run_without_a_registered_model_is_refused(registry: Registry, truth: Truth) -> None:
    with pytest.raises(SaltError, match="none-1a2b3c: RUN: has no registered model"):
        apply(registry.client, "none-1a2b3c", Decision(True, "there was no champion"))
