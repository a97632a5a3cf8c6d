import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.table import Table

from salt_pipeline.pipelines.display.console import echo, print_json, print_table, say


def test_text_is_printed_without_markup_or_line_breaks() -> None:
    console = Console(file=(file := io.StringIO()), width=20)
    text = "runs/[bold]/first: a line that is longer than the console is wide"
    say(console, text, "red")
    assert file.getvalue() == f"{text}\n"


def test_what_no_terminal_can_show_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    text = "runs/a\x1b[2J\udcff[/b]\nthe next line <script> é"
    shown = "runs/a\\x1b[2J\\udcff[/b]\nthe next line <script> é\n"
    console = Console(file=(file := io.StringIO()))
    say(console, text)
    assert file.getvalue() == shown
    echo(text)
    assert capsys.readouterr().out == shown[:-1].replace("\n", r"\n") + "\n"


def test_a_table_in_a_file_is_not_truncated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("name", box=None)
    table.add_row("a" * 150)
    print_table(table)
    assert "a" * 150 in capsys.readouterr().out
    print_table(table, width=100)
    assert "a" * 101 not in capsys.readouterr().out


def test_json_holds_times_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"began": datetime(2026, 1, 2, tzinfo=UTC), "score": None}])
    assert json.loads(capsys.readouterr().out) == [{"began": "2026-01-02 00:00:00+00:00", "score": None}]
