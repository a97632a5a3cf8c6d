from importlib import import_module

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.extras import extra, need


def test_a_missing_package_is_reported_with_its_extra() -> None:
    @extra("predict")
    def work() -> None:
        import absent.part  # type: ignore[import-not-found]  # noqa: F401

    for _ in range(2):  # a decorated function can be called again
        with pytest.raises(SaltError, match=r"^absent is not installed: pip install 'salt-pipeline\[predict\]'$"):
            work()


@pytest.mark.parametrize("module", ["salt_pipeline.absent", "json.absent"])
def test_a_missing_module_of_a_package_that_is_installed_is_our_own_fault(module: str) -> None:
    with pytest.raises(ModuleNotFoundError), extra("train"):
        import_module(module)


def test_needed_packages_are_looked_for_in_order() -> None:
    need("train", "json")
    with pytest.raises(SaltError, match="first is not installed"):
        need("train", "json", "first", "second")
