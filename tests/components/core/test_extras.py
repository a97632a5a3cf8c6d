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


def test_a_missing_module_of_this_project_is_our_own_fault() -> None:
    with pytest.raises(ModuleNotFoundError), extra("train"):
        import salt_pipeline.absent  # type: ignore[import-not-found]  # noqa: F401


def test_needed_packages_are_looked_for_in_order() -> None:
    need("train", "json")
    with pytest.raises(SaltError, match="first is not installed"):
        need("train", "json", "first", "second")
