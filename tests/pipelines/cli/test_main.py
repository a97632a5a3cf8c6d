import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from salt_pipeline.components.core.errors import MARK, one_line
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.local.lock import locked
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines import nvidia_smi
from tests.pipelines.command import fails, salt
from tests.pipelines.local.begun import begun

COMMANDS = [
    "run",
    "serve",
    "synth",
    "check-data",
    "check-submission",
    "score",
    "presets",
    "compile",
    "predict",
    "export-onnx",
]
SALT = [sys.executable, "-m", "salt_pipeline.pipelines.cli.main"]
STAGES = ["ingest", "fold-split", "train-fold", "predict-fold", "ensemble", "submission", "report"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "survey.zip"
    write_survey(str(path), labelled=20, test=10, seed=1)
    return path


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "survey"
    write_survey(str(path), labelled=20, test=10, seed=1)
    return path


def test_help_lists_every_command() -> None:
    code, out, _ = salt("--help")
    assert code == 0
    assert all(f" {command} " in out for command in COMMANDS + STAGES)


def test_an_error_is_one_line_on_standard_error_of_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from salt_pipeline.pipelines.cli.main import main; main()"]
    words = ["run", "--data", "no.zip", "--preset", "smoke", "--out", "run"]
    done = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{MARK}no.zip: --data: no such archive\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "fast"], "--preset: no such preset (found fast, expected smoke or quick or cpu or best or seed)"),
        (["--set", "train.epoch=3"], "--set: no such option (found train.epoch, expected train.epochs"),
        (["--set", "train.epochs"], "--set: is not a change (found train.epochs, expected section.key=value)"),
        (["--set", "train.epochs=0"], "train.epochs: Input should be greater than or equal to 1 (found 0)"),
        ([], "--data: is missing"),
        (["--data", "no/such.zip"], "no/such.zip: --data: no such archive"),
        (["--jobs", "0"], "--jobs: is not a number of jobs (found 0, expected at least 1)"),
        (["--gpus", "7"], "--gpus: no such GPU (found 7, expected 0 or 1)"),
        (["--gpus", "１"], "--gpus: is not a list of GPUs (found １, expected all, or as 0,1)"),
        (["--gpus", "x"], "--gpus: is not a list of GPUs (found x, expected all, or as 0,1)"),
    ],
)
def test_a_run_that_cannot_start_creates_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    nvidia_smi.install(tmp_path, monkeypatch, nvidia_smi.gpu(0), nvidia_smi.gpu(1))
    assert message in fails("run", "--out", tmp_path / "run", *words)
    assert not (tmp_path / "run").exists()


def test_an_out_that_cannot_be_written_is_reported(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "file").touch()
    said = fails("run", "--data", archive, "--preset", "smoke", "--out", tmp_path / "file" / "run")
    assert str(tmp_path / "file" / "run") in said


