"""A configuration that a file holds: as JSON, or as YAML under the same rules."""

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from salt_pipeline.components.core.config.config import Config, parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.numbers import MAX_DEPTH, PLAIN, SHOWN, parse_json, plain_number
from salt_pipeline.components.core.regular_file import check_regular

MAX_YAML = 2**20
"""Most bytes of a YAML file; a complete configuration has 4 KiB, and YAML is read slowly."""

_TAG = "tag:yaml.org,2002:"


def read_config(path: Path) -> Config:
    """Reads a complete configuration, or the options that differ from the recipe.

    Args:
        path: The file: YAML if its name ends in .yaml or .yml, otherwise JSON.

    Raises:
        SaltError: If it cannot be read, or naming each option that is unknown or out of range.
    """
    return parse_config(_read_yaml(path) if path.suffix.lower() in (".yaml", ".yml") else read_json(path), str(path))


def _read_yaml(path: Path) -> Any:
    try:
        facts = path.stat()
        check_regular(facts.st_mode, path)
        if facts.st_size > MAX_YAML:
            raise SaltError("is too large", file=path, found=f"{facts.st_size} bytes", expected=f"at most {MAX_YAML}")
        content = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=path) from error
    except UnicodeDecodeError as error:
        raise SaltError("is not YAML", file=path, found=f"{error.reason} at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}" if error.problem_mark else None
        raise SaltError("is not YAML that is accepted here", file=path, field=place, found=error.problem) from None
    except yaml.YAMLError as error:
        raise SaltError("is not YAML", file=path, found=" ".join(str(error).split())) from None
    except RecursionError:
        raise SaltError("is nested too deeply", file=path, expected=f"at most {MAX_DEPTH} levels") from None
    return parse_json(json.dumps(content), path)


class _Loader(yaml.SafeLoader):
    """Reads what JSON could hold: text, plain numbers, true and false, null, lists and objects.

    Of YAML 1.1 it refuses what is easily misread: duplicate keys, aliases, tags, and numbers such as 1_000, 010 and
    1:30. `on`, `off`, `yes` and `no` are text, as in YAML 1.2.
    """

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        f"{_TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{kind}"] for kind in ("null", "str", "seq")
    } | {None: yaml.SafeLoader.yaml_constructors[None]}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise _refused("an alias", self.peek_event().start_mark)
        if getattr(self.peek_event(), "tag", None):
            raise _refused("a tag", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def mapping(self, node: Any) -> dict[str, Any]:
        """An object whose keys are texts that differ."""
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key that is no text", key.start_mark)
            if key.value in found:
                raise _refused(f"the key {key.value[:SHOWN]} for the second time", key.start_mark)
            found[key.value] = self.construct_object(value, deep=True)
        return found

    def number(self, node: Any) -> float:
        """A number as JSON writes it."""
        text = node.value
        try:
            value = plain_number(text)
        except SaltError:
            value = None
        if value is None or re.match("[+-]?0[0-9]", text):
            raise _refused(f"{text[:SHOWN]}, expected {PLAIN}", node.start_mark)
        return value if set(".eE") & set(text) else int(text)

    def text(self, node: Any) -> str:
        """The text of what YAML 1.1 reads as a date."""
        return str(node.value)

    def boolean(self, node: Any) -> bool | str:
        """True or false, or a word that only YAML 1.1 reads as one of them."""
        return {"true": True, "false": False}.get(node.value.lower(), node.value)


def _refused(what: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=mark)


_Loader.add_constructor(f"{_TAG}map", _Loader.mapping)
_Loader.add_constructor(f"{_TAG}bool", _Loader.boolean)
_Loader.add_constructor(f"{_TAG}timestamp", _Loader.text)
for _kind in ("int", "float"):
    _Loader.add_constructor(f"{_TAG}{_kind}", _Loader.number)
# YAML 1.1 reads 1e-3 as text: it wants a dot and a sign.
_Loader.add_implicit_resolver(
    f"{_TAG}float", re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+$"), [*"+-.0123456789"]
)
