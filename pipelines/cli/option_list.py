"""Every option of the configuration, as its models describe it."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from salt_pipeline.components.core.config.config import Config, EncoderConfig, option_text


def every_option(section: type[BaseModel] = Config, prefix: str = "", about: str = "") -> Iterator[dict[str, Any]]:
    """The options of the configuration, as its models describe them: name, default, meaning with unit and source.

    Args:
        section: The model of a section, or the complete configuration.
        prefix: Before the names of its options.
        about: What is said of the section as a whole, as the source of all its defaults.
    """
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            _, source, words = (inner.__doc__ or "").partition("Source of every default: ")
            yield from every_option(inner, f"{prefix}{name}.", f" Source: {words.strip()}" * bool(source))
            continue
        meaning = field.description or _of_entries(name)
        default = field.get_default(call_default_factory=True)
        yield {"option": f"{prefix}{name}", "default": _plain(default), "meaning": f"{meaning}{about}"}


def _of_entries(name: str) -> str:
    """The meaning of an option that holds a list of objects: that of each entry's options."""
    assert name == "encoders"
    entries: dict[str, FieldInfo] = EncoderConfig.model_fields
    return "The ensemble, a list. " + " ".join(f"`{key}`: {field.description}" for key, field in entries.items())


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return [_plain(entry) for entry in default]
    return default.model_dump(mode="json") if isinstance(default, BaseModel) else default


def shown(default: Any) -> str:
    """A default as `--set` takes it; empty for none."""
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None or default in ({}, []) else option_text(default)
