"""Bad csv tables: those of the archive, and submissions."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages
from tests.campaign.doors.archives import attempt
from tests.campaign.goods import Goods, copy_tree

Change = Callable[[list[str]], list[str] | bytes]
"""Changes the lines of a table, without their ends."""

TABLES = ("train.csv", "depths.csv", "sample_submission.csv")


def cases() -> Iterator[Case]:
    for table in TABLES:
        stem = table.split(".")[0]
        for name, change in (_shared() | (_depths() if table == "depths.csv" else {})).items():
            yield Case("tables", f"{stem}-{name}", _archive(table, change))
        for name, change in _harmless().items():
            yield Case("tables", f"{stem}-{name}", _archive(table, change), "take")
    for name, change in _runs().items():
        yield Case("tables", f"train-{name}", _archive("train.csv", change), "refuse")
    for name, damage in [*byte_damages(2, flips=2, cuts=1), *kind_damages()]:
        yield Case("tables", f"train-file-{name}", _damaged(damage))
    for name, change in (_shared() | _runs()).items():
        yield Case("submission", name, _submission(change), "refuse")
    for name, change in _harmless().items():
        yield Case("submission", name, _submission(change), "take")
    for name, damage in kind_damages():
        yield Case("submission", name, _submission_damaged(damage), "refuse")
        yield Case("submission", f"score-{name}", _submission_damaged(damage, "score"), "refuse")


def _archive(table: str, change: Change) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        data = copy_tree(goods.folder / "survey", folder / "bad")
        _rewrite(data / table, change)
        return attempt(goods, data, folder, (table,))

    return make


def _damaged(damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        data = copy_tree(goods.folder / "survey", folder / "bad")
        damage(data / "train.csv")
        return attempt(goods, data, folder, ("train.csv",))

    return make


def _submission(change: Change) -> Callable[[Goods, Path], Attempt]:
    return _submission_damaged(lambda path: _rewrite(path, change))


def _submission_damaged(damage: Damage, command: str = "check-submission") -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        csv = folder / "bad.csv"
        rows = (goods.folder / "survey/sample_submission.csv").read_text()
        csv.write_text(rows.replace(",1 1", ",1 2 9 1"))
        damage(csv)
        survey = goods.folder / "survey"
        given = ["--masks", survey / "train/masks"] if command == "score" else ["--data", survey]
        return Attempt([command, csv, *given], [("bad.csv",)], right=lambda: "")

    return make


def _rewrite(path: Path, change: Change) -> None:
    changed = change(path.read_text().splitlines())
    path.write_bytes(changed if isinstance(changed, bytes) else ("\n".join(changed) + "\n").encode())


def _cell(column: int, value: str, row: int = 3) -> Change:
    """Puts a value into one cell, of the third row if none is named."""

    def change(lines: list[str]) -> list[str]:
        cells = lines[row].split(",")
        cells[column] = value
        return [*lines[:row], ",".join(cells), *lines[row + 1 :]]

    return change


def _shared() -> dict[str, Change]:
    return {
        "empty": lambda _: b"",
        "header-alone": lambda lines: lines[:1],
        "no-header": lambda lines: lines[1:],
        "header-other": lambda lines: ["name,value", *lines[1:]],
        "column-missing": lambda lines: [line.split(",")[0] for line in lines],
        "column-more": lambda lines: [f"{line},1" for line in lines],
        "row-short": lambda lines: [*lines[:3], lines[3].split(",")[0], *lines[4:]],
        "row-long": lambda lines: [*lines[:3], f"{lines[3]},1,2", *lines[4:]],
        "row-doubled": lambda lines: [*lines, lines[2]],
        "row-missing": lambda lines: [*lines[:2], *lines[3:]],
        "row-unknown": lambda lines: [*lines, f"nobody,{lines[1].split(',')[1]}"],
        "id-empty": _cell(0, ""),
        "id-markup": _cell(0, "[/b]<script>"),
        "id-escape": _cell(0, "\x1b[2J"),
        "semicolons": lambda lines: [line.replace(",", ";") for line in lines],
        "nul": lambda lines: ("\n".join(lines) + "\0\n").encode(),
        "latin-1": lambda lines: ("\n".join(lines) + "\nsch\u00f6n,1\n").encode("latin-1"),
        "utf-16": lambda lines: "\n".join(lines).encode("utf-16"),
        "quote-open": _cell(1, '"1 1'),
        "cell-huge": _cell(1, "1 " * 200_000),
    }


def _harmless() -> dict[str, Change]:
    return {
        "unchanged": lambda lines: lines,
        "bom": lambda lines: ("\ufeff" + "\n".join(lines) + "\n").encode(),
        "crlf": lambda lines: ("\r\n".join(lines) + "\r\n").encode(),
        "blank-end": lambda lines: [*lines, "", "  ", ""],
        "commas-alone": lambda lines: [*lines, ",", ","],
        "blanks": lambda lines: [lines[0], *(re.sub(",", " , ", line) for line in lines[1:])],
        "quoted": lambda lines: [",".join(f'"{cell}"' for cell in line.split(",")) for line in lines],
        "no-last-newline": lambda lines: "\n".join(lines).encode(),
    }


def _depths() -> dict[str, Change]:
    wrong = {
        "text": "deep",
        "empty": "",
        "nan": "NaN",
        "inf": "inf",
        "endless": "1e999",
        "negative": "-5",
        "underscored": "1_000",
        "full-width": "\uff15\uff10",
        "huge": "9" * 40,
        "hex": "0x10",
    }
    return {f"z-{name}": _cell(1, value) for name, value in wrong.items()}


def _runs() -> dict[str, Change]:
    wrong = {
        "odd": "1 2 3",
        "from-0": "0 5",
        "descending": "50 2 10 2",
        "overlapping": "10 5 12 2",
        "beyond": "10201 2",
        "far": f"{'9' * 30} 1",
        "negative": "-5 3",
        "length-0": "5 0",
        "text": "a b",
        "fraction": "1.0 2",
        "underscored": "1_0 2",
        "full-width": "\uff11 \uff12",
        "nan": "nan",
    }
    return {f"runs-{name}": _cell(1, value) for name, value in wrong.items()}
