"""Optional parts of the installation: a command whose packages are missing names the extra that brings them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from salt_pipeline.components.core.errors import SaltError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Reports a package that is not installed, with the command that installs it; also a decorator of functions.

    Args:
        name: The extra of this project that brings the package, as `train`.

    Raises:
        SaltError: If an import inside does not find its package.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or find_spec(package):  # a module is missing, not its package
            raise
        raise _missing(package, name) from None


def need(name: str, *packages: str) -> None:
    """Checks that packages are installed, without importing them.

    Args:
        name: The extra that brings them.
        *packages: Their import names.

    Raises:
        SaltError: Naming the first that is not installed.
    """
    for package in packages:
        if find_spec(package) is None:
            raise _missing(package, name)


def _missing(package: str, name: str) -> SaltError:
    return SaltError(f"{package} is not installed: pip install 'salt-pipeline[{name}]'")
