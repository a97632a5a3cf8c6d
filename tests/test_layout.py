"""The rule that a module's tests are found by the module's path."""

from pathlib import Path

ROOT = Path(__file__).parents[1]

NAMES_ALONE = {"components/inference/bad_image.py", "pipelines/hardware/runner.py"}
"""Modules that hold nothing but a name."""


def test_every_module_has_tests_at_its_own_path() -> None:
    modules = {
        str(path.relative_to(ROOT))
        for folder in ("components", "pipelines")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in ("__init__.py", "component.py")  # the tests of a task call its component
    }
    assert len(modules) > 200
    without = {name for name in modules if not (ROOT / "tests" / name).with_name(f"test_{Path(name).name}").is_file()}
    assert without == NAMES_ALONE
