"""Every number on the command line is a plain one, whichever command takes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.main import app
from salt_pipeline.pipelines.cli.plain_numbers import PlainNumbers, _check
from tests.pipelines.command import fails

WRONG = ["1_000", "１２", "٣", "nan", "inf", "-Infinity", "1e999", "1e-400", "", " 1", "0x10", "[/b]", "9" * 400]


def options(command: Any, path: str = "salt") -> Iterator[tuple[str, Any]]:
    """Every option that takes a number, after its command's name."""
    for param in command.params:
        kind = param.type_descriptor.annotation
        if {int, float} & {kind, *get_args(kind)}:
            yield f"{path} {max(param.opts, key=len)}", param
    for name in getattr(command, "commands", ()):
        group = isinstance(command, PlainNumbers)
        yield from options(command.get_command(None, name) if group else command.commands[name], f"{path} {name}")


FOUND = dict(options(typer.main.get_command(app)))


def test_the_options_that_take_numbers_are_found() -> None:
    known = {"salt run --jobs", "salt synth --labelled", "salt predict --stride", "salt predict --percentiles"}
    assert known | {"salt train-fold --fold", "salt runs --limit", "salt cluster init --expire-days"} <= FOUND.keys()


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("name", FOUND)
def test_no_option_takes_a_text_that_is_no_plain_number(name: str, text: str) -> None:
    param = FOUND[name]
    value = (text, "1") if get_args(param.type_descriptor.annotation) == (float, float) else text
    with pytest.raises(SaltError, match=rf"^{name.rsplit(maxsplit=1)[-1]}: is not a number \(found ") as error:
        param.process_value(None, value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--labelled", "1e3"], "--labelled: is not a whole number (found 1e3, expected a whole number)"),
        (["--labelled", "3.0"], "--labelled: is not a whole number"),
        (["--labelled", "0"], "--labelled: is out of range (found 0, expected a whole number from 1 to 50000)"),
        (["--test", "100001"], "--test: is out of range (found 100001, expected"),
        (["--seed", "99999999999"], "--seed: is out of range (found 99999999999, expected a whole number from 0 to"),
    ],
)
def test_a_number_out_of_range_is_named_with_its_bounds(tmp_path: Path, words: list[str], problem: str) -> None:
    assert problem in fails("synth", tmp_path / "made.zip", *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["1e30", "-3.4028235e38", "1.70141e38"])
def test_a_number_without_bounds_may_be_any_null_value_of_seismic_software(text: str) -> None:
    _check(text, FOUND["salt predict --null"], float)
