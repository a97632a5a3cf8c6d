"""`salt submit --every` and `salt schedules` against a real MinIO and stand-ins for the two APIs."""

import json
from typing import Any

import pytest
import yaml

from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]
ADDRESS = "https://hooks.example/services/T0/B1/s3cr3t"


def uploaded(kfp: KfpServer) -> Any:
    """The pipeline that was uploaded last: its tasks, its components and its text."""
    text = kfp.uploads[-1].decode()
    content = text[text.index("# PIPELINE DEFINITION") : text.rindex("\r\n--")]
    spec = next(document for document in yaml.safe_load_all(content) if "pipelineInfo" in document)
    return spec["root"]["dag"]["tasks"], spec["components"], text


def test_an_invalid_schedule_starts_nothing(kfp: KfpServer) -> None:
    assert "--every: is not five fields (found weekly" in fails("submit", "--data", "s3://s/x", "--every", "weekly")
    said = fails("submit", "--data", "s3://s/x", "--every", "0 3 * * 1", "--watch")
    assert "--watch: there is no run to follow yet" in said
    assert not kfp.asked


@pytest.mark.minio
def test_every_creates_a_recurring_run(ready: str, kfp: KfpServer) -> None:
    code, out, said = salt("submit", "--data", ready, *SMOKE, "--name", "weekly", "--every", "0 3 * * 7")
    assert code == 0
    [made] = kfp.schedules
    assert not kfp.runs
    assert out == f"{made['recurring_run_id']}\n{kfp.url}/#/recurringrun/details/{made['recurring_run_id']}\n"
    assert "first run: " in said
    assert made["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 0"}}
    assert (made["max_concurrency"], made["no_catchup"], made["mode"]) == ("1", True, "ENABLE")
    assert (made["service_account"], made["display_name"]) == ("salt-runner", "weekly")
    assert made["experiment_id"] == kfp.experiments[0]["experiment_id"]
    parameters = made["runtime_config"]["parameters"]
    assert (parameters["data"], parameters["data_version"]) == (ready, "")


@pytest.mark.minio
def test_each_run_of_a_schedule_has_its_own_name_and_reads_the_archive_again(ready: str, kfp: KfpServer) -> None:
    salt("submit", "--data", ready, *SMOKE, "--every", "0 3 * * 1")
    tasks, components, text = uploaded(kfp)
    own = {"runtimeValue": {"constant": "{{$.pipeline_job_resource_name}}"}}
    [loop] = [name for name in components if name.startswith("comp-for-loop")]
    assert components[loop]["dag"]["tasks"]["train-fold"]["inputs"]["parameters"]["run"] == own
    assert tasks["report"]["inputs"]["parameters"]["run"] == own
    assert "enableCache" not in text


@pytest.mark.minio
def test_every_and_notify_can_be_combined_and_the_address_stays_in_its_secret(
    ready: str, kfp: KfpServer, kubernetes: KubeServer
) -> None:
    words = ["submit", "--data", ready, *SMOKE, "--every", "0 3 * * 1", "--notify", ADDRESS]
    for _ in range(2):  # the Secret exists the second time
        code, out, said = salt(*words)
        assert code == 0
        assert "s3cr3t" not in out + said
    [name] = [name for name in kubernetes.objects["secrets"] if name.startswith("salt-notify-")]
    assert kubernetes.secret(name) == {"SALT_NOTIFY_URL": ADDRESS}
    tasks, _, text = uploaded(kfp)
    assert len(kfp.uploads) == 1
    assert name in text
    assert "hooks.example" not in text
    assert "hooks.example" not in str(kfp.schedules)
    assert set(tasks) == {"notify", "exit-handler-1"}
    assert (
        tasks["notify"]["inputs"]["parameters"]["run"]["runtimeValue"]["constant"] == "{{$.pipeline_job_resource_name}}"
    )


@pytest.fixture
def two(kfp: KfpServer) -> Any:
    """Two schedules and a run of the first."""
    for number, (name, cron, status) in enumerate(
        [("weekly", "0 0 3 * * 1", "ENABLED"), ("odd", "7 0 3 * * 1", "DISABLED")]
    ):
        kfp.schedules.append(
            {
                "recurring_run_id": f"7c1e2b4{number}-0000-4000-8000-000000000000",
                "display_name": name,
                "status": status,
                "trigger": {"cron_schedule": {"cron": cron}},
            }
        )
    kfp.add_run("weekly-1", "SUCCEEDED", recurring_run_id=kfp.schedules[0]["recurring_run_id"])
    return kfp


def test_schedules_are_listed(two: Any) -> None:
    _, out, _ = salt("schedules", "--json")
    assert {schedule["name"] for schedule in json.loads(out)} == {"weekly", "odd"}
    _, out, _ = salt("schedules")
    heading, first, second = out.splitlines()
    assert heading.split() == ["schedule", "name", "cron", "(UTC)", "state", "next", "last", "last", "state"]
    cells = first.split()
    assert cells[:8] == ["7c1e2b40", "weekly", "0", "3", "*", "*", "1", "ENABLED"]
    assert cells[9:] == ["03:00", "2026-01-02", "03:04", "SUCCEEDED"]
    assert second.split() == ["7c1e2b41", "odd", "7", "0", "3", "*", "*", "1", "DISABLED"]


def test_a_schedule_is_switched_off_and_on_and_deleted(two: Any) -> None:
    assert salt("schedules", "--disable", "weekly")[1] == "weekly: disabled\n"
    assert two.schedules[0]["status"] == "DISABLED"
    assert salt("schedules", "--enable", "7c1e2b40")[1] == "weekly: enabled\n"
    assert two.schedules[0]["status"] == "ENABLED"
    assert "names several schedules: give the beginning of an id" in fails("schedules", "--delete", "7c1e")
    assert "no such schedule" in fails("schedules", "--delete", "nothing")
    assert "only one of these can be given" in fails("schedules", "--delete", "weekly", "--enable", "weekly")
    assert salt("schedules", "--delete", "weekly")[1] == "weekly: deleted; its runs stay\n"
    assert [one["display_name"] for one in two.schedules] == ["odd"]
