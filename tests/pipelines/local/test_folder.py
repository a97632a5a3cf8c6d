import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.local.archive import archive_version
from salt_pipeline.pipelines.local.folder import (
    KFP,
    RunFolder,
    create,
    open_run,
    read_run,
    reopened_config,
)
from salt_pipeline.pipelines.local.lock import locked
from salt_pipeline.pipelines.presets import changed, preset_config
from tests.pipelines.local.begun import begun

CONFIG = preset_config("smoke")


def finish(
    folder: RunFolder,
    task: str,
    artifacts: dict[str, str | dict[str, str]],
    attempt: str = "salt-1",
    time: float = 0.0,
    **metadata: object,
) -> Path:
    """Writes the outputs of an executor and the JSON file with their paths."""
    home = folder.path / KFP / attempt / task
    listed = {}
    for output, content in artifacts.items():
        source = home / output
        if isinstance(content, dict):
            source.mkdir(parents=True)
            for name, text in content.items():
                (source / name).write_text(text)
        else:
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(content)
        facts = {"display_name": "for people", "stage_seconds": "2.5", **metadata}
        listed[output] = {"artifacts": [{"name": output, "uri": str(source), "metadata": facts}]}
    written = home / "executor_output.json"
    written.write_text(json.dumps({"artifacts": listed}))
    os.utime(written, (time, time))
    return home


def test_a_new_folder_records_its_run(folder: RunFolder, archive: Path) -> None:
    assert folder.path.is_absolute()
    assert folder.data == str(archive)
    assert folder.run.startswith("first-")
    assert folder.config == CONFIG == reopened_config(folder.path)


def test_a_folder_opened_again_is_the_same_run(folder: RunFolder, archive: Path) -> None:
    assert open_run(folder.path, None, None, CONFIG) == folder
    assert open_run(folder.path, str(archive), "smoke", CONFIG) == folder