def test_a_run_does_not_resume_with_another_configuration(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "run"
    begun(out, str(archive), "smoke", preset_config("smoke"))
    assert "another configuration" in fails("run", "--out", out, "--set", "seed=7")
    assert "another preset" in fails("run", "--out", out, "--preset", "quick")


def test_a_run_in_a_busy_folder_prints_and_writes_nothing(tmp_path: Path, archive: Path) -> None:
    out = tmp_path / "run"
    begun(out, str(archive), "smoke", preset_config("smoke"))
    with locked(out):
        before = {path: path.read_bytes() for path in out.iterdir()}
        code, printed, said = salt("run", "--out", out)
        assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert (code, printed) == (2, "")
    assert said.startswith(f"{MARK}{out}: another process runs in this folder (found process {os.getpid()}, since ")


def test_a_folder_that_holds_no_run_is_not_resumed(tmp_path: Path) -> None:
    assert f"{tmp_path}: --out: holds no run" in fails("run", "--out", tmp_path)


def test_a_misspelt_option_ends_without_a_traceback() -> None:
    code, _, said = salt("run", "--pre", "smoke")
    assert code == 2
    assert "No such option: --pre" in said
    assert "Traceback" not in said


def test_presets_are_listed_and_shown_as_json() -> None:
    code, out, _ = salt("presets")
    assert code == 0
    assert all(name in out for name in ("smoke", "quick", "cpu", "seed"))
    _, out, _ = salt("presets", "smoke")
    assert json.loads(out)["split"]["folds"] == 2
    assert "error: NAME: no such preset (found fast" in fails("presets", "fast")


def test_the_compiled_pipeline_follows_the_options(tmp_path: Path) -> None:
    out = tmp_path / "new" / "salt.yml"
    code, said, _ = salt("compile", "--preset", "seed", "--set", "cluster.tag=1.2.0", "--out", out)
    assert (code, said.strip()) == (0, str(out))
    pipeline, *_ = yaml.safe_load_all(out.read_text())
    assert pipeline["pipelineInfo"]["name"] == "salt"
    assert "train-fold:1.2.0" in out.read_text()


def test_a_path_to_which_compile_cannot_write_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "salt.yaml: cannot be written" in fails("compile", "--out", tmp_path / "file" / "salt.yaml")


def test_a_synthetic_survey_has_no_problems(tmp_path: Path) -> None:
    out = tmp_path / "made.zip"
    code, _, said = salt("synth", out, "--labelled", 12, "--test", 4)
    assert code == 0
    assert "scores on them mean nothing" in " ".join(said.split())
    code, out_text, _ = salt("check-data", out)
    assert code == 0
    assert "labelled: 12\ntest: 4\n" in out_text
    assert "nothing wrong" in out_text


@pytest.mark.parametrize("name", ["a[/b].zip", "a[red].zip", "a\n\x1b[2J.zip", "a'\"<script>.zip"])
def test_a_name_is_printed_as_it_is_and_on_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    shown = one_line(name)
    _, _, said = salt("synth", name, "--labelled", "4", "--test", "1")
    assert said == f"{shown}: 4 labelled and 1 test images, all synthetic: scores on them mean nothing\n"
    assert salt("check-data", name)[1].splitlines()[-1] == f"{shown}: nothing wrong"


def test_a_name_that_no_terminal_can_show_is_printed_in_another_form(tmp_path: Path) -> None:
    name, environment = "a\udcff.zip", os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    words = [*SALT, "synth", name, "--labelled", "4", "--test", "1"]
    subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    words = [*SALT, "check-data", name]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == f"{one_line(name)}: nothing wrong"


def test_the_size_of_a_synthetic_survey_is_bounded(tmp_path: Path) -> None:
    for option, number in (("--labelled", 10**9), ("--test", 10**9), ("--seed", 10**30)):
        code, _, said = salt("synth", tmp_path / "made.zip", option, number)
        assert code == 2
        assert f"{option}: is out of range" in said
    assert not list(tmp_path.iterdir())


def test_a_path_to_which_synth_cannot_write_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file" in fails("synth", tmp_path / "file" / "made.zip", "--labelled", 1, "--test", 1)


def test_a_truncated_archive_is_reported(tmp_path: Path, archive: Path) -> None:
    truncated = tmp_path / "truncated.zip"
    truncated.write_bytes(archive.read_bytes()[:-400])
    assert "truncated.zip" in fails("check-data", truncated)
    assert "truncated.zip" in fails("ingest", "--data", truncated, "--out", tmp_path)
    assert not (tmp_path / "dataset.parquet").exists()


def test_a_missing_archive_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "no.zip"
    code, listed, said = salt("check-data", path)
    assert (code, listed) == (2, f"- {path}: does not exist (expected a zip or a folder)\n")
    assert said == f"{MARK}{path}: 1 problem\n"


def test_every_problem_of_an_archive_is_listed(tmp_path: Path, archive: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive) as good, zipfile.ZipFile(bad, "w") as out:
        for name in good.namelist():
            lines = good.read(name)
            out.writestr(name, lines.replace(b",", b";", 1) if name == "train.csv" else lines)
    code, listed, said = salt("check-data", bad)
    assert code == 1
    assert "- " in listed
    assert "train.csv" in listed
    assert f"{MARK}{bad}: " in said
    assert "problem" in said


def test_a_submission_is_checked_and_scored(tmp_path: Path, unpacked: Path) -> None:
    ids = sorted(path.stem for path in (unpacked / "test" / "images").glob("*.png"))
    csv = tmp_path / "submission.csv"
    csv.write_text("id,rle_mask\n" + "".join(f"{image_id},\n" for image_id in ids))
    code, out, _ = salt("check-submission", csv, "--data", unpacked)
    assert (code, out) == (0, f"{csv}: nothing wrong\n")
    csv.write_text("id,rle_mask\n" + "".join(f"{image_id},1 0\n" for image_id in ids[1:]))
    code, out, said = salt("check-submission", csv, "--data", unpacked)
    assert code == 1
    assert ids[0] in out
    assert "submission.csv" in said

    masks = unpacked / "train" / "masks"
    labelled = [line.split(",") for line in (unpacked / "train.csv").read_text().splitlines()[1:]]
    csv.write_text("id,rle_mask\n" + "".join(f"{image_id},{runs}\n" for image_id, runs in labelled))
    code, out, _ = salt("score", csv, "--masks", masks)
    assert (code, out) == (0, "1.0000 on 20 images\n")
    assert "no.csv" in fails("score", tmp_path / "no.csv", "--masks", masks)


IMPORTED = """
import sys
from salt_pipeline.pipelines.cli.main import main
try:
    main()
finally:
    print([name for name in {heavy!r} if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        ("--help", ["minio", "pydantic_settings", "kfp", "torch", "mlflow"]),
        ("run --preset fast --data no.zip", ["torch", "kfp"]),
        ("submit --data s3://a/b --preset fast", ["torch", "kfp"]),
        ("compile --preset fast", ["torch", "kfp"]),
        ("train-fold --dataset a --folds b --encoder c --fold 0 --out d --set train.keep=first", ["torch"]),
    ],
)
def test_help_and_a_wrong_name_import_nothing_heavy(tmp_path: Path, words: str, heavy: list[str]) -> None:
    command = [sys.executable, "-c", IMPORTED.format(heavy=heavy), *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if words == "--help" else 2), done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
