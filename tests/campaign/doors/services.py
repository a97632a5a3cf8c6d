"""Servers that answer nonsense: Kubeflow Pipelines, the object store and MLflow, each by a stand-in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.campaign.attempt import SECRET, Attempt, Case
from tests.campaign.doors.environment import STORE
from tests.campaign.doors.stage_commands import attempt as stage_attempt
from tests.campaign.goods import Goods
from tests.campaign.json_damage import damages, sample
from tests.pipelines.kfp_server import KfpServer, Server

FAULTS = ("html", "dex", "empty", "list", "400", "401", "403", "404", "429", "500", "503")
COMMANDS = ("watch", "logs", "fetch", "cancel", "resume", "schedules", "runs")
ANSWERS = 56
"""Damaged answers of Kubeflow Pipelines."""


class Answering(Server):
    """A server without any object: all its answers are faults."""

    def answer(self, *_: Any) -> Any:
        return None


class Damaged(KfpServer):
    """Kubeflow Pipelines with one run, whose answers about runs are damaged.

    Args:
        number: Which damage.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.about = number, ""

    def respond(self, method: Any, path: Any, body: Any, headers: Any) -> Any:
        status, kind, said = super().respond(method, path, body, headers)
        if status != 200 or "/runs" not in path or not kind.startswith("application/json"):
            return status, kind, said
        self.about, text = sample(damages(json.loads(said)), self.number, ANSWERS)
        return status, kind, text.encode()


def cases() -> Iterator[Case]:
    for number, fault in enumerate(FAULTS):
        for offset in range(3):
            command = COMMANDS[(3 * number + offset) % len(COMMANDS)]
            yield Case("servers", f"kfp-{fault}-{command}", _kfp(fault, command))
        yield Case("servers", f"s3-{fault}", _store(fault), "refuse")
        yield Case("servers", f"mlflow-{fault}-compare", _mlflow(fault, "compare"), "refuse")
        yield Case("servers", f"mlflow-{fault}-predict", _mlflow(fault, "predict"), "refuse")
    for fault in ("html", "empty", "500"):
        yield Case("servers", f"mlflow-{fault}-train", _training(fault))
    for number in range(ANSWERS):
        yield Case("servers", f"kfp-answer-{number:02}", _damaged(number))


def _words(command: str, folder: Path) -> list[object]:
    more: dict[str, list[object]] = {"logs": ["first", "ingest"], "fetch": ["first", "--out", folder / "made"]}
    return [command, *more.get(command, [] if command in ("schedules", "runs") else ["first"])]


def _served(attempt: Attempt, server: Server) -> Attempt:
    attempt.done = server.__exit__
    attempt.right = lambda: ""
    return attempt


def _kfp(fault: str, command: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        server = KfpServer()
        server.add_run("first", "SUCCEEDED")
        server.fault = fault
        env = {"SALT_KFP_URL": server.url, "SALT_KFP_TOKEN": SECRET}
        made = _served(Attempt(_words(command, folder), [(server.url, "SALT_KFP", "KFP", "Kubeflow")], env), server)
        made.warning = server.url if command == "runs" else ""
        return made

    return make


def _damaged(number: int) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        server = Damaged(number)
        server.add_run("first", "SUCCEEDED", parameters={"run": "first-1a2b3c"})
        env = {"SALT_KFP_URL": server.url}
        command = COMMANDS[number % len(COMMANDS)]
        return _served(Attempt(_words(command, folder), [], env, about=f"answer {number}"), server)

    return make


def _store(fault: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        server = Answering()
        server.fault = fault
        words: list[object] = ["data", "push", goods.folder / "survey.zip", "s3://salt/survey.zip"]
        env = STORE | {"SALT_S3_ENDPOINT": server.url}
        return _served(Attempt(words, [(server.url, "SALT_S3_ENDPOINT", "s3://salt")], env), server)

    return make


def _mlflow(fault: str, command: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        server = Answering()
        server.fault = fault
        words: list[object] = ["compare", "first", "second", "--dataset", goods.trained / "dataset.parquet"]
        if command == "predict":
            words = ["predict", goods.folder / "pictures", "--model", "models:/salt/1", "--out", folder / "made"]
        address = server.url.replace("://", f"://user:{SECRET}@")
        return _served(Attempt(words, [("MLflow", "MLFLOW_")], {"MLFLOW_TRACKING_URI": address}), server)

    return make


def _training(fault: str) -> Callable[[Goods, Path], Attempt]:
    """A training is refused at once, or ends unrecorded with the right weights and says so."""

    def make(goods: Goods, folder: Path) -> Attempt:
        server = Answering()
        server.fault = fault
        made = stage_attempt(goods, "train-fold", lambda name: goods.trained / name, folder, [("MLflow", "MLFLOW_")])
        made.words[made.words.index("--checkpoints") + 1] = folder / "checkpoints"
        made.words += ["--run", "campaign"]
        made.env = {"MLFLOW_TRACKING_URI": server.url}
        made.warning, made.done = "MLflow", server.__exit__
        return made

    return make
