"""The progress in a checkpoint: what a training writes comes back, what it cannot have written is named."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.config.config import TrainConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.train_fold.progress_document import LONGEST, parse_progress

TRAIN = TrainConfig(epochs=4, phase1_epochs=2, learning_rate=1e-3, plateau_patience=2)
JOB: dict[str, str | int] = {"config_hash": "c", "data_hash": "d", "encoder": "resnet18", "fold": 2}


def written(scores: list[float], train: TrainConfig = TRAIN) -> dict[str, Any]:
    """The document of a training after an epoch of each score."""
    best = max(scores)
    history = [
        {
            "epoch": n,
            "phase": 1 if n <= train.phase1_epochs else 2,
            "loss": 1 / n,
            "score": score,
            "seconds": 2.5,
            "images_per_second": 8.0,
        }
        for n, score in enumerate(scores, 1)
    ]
    return {
        "job": JOB,
        "epoch": len(scores),
        "best_epoch": scores.index(best) + 1,
        "best_score": best,
        "learning_rate": train.learning_rate,
        "stalled": 0,
        "history": history,
    }


AFTER = written([0.5, 0.75, 0.25])


def parse(document: object, train: TrainConfig = TRAIN) -> dict[str, Any]:
    return parse_progress(json.dumps(document), JOB, train)


def problem(document: object) -> str:
    with pytest.raises(SaltError) as caught:
        parse(document)
    return str(caught.value)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 12), st.floats(0, 1e-3), st.floats(0, LONGEST)
)
def test_what_a_training_writes_comes_back_as_it_was(
    scores: list[float], phase1_epochs: int, rate: float, ended: float
) -> None:
    train = TrainConfig(epochs=12, phase1_epochs=phase1_epochs, learning_rate=1e-3)
    document = written(scores, train) | {"learning_rate": rate}
    for epoch in document["history"]:
        epoch["ended"] = ended
    assert parse(document, train) == document


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({key: JOB[key] for key in JOB if key != "data_hash"}, "job.data_hash: checkpoint of another job (expected d)"),
        (JOB | {"more": "x"}, "job.more: checkpoint of another job (found x)"),
        (JOB | {"fold": 3, "encoder": "b"}, "job.encoder: checkpoint of another job (found b, expected resnet18)"),
        ({}, "job.config_hash: checkpoint of another job (expected c)"),
    ],
)
def test_a_document_of_another_job_is_refused(job: dict[str, str | int], expected: str) -> None:
    assert problem(AFTER | {"job": job}) == expected


@pytest.mark.parametrize(
    ("index", "changes", "expected"),
    [
        (1, {"phase": 2}, "history.1.phase: does not match the other entries (found 2, expected 1)"),
        (2, {"phase": 1}, "history.2.phase: does not match the other entries (found 1, expected 2)"),
        (2, {"epoch": 2}, "history.2.epoch: does not match the other entries (found 2, expected 3)"),
        (0, {"score": 0.9}, "best_score: does not match the other entries (found 0.75, expected 0.9)"),
        (2, {"score": 0.9}, "best_score: does not match the other entries (found 0.75, expected 0.9)"),
    ],
)
def test_an_epoch_that_does_not_match_the_rest_is_named(index: int, changes: dict[str, Any], expected: str) -> None:
    history = [dict(epoch) for epoch in AFTER["history"]]
    history[index] |= changes
    assert problem(AFTER | {"history": history}) == expected


def test_the_first_of_equal_scores_is_the_best() -> None:
    document = written([0.5, 0.75, 0.75])
    assert parse(document)["best_epoch"] == 2
    assert problem(document | {"best_epoch": 3}).startswith("best_epoch: does not match")


def test_more_epochs_than_the_configuration_has_are_refused() -> None:
    scores = [0.1, 0.2, 0.3, 0.4]
    assert parse(written(scores))["epoch"] == 4
    assert problem(written([*scores, 0.5])) == "epoch: is out of range (found 5, expected at most 4)"


def test_a_learning_rate_above_that_of_the_configuration_is_refused() -> None:
    above = math.nextafter(1e-3, 1)
    expected = f"learning_rate: is out of range (found {above}, expected at most 0.001)"
    assert problem(AFTER | {"learning_rate": above}) == expected


@pytest.mark.parametrize(("epochs", "most"), [(1, 1), (2, 2), (3, 2)])
def test_a_training_stalls_for_no_more_epochs_than_there_were_nor_than_its_patience(epochs: int, most: int) -> None:
    document = written([0.5, 0.4, 0.3][:epochs])
    assert parse(document | {"stalled": most})["stalled"] == most
    expected = f"stalled: is out of range (found {most + 1}, expected at most {most})"
    assert problem(document | {"stalled": most + 1}) == expected


def test_a_missing_entry_is_named() -> None:
    assert problem({key: AFTER[key] for key in AFTER if key != "stalled"}) == "stalled: Field required"


def test_a_text_that_is_no_plain_document_is_refused() -> None:
    assert problem([]) == "Input should be a JSON object (found [])"
    with pytest.raises(SaltError, match="epoch: the key occurs more than once in its object"):
        parse_progress('{"epoch": 1, "epoch": 2}', JOB, TRAIN)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"epoch": "text"}, "epoch: .*valid integer.*found 'text'"),
        ({"epoch": 1.5}, "epoch: .*valid integer.*found 1.5"),
        ({"epoch": True}, "epoch: .*valid integer"),
        ({"epoch": -5}, "epoch: .*greater than or equal to 1.*found -5"),
        ({"epoch": 0}, "epoch: .*found 0"),
        ({"epoch": 99}, r"epoch: is out of range.*found 99, expected at most 4"),
        ({"epoch": 2}, "history: wrong number of epochs.*found 3, expected 2"),
        ({"history": []}, "history: wrong number of epochs.*found 0, expected 3"),
        ({"history": {}}, "history: .*should be a list"),
        ({"history": [{}] * 3}, r"history\.0\.epoch: Field required"),
        ({"history": AFTER["history"][::-1]}, r"history\.0\.epoch: .*found 3, expected 1"),
        ({"history": [AFTER["history"][0] | {"loss": float("nan")}] * 3}, r"history\.0\.loss: .*found NaN"),
        ({"history": [AFTER["history"][0] | {"score": 2}] * 3}, r"history\.0\.score: .*less than or equal to 1"),
        ({"history": [AFTER["history"][0] | {"phase": 2}] * 3}, r"history\.0\.phase: .*found 2, expected 1"),
        ({"history": [AFTER["history"][0] | {"loss": 1e308}] * 3}, r"history\.0\.loss: .*less than or equal to"),
        ({"history": [{**AFTER["history"][0], "images_per_second": None}] * 3}, r"history\.0\.images_per_second: "),
        ({"history": [AFTER["history"][0] | {"more": "text"}] * 3}, r"history\.0\.more: .*valid number"),
        ({"best_epoch": 99}, "best_epoch: .*found 99, expected 2"),
        ({"best_epoch": None}, "best_epoch: .*valid integer"),
        ({"best_score": "text"}, "best_score: .*valid number"),
        ({"best_score": 0.8}, "best_score: .*found 0.8, expected 0.75"),
        ({"learning_rate": 5.0}, "learning_rate: is out of range.*found 5.0, expected at most 0.001"),
        ({"learning_rate": -1e-3}, "learning_rate: .*greater than or equal to 0"),
        ({"stalled": 50}, "stalled: is out of range.*found 50, expected at most 2"),
        ({"job": "text"}, "job: .*a JSON object"),
        ({"more": 1}, "more: Extra inputs"),
    ],
)
def test_an_entry_that_no_training_writes_is_refused(entries: dict[str, Any], message: str) -> None:
    assert re.match(message, problem(AFTER | entries))
