from dataclasses import asdict

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.doctor.verdict import NotChecked, Verdict


def test_a_check_that_was_not_made_is_an_error_with_a_fix() -> None:
    error = NotChecked("MLFLOW_TRACKING_URI is not set", "set it")
    assert isinstance(error, SaltError)
    assert (str(error), error.fix) == ("MLFLOW_TRACKING_URI is not set", "set it")
    assert NotChecked("no permission").fix == ""


def test_a_verdict_has_the_keys_of_the_json_output() -> None:
    assert asdict(Verdict("GPUs", "ok", "3 of 8 free")) == {
        "check": "GPUs",
        "state": "ok",
        "found": "3 of 8 free",
        "fix": "",
    }
