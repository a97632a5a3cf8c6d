"""Bad archives: zips and folders."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages, linked
from tests.campaign.goods import Goods, copy_tree, same_rows

Members = list[tuple[zipfile.ZipInfo, bytes]]


def cases() -> Iterator[Case]:
    for name, damage in byte_damages(1, flips=6, cuts=4):
        yield Case("archive", f"zip-{name}", _zip(damage))
    for name, damage in kind_damages():
        yield Case("archive", f"zip-{name}", _zip(damage), "refuse")
    yield Case("archive", "zip-linked", _zip(linked), "take")
    for name, change in _members().items():
        yield Case("archive", f"members-{name}", _zip(_rewritten(change)))
    for name, change in _harmless().items():
        yield Case("archive", f"members-{name}", _zip(_rewritten(change)), "take")
    for name, damage in _folders().items():
        yield Case("archive", f"folder-{name}", _folder(damage), "refuse")
    for name, damage in _harmless_folders().items():
        yield Case("archive", f"folder-{name}", _folder(damage), "take")


def attempt(goods: Goods, data: Path, folder: Path, names: tuple[str, ...] = ()) -> Attempt:
    """Reads an archive; if it is taken, its rows must be those of the good one."""
    made = folder / "made" / "dataset.parquet"

    def right() -> str:
        words = lambda out: ["ingest", "--data", goods.folder / "survey.zip", "--preset", "smoke", "--out", out]  # noqa: E731
        return same_rows(made, goods.wanted("ingest", words) / "dataset.parquet")

    words: list[object] = ["ingest", "--data", data, "--preset", "smoke", "--out", folder / "made"]
    return Attempt(words, [names or (data.name, "train.zip", "test.zip")], right=right)


def _zip(damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        data = folder / "bad.zip"
        data.write_bytes((goods.folder / "survey.zip").read_bytes())
        damage(data)
        return attempt(goods, data, folder)

    return make


def _folder(change: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        data = copy_tree(goods.folder / "survey", folder / "bad")
        change(data)
        return attempt(goods, data, folder)

    return make


def _rewritten(change: Callable[[Members], Members]) -> Damage:
    """Writes a flat zip of all files, with other members."""

    def damage(path: Path) -> None:
        members: Members = []
        with zipfile.ZipFile(path) as outer:
            for item in outer.infolist():
                if not item.filename.endswith(".zip"):
                    members.append((item, outer.read(item)))
                    continue
                with zipfile.ZipFile(io.BytesIO(outer.read(item))) as inner:
                    top = item.filename.removesuffix(".zip")
                    members += [(zipfile.ZipInfo(f"{top}/{i.filename}"), inner.read(i)) for i in inner.infolist()]
        with zipfile.ZipFile(path, "w") as written:
            for info, content in change(members):
                written.writestr(info, content)

    return damage


def _renamed(old: str, new: str) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        return [(_info(item.filename.replace(old, new)), content) for item, content in members]

    return change


def _first_renamed(new: str) -> Callable[[Members], Members]:
    """Gives the first image a name with `{}` for its own."""

    def change(members: Members) -> Members:
        at = next(i for i, (item, _) in enumerate(members) if "train/images/" in item.filename)
        item, content = members[at]
        stem = Path(item.filename).stem
        return [*members[:at], (_info(new.format(stem)), content), *members[at + 1 :]]

    return change


def _without(part: str, count: int = 10_000) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        gone = [item.filename for item, _ in members if part in item.filename][:count]
        return [(item, content) for item, content in members if item.filename not in gone]

    return change


def _with(name: str, content: bytes = b"x", mode: int = 0) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        info = _info(name)
        info.external_attr = mode << 16
        return [*members, (info, content)]

    return change


def _info(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, date_time=(2018, 7, 19, 0, 0, 0))


def _members() -> dict[str, Callable[[Members], Members]]:
    return {
        "none": lambda _: [],
        "no-train-images": _without("train/images"),
        "no-masks": _without("train/masks"),
        "one-mask-missing": _without("train/masks", 1),
        "one-image-missing": _without("train/images", 1),
        "one-test-image-missing": _without("test/images", 1),
        "no-test-images": _without("test/images"),
        "no-train-csv": _without("train.csv"),
        "image-doubled": lambda members: [*members, next(m for m in members if "train/images" in m[0].filename)],
        "name-upwards": _first_renamed("../train/images/{}.png"),
        "name-absolute": _first_renamed("/train/images/{}.png"),
        "name-newline": _first_renamed("train/images/{}\n.png"),
        "name-escape": _first_renamed("train/images/\x1b[2J{}.png"),
        "name-markup": _first_renamed("train/images/[/b]{}<script>.png"),
        "name-comma": _first_renamed("train/images/a,{}.png"),
        "name-long": _first_renamed("train/images/{}" + "x" * 300 + ".png"),
        "link": _with("train/images/link.png", b"/etc/passwd", 0o120777),
        "zip-within": lambda members: [(_info("inner.zip"), _zipped(members))],
        "other-folders": _renamed("train/", "learn/"),
        "bomb": _with("train/images/bomb.png", bytes(1 << 20)),
        "huge-csv": lambda members: [(i, c * 3000 if i.filename == "depths.csv" else c) for i, c in members],
        "csv-3000-times": lambda members: members + [m for m in members if m[0].filename == "depths.csv"] * 3000,
    }


def _harmless() -> dict[str, Callable[[Members], Members]]:
    return {
        "unchanged": lambda members: members,
        "reversed": lambda members: members[::-1],
        "backslashes": _renamed("/", "\\"),
        "folder-as-file": _with("train/images/."),
        "mac-icon": _with("survey/Icon\r"),
        "mac-folder": _with("__MACOSX/train/images/._0.png"),
        "mac-double": _with("train/images/._0.png"),
        "notebook": _with(".ipynb_checkpoints/train-checkpoint.csv"),
        "windows-thumbs": _with("train/images/Thumbs.db"),
        "store": _with("train/images/.DS_Store"),
        "screenshot": _with("Bildschirmfoto 2024 \u00fc.png"),
        "in-one-folder": lambda members: [(_info(f"survey/{i.filename}"), c) for i, c in members],
    }


def _zipped(members: Members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as inner:
        for info, content in members:
            inner.writestr(info, content)
    return buffer.getvalue()


def _first(folder: Path, part: str) -> Path:
    return min((folder / part).iterdir())


def _first_damaged(folder: Path, part: str, damage: Damage) -> None:
    damage(_first(folder, part))


def _folders() -> dict[str, Damage]:
    bad: dict[str, Damage] = {}
    for part in ("train/images", "train/masks", "test/images"):
        for name, damage in kind_damages():
            bad[f"{part.replace('/', '-')}-{name}"] = partial(_first_damaged, part=part, damage=damage)
    return bad | {
        "empty": lambda data: data.rename(data.with_name("old")) and data.mkdir(),
        "not-utf-8": lambda data: (data / "train/images" / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"x"),
        "newline": lambda data: _first(data, "train/images").rename(data / "train/images/a\nb.png"),
    }


def _harmless_folders() -> dict[str, Damage]:
    def folder_linked(data: Path) -> None:
        (data / "train").rename(data.with_name("elsewhere"))
        (data / "train").symlink_to(data.with_name("elsewhere"))

    return {
        "upper-case": lambda data: (data / "train").rename(data / "Train"),
        "linked-image": lambda data: linked(_first(data, "train/images")),
        "linked-folder": folder_linked,
        "mac": lambda data: (data / "train/images/._a.png").write_bytes(b"x"),
        "icon": lambda data: (data / "Icon\r").write_bytes(b""),
        "notes": lambda data: (data / "notes [b].txt").write_text("notes"),
    }
