import pytest

from tests.components.predict.trained import Trained, train_ensemble


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_ensemble(tmp_path_factory.mktemp("trained"))
