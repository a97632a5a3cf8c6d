"""The pages name commands and options that exist, and link to pages and headings that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", "k8s/*.md", "components/**/README.md")
    for page in ROOT.glob(pattern)
)
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMES_A_COMMAND = re.compile(r"`(salt [a-z][^`]*)`")
ENDS = {"|", ">", "&&", "&", ";", "||"}
"""Words of the shell after which another command, a file or nothing follows."""


def commands_of(page: str) -> Iterator[list[str]]:
    """The words of each `salt` command of a page, in blocks of shell and in the text."""
    for language, block in FENCE.findall(page):
        for line in block.replace("\\\n", " ").splitlines() if language == "sh" else ():
            if line.strip().startswith("salt "):
                yield shlex.split(line, comments=True)
    for text in NAMES_A_COMMAND.findall(" ".join(FENCE.sub("", page).split())):
        yield shlex.split(text)


def problem_of(words: list[str], root: Any) -> str | None:
    """What is wrong with a command; options are looked up, values are not."""
    command, rest = root, words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"no such command: {shlex.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        if word in ENDS:
            break
        option = word.partition("=")[0]
        if option.startswith("-") and option not in {*known, "-h", "--help"}:
            return f"no such option {option}: {shlex.join(words)}"
    return None


def slugs_of(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture(scope="module")
def salt() -> Any:
    from salt_pipeline.pipelines.cli.main import app

    return typer.main.get_command(app)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_and_their_options_exist(page: Path, salt: Any) -> None:
    problems = [problem_of(words, salt) for words in commands_of((ROOT / page).read_text())]
    assert not list(filter(None, problems))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", (ROOT / page).read_text())):
        if link.startswith(("https://", "http://")):
            continue
        path, _, heading = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not heading or heading in slugs_of(target), link


def test_wrong_commands_are_found(salt: Any) -> None:
    shell = "salt run --wings x > y\nsalt predict a --model b \\\n  --speed 3\nsalt runs --json | jq --q\n"
    page = f"`salt fly`\n```sh\n{shell}```\n"
    assert [problem_of(words, salt) for words in commands_of(page)] == [
        "no such option --wings: salt run --wings x '>' y",
        "no such option --speed: salt predict a --model b --speed 3",
        None,
        "no such command: salt fly",
    ]
