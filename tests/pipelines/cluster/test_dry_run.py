from salt_pipeline.pipelines.cluster.dry_run import asked
from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.variant import STANDARD, Variant


def test_each_task_asks_for_what_the_pipeline_requests() -> None:
    rows = {str(row["task"]): row for row in asked(preset_config("seed"), STANDARD)}
    assert rows["train-fold"] == {
        "task": "train-fold",
        "pods": 10,
        "cpu": "4",
        "memory": "16Gi",
        "accelerator": "1 nvidia.com/gpu",
        "cache": "no",
    }
    assert (rows["report"]["pods"], rows["report"]["accelerator"], rows["report"]["cpu"]) == (1, "", "250m")


def test_only_what_the_archive_determines_may_come_from_the_cache() -> None:
    config = preset_config("smoke")
    assert [row["task"] for row in asked(config, STANDARD) if row["cache"] != "no"] == ["ingest", "fold-split"]
    assert {row["cache"] for row in asked(config, Variant(cached=frozenset()))} == {"no"}
