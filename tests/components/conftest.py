"""A trained ensemble that tests of several stages share."""

import pytest

from tests.components.predict.trained import Trained, train_ensemble


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Four tiny jobs, trained and bundled."""
    return train_ensemble(tmp_path_factory.mktemp("trained"))
