import logging
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.doctor.machine import local_runs
from salt_pipeline.pipelines.hardware.concurrency import memory_of_job, plan, usable_gpus
from salt_pipeline.pipelines.hardware.gpus import Gpu
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.nvidia_smi import gpu, install

QUICK = preset_config("quick")
LARGE = preset_config("best", ["model.input_size=256", "model.fit=resize"])
"""Ten jobs as those that were measured: Lite1 and Lite2, batches of 32 at 256 x 256."""


def card(index: int, free: int, capability: float = 9.0) -> Gpu:
    return Gpu(index, f"GPU-{index}", "NVIDIA H100", 81559, free, capability)


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of sixteen cores."""
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_a_cpu_runs_two_jobs_that_divide_its_cores() -> None:
    found = plan(QUICK, [])
    assert (found.jobs, found.threads, found.capacity) == (2, "8", {})
    assert str(found) == "16 CPU cores, no GPU: 2 jobs at once; threads per job: 8"


@pytest.mark.parametrize(("jobs", "at_once", "threads"), [(1, 1, "16"), (4, 4, "4"), (10, 10, "1"), (99, 10, "1")])
def test_the_user_chooses_how_many_jobs_run_at_once(jobs: int, at_once: int, threads: str) -> None:
    found = plan(QUICK, [], jobs)
    assert (found.jobs, found.threads) == (at_once, threads)


def test_more_jobs_than_cores_have_one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert plan(QUICK, [], jobs=4).threads == "1"


def test_the_number_of_threads_that_the_user_set_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert plan(QUICK, []).threads == "3"


@pytest.mark.parametrize("threads", ["1_0", "４", "0", "-1", "1e400", "NaN", "two"])
def test_threads_that_are_not_a_plain_number_are_refused(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    with pytest.raises(
        SaltError, match=rf"^OMP_NUM_THREADS: is not a number of threads \(found '{threads}', expected 1"
    ):
        plan(QUICK, [])


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_number_of_jobs_below_one_is_refused(jobs: int) -> None:
    with pytest.raises(SaltError) as refused:
        plan(QUICK, [], jobs)
    assert str(refused.value) == f"--jobs: is not a number of jobs (found {jobs}, expected at least 1)"


def test_one_large_gpu_carries_all_ten_jobs() -> None:
    found = plan(LARGE, [card(0, 81000)])
    assert (found.jobs, found.threads, found.capacity) == (10, "1", {0: 10})
    gpu = "GPU 0 (NVIDIA H100, 79.1 of 79.6 GiB free)"
    assert str(found) == f"16 CPU cores, {gpu}: 10 jobs at once on GPU 0; threads per job: 1"


def test_small_gpus_carry_what_their_free_memory_allows() -> None:
    found = plan(LARGE, [card(0, 24000), card(1, 15400), card(2, 900)])
    assert found.capacity == {0: 3, 1: 2, 2: 1}
    assert found.jobs == 6


def test_tensors_take_twice_the_memory_where_nothing_computes_in_bfloat16() -> None:
    t4 = [card(0, 15000, 7.5), card(1, 15000, 7.5)]
    assert plan(LARGE, t4).capacity == {0: 1, 1: 1}
    assert plan(preset_config("best", ["train.amp=off"]), [card(0, 24000)]).capacity == {0: 1}


def test_a_gpu_of_unknown_memory_carries_one_job() -> None:
    assert plan(LARGE, [card(0, 0)]).jobs == 1


def test_cores_limit_the_jobs_on_gpus_unless_the_user_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert plan(LARGE, [card(0, 81000)]).jobs == 4
    assert plan(LARGE, [card(0, 81000)], jobs=8).jobs == 8


def test_only_the_chosen_gpus_are_used_and_all_are_shown() -> None:
    found = plan(LARGE, [card(0, 24000), card(1, 24000)], choice="1")
    assert found.capacity == {1: 3}
    assert "GPU 0 (" in str(found)
    assert str(found).endswith("3 jobs at once on GPU 1; threads per job: 5")


def test_the_estimate_is_above_what_was_measured() -> None:
    """A step's tensors, those of a prediction, and a process beside them, in GB."""
    small = preset_config("best", ["model.fit=pad", "model.input_size=128"])
    for config, step, prediction in ((small, 1.1, 1.6), (LARGE, 3.6, 1.6), (preset_config("seed"), 7.2, 2.3)):
        assert memory_of_job(config, bf16=True) > (step + prediction + 0.7) * 1e9 / 2**20
    no_stride, stride = preset_config("seed"), preset_config("seed", ["model.stem_stride=2"])
    assert memory_of_job(no_stride, bf16=True) > memory_of_job(stride, bf16=True)


def test_a_torch_for_cpus_leaves_the_gpus_alone_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(tmp_path, monkeypatch, gpu(0))
    monkeypatch.setattr("salt_pipeline.pipelines.hardware.gpus.metadata.version", lambda _: "2.15.0+cpu")
    with caplog.at_level(logging.WARNING):
        assert usable_gpus(LARGE, "subprocess", None) == []
    assert "torch: is built for CPUs, so no job can use a GPU" in caplog.text
    assert len(usable_gpus(LARGE, "docker", None)) == 1, "a container has a torch of its own"
    with pytest.raises(SaltError, match="torch: is built for CPUs"):
        usable_gpus(LARGE, "subprocess", "all")
    state, found, _ = local_runs()
    assert state == "warn"
    assert found.endswith("80GB HBM3, 79.1 of 79.6 GiB free): not used, for this torch is built for CPUs")


def test_a_driver_that_fails_is_logged_and_jobs_run_as_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(tmp_path, monkeypatch, "No devices were found", code=6)
    with caplog.at_level(logging.WARNING):
        assert usable_gpus(QUICK, "subprocess", None) == []
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "lists no GPU (found No devices were found)"
    ]
    with pytest.raises(SaltError, match="lists no GPU"):
        usable_gpus(QUICK, "subprocess", "all")


def test_containers_get_gpus_only_if_the_configuration_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, gpu(0))
    assert usable_gpus(QUICK, "docker", None) == []
    with pytest.raises(
        SaltError, match=r"--gpus: this configuration gives containers no GPU \(found 0, expected --set"
    ):
        usable_gpus(QUICK, "docker", "0")
    assert len(usable_gpus(LARGE, "docker", "0")) == 1
    assert len(usable_gpus(QUICK, "subprocess", None)) == 1
