"""Settings that optuna chooses one after the other: its TPE proposes what did well in the trials before.

Nothing of optuna is stored. The sampler is seeded and asks for the same values after the same scores: a sweep that
resumes asks again from the beginning, and finds the jobs of the trials before finished.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.extras import need
from salt_pipeline.pipelines.sweep.settings import MOST, Setting
from salt_pipeline.pipelines.sweep.spaces import Space, base_changes, changed_to, spaces_of


class SearchPlan(BaseModel):
    """What a search asks for.

    Attributes:
        changes: The `--set` options with the lists and ranges.
        trials: Number of settings that optuna proposes, beside the first.
        seed: Seed of its sampler.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: tuple[str, ...]
    trials: int
    seed: int


def plan_search(base: Config, changes: Sequence[str], trials: int, seed: int) -> tuple[Setting, SearchPlan]:
    """Plans a search; the first setting is known, the others depend on the scores.

    Args:
        base: The configuration of the preset.
        changes: The `--set` options.
        trials: Number of settings that optuna proposes.
        seed: Seed of its sampler.

    Raises:
        SaltError: If optuna is not installed, or an option is not valid.
    """
    first, spaces = spaces_of(base, changes)
    if not 1 <= trials < MOST:
        raise SaltError("is not a number of trials", field="--optuna", found=trials, expected=f"1 to {MOST - 1}")
    asked = base_changes(first, spaces)
    for key, space in spaces.items():
        for change in space if isinstance(space, list) else ():
            _check_value(first, key, change)
    need("optuna", "optuna")
    tried = tuple(change for change in changes if change.partition("=")[0].strip() in spaces)
    setting = Setting(changes=asked, config=changed_to(first, asked))
    return setting, SearchPlan(changes=tried, trials=trials, seed=seed)


def _check_value(first: Config, key: str, change: str) -> None:
    """Refuses a value that no other values of the options make valid."""
    try:
        changed_to(first, [change])
    except SaltError as error:
        if (error.field or "").startswith(key):
            raise


class Search:
    """A search over lists and ranges.

    Args:
        first: The configuration of the first setting.
        plan: What is asked for.
    """

    def __init__(self, first: Config, plan: SearchPlan) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._first, self._spaces = spaces_of(first, plan.changes)
        self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=plan.seed))
        self._trial: Any = None
        self._failed = optuna.trial.TrialState.FAIL

    def ask(self) -> Setting:
        """The setting to try next; it may be one that was tried before.

        Raises:
            SaltError: If its values do not go together; the next call asks for others.
        """
        self._trial = self._study.ask()
        changes = tuple(self._suggest(key, space) for key, space in self._spaces.items())
        try:
            return Setting(changes=changes, config=changed_to(self._first, changes))
        except SaltError:
            self._study.tell(self._trial, state=self._failed)
            raise

    def _suggest(self, key: str, space: Space) -> str:
        if isinstance(space, list):
            return str(self._trial.suggest_categorical(key, space))
        if space.kind == "int":
            return f"{key}={self._trial.suggest_int(key, int(space.low), int(space.high))}"
        value = self._trial.suggest_float(key, space.low, space.high, log=space.kind == "log")
        return f"{key}={space.rounded(value)}"

    def tell(self, score: float) -> None:
        """Reports the score of the setting that `ask` returned.

        Args:
            score: Mean difference to the first setting, paired by image.
        """
        self._study.tell(self._trial, score)
