from salt_pipeline.components.ingest.problems import SHOWN, Problems


def test_only_the_first_problems_are_listed() -> None:
    problems = Problems()
    for number in range(SHOWN + 7):
        problems.add(ValueError(f"problem {number}"), "a")  # type: ignore[arg-type]
    lines = str(problems.as_error("a.zip")).splitlines()
    assert lines[0] == f"a.zip: {SHOWN + 7} problems found"
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "  - and 7 more"
