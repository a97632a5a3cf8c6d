"""The page of errors quotes messages that exist in the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, flags=re.MULTILINE)
ELSEWHERE = "..."
"""What a formatted value is in a message of the code and on the page."""


def texts() -> str:
    """Every text of the code, one a line; formatted values are `...`."""
    found = []
    for folder in ("components", "pipelines", "salt_pipeline"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else ELSEWHERE for part in node.values]
                    found.append("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return "\n".join(found)


@pytest.fixture(scope="module")
def code() -> str:
    return texts()


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_exists(code: str, message: str) -> None:
    pattern = ".*".join(map(re.escape, message.split(ELSEWHERE)))
    assert re.search(pattern, code), f"docs/troubleshooting.md quotes a message that the code does not have: {message}"


def test_the_page_quotes_many_messages_and_each_row_has_a_fix() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == len(QUOTED) > 30
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 3, row
        assert all(cells), row
