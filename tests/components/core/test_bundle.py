"""Complete bundles, and bundles that are incomplete or altered."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from salt_pipeline.components.core.bundle import open_bundle, write_bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import content_hash
from salt_pipeline.components.core.jobs import Job

FACTS = {
    "threshold": 0.4,
    "min_area": 20,
    "flip_tta": True,
    "batch_size": 8,
    "amp": "off",
    "preprocessing": {"side": 101},
    "config_hash": "c0de",
    "data_hash": "beef",
    "scores": {"score": 0.5},
    "versions": {},
    "synthetic": True,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = {}
    for fold in range(2):
        model = tmp_path / f"model{fold}"
        model.mkdir()
        save_file({"a": np.full(3, fold, np.float32)}, model / "model.safetensors")
        digest = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
        (model / "model.json").write_text(json.dumps({"sha256": digest}))
        models[Job("net", fold)] = str(model)
    write_bundle(tmp_path / "bundle", models, {"net": 0.5}, "# card", FACTS)
    return tmp_path / "bundle"


def rewrite(folder: Path, **changes: Any) -> None:
    """Changes the document, and its hash with it."""
    document = json.loads((folder / "bundle.json").read_text()) | changes
    document["hash"] = content_hash({key: value for key, value in document.items() if key != "hash"})
    (folder / "bundle.json").write_text(json.dumps(document))


def test_a_bundle_is_read_as_it_was_written(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert {key: value for key, value in bundle.model_dump().items() if key in FACTS} == FACTS
    assert [member.file for member in bundle.members] == [f"models/net-fold{fold}.safetensors" for fold in range(2)]
    assert (folder / "MODEL_CARD.md").read_text() == "# card"


def test_ranges_of_the_training_images_may_be_there(folder: Path) -> None:
    assert open_bundle(folder).training_ranges is None  # as in bundles of earlier versions
    rewrite(folder, training_ranges={"median": {"low": 60, "median": 120.5, "high": 180}})
    ranges = open_bundle(folder).training_ranges
    assert ranges is not None
    assert (ranges["median"].low, ranges["median"].high) == (60, 180)
    rewrite(folder, training_ranges={"median": {"low": 60, "median": "dark", "high": 180}})
    with pytest.raises(SaltError, match=r"training_ranges.*median"):
        open_bundle(folder)


def test_grey_levels_of_the_training_images_may_be_there(folder: Path) -> None:
    assert open_bundle(folder).training_levels is None  # as in bundles of earlier versions
    rewrite(folder, training_levels=[38, 217])
    assert open_bundle(folder).training_levels == (38, 217)
    rewrite(folder, training_levels=None)
    assert open_bundle(folder).training_levels is None


@pytest.mark.parametrize("levels", [[217, 38], [38, 38], [-1, 217], [38, 256], [38.5, 217], ["38", 217], [38], 38])
def test_levels_that_are_no_two_ascending_grey_levels_are_refused(folder: Path, levels: Any) -> None:
    rewrite(folder, training_levels=levels)
    with pytest.raises(SaltError, match=r"bundle\.json: training_levels"):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["models/net-fold1.safetensors", "models/net-fold0.json", "MODEL_CARD.md"])
def test_a_missing_or_altered_file_is_named(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"~")
    with pytest.raises(SaltError, match=rf"{name}: was altered: its SHA-256"):
        open_bundle(folder)
    path.write_bytes(content + b"?")
    with pytest.raises(SaltError, match=rf"{name}: was altered: wrong size"):
        open_bundle(folder)
    path.unlink()
    with pytest.raises(SaltError, match=rf"{name}: is missing from the bundle"):
        open_bundle(folder)


def test_all_problems_are_reported_at_once(folder: Path) -> None:
    for path in (folder / "models").iterdir():
        path.unlink()
    with pytest.raises(SaltError) as caught:
        open_bundle(folder)
    assert str(caught.value).count("is missing") == 4


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_another_format_version_is_refused(folder: Path, version: object) -> None:
    rewrite(folder, format=version)
    with pytest.raises(SaltError, match=rf"wrong format version .found {version}, expected 1"):
        open_bundle(folder)


def test_an_altered_document_is_refused(folder: Path) -> None:
    path = folder / "bundle.json"
    path.write_text(path.read_text().replace('"threshold": 0.4', '"threshold": 0.3'))
    with pytest.raises(SaltError, match=r"bundle\.json: hash: was altered"):
        open_bundle(folder)
    path.write_text("{")
    with pytest.raises(SaltError, match=r"bundle\.json: is not JSON"):
        open_bundle(folder)
    path.unlink()
    with pytest.raises(SaltError, match="bundle: is not a bundle"):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "models/../../x", "models/a/b", "", "models/.."])
def test_a_path_outside_the_folder_is_refused(folder: Path, name: str) -> None:
    rewrite(folder, files={name: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(SaltError, match="files"):
        open_bundle(folder)


def members(**changes: Any) -> list[dict[str, Any]]:
    """Two members of one encoder, the second of them changed."""
    first = {"encoder": "net", "fold": 0, "weight": 0.5, "file": "a", "sha256": "0" * 64, "sidecar": "b"}
    return [first, first | {"fold": 1} | changes]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"members": members(fold=0)}, "members: a job is there twice"),
        ({"members": members(weight=0.4)}, "members: the folds of an encoder differ in weight"),
        ({"members": members(encoder="other", weight=0.4)}, r"members: the weights sum to 0\.9, not to 1"),
        ({"members": members(fold=1000)}, r"members\.1\.fold: Input should be less than"),
        ({"scores": {}}, "scores: score is missing"),
        ({"scores": {"score": 7}}, r"scores\.score: Input should be less than or equal to 1"),
        ({"threshold": "0.4"}, "threshold: Input should be a valid number"),
        ({"min_area": 10**30}, "min_area: Input should be less than or equal to 10201"),
        ({"batch_size": 10**9}, r"batch_size\..*: Input should be less than or equal to 16384"),
        ({"flip_tta": 1}, "flip_tta: Input should be a valid boolean"),
        ({"versions": {"torch": None}}, r"versions\.torch: Input should be a valid string"),
    ],
)
def test_what_the_document_may_not_say_is_named(folder: Path, changes: dict[str, Any], problem: str) -> None:
    rewrite(folder, **changes)
    with pytest.raises(SaltError, match=rf"bundle\.json: {problem}"):
        open_bundle(folder)


@pytest.mark.parametrize("content", ["[]", "null", "5"])
def test_a_document_of_another_shape_is_refused(folder: Path, content: str) -> None:
    (folder / "bundle.json").write_text(content)
    with pytest.raises(SaltError, match=r"bundle\.json: format: wrong format version \(found none, expected 1"):
        open_bundle(folder)


def test_entries_that_are_missing_or_wrong_are_named(folder: Path) -> None:
    rewrite(folder, threshold=2)
    with pytest.raises(SaltError, match=r"bundle\.json: threshold: "):
        open_bundle(folder)
    rewrite(folder, threshold=0.5, files={})
    with pytest.raises(SaltError, match="members: is not among the files"):
        open_bundle(folder)
