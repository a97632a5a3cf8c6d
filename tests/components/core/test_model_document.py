"""The sidecar of a model, without the network: what must hold of it."""

from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.config.config import ModelConfig
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.model_document import VERSION, read_sidecar

ARCHITECTURE: dict[str, Any] = ModelConfig(input_size=104).model_dump(mode="json")

FACTS: dict[str, Any] = {
    "version": VERSION,
    "encoder": "resnet18",
    "fold": 1,
    "config_hash": "c",
    "data_hash": "d",
    "architecture": ARCHITECTURE,
    "sha256": "0" * 64,
}


def test_what_is_read_and_what_else_the_file_holds(tmp_path: Path) -> None:
    write_json(tmp_path / "model.json", FACTS | {"score": 0.5, "versions": {"torch": "2"}})
    found, facts = read_sidecar(tmp_path / "model.json")
    assert (found.encoder, found.fold, found.architecture.input_size) == ("resnet18", 1, 104)
    assert (found.versions, facts["score"]) == ({"torch": "2"}, 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, r"wrong version \(found 2, expected 1\)"),
        ({"version": True}, "wrong version"),
        ({"versions": None}, "versions: "),
        ({"versions": {"torch": 2}}, "versions.torch: "),
        ({"fold": "0"}, "fold: "),
        ({"architecture": ARCHITECTURE | {"decoder": 1}}, "architecture.decoder: "),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write_json(tmp_path / "model.json", FACTS | change)
    with pytest.raises(SaltError, match=rf"model\.json: {message}"):
        read_sidecar(tmp_path / "model.json")


@pytest.mark.parametrize("entry", list(ARCHITECTURE))
def test_no_entry_of_the_architecture_has_a_default(tmp_path: Path, entry: str) -> None:
    kept = {name: value for name, value in ARCHITECTURE.items() if name != entry}
    write_json(tmp_path / "model.json", FACTS | {"architecture": kept})
    with pytest.raises(SaltError, match=rf"model\.json: architecture: entries are missing \(found {entry}\)"):
        read_sidecar(tmp_path / "model.json")


@pytest.mark.parametrize("document", [[], None, 5])
def test_another_document_is_no_sidecar(tmp_path: Path, document: object) -> None:
    write_json(tmp_path / "model.json", document)
    with pytest.raises(SaltError, match="wrong version"):
        read_sidecar(tmp_path / "model.json")
