"""Credentials are taken out of every text, log line and traceback."""

import logging
import subprocess
import sys

import pytest

from salt_pipeline.components.core.redaction import HIDDEN, RedactedRecord, redacted

WORD = "hunter2SECRET"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"API request to http://user:{WORD}@m:9/api failed", "API request to http://***@m:9/api failed"),
        (f"http://user:{WORD}@more@m/x and https://{WORD}@n", "http://***@m/x and https://***@n"),
        (f"http://user:a/{WORD}@m/x", "http://***@m/x"),
        (f"http://user:a@b/{WORD}@m/x", "http://***@m/x"),
        (f"http://user:{WORD}@m/image@sha256:0a", "http://***@m/image@sha256:0a"),
        (f"postgresql+psycopg://u:{WORD}%40@db/mlflow", "postgresql+psycopg://***@db/mlflow"),
        (f"'user:{WORD}@m:5000'", "'***@m:5000'"),
        (f"http:/user:{WORD}@m", "http:/***@m"),
        (f"next=http%3A%2F%2Fuser%3A{WORD}%40m%2Fx", "next=http%3A%2F%2F***%40m%2Fx"),
        (f"https://s/k?X-Amz-Date=1&X-Amz-Signature={WORD}&b=2", "https://s/k?X-Amz-Date=1&X-Amz-Signature=***&b=2"),
        (f"/x?x-amz-credential={WORD}&X-Amz-Security-Token={WORD}", "/x?x-amz-credential=***&X-Amz-Security-Token=***"),
        (f"https://s?token={WORD}", "https://s?token=***"),
        (f"https://s?a=1&access_token={WORD}'", "https://s?a=1&access_token=***'"),
        (f"https://s?sig={WORD};api_key={WORD}", "https://s?sig=***;api_key=***"),
        (f"https://s%3Ftoken%3D{WORD}", "https://s%3Ftoken%3D***"),
        (f"https://hooks.slack.com/services/T0/B0/{WORD}: refused", "https://hooks.slack.com/services/***: refused"),
        (f"https://discord.com/api/webhooks/1/{WORD}", "https://discord.com/api/webhooks/***"),
        (f"{{'Authorization': 'Basic {WORD}', 'a': 1}}", "{'Authorization': 'Basic ***', 'a': 1}"),
        (f"authorization: Bearer {WORD}", "authorization: Bearer ***"),
        (f"sent Bearer {WORD}.{WORD}", "sent Bearer ***"),
    ],
)
def test_credentials_are_hidden_and_the_rest_is_kept(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://host:5000/repository@sha256:12",
        "registry/image:1.2@sha256:0a",
        "s3://bucket/key of a@b",
        "git@host:path",
        "http://127.0.0.1:5000/#/experiments?workflowType=machine_learning",
        "/tmp/50% salt #1?/mlflow.db",
        "the secret key is not that of the access key",
        "basic training: token=1 is no query",
    ],
)
def test_other_texts_are_kept(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("MLFLOW_TRACKING_PASSWORD", WORD, f"the answer quotes {WORD}"),
        ("SALT_S3_SECRET_KEY", f"{WORD}/+", f"signed with {WORD}%2F%2B"),
        ("SALT_NOTIFY_URL", f"https://example.org/in/{WORD}", f"host example.org has no /in/{WORD}"),
        ("SALT_NOTIFY_URL", f"http://[{WORD}", f"Invalid IPv6 URL: http://[{WORD}"),
        ("HTTPS_PROXY", f"http://me:{WORD}%21@proxy:3128", f"the proxy denied {WORD}!"),
        ("SALT_KFP_TOKEN", f"{WORD}\n", f"Invalid header value b'{WORD}'"),
    ],
)
def test_secrets_of_the_environment_are_hidden_wherever_they_appear(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str
) -> None:
    monkeypatch.setenv(name, value)
    assert WORD not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize("quoted", ["it's-", 'a"b', "<a>"])
def test_a_password_with_a_quote_is_hidden_where_a_variable_holds_its_address(
    monkeypatch: pytest.MonkeyPatch, quoted: str
) -> None:
    address = f"http://user:{quoted}{WORD}@m:9"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert WORD not in redacted(f"MLflow at {address}: cannot be reached")


def test_variables_that_name_a_file_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT_KFP_TOKEN_FILE", "/var/run/token")
    assert redacted("/var/run/token: cannot be read") == "/var/run/token: cannot be read"


def test_a_log_record_hides_credentials_in_its_arguments_and_its_traceback() -> None:
    try:
        raise ValueError(f"http://u:{WORD}@m")
    except ValueError:
        trace = sys.exc_info()
    record = RedactedRecord("a", logging.ERROR, "f.py", 1, "failed: %s", (f"http://u:{WORD}@m",), trace)
    text = logging.Formatter().format(record)
    assert text.startswith("failed: http://***@m\nTraceback")
    assert "ValueError: http://***@m" in text
    assert WORD not in text


PROGRAM = f"""
import logging
from salt_pipeline.components.core.errors import exit_on_error
logging.basicConfig()
with exit_on_error():
    logging.getLogger("a.library").warning("retrying %s", "http://u:{WORD}@m")
    raise {{error}}("http://u:{WORD}@m")
"""


@pytest.mark.parametrize("error", ["RuntimeError", "OSError"])
def test_nothing_that_a_process_prints_shows_credentials(error: str) -> None:
    command = [sys.executable, "-c", PROGRAM.format(error=error)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (2 if error == "OSError" else 1)
    assert "retrying http://***@m" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.endswith("http://***@m")
    assert ("Traceback" in done.stderr) == (error == "RuntimeError")
    assert WORD not in done.stderr + done.stdout.replace(PROGRAM, "")
