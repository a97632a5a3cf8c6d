import pytest
from pydantic import ValidationError

from salt_pipeline.components.core.scores import AllScores, Scores

ENSEMBLE = {"score_at_half": 0.5, "score": 0.6, "score_interval": [0.5, 0.7], "salt_accuracy": 0.9}
DOCUMENT = {"threshold": 0.45, "min_area": 12, "ensemble": ENSEMBLE | {"name": "ensemble"}, "level": 0.95}


def test_entries_that_no_table_shows_are_ignored() -> None:
    assert Scores.model_validate(DOCUMENT).ensemble.score_interval == (0.5, 0.7)


def test_the_tables_of_a_run_need_every_encoder() -> None:
    more = {"encoders": [ENSEMBLE | {"name": "a"}], "score_cross_fitted": 0.5, "images": 4, "synthetic": False}
    assert [encoder.name for encoder in AllScores.model_validate(DOCUMENT | more).encoders] == ["a"]
    with pytest.raises(ValidationError, match="encoders"):
        AllScores.model_validate(DOCUMENT)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), "x", None])
def test_a_score_is_a_fraction(score: object) -> None:
    with pytest.raises(ValidationError, match="score"):
        Scores.model_validate(DOCUMENT | {"ensemble": ENSEMBLE | {"score": score}})
