"""Damage to files of any kind: to their bytes, and to the kind of thing that lies under their name."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

Damage = Callable[[Path], object]
"""Changes a file in place."""

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"


def byte_damages(seed: int, flips: int = 4, cuts: int = 3) -> Iterator[tuple[str, Damage]]:
    """Truncations, changed bytes, and other content: a name for each, and what it does to a file.

    Args:
        seed: Seed of the places of the changed bytes.
        flips: Cases of changed bytes: one byte in the first, eight more in each further one.
        cuts: Truncations, at equal distances.
    """
    for cut in range(cuts):
        yield f"cut-{cut + 1}-of-{cuts + 1}", _cut((cut + 1) / (cuts + 1))
    yield "cut-last-byte", lambda path: path.write_bytes(path.read_bytes()[:-1])
    for number in range(flips):
        yield f"flip-{number}", _flip(seed * 100 + number, 1 + 8 * number)
    contents = {"empty": b"", "page": PAGE, "pointer": POINTER, "zeros": bytes(4096), "noise": bytes(range(256)) * 8}
    for name, content in contents.items():
        yield name, _content(content)


def kind_damages() -> Iterator[tuple[str, Damage]]:
    """What is no regular file, under the file's name."""
    yield "missing", Path.unlink
    yield "folder", _replaced(lambda path: path.mkdir())
    yield "pipe", _replaced(os.mkfifo)
    yield "endless", _replaced(lambda path: path.symlink_to("/dev/zero"))
    yield "loop", _replaced(lambda path: path.symlink_to(path))


def linked(path: Path) -> None:
    """A link to the file under another name, which is harmless."""
    path.rename(path.with_name(f"{path.name}.real"))
    path.symlink_to(path.with_name(f"{path.name}.real"))


def _cut(part: float) -> Damage:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * part)])

    return damage


def _flip(seed: int, count: int) -> Damage:
    def damage(path: Path) -> None:
        rng, content = random.Random(seed), bytearray(path.read_bytes())
        for _ in range(count):
            content[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        path.write_bytes(content)

    return damage


def _content(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content)


def _replaced(make: Callable[[Path], object]) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage
