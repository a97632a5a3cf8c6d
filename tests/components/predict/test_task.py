"""The stage's task: how its maps are described, by which configuration it predicts, and how an error ends it."""

from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Dataset, Model

from salt_pipeline.components.core.cpu_time import parse_cpu_time
from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.schemas import MAPS, read_table
from salt_pipeline.components.network.model_file import save_model
from salt_pipeline.components.predict import stage
from salt_pipeline.components.predict.component import predict
from tests.components.network.tiny import ENCODER, document, network, write_survey
from tests.components.predict.test_stage import FACTS, unlabelled


def config(flip_tta: bool) -> dict[str, Any]:
    return document(predict={"batch_size": 3, "flip_tta": flip_tta})


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    """The arguments of the component; the model was trained by a configuration that predicts no mirror images."""
    net = network()
    weights = {key: value * 100 if key.startswith("columns") else value for key, value in net.state_dict().items()}
    save_model(str(tmp_path / "model"), weights, net.config, FACTS | {"config": config(flip_tta=False)})
    return {
        "dataset": Dataset(uri=write_survey(tmp_path)[0]),
        "model": Model(uri=str(tmp_path / "model")),
        "maps": Dataset(uri=str(tmp_path / "out" / "maps")),
    }


def test_the_maps_are_described_by_their_job_and_no_more(arguments: dict[str, Any]) -> None:
    predict.python_func(**arguments)
    metadata = arguments["maps"].metadata
    assert metadata["display_name"] == "f2 lcnet_035 test maps"
    assert (metadata["encoder"], metadata["fold"]) == (ENCODER, "2")
    assert parse_cpu_time(metadata["cpu_parts"]).keys() == {"start", "prediction"}
    times = {"stage_seconds", "cpu_seconds"}
    assert metadata.keys() == {"display_name", "encoder", "fold", "cpu_parts"} | times
    assert all(isinstance(value, str) for value in metadata.values())


def test_the_images_are_predicted_by_the_configuration_of_the_model(arguments: dict[str, Any], tmp_path: Path) -> None:
    predict.python_func(**arguments)
    dataset, model = arguments["dataset"].path, arguments["model"].path
    for flip_tta in (False, True):
        stage.predict(dataset, model, config(flip_tta), str(tmp_path / f"maps-{flip_tta}"))
    own = read_table(arguments["maps"].path, MAPS)[0]
    assert own["id"].to_pylist() == unlabelled(dataset)[0]
    assert own.equals(read_table(tmp_path / "maps-False", MAPS)[0])
    assert not own.equals(read_table(tmp_path / "maps-True", MAPS)[0])


def test_an_error_of_the_user_is_one_line_and_no_output_is_described(
    arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    sidecar = Path(arguments["model"].path, "model.json")
    sidecar.unlink()
    with pytest.raises(SystemExit) as ended:
        predict.python_func(**arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{MARK}{sidecar}: cannot be read: No such file or directory\n"
    assert arguments["maps"].metadata == {}
    assert not Path(arguments["maps"].path).exists()
