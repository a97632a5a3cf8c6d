"""Bad images and masks: in an archive, and as what is to be predicted."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.campaign.attempt import Attempt, Case
from tests.campaign.damage import Damage, byte_damages, kind_damages, linked
from tests.campaign.doors.archives import attempt
from tests.campaign.goods import Goods, copy_tree, same_bytes

PARTS = {"image": "train/images", "mask": "train/masks", "test": "test/images"}


def cases() -> Iterator[Case]:
    for part in PARTS:
        for number, (name, damage) in enumerate([*byte_damages(3, flips=3, cuts=2), *_recoded()]):
            if part == "image" or number % 2 == (part == "mask"):
                yield Case("pictures", f"{part}-{name}", _archive(part, damage))
    for name, damage in _masks():
        yield Case("pictures", f"mask-{name}", _archive("mask", damage), "refuse")
    for ending in ("a.png", "b.tif", "c.npy"):
        for name, damage in [*byte_damages(4, flips=2, cuts=2), *kind_damages()]:
            yield Case("prediction", f"{ending}-{name}", _prediction(ending, damage))
    for name, damage in _recoded():
        yield Case("prediction", f"recoded-{name}", _prediction("a.png", damage))
    for name, array in _arrays().items():
        yield Case("prediction", f"array-{name}", _prediction("c.npy", _saved(array)), "refuse")
    for value in (-999.25, 1e30):
        damage = _saved(np.where(np.arange(101) // 12 == 2, value, np.linspace(0, 1, 101 * 101).reshape(101, 101)))
        yield Case("prediction", f"null-value-{value:g}", _prediction("c.npy", damage, f"{value:g}"))
    for number, name in enumerate(
        ("[b]<script>", "a\nsalt: fine", "'\"`$(id)", "x" * 240, "\udcff\udcfe", "[red]", " ")
    ):
        yield Case("prediction", f"named-{number}", _named(f"{name}.png"))
    yield Case("prediction", "linked", _prediction("a.png", linked), "take")
    yield Case("prediction", "mac-leftovers", _beside("._a.png", b"\0\5\x16\7"), "take")
    yield Case("prediction", "icon", _beside("Icon\r", b""), "take")
    yield Case("prediction", "notes", _beside("notes.txt", b"notes"), "take")


def _archive(part: str, damage: Damage) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        data = copy_tree(goods.folder / "survey", folder / "bad")
        masks = [path for path in sorted((data / PARTS[part]).iterdir()) if np.asarray(Image.open(path)).any()]
        damage(masks[0])
        return attempt(goods, data, folder, (masks[0].name, masks[0].stem))

    return make


def _prediction(name: str, damage: Damage, warning: str = "") -> Callable[[Goods, Path], Attempt]:
    """Predicts good pictures and a bad one: the good ones are predicted whatever happens."""

    def make(goods: Goods, folder: Path) -> Attempt:
        pictures = copy_tree(goods.folder / "pictures", folder / "pictures")
        np.save(pictures / "c.npy", np.asarray(Image.open(pictures / "a.png")))
        (pictures / name).rename(pictures / f"0-{name}")
        damage(pictures / f"0-{name}")
        attempt = _predict(goods, folder, pictures, (f"0-{name}",))
        attempt.warning = warning
        return attempt

    return make


def _predict(goods: Goods, folder: Path, pictures: Path, names: tuple[str, ...]) -> Attempt:
    def right() -> str:
        wanted = goods.wanted("apply", lambda out: _words(goods, goods.folder / "pictures", out))
        good = [name for name in ("a.png", "b.tif") if (pictures / name).is_file()]
        made = folder / "made"
        if not (made / "predictions.csv").is_file():
            return "predictions.csv was not written"
        return same_bytes(made, wanted, [f"masks/{Path(name).stem}.png" for name in good])

    return Attempt(_words(goods, pictures, folder / "made"), [names], right=right)


def _words(goods: Goods, pictures: Path, out: Path) -> list[object]:
    return ["predict", pictures, "--model", goods.trained / "bundle", "--out", out]


def _named(name: str) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        pictures = copy_tree(goods.folder / "pictures", folder / "pictures")
        (pictures / "a.png").rename(pictures / name)
        return _predict(goods, folder, pictures, (name[:4], ascii(name)[1:5], "x" * 20, "png"))

    return make


def _beside(name: str, content: bytes) -> Callable[[Goods, Path], Attempt]:
    def make(goods: Goods, folder: Path) -> Attempt:
        pictures = copy_tree(goods.folder / "pictures", folder / "pictures")
        (pictures / name).write_bytes(content)
        return _predict(goods, folder, pictures, (name,))

    return make


def _saved(array: object) -> Damage:
    def damage(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, np.asarray(array), allow_pickle=True)

    return damage


def _again(change: Callable[[Image.Image], Image.Image], kind: str = "PNG", **options: object) -> Damage:
    def damage(path: Path) -> None:
        buffer = io.BytesIO()
        change(Image.open(path)).save(buffer, kind, **options)
        path.write_bytes(buffer.getvalue())

    return damage


def _recoded() -> list[tuple[str, Damage]]:
    """The same picture in another form, or another picture."""
    return [
        ("cropped", _again(lambda image: image.crop((0, 0, 100, 101)))),
        ("doubled", _again(lambda image: image.resize((202, 202)))),
        ("one-pixel", _again(lambda image: image.crop((0, 0, 1, 1)))),
        ("turned", _again(lambda image: image.resize((101, 50)))),
        ("colour", _again(lambda _: Image.fromarray(np.arange(101 * 101 * 3, dtype=np.uint8).reshape(101, 101, 3)))),
        ("palette", _again(lambda image: image.convert("L").convert("P"))),
        ("alpha", _again(lambda image: image.convert("L").convert("LA"))),
        ("deep", _again(lambda image: Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257))),
        ("jpeg", _again(lambda image: image.convert("L"), "JPEG")),
        ("gif", _again(lambda image: image.convert("L"), "GIF")),
        ("bomb", lambda path: path.write_bytes(_png_of(60_000, 60_000))),
        ("no-rows", lambda path: path.write_bytes(_png_of(101, 0))),
    ]


def _masks() -> list[tuple[str, Damage]]:
    return [
        ("grey", _again(lambda _: Image.fromarray(np.arange(101 * 101, dtype=np.uint8).reshape(101, 101)))),
        ("of-another", _again(lambda _: Image.fromarray(np.tri(101, dtype=np.uint8) * 255))),
        ("three-values", _again(lambda _: Image.fromarray((np.indices((101, 101)).sum(0) % 3).astype(np.uint8)))),
    ]


def _arrays() -> dict[str, object]:
    grey = np.linspace(0, 1, 101 * 101).reshape(101, 101)
    spoilt = {name: grey.copy() for name in ("nan", "inf")}
    spoilt["nan"][5, 7] = np.nan
    spoilt["inf"][5, 7] = np.inf
    return spoilt | {
        "four-axes": np.zeros((2, 3, 4, 5)),
        "line": np.zeros(101),
        "empty": np.zeros((0, 101)),
        "text": np.array([["a", "b"]]),
        "objects": np.array([[{}, None]], dtype=object),
        "complex": grey + 1j,
    }


def _png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
