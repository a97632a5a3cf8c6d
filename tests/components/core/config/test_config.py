"""The configuration: its defaults, its hash, and the messages about invalid values."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from salt_pipeline.components.core.config.config import Config, option_text, parse_config
from salt_pipeline.components.core.errors import SaltError
from tests.components.core.config.problems import problems

names = st.text("abcz0189", min_size=1, max_size=8)


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Valid documents that differ from the defaults in any section."""
    encoders = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    document = {
        "seed": draw(st.integers(0, 2**31 - 1)),
        "encoders": [{"name": name, "weight": 1 / len(encoders)} for name in encoders],
        "split": {"folds": draw(st.integers(2, 20)), "group_touching": draw(st.booleans())},
        "model": {"input_size": 8 * draw(st.integers(13, 37)), "stem_stride": draw(st.sampled_from([1, 2]))},
        "train": {"epochs": draw(st.integers(1, 500)), "learning_rate": draw(st.floats(1e-9, 1))},
        "submission": {"threshold": draw(st.just("best") | st.floats(0, 1))},
        "cluster": {
            "node_selector": draw(st.dictionaries(names, names, max_size=2)),
            "tolerations": [{"key": draw(names), "operator": "Exists"}],
        },
    }
    kept = draw(st.sets(st.sampled_from(sorted(document))))
    return {key: document[key] for key in kept}


@given(documents())
def test_round_trip_through_json(document: object) -> None:
    config = parse_config(document)
    again = parse_config(json.loads(json.dumps(config.model_dump(mode="json"))))
    assert again == config
    assert again.hash == config.hash
    assert parse_config(json.loads(config.model_dump_json())) == config


def test_the_defaults_are_the_recipe() -> None:
    config = parse_config({})
    assert config == Config()
    assert {encoder.name: encoder.weight for encoder in config.encoders} == {
        "se_resnext50_32x4d": 0.3,
        "se_resnext101_32x4d": 0.7,
    }
    assert (config.split.folds, config.seed, config.train.batch_size, config.model.input_size) == (5, 42, 10, 128)
    assert (config.train.phase1_epochs, config.train.epochs - config.train.phase1_epochs) == (20, 100)
    assert (config.train.learning_rate, config.train.weight_decay) == (1e-4, 1e-4)


def sections(model: type[BaseModel] = Config) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from sections(kind)


