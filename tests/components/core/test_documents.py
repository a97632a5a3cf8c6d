"""Documents that come back are checked by a model; what is wrong is named by file and field."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from salt_pipeline.components.core.documents import parse_document, read_document
from salt_pipeline.components.core.errors import SaltError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    sizes: tuple[int, ...] = ()


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    part: Part
    folder: Path = Field(exclude=True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", ": Input should be a JSON object (found [])"),
        ("{}", ": part: Field required"),
        ('{"part": []}', ": part: Input should be a JSON object (found [])"),
        ('{"part": {"name": 5}}', ": part.name: Input should be a valid string (found 5)"),
        ('{"part": {"name": "a", "sizes": 5}}', ": part.sizes: Input should be a list (found 5)"),
        ('{"part": {"name": "a", "sizes": [1, "x"]}}', ": part.sizes.1: Input should be a valid integer"),
        ('{"part": {"name": "a"}, "extra": 1}', ": extra: Extra inputs are not permitted (found 1)"),
        ('{"part": {"name": "a", "sizes": [Infinity]}}', ": part.sizes.0: is not a number (found Infinity"),
        ('{"part": {"name": "\\ud800"}}', ": is not JSON"),
        ('{"part": {"name": "a', ": is not JSON"),
        ("[" * 1000 + "]" * 1000, ": is nested too deeply (expected at most 64 levels)"),
    ],
)
def test_a_document_of_another_shape_is_named_with_its_field(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "whole.json"
    path.write_text(text)
    with pytest.raises(SaltError) as error:
        read_document(Whole, path, folder=tmp_path)
    assert str(error.value).startswith(f"{path}{problem}")
    assert str(error.value).isprintable()


def test_several_mistakes_are_listed(tmp_path: Path) -> None:
    with pytest.raises(SaltError) as error:
        parse_document(Whole, {"part": {"name": 5, "sizes": 5}, "folder": "x"}, "whole.json")
    assert str(error.value).splitlines()[0] == "whole.json is not valid"
    assert len(str(error.value).splitlines()) == 3


def test_a_document_is_read_with_the_fields_that_are_not_in_it(tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text('{"part": {"name": "a"}}')
    expected = Whole(part=Part(name="a"), folder=tmp_path)
    assert read_document(Whole, tmp_path / "whole.json", folder=tmp_path) == expected
