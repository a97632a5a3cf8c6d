"""Which bytecode a measured process finds, and the table."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.starts import Side, table


def side(folder: Path) -> Side:
    """A checkout of one module."""
    (folder / "checkout").mkdir()
    (folder / "checkout" / "ours.py").touch()
    return Side(folder / "checkout", folder)


def kept(of: Side) -> set[str]:
    """The modules whose bytecode is kept."""
    return {path.name.split(".")[0] for path in of.bytecode.rglob("*.pyc")}


def test_bytecode_is_kept_once_and_forgotten_but_for_the_standard_library(tmp_path: Path) -> None:
    measured = side(tmp_path)
    assert measured.cpu_seconds("import fractions, typing_extensions, ours", keep=True) > 0
    assert {"fractions", "typing_extensions", "ours"} <= kept(measured)
    measured.forget_packages()
    assert not {"typing_extensions", "ours"} & kept(measured)
    measured.cpu_seconds("import typing_extensions, ours")
    assert not {"typing_extensions", "ours"} & kept(measured)
    assert "fractions" in kept(measured)


def test_a_process_that_fails_ends_the_benchmark_and_its_output_is_at_hand(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        side(tmp_path).cpu_seconds("import sys; sys.exit(sys.argv[1])", "the reason")
    assert caught.value.returncode == 1
    assert "the reason" in caught.value.output


def test_the_table_has_medians_and_their_ratios_to_the_first_side() -> None:
    times = {
        "with": [{"imports": 5.0}, {"imports": 4.0}, {"imports": 9.0}],
        "without": [{"imports": 10.0}, {"imports": 12.5}, {"imports": 80.0}],
    }
    assert table(times).splitlines() == [
        "| CPU-seconds | with | without | ratio |",
        "| --- | --: | --: | --: |",
        "| imports | 5.00 | 12.50 | 2.50 |",
    ]
