from typing import Any

import pytest

from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.report.inputs import Curve
from salt_pipeline.components.report.page.curves import learning_curves
from tests.components.report.conftest import made_network


def made_curve(encoder: str, fold: int, phases: list[int]) -> Curve:
    epochs = [
        {"epoch": epoch, "phase": phase, "score": min(0.1 * epoch, 1), "loss": 1 / epoch, "seconds": 1, "ended": epoch}
        for epoch, phase in enumerate(phases, 1)
    ]
    job = {"encoder": encoder, "fold": fold, "config_hash": "", "data_hash": ""}
    scores = {"best_epoch": len(epochs), "oof_score": 0.5, "oof_salt_accuracy": 0.5}
    work = {"device": "cpu", "seconds": 1, "ended": len(epochs), "images_per_second": 1, "versions": {}}
    network = made_network(encoder)
    return Curve.model_validate({**job, **scores, **work, "architecture": network, "epochs": epochs})


@pytest.mark.parametrize(
    "jobs",
    [
        {Job("a", 0): [1]},
        {Job("a", 0): [1, 1, 2, 2], Job("a", 1): [1, 1, 2, 2], Job("b", 0): [2, 2]},
        {("a_$\\odd", fold): [1, 2] for fold in range(20)},
        {Job(name, 0): [1, 2] for name in "abc"},
    ],
)
def test_every_encoder_has_a_chart_with_every_fold(jobs: Any) -> None:
    charts = learning_curves({job: made_curve(job[0], job[1], phases) for job, phases in jobs.items()})
    assert list(charts) == list(dict.fromkeys(encoder for encoder, _ in jobs))
    for encoder, chart in charts.items():
        folds = [fold for name, fold in jobs if name == encoder]
        assert [f">fold {fold}</text>" in chart for fold in folds] == [True] * len(folds)
        assert "training loss" in chart


def test_a_change_of_the_loss_is_marked() -> None:
    with_switch, without, second_only = (
        learning_curves({Job("a", 0): made_curve("a", 0, phases)})["a"]
        for phases in ([1, 1, 2, 2], [1, 1, 1, 1], [2, 2, 2, 2])
    )
    assert "Lovász loss from here" in with_switch
    assert "Lovász" not in without + second_only


def test_charts_have_a_common_scale() -> None:
    curves = {Job("low", 0): made_curve("low", 0, [1]), Job("high", 0): made_curve("high", 0, [1] * 9)}
    low, high = learning_curves(curves).values()
    assert ">0.8</text>" in low
    assert ">0.8</text>" in high
