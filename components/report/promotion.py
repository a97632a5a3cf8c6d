"""Decides whether a run's model becomes the champion: only where it is better, image by image, in the same folds."""

import logging
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.paired import Finished, Paired, Truth, masks_of, pair
from salt_pipeline.components.core.scores import Scores
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.report.register import NAME

log = logging.getLogger(__name__)

CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases in the registry: the model to use, `models:/salt@champion`, and the one that was last compared with it."""

TAG = "salt.promotion"
"""Tag of the registered version and of its run: what was decided, and why."""

_HEADING = "\n\n**Promotion**: "


@dataclass(frozen=True)
class Decision:
    """Whether a model is to be the champion.

    Attributes:
        promoted: Whether it is.
        reason: Why.
        champion: The version that it was compared with; empty for none.
        difference: The two, image by image; None where they were not compared.
    """

    promoted: bool
    reason: str
    champion: str = ""
    difference: Paired | None = None

    def __str__(self) -> str:
        return f"{'promoted to champion' if self.promoted else 'not promoted'}: {self.reason}"


def decide(client: Any, own: Finished, truth: Truth, *, force: bool = False) -> Decision:
    """Compares a run with that of the champion.

    It is better if the 95 % interval of the mean difference, paired by image, lies above zero. Both must have been
    trained on the same images in the same folds.

    Args:
        client: MLflow's client.
        own: The run.
        truth: Its labelled images.
        force: Promote it in any case.

    Raises:
        SaltError: If the two cannot be compared, unless it is promoted in any case.
        MlflowException: If MLflow cannot be asked.
    """
    champion = _champion(client)
    if champion is None:
        return Decision(True, "there was no champion")
    number = str(champion.version)
    if champion.tags.get("salt.run") == own.name:
        return Decision(True, "it was the champion already", number)
    try:
        found = _compare(client, own, champion, truth)
    except SaltError as error:
        if not force:
            raise
        return Decision(True, f"--force was given; {error}", number)
    better = found.low > 0
    reason = (
        f"{found.mean:+.4f} against version {number} on {len(truth.ids):,} images, 95 % interval {found.low:+.4f} to "
        f"{found.high:+.4f}, {'which lies above' if better else 'which does not lie above'} zero"
    )
    if force and not better:
        reason += "; --force was given"
    return Decision(better or force, reason, number, found)


def apply(client: Any, run: str, decision: Decision) -> str:
    """Sets the aliases, and writes the decision into the registry and the run.

    Args:
        client: MLflow's client.
        run: Name of the pipeline run.
        decision: The decision.

    Returns:
        The registered version.

    Raises:
        SaltError: If the run has no registered model, or another promotion came between decision and end.
    """
    version = registered(client, run)
    _check_champion(client, run, decision.champion, str(version.version))
    if decision.champion == str(version.version):
        return decision.champion  # what was written when it became the champion says why
    if decision.promoted:
        client.set_registered_model_alias(NAME, CHAMPION, version.version)
        _check_champion(client, run, str(version.version))
        client.delete_registered_model_alias(NAME, CHALLENGER)
    else:
        client.set_registered_model_alias(NAME, CHALLENGER, version.version)
    client.set_model_version_tag(NAME, version.version, TAG, str(decision))
    client.set_tag(version.run_id, TAG, str(decision))
    client.log_dict(version.run_id, asdict(decision), "promotion.json")
    note = client.get_run(version.run_id).data.tags.get(NOTE, "").split(_HEADING)[0]
    client.set_tag(version.run_id, NOTE, f"{note}{_HEADING}{decision}")
    log.info("version %s of %s: %s", version.version, NAME, decision)
    return str(version.version)


def registered(client: Any, run: str) -> Any:
    """The newest version that a run has registered.

    Raises:
        SaltError: If there is none.
    """
    found = [known for known in client.search_model_versions(f"name = '{NAME}'") if known.tags.get("salt.run") == run]
    if not found:
        raise SaltError("has no registered model: the report of a run registers it", file=run, field="RUN")
    return max(found, key=lambda known: int(known.version))


def _champion(client: Any) -> Any:
    try:
        return client.get_model_version_by_alias(NAME, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _check_champion(client: Any, run: str, *expected: str) -> None:
    """Makes sure that no other promotion has set the champion: MLflow sets an alias whatever it was before."""
    champion = _champion(client)
    found = str(champion.version) if champion else ""
    if found not in expected:
        problem = "another promotion has set the champion in the meantime: promote again, to compare with that one"
        raise SaltError(problem, file=run, found=f"version {found}" if found else "no champion")


def _compare(client: Any, own: Finished, champion: Any, truth: Truth) -> Paired:
    name = f"version {champion.version}"
    with tempfile.TemporaryDirectory() as scratch:
        names = ("config.json", "metrics.json", "oof.parquet")
        present = {file.path for file in client.list_artifacts(champion.run_id)}
        if missing := [file for file in names if file not in present]:
            raise SaltError(f"has no {missing[0]} in MLflow", file=f"{name}, the champion")
        files = {file: Path(client.download_artifacts(champion.run_id, file, scratch)) for file in names}
        config = parse_config(read_json(files["config.json"]), f"{name}: config.json")
        for field in ("seed", "split"):  # with the images, of which `masks_of` makes sure, they determine the folds
            found, expected = getattr(own.config, field), getattr(config, field)
            if found != expected:
                problem = f"its folds are not those of {name}, the champion: they cannot be compared image by image"
                raise SaltError(problem, file=own.name, field=field, found=found, expected=expected)
        scores = parse_document(Scores, read_json(files["metrics.json"]), f"{name}: metrics.json")
        other = Finished(name, config, scores, files["oof.parquet"])
        return pair(own.name, masks_of(other, truth).score_B, masks_of(own, truth).score_B)
