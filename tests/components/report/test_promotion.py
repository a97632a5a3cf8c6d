"""The champion of MLflow's registry: a run replaces it only where it is better image by image."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.paired import Truth, read_truth
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.report.promotion import Decision, apply, decide
from salt_pipeline.pipelines.compare.runs import open_finished
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


def test_a_champion_whose_files_are_missing_is_replaced_by_force(registry: Registry, truth: Truth) -> None:
    registry.add("first", wrong=2)
    registry.promote("first", truth)
    (registry.home / "artifacts" / registry.tags("1")[1].info.run_id / "artifacts" / "oof.parquet").unlink()
    registry.add("other", wrong=0)
    with pytest.raises(SaltError, match=r"version 1, the champion: has no oof\.parquet in MLflow"):
        registry.promote("other", truth)
    assert registry.alias("champion") == "1"
    assert registry.promote("other", truth, force=True).promoted


def test_a_run_without_a_registered_model_is_refused(registry: Registry, truth: Truth) -> None:
    with pytest.raises(SaltError, match="none-1a2b3c: RUN: has no registered model"):
        apply(registry.client, "none-1a2b3c", Decision(True, "there was no champion"))


def test_a_promotion_that_another_one_has_overtaken_is_refused(registry: Registry, truth: Truth) -> None:
    for name, wrong in (("first", 20), ("good", 5), ("better", 1)):
        registry.add(name, wrong)
    registry.promote("first", truth)
    good = decide(registry.client, open_finished(str(registry.home / "good"), registry.home), truth)
    assert good.promoted
    registry.promote("better", truth)
    with pytest.raises(SaltError, match=r"good-1a2b3c: another promotion has set .* \(found version 3\)"):
        apply(registry.client, "good-1a2b3c", good)
    assert registry.alias("champion") == "3"
    assert "salt.promotion" not in registry.tags("2")[0]


class Overtaken:
    """MLflow's client, beside another one that sets the champion right after it."""

    def __init__(self, client: Any, winner: str) -> None:
        self.client, self.winner = client, winner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        for one in (version, self.winner):
            self.client.set_registered_model_alias(name, alias, one)


def test_a_promotion_at_the_same_moment_is_reported_by_the_one_that_lost(registry: Registry, truth: Truth) -> None:
    registry.add("first", wrong=20)
    registry.add("other", wrong=20)
    decision = Decision(True, "there was no champion")
    with pytest.raises(SaltError, match=r"in the meantime: promote again.*\(found version 2\)"):
        apply(Overtaken(registry.client, "2"), "first-1a2b3c", decision)
    assert "salt.promotion" not in registry.tags("1")[0]
    assert registry.promote("other", truth).reason == "it was the champion already"


def test_a_promotion_that_was_interrupted_is_completed(registry: Registry) -> None:
    registry.add("first", wrong=2)
    decision = Decision(True, "there was no champion")
    registry.client.set_registered_model_alias("salt", "champion", "1")
    assert apply(registry.client, "first-1a2b3c", decision) == "1"
    assert registry.tags("1")[0]["salt.promotion"] == str(decision)
