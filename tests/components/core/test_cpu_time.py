from time import process_time

from salt_pipeline.components.core.cpu_time import CpuTime, parse_cpu_time


def test_the_time_of_each_kind_of_work_is_added_up() -> None:
    cpu_time = CpuTime()
    assert 0 < cpu_time.seconds["start"] <= process_time()
    for _ in range(2):
        with cpu_time.spent_on("steps"):
            begun = process_time()
            while process_time() < begun + 0.02:
                pass
    assert 0.04 <= cpu_time.seconds["steps"] < process_time()


def test_work_that_fails_is_counted_too() -> None:
    cpu_time = CpuTime()
    try:
        with cpu_time.spent_on("validation"):
            raise ValueError
    except ValueError:
        pass
    assert "validation" in cpu_time.seconds


def test_a_fact_is_read_back() -> None:
    cpu_time = CpuTime()
    cpu_time.seconds = {"start": 4.14, "steps": 1234.0}
    assert cpu_time.fact() == "start 4.1 steps 1234.0"
    assert parse_cpu_time(cpu_time.fact()) == {"start": 4.1, "steps": 1234.0}
    assert parse_cpu_time("") == {}
