"""Every line of the GPU's benchmark runs on a CPU, with a tiny network: a card is lent rarely and for minutes."""

from functools import partial

import pytest
import torch

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu.trainings import CASES, Case
from tests.components.network.tiny import ENCODER

TINY = Case(
    "tiny",
    ENCODER,
    changes=("model.fit=pad", "model.input_size=128", "model.centre_channels=16", "train.batch_size=4"),
    before=2.0,
    goal=1e-3,
    resumed=True,
)


@pytest.mark.slow
def test_measures_each_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu, "CASES", (TINY,))
    monkeypatch.setattr(gpu, "IMAGES", 24)
    monkeypatch.setattr("sys.argv", ["gpu"])
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    for name, fewer in (
        ("measure_steps", {"rounds": 1, "steps": 6}),
        ("prediction_rate", {"count": 8, "rounds": 1}),
        ("plain_rate", {"batches": 2}),
        ("sharing_rates", {"seconds": 0.1}),
    ):
        monkeypatch.setattr(gpu, name, partial(getattr(gpu, name), **fewer))
    assert gpu.main() == 1  # no CPU takes a step in a microsecond
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"cpu, torch {torch.__version__}, 24 images"
    rows = [line for line in lines if line.endswith(("reached |", "MISSED |"))]
    assert next(line for line in rows if "training step" in line).endswith("at most 0.001 ms | MISSED |")
    equal = [line for line in rows if "weights, tiny" in line]
    assert len(equal) == 5
    assert all(line.endswith("| differ by 0 | equal | reached |") for line in equal)


def test_the_configurations_of_the_table_are_valid() -> None:
    for case in CASES:
        assert case.encoder in [encoder.name for encoder in case.config.encoders]
