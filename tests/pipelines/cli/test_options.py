import pytest
import typer
from typer.testing import CliRunner

from salt_pipeline.pipelines.cli.options import follow, in_namespace, open_kfp, settings
from tests.pipelines.kfp_server import KfpServer

pytestmark = pytest.mark.usefixtures("no_cluster")


@in_namespace
def show(word: str, fail: bool = False) -> None:
    """Prints its argument and the namespace."""
    if fail:
        raise RuntimeError(word)
    typer.echo(f"{word} in {settings().namespace}")


def test_the_option_takes_precedence_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command()(show)
    runner = CliRunner()
    assert runner.invoke(app, ["runs"]).stdout == "runs in kubeflow\n"
    monkeypatch.setenv("SALT_NAMESPACE", "from-variable")
    assert runner.invoke(app, ["runs"]).stdout == "runs in from-variable\n"
    for option in ("-n", "--namespace"):
        assert runner.invoke(app, ["runs", option, "from-option"]).stdout == "runs in from-option\n"
    assert "--namespace" in runner.invoke(app, ["--help"]).stdout


def test_the_namespace_of_a_command_that_failed_is_not_kept() -> None:
    with pytest.raises(RuntimeError, match="runs"):
        show("runs", fail=True, namespace="from-option")
    assert settings().namespace == "kubeflow"


def test_following_a_run_that_does_not_succeed_ends_with_exit_code_1(
    kfp: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = kfp.add_run("good", "SUCCEEDED"), kfp.add_run("bad", "FAILED")
    follow(open_kfp(), good)
    with pytest.raises(typer.Exit) as ended:
        follow(open_kfp(), bad)
    assert ended.value.exit_code == 1
    shown, said = capsys.readouterr()
    assert shown == "", "the progress goes to standard error"
    assert "good: SUCCEEDED\n" in said
    assert "bad: FAILED\n" in said