def test_every_number_is_described() -> None:
    found = list(sections())
    assert len(found) >= 10
    bare = [
        f"{section.__name__}.{name}"
        for section in found
        for name, field in section.model_fields.items()
        if field.annotation in {int, float} and not field.description
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("train.epochs", 0, "greater than or equal to 1"),
        ("train.learning_rate", 0, "greater than or equal to 0.000000001"),
        ("train.learning_rate", -1e-4, "greater than or equal to 0.000000001"),
        ("train.plateau_factor", 1, "less than 1"),
        ("train.augment", 1.01, "less than or equal to 1"),
        ("train.schedule", "cosine", "'plateau' or 'one_cycle'"),
        ("train.epochs", "three", "a plain finite number"),
        ("train.epochs", 2.5, "valid integer"),
        ("split.folds", 1, "greater than or equal to 2"),
        ("model.input_size", 101, "multiple of 8"),
        ("model.stem_stride", 3, "1 or 2"),
        ("submission.threshold", 128, "less than or equal to 1"),
        ("submission.min_area", -1, "greater than or equal to 0"),
        ("data.on_bad", "ignore", "'stop' or 'drop'"),
        ("cluster.tag", "a b", "Input should be a tag: at most 128 letters, digits and _ . -"),
        ("cluster.memory", "16 GB", "Input should be a quantity of Kubernetes, such as"),
        ("cluster.light_cpu", "-1", "Input should be a quantity of Kubernetes, such as"),
        ("cluster.timeout_hours", 0, "greater than or equal to 0.01"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_was_found_and_expected(field: str, value: Any, expected: str) -> None:
    section, key = field.split(".")
    first, *others = problems({section: {key: value}})
    assert all(problem.startswith(field) and f"found {value!r}" in problem for problem in (first, *others))
    assert expected in first


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_not_finite_is_refused(value: Any) -> None:
    assert any("encoders.0.weight" in problem for problem in problems({"encoders": [{"name": "a", "weight": value}]}))


@pytest.mark.parametrize("text", ["3", "1_000", "１２", "NaN", "Infinity", "1e-400", "", True])
@pytest.mark.parametrize("field", ["train.epochs", "train.learning_rate", "model.stem_stride", "predict.batch_size"])
def test_the_text_of_a_number_is_no_number(field: str, text: str | bool) -> None:
    section, key = field.split(".")
    (problem,) = problems({section: {key: text}})
    assert re.fullmatch(
        rf"{field}: Input should be .*a plain finite number.* \(found {re.escape(repr(text))}\)", problem
    )


def number_fields() -> Iterator[tuple[str, str, Any]]:
    """Each number of the configuration: its section's class, its name, and the constraints that hold for it."""
    for section in sections():
        for name in section.model_fields:
            schema = section.model_json_schema()["properties"][name]
            for part in schema.get("anyOf", [schema]):
                if part.get("type") in ("integer", "number") and "enum" not in part:
                    yield section.__name__, name, part


def test_every_number_has_both_bounds() -> None:
    found = list(number_fields())
    assert len(found) > 25
    lower, upper = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    assert [(section, name) for section, name, part in found if not (lower & part.keys() and upper & part.keys())] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("train.epochs", 10**9),
        ("train.learning_rate", math.inf),
        ("train.weight_decay", math.inf),
        ("train.classification_weight", math.nan),
        ("train.batch_size", 10**6),
        ("model.input_std", math.inf),
        ("model.input_std", 1e-300),
        ("model.centre_channels", 10**9),
        ("model.decoder_channels", 10**9),
        ("predict.batch_size", 10**9),
        ("submission.min_area", 10**12),
        ("cluster.timeout_hours", 1e308),
        ("cluster.accelerator_count", 10**6),
        ("cluster.retries", 10**9),
        ("cluster.cpu", "4097"),
        ("cluster.cpu", 0),
        ("cluster.memory", "2Pi"),
        ("cluster.memory", "0"),
        ("cluster.shm", "１Gi"),
    ],
)
def test_a_value_beyond_every_real_use_is_refused(field: str, value: Any) -> None:
    section, key = field.split(".")
    assert all(problem.startswith(field) for problem in problems({section: {key: value}}))


@pytest.mark.parametrize("name", ["", "../evil", "..", "a/b", "<script>", "a\nb", "a b", "ünï", "a" * 129])
def test_an_encoder_s_name_is_fit_for_a_folder_yaml_and_html(name: str) -> None:
    (problem,) = problems({"encoders": [{"name": name, "weight": 1}]})
    assert problem.startswith("encoders.0.name: Input should be a name of at most 128 letters")
    assert problem.isprintable()


@pytest.mark.parametrize("name", ["tu-tf_efficientnet_lite0", "timm-resnest50d_4s2x40d", "tu-resnet50.a1_in1k", "a++"])
def test_an_encoder_s_name_of_the_libraries_is_accepted(name: str) -> None:
    assert parse_config({"encoders": [{"name": name, "weight": 1}]}).encoders[0].name == name


def test_a_very_long_value_is_shown_in_part() -> None:
    (problem,) = problems({"train": {"epochs": "9" * 5000}})
    assert len(problem) < 400
    assert problem.endswith("9...)")


def test_all_mistakes_are_reported_together() -> None:
    document = {"seed": -1, "train": {"epochs": 0, "typo": 1}, "encoders": []}
    assert [problem.split(":")[0] for problem in problems(document)] == [
        "seed",
        "encoders",
        "train.epochs",
        "train.typo",
    ]


