"""A configuration document with some of its options replaced."""

from collections.abc import Mapping
from typing import Any


def with_options(document: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces some options of a configuration document.

    Args:
        document: The nested dictionary; it stays as it is.
        options: The new values by full name, as `Config.flat` returns them.
    """
    changed = {section: dict(value) if isinstance(value, dict) else value for section, value in document.items()}
    for name, value in options.items():
        section, inside, key = name.partition(".")
        if inside:
            changed.setdefault(section, {})[key] = value
        else:
            changed[name] = value
    return changed