def test_a_folder_opened_by_relative_paths_is_the_same_run(
    folder: RunFolder, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(archive.parent)
    assert open_run(Path("runs", "first"), archive.name, "smoke", CONFIG) == folder


def test_two_runs_of_one_name_differ(tmp_path: Path, archive: Path) -> None:
    runs = {open_run(tmp_path / place / "first", str(archive), "smoke", CONFIG).run for place in "ab"}
    assert len(runs) == 2


def test_an_empty_folder_is_used(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert open_run(tmp_path / "runs", str(archive), "smoke", CONFIG).path == tmp_path / "runs"


def test_an_archive_may_be_a_folder_whose_changes_are_detected(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "train").mkdir(parents=True)
    folder = begun(tmp_path / "run", str(data), "smoke", CONFIG)
    assert open_run(tmp_path / "run", str(data), "smoke", CONFIG) == folder
    (data / "train" / "a.png").write_bytes(b"new")
    with pytest.raises(SaltError, match=r"the archive has changed"):
        open_run(tmp_path / "run", str(data), "smoke", CONFIG)


@pytest.mark.parametrize("change", [lambda p: p.write_bytes(b"other size"), lambda p: os.utime(p, (1, 1))])
def test_an_archive_that_changed_is_refused(folder: RunFolder, archive: Path, change: Callable[[Path], object]) -> None:
    change(archive)
    with pytest.raises(SaltError, match=r"survey.zip.*the archive has changed.*another --out"):
        open_run(folder.path, None, "smoke", CONFIG)


def test_a_missing_archive_is_refused(folder: RunFolder, archive: Path) -> None:
    archive.unlink()
    with pytest.raises(SaltError, match=r"survey.zip.*no longer exists"):
        open_run(folder.path, None, "smoke", CONFIG)


def test_another_archive_is_refused(folder: RunFolder, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(b"an archive")
    with pytest.raises(SaltError, match=r"another archive \(found .*survey.zip, expected .*other.zip"):
        open_run(folder.path, str(other), "smoke", CONFIG)


def test_a_folder_with_other_files_is_refused_and_unchanged(tmp_path: Path, archive: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letters.txt").write_text("mine")
    with pytest.raises(SaltError, match=r"home: --out: is not empty and holds no run"):
        open_run(home, str(archive), "smoke", CONFIG)
    assert [path.name for path in home.iterdir()] == ["letters.txt"]


def test_a_path_below_a_file_is_refused(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(SaltError, match=r"cannot be written"):
        begun(archive / "run", str(archive), "smoke", CONFIG)
    assert archive.read_bytes() == b"an archive"


def test_a_file_in_place_of_the_folder_is_refused(archive: Path) -> None:
    with pytest.raises(SaltError, match=r"survey.zip"):
        begun(archive, str(archive), "smoke", CONFIG)


@pytest.mark.parametrize(("data", "message"), [(None, r"--data: is missing"), ("no.zip", r"no.zip.*no such archive")])
def test_without_an_archive_no_folder_is_created(tmp_path: Path, data: str | None, message: str) -> None:
    with pytest.raises(SaltError, match=message):
        open_run(tmp_path / "run", data, "smoke", CONFIG)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("data", [None, "survey.zip"])
def test_a_folder_without_a_run_is_named_as_that(tmp_path: Path, data: str | None) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letters.txt").write_text("mine")
    with pytest.raises(SaltError, match=r"home: --out: (holds no run|is not empty and holds no run)"):
        open_run(tmp_path / "home", data, "smoke", CONFIG)


@pytest.mark.parametrize("wrong", ["--data", "--out"])
def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path, archive: Path, wrong: str) -> None:
    other = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.zip"))
    other.write_bytes(b"an archive") if wrong == "--data" else None
    data, out = (other, tmp_path / "run") if wrong == "--data" else (archive, other)
    with pytest.raises(SaltError, match=rf"\\udcff.zip: {wrong}: has a name that is not UTF-8"):
        open_run(out, str(data), "smoke", CONFIG)


def test_another_preset_is_refused(folder: RunFolder) -> None:
    with pytest.raises(SaltError, match=r"--preset: holds a run of another preset.*\(found smoke, expected quick\)"):
        open_run(folder.path, None, "quick", CONFIG)


def test_a_run_that_another_process_created_in_the_meantime_is_kept(tmp_path: Path, archive: Path) -> None:
    planned = open_run(tmp_path / "run", str(archive), "smoke", CONFIG)
    other = begun(tmp_path / "run", str(archive), "smoke", CONFIG)
    with pytest.raises(SaltError, match=r"run: --out: another process has just begun a run"):
        create(planned, CONFIG)
    assert read_run(tmp_path / "run") == other


def test_what_a_kill_left_before_the_run_was_created_is_no_run(tmp_path: Path, archive: Path) -> None:
    home = tmp_path / "run"
    with locked(home):
        (home / ".config.json.96f8085b.part").write_text("{")
        (home / "config.json").write_text("{}")
    assert begun(home, str(archive), "smoke", CONFIG) == read_run(home)


def test_an_invalid_run_file_is_reported(folder: RunFolder) -> None:
    (folder.path / "run.json").write_text("{")
    with pytest.raises(SaltError, match=r"run.json: is not JSON"):
        open_run(folder.path, None, "smoke", CONFIG)


def test_artifacts_are_hard_linked_under_their_names(folder: RunFolder) -> None:
    home = finish(folder, "ingest", {"dataset": "rows"})
    stages = folder.collect()
    place = folder.path / "ingest" / "dataset.parquet"
    assert place.read_text() == "rows"
    assert place.stat().st_ino == (home / "dataset").stat().st_ino
    assert [(stage.name, stage.seconds, stage.place) for stage in stages] == [("ingest", 2.5, "ingest/dataset.parquet")]


def test_artifacts_in_a_loop_are_found_and_folders_linked_file_by_file(folder: RunFolder) -> None:
    model = {"model.safetensors": "weights", "model.json": "{}"}
    finish(folder, "for-loop-1-iteration-0/train-fold", {"model": model, "oof": "x"}, encoder="a", fold="0")
    finish(folder, "for-loop-1-iteration-1/train-fold", {"model": model}, encoder="a", fold="1")
    assert len(folder.collect()) == 2
    for fold in (0, 1):
        place = folder.path / "train_fold" / "a" / f"fold{fold}" / "model"
        assert {path.name: path.read_text() for path in place.iterdir()} == model
        assert (place / "model.json").stat().st_nlink == 2


def test_the_order_of_artifacts_does_not_change_the_folder_of_a_stage(folder: RunFolder) -> None:
    finish(folder, "submission", {"csv": "id", "submission_metrics": "{}", "choice": "{}"})
    assert [stage.place for stage in folder.collect()] == ["submission/choice.json"]


def test_a_score_named_seconds_is_not_the_time_of_the_stage(folder: RunFolder) -> None:
    finish(folder, "train-fold", {"oof": "x", "fold_metrics": "{}"}, encoder="a", fold="0", seconds=11.0)
    assert [stage.seconds for stage in folder.collect()] == [2.5]


@pytest.mark.parametrize("text", ["", '{"artifacts": {"data', "{}", '{"artifacts": {}}'])
def test_a_partial_file_is_ignored_until_it_is_complete(folder: RunFolder, text: str) -> None:
    output = finish(folder, "ingest", {"dataset": "rows"}) / "executor_output.json"
    complete = output.read_text()
    output.write_text(text)
    assert folder.collect() == []
    assert not (folder.path / "ingest").exists()
    output.write_text(complete)
    assert len(folder.collect()) == 1


def test_a_missing_artifact_is_skipped(folder: RunFolder) -> None:
    home = finish(folder, "ingest", {"dataset": "rows"})
    (home / "dataset").unlink()
    folder.collect()
    assert not (folder.path / "ingest").exists()


def test_the_artifacts_of_the_newest_attempt_are_kept(folder: RunFolder) -> None:
    place = folder.path / "submission.csv"
    finish(folder, "submission", {"csv": "old"}, attempt="salt-2", time=100, stage_seconds="9")
    folder.collect()
    assert place.read_text() == "old"
    finish(folder, "submission", {"csv": "new"}, attempt="salt-1", time=200)
    for _ in range(3):
        stages = folder.collect()
        assert place.read_text() == "new"
        assert [stage.seconds for stage in stages] == [2.5]
    assert [path.name for path in folder.path.glob(".*")] == [KFP]


def test_an_artifact_that_another_version_named_differently_is_skipped(folder: RunFolder) -> None:
    finish(folder, "report", {"page": "an old report"})
    assert folder.collect() == []


def test_existing_links_are_not_made_again(folder: RunFolder) -> None:
    finish(folder, "submission", {"csv": "old"}, attempt="salt-1", time=100)
    finish(folder, "submission", {"csv": "new"}, attempt="salt-2", time=200)
    folder.collect()
    before = folder.path.stat().st_mtime_ns
    folder.collect()
    assert folder.path.stat().st_mtime_ns == before


def test_no_stage_has_finished_in_a_new_folder(folder: RunFolder) -> None:
    assert folder.collect() == []
    assert folder.path.joinpath("config.json").is_file()
    assert {path.name for path in folder.path.iterdir()} == {"config.json", "run.json"}


def test_no_configuration_where_there_is_no_run(tmp_path: Path) -> None:
    assert reopened_config(tmp_path) is None


OLD = Path(__file__).with_name("run_46aa173")
"""Files that commit 46aa173 wrote to the folder of a `smoke` run, without its archive and checkpoints."""


def test_the_folder_of_a_run_by_earlier_code_is_opened_again(tmp_path: Path, archive: Path) -> None:
    home = tmp_path / "runs" / "cut"
    home.mkdir(parents=True)
    (home / "config.json").write_text((OLD / "config.json").read_text())
    known = json.loads((OLD / "run.json").read_text())
    known |= {"data": str(archive), "data_version": archive_version(str(archive))}
    (home / "run.json").write_text(json.dumps(known))
    config = reopened_config(home)
    assert config == changed(CONFIG, ["predict.batch_size=64"]), "the default of then; nothing else of it has changed"
    assert config.hash == "8a0910bc11613e31", "its checkpoints are stored under this hash"
    folder = open_run(home, str(archive), "smoke", config)
    assert (folder.run, folder.checkpoints, folder.origin["preset"]) == ("cut-22cc22", "checkpoints", "smoke")