@pytest.mark.parametrize("weights", [(0.7, 0.2), (0.7, 0.7), (0.5, 0.5 + 1e-5)])
def test_weights_that_do_not_sum_to_one_are_reported(weights: tuple[float, ...]) -> None:
    encoders = [{"name": f"encoder{index}", "weight": weight} for index, weight in enumerate(weights)]
    (problem,) = problems({"encoders": encoders})
    assert problem == f"weights of the encoders must sum to 1, found {sum(weights):g}"


def test_an_encoder_of_no_weight_is_refused_before_it_is_trained() -> None:
    encoders = [{"name": "resnet18", "weight": 1}, {"name": "resnet34", "weight": 0}]
    (problem,) = problems({"encoders": encoders})
    assert problem == "encoders.1.weight: Input should be greater than 0 (found 0)"


@pytest.mark.parametrize("count", [1, 3, 7, 10])
def test_the_sum_of_the_weights_may_differ_from_one_by_rounding(count: int) -> None:
    encoders = [{"name": f"encoder{index}", "weight": 1 / count} for index in range(count)]
    assert len(parse_config({"encoders": encoders}).encoders) == count


def test_a_duplicate_encoder_is_reported() -> None:
    encoders = [{"name": "resnet18", "weight": 0.5}, {"name": "resnet18", "weight": 0.5}]
    (problem,) = problems({"encoders": encoders})
    assert problem == "encoders must differ, found resnet18, resnet18"


def test_encoders_of_one_short_name_are_refused() -> None:
    encoders = [{"name": "resnet34", "weight": 0.5}, {"name": "tu-resnet34", "weight": 0.5}]
    (problem,) = problems({"encoders": encoders})
    assert problem == "encoders must differ in the names that tables show, found resnet34, tu-resnet34"


@pytest.mark.parametrize("document", [None, [], "quick", 3])
def test_a_configuration_that_is_no_mapping_is_refused(document: object) -> None:
    with pytest.raises(SaltError, match="is not valid"):
        parse_config(document)


@pytest.mark.parametrize(
    "document",
    [
        {"cluster": {"cpu": "64", "tag": "9.9.9", "node_selector": {"gpu": "a"}}},
        {"predict": {"batch_size": 1}},
        {"submission": {"threshold": 0.3, "min_area": 20}},
        {"encoders": [{"name": "resnet18", "weight": 1.0}]},
        {"data": {"on_bad": "drop"}},
    ],
)
def test_the_hash_ignores_options_that_do_not_affect_a_trained_network(document: object) -> None:
    assert parse_config(document).hash == Config().hash


@pytest.mark.parametrize(
    "document",
    [
        {"seed": 43},
        {"split": {"folds": 4}},
        {"split": {"group_touching": False}},
        {"model": {"gate": False}},
        {"model": {"encoder_weights": "none"}},
        {"train": {"epochs": 121}},
        {"train": {"amp": "off"}},
    ],
)
def test_the_hash_depends_on_options_that_affect_a_trained_network(document: object) -> None:
    assert parse_config(document).hash != Config().hash
    assert len(parse_config(document).hash) == 16


def test_the_values_of_options_are_readable() -> None:
    assert option_text([{"name": "lite0", "weight": 0.3}, {"name": "lite1", "weight": 0.7}]) == "lite0 0.3, lite1 0.7"
    for value, text in ((True, "True"), (1e-4, "0.0001"), ([1, 2], "1, 2"), ("stop", "stop")):
        assert option_text(value) == text


@pytest.mark.parametrize("source", ["gs://bucket/w.pth", "S3://bucket/w.pth", "s3:/w.pth", "s3://key:hidden-word@b/w"])
def test_weights_from_another_kind_of_store_are_refused(source: str) -> None:
    with pytest.raises(SaltError, match=r"model\.encoder_weights: .*expected s3://bucket/key") as caught:
        parse_config({"model": {"encoder_weights": source}})
    assert "hidden-word" not in str(caught.value)
