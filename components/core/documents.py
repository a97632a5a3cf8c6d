"""Reads JSON documents that come back to us, such as those of a run's folder, and checks them by a pydantic model."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from salt_pipeline.components.core.config.section import problems_of
from salt_pipeline.components.core.errors import SaltErrors
from salt_pipeline.components.core.files import read_json

Model = TypeVar("Model", bound=BaseModel)


def read_document(model: type[Model], path: str | Path, /, **others: Any) -> Model:
    """Reads a JSON file.

    Args:
        model: What it must hold.
        path: The file.
        **others: Fields of the model that are not in the file.

    Raises:
        SaltError: If it cannot be read, or naming each field that is not as the model says.
    """
    content = read_json(path)
    return parse_document(model, content | others if isinstance(content, dict) else content, path)


def parse_document(model: type[Model], content: Any, source: str | Path) -> Model:
    """Checks what a JSON document holds.

    Args:
        model: What it must hold.
        content: What it holds.
        source: Where it was read, for the message.

    Raises:
        SaltError: Naming each field that is not as the model says.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = problems_of(error, source)
        if len(problems) == 1:
            raise problems[0] from None
        raise SaltErrors(f"{source} is not valid", problems_of(error)) from None
