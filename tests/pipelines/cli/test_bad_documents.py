"""Documents of a run's folder, damaged in every way, at the doors that read them."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.command import fails
from tests.pipelines.local.begun import begun

DAMAGE = {
    "list": b"[]",
    "number": b"5",
    "null": b"null",
    "text": b'"x"',
    "empty": b"",
    "truncated": b'{"run": "a", "data',
    "not UTF-8": b'{"run": "\xff"}',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 500 + b"1" + b"}" * 500,
    "NaN": b'{"run": NaN}',
    "unknown keys": b'{"zzz": 1, "<script>": [], "[/b]": {}}',
    "half a pair": b'{"run": "\\ud800"}',
}

OTHERS: list[object] = [5, None, [], {"a": 1}, True]
"""Values of other types than a text."""

damage = pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE.keys())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a run."""
    archive = tmp_path / "survey.zip"
    archive.write_bytes(b"an archive")
    return begun(tmp_path / "run", str(archive), "smoke", preset_config("smoke")).path


@damage
@pytest.mark.parametrize("name", ["run.json", "config.json"])
def test_a_run_names_its_damaged_document(out: Path, name: str, content: bytes) -> None:
    (out / name).write_bytes(content)
    assert str(out / name) in fails("run", "--out", out)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *itertools.product(("run", "data", "checkpoints", "origin"), OTHERS),
        ("runner", "other"),
        ("preset", ""),
        ("data", "x" * 5000),
        ("extra", 1),
    ],
)
def test_a_run_names_the_field_of_run_json(out: Path, key: str, value: object) -> None:
    document = json.loads((out / "run.json").read_text()) | {key: value}
    (out / "run.json").write_text(json.dumps(document))
    assert f"{out / 'run.json'}: {key}" in fails("run", "--out", out)


@damage
def test_a_configuration_s_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.json").write_bytes(content)
    words = ["ingest", "--data", "a.zip", "--out", tmp_path / "work", "--config", tmp_path / "my.json"]
    assert str(tmp_path / "my.json") in fails(*words)


@damage
@pytest.mark.parametrize("name", ["run.json", "config.json", "metrics.json"])
def test_a_comparison_names_the_damaged_document(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path], name: str, content: bytes
) -> None:
    (runs[1] / name).write_bytes(content)
    said = fails("compare", *runs, "--dataset", survey.dataset, "--out", tmp_path / "compare.html")
    assert str(runs[1] / name) in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threshold", "0.5x"),
        ("threshold", 1.5),
        ("min_area", -1),
        ("min_area", 0.5),
        ("ensemble", []),
        ("ensemble", {}),
        ("ensemble.score", 7),
        ("ensemble.score", None),
        ("ensemble.score_interval", [0.5]),
    ],
)
def test_a_comparison_names_the_score_that_is_none(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path], key: str, value: object
) -> None:
    document = json.loads((runs[1] / "metrics.json").read_text())
    part, _, last = key.rpartition(".")
    (document[part] if part else document)[last] = value
    (runs[1] / "metrics.json").write_text(json.dumps(document))
    said = fails("compare", *runs, "--dataset", survey.dataset, "--out", tmp_path / "compare.html")
    assert str(runs[1] / "metrics.json") in said
    assert last in said
