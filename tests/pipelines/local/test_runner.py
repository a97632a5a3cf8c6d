import fcntl

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.folder import RunFolder
from salt_pipeline.pipelines.local.runner import run


def test_a_folder_in_use_is_refused(folder: RunFolder) -> None:
    with (folder.path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SaltError, match="another process runs in this folder"):
            run(folder, jobs=2, gpus={})
