"""What a run's metrics.json says, as far as the tables show it."""

from typing import Annotated

from pydantic import BaseModel, Field

Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Scored(BaseModel, strict=True):
    """The scores of an encoder or of the ensemble; entries that no table shows are ignored.

    Attributes:
        name: Name of the encoder, or `ensemble`.
        score_at_half: Mean score at threshold 0.5 and no smallest area.
        score: Mean score at the chosen threshold and smallest area.
        score_interval: Its bootstrap interval over images.
        salt_accuracy: Fraction of images that the classifier correctly predicts to hold salt or none.
    """

    name: str = "ensemble"
    score_at_half: Score
    score: Score
    score_interval: Annotated[tuple[Score, Score], Field(strict=False)]
    salt_accuracy: Score


class Scores(BaseModel, strict=True):
    """The scores of a run.

    Attributes:
        threshold: A pixel is salt above it.
        min_area: Smaller masks are emptied, px.
        ensemble: The scores of the blend of all encoders.
    """

    threshold: Score
    min_area: int = Field(ge=0, le=101 * 101)
    ensemble: Scored


class AllScores(Scores):
    """The same with every encoder's scores.

    Attributes:
        encoders: The scores of each encoder.
        score_cross_fitted: The ensemble's score where each fold's threshold and area were chosen on the other folds.
        images: Number of labelled images.
        synthetic: Whether the images were generated, so that scores mean nothing.
    """

    encoders: list[Scored]
    score_cross_fitted: Score
    images: int = Field(ge=0)
    synthetic: bool
