from pathlib import Path

import pytest

from tests.components.ensemble.maps import TENTHS, Ensemble, make_ensemble


@pytest.fixture
def made(tmp_path: Path) -> Ensemble:
    return make_ensemble(tmp_path, TENTHS[2], 3, 30, 20)
