"""Bad environment variables: those of the object store, of MLflow and of Kubeflow Pipelines."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.campaign.attempt import SECRET, Attempt, Case
from tests.campaign.damage import PAGE, Damage, kind_damages
from tests.campaign.doors.stage_commands import attempt as stage_attempt
from tests.campaign.goods import Goods

NOWHERE = "http://127.0.0.1:9"
"""An address where nothing listens: the port of `discard`."""

STORE = {"SALT_S3_ENDPOINT": NOWHERE, "SALT_S3_ACCESS_KEY": "key", "SALT_S3_SECRET_KEY": SECRET}

ADDRESSES = (
    "nonsense",
    "http://",
    "ftp://127.0.0.1",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:abc",
    "http://127.0.0.1:-1",
    f"http://user:{SECRET}@127.0.0.1:9",
    "http://[::1",
    "http://a b",
    "http://127.0.0.1:9\nX: y",
    "http://\u00fcn\u00ef.invalid:9",
    "http://x.invalid",
    "[b]http://127.0.0.1:9[/b]",
)
"""Nonsense, an address without a server, and one that holds a password."""

NAMES = ("../x y", "a\nb", "x" * 300, "\u00fcn\u00ef", "[/b]", "a'b", " ", "A_B")

TRACKING = (
    "nonsense://x",
    "sqlite:////dev/null",
    "postgresql://user:" + SECRET + "@127.0.0.1:9/x",
    "databricks",
    "file:///dev/null",
    "sqlite://",
)
"""Places of MLflow's runs, beside the addresses."""


def cases() -> Iterator[Case]:
    for variable, values in {
        "SALT_S3_ENDPOINT": ADDRESSES,
        "SALT_S3_REGION": NAMES,
        "SALT_S3_BUCKET": (),
        "SALT_S3_ACCESS_KEY": ("a\nb", "\u00fcn\u00ef", ""),
        "SALT_S3_SECRET_KEY": (f"{SECRET}\n", ""),
        "SALT_S3_SESSION_TOKEN": (f"{SECRET}\nb", f"\u00fc{SECRET}"),
    }.items():
        for number, value in enumerate(values):
            yield Case("environment", f"{variable}-{number}", _push({variable: value}), "refuse")
    for variable in ("SALT_S3_CREDENTIALS_FILE", "SALT_S3_CA_FILE", "SALT_KFP_TOKEN_FILE", "SALT_KFP_CA_FILE"):
        for name, damage in [*kind_damages(), ("page", lambda path: path.write_bytes(PAGE))]:
            yield Case("environment", f"{variable}-{name}", _file(variable, damage), "refuse")
    for number, value in enumerate([*ADDRESSES, *TRACKING]):
        for command in ("compare", "predict"):
            yield Case("environment", f"MLFLOW_TRACKING_URI-{number}-{command}", _tracked(command, value), "refuse")
        yield Case("environment", f"MLFLOW_TRACKING_URI-{number}-train", _training(value))
    for number, value in enumerate(ADDRESSES):
        yield Case("environment", f"SALT_KFP_URL-{number}", _watch({"SALT_KFP_URL": value}), "refuse")
    for number, value in enumerate(NAMES):
        yield Case("environment", f"SALT_NAMESPACE-{number}", _watch({"SALT_NAMESPACE": value}), "refuse")
    for variable in ("SALT_KFP_TOKEN", "SALT_KFP_COOKIE"):
        for number, value in enumerate((f"{SECRET}\nX: y", f"\u00fc{SECRET}", f"a={SECRET}\0".replace("\0", "\x01"))):
            yield Case("environment", f"{variable}-{number}", _watch({variable: value}), "refuse")


def _push(changes: dict[str, str]) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        words: list[object] = ["data", "push", goods.folder / "survey.zip", "s3://salt/survey.zip"]
        return Attempt(words, [(*changes, "127.0.0.1", "invalid", "s3://salt")], STORE | changes, about=str(changes))

    return make


def _file(variable: str, damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        path = folder / "settings"
        path.write_text("x")
        damage(path)
        changes = {variable: str(path)}
        if "KFP" in variable:
            made = _watch(changes | {"SALT_KFP_URL": "https://127.0.0.1:9"})(goods, folder)
        else:
            made = _push(changes | {"SALT_S3_ENDPOINT": "https://127.0.0.1:9"})(goods, folder)
        if "CREDENTIALS" in variable:
            made.env = {key: value for key, value in made.env.items() if not key.endswith("_KEY")}
        made.names = [(variable, "settings", "127.0.0.1")]
        return made

    return make


def _watch(changes: dict[str, str]) -> Callable[[Goods, Path], Attempt]:
    return lambda goods, folder: Attempt(
        ["watch", "abc"], [(*changes, "127.0.0.1", "invalid")], changes, about=str(changes)
    )


def _tracked(command: str, value: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        words: list[object] = ["compare", "first", "second", "--dataset", goods.trained / "dataset.parquet"]
        if command == "predict":
            words = ["predict", goods.folder / "pictures", "--model", "models:/salt/1", "--out", folder / "made"]
        return Attempt(words, [("MLflow", "MLFLOW_TRACKING_URI")], {"MLFLOW_TRACKING_URI": value}, about=value)

    return make


def _training(value: str) -> Callable[[Goods, Path], Attempt]:
    """A training is refused at once, or ends unrecorded with the right weights and says so."""

    def make(goods: Goods, folder: Path) -> Attempt:
        made = stage_attempt(goods, "train-fold", lambda name: goods.trained / name, folder, [("MLflow", "MLFLOW_")])
        made.words[made.words.index("--checkpoints") + 1] = folder / "checkpoints"
        made.words += ["--run", "campaign"]
        made.env = {"MLFLOW_TRACKING_URI": value}
        made.about, made.warning = value, "MLflow"
        return made

    return make
