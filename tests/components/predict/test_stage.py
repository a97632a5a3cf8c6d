"""Prediction of test sets with one trained model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.cpu_time import parse_cpu_time
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, MAPS, array_to_pixels, read_table
from salt_pipeline.components.network.inputs import to_image, to_input
from salt_pipeline.components.network.model_file import save_model
from salt_pipeline.components.predict.stage import predict
from tests.components.dataset import write_dataset
from tests.components.network.tiny import ENCODER, HASH, document, network, write_survey

FACTS = {"encoder": ENCODER, "fold": 2, "config_hash": "c0de", "data_hash": HASH}
CONFIG = document(predict={"batch_size": 3})


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return write_survey(tmp_path)[0]


@pytest.fixture
def model(tmp_path: Path) -> str:
    net = network()
    weights = {key: value * 100 if key.startswith("columns") else value for key, value in net.state_dict().items()}
    save_model(str(tmp_path / "model"), weights, net.config, FACTS)
    return str(tmp_path / "model")


def unlabelled(dataset: str) -> tuple[list[str], np.ndarray]:
    table, _ = read_table(dataset, DATASET)
    test = table.filter([not labelled for labelled in table["labelled"].to_pylist()])
    return test["id"].to_pylist(), array_to_pixels(test["image"])


def expected_maps(image_BHW: np.ndarray) -> np.ndarray:
    net, config = network().eval(), parse_config(CONFIG).model
    x_BHW = torch.from_numpy(image_BHW.copy())
    with torch.no_grad():
        for column in net.columns:
            column.get_parameter("weight").mul_(100)
        plain_BHW = to_image(net(to_input(x_BHW, config))[0], config).sigmoid()
        mirrored_BHW = to_image(net(to_input(x_BHW.flip(2), config))[0], config).sigmoid().flip(2)
    return ((plain_BHW + mirrored_BHW) / 2 * 255).round().numpy()


def test_the_test_images_are_predicted_with_their_mirror_images(dataset: str, model: str, tmp_path: Path) -> None:
    facts = predict(dataset, model, CONFIG, str(tmp_path / "maps.parquet"))
    table, metadata = read_table(tmp_path / "maps.parquet", MAPS)
    ids, image_BHW = unlabelled(dataset)
    assert table["id"].to_pylist() == ids == sorted(ids)
    assert set(parse_cpu_time(facts.pop("cpu_parts"))) == {"start", "prediction"}
    assert facts == {key: str(value) for key, value in FACTS.items()}
    assert metadata == {"kind": "test", **facts}
    maps_BHW = array_to_pixels(table["map"]).astype(int)
    assert maps_BHW.std() > 1
    assert abs(maps_BHW - expected_maps(image_BHW)).max() <= 1
    assert (maps_BHW == expected_maps(image_BHW)).mean() > 0.999
    assert all(0 <= salt <= 1 for salt in table["salt"].to_pylist())


def test_the_architecture_is_that_of_the_model_file(dataset: str, model: str, tmp_path: Path) -> None:
    other = document(predict={"batch_size": 3}, model={"decoder_channels": 64, "input_size": 128})
    for name, config in (("one", CONFIG), ("two", other)):
        predict(dataset, model, config, str(tmp_path / name))
    tables = [read_table(tmp_path / name, MAPS)[0] for name in ("one", "two")]
    assert tables[0].equals(tables[1])


def test_a_model_of_other_data_is_refused(dataset: str, tmp_path: Path) -> None:
    net = network()
    save_model(str(tmp_path / "other"), net.state_dict(), net.config, FACTS | {"data_hash": "beef"})
    with pytest.raises(SaltError, match=f"other: data_hash: does not match .*found beef, expected {HASH}"):
        predict(dataset, str(tmp_path / "other"), CONFIG, str(tmp_path / "maps.parquet"))
    assert not (tmp_path / "maps.parquet").exists()


def test_a_dataset_without_test_images_gives_maps_without_rows(dataset: str, tmp_path: Path) -> None:
    table, _ = read_table(dataset, DATASET)
    labelled = table.filter(table["labelled"]).to_pydict()
    facts = FACTS | {"data_hash": write_dataset(tmp_path / "labelled.parquet", labelled)}
    net, model = network(), str(tmp_path / "labelled")
    save_model(model, net.state_dict(), net.config, facts)
    predict(str(tmp_path / "labelled.parquet"), model, CONFIG, str(tmp_path / "maps.parquet"))
    assert len(read_table(tmp_path / "maps.parquet", MAPS)[0]) == 0


@pytest.mark.parametrize("config", [[], None, {"encoders": 5}])
def test_an_invalid_configuration_in_the_sidecar_is_named_by_file_and_field(
    dataset: str, tmp_path: Path, config: object
) -> None:
    net = network()
    save_model(str(tmp_path / "odd"), net.state_dict(), net.config, FACTS | {"config": config})
    with pytest.raises(SaltError, match=r"odd/model\.json: config: is not valid"):
        predict(dataset, str(tmp_path / "odd"), None, str(tmp_path / "maps.parquet"))


def test_a_missing_model_is_named(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"model\.json: cannot be read"):
        predict(dataset, str(tmp_path / "missing"), CONFIG, str(tmp_path / "maps.parquet"))
