"""The drawing of a network: positions of its parts, and the lines between them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from salt_pipeline.components.report.architecture import Architecture, Kind, Layer

WIDTH, HEIGHT, STEP = 222, 52, 76
"""Width and height of the box of a part, and distance from row to row, in units of the drawing."""

LEFT, MIDDLE, RIGHT, COLUMN = 10, 262, 514, 790
"""Left edges of the boxes of encoder, bottleneck, decoder and hypercolumn, in units of the drawing."""


@dataclass(frozen=True)
class Box:
    """The box of a part: upper left corner, size, and lines of text."""

    x: float
    y: float
    width: float
    height: float
    kind: Kind
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """A line between parts: its corners and its kind."""

    points: str
    style: Literal["flow", "skip", "column", "gate"]


@dataclass(frozen=True)
class Drawing:
    """The drawing of one network."""

    encoder: str
    parameters: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    gate: tuple[float, float] | None
    alt: str


def draw(network: Architecture) -> Drawing:
    """Lays a network out as a U: down the encoder, through the bottleneck, up the decoder, out by the hypercolumn."""
    encoder, decoder, (top, centre) = network.of("encoder"), network.of("decoder"), network.of("centre")
    (entry,), (column,), (head,), (gate,) = (network.of(kind) for kind in ("input", "hypercolumn", "head", "gate"))
    places: dict[str, Box] = {}
    for row, layer in enumerate([entry, *encoder, top]):
        places[layer.name] = _box(layer, LEFT, row)
    # The first decoder stage joins the upper bottleneck convolution, the others the encoder stages but the last.
    for layer, row in zip(decoder, (6, 4, 3, 2, 1), strict=True):
        places[layer.name] = _box(layer, RIGHT, row)
    places[centre.name] = _box(centre, MIDDLE, 7)
    places[gate.name] = _box(gate, MIDDLE, 8)
    places[head.name] = end = _box(head, COLUMN, 0)
    with_column = column.maps > 1
    if with_column:
        tall = _box(column, COLUMN, 1)
        places[column.name] = Box(COLUMN, tall.y, WIDTH, 6 * STEP + HEIGHT, "hypercolumn", tall.title, tall.lines)
    edges = [
        *_flow(places, network, with_column=with_column),
        *_gate(places[centre.name], places[gate.name], end, gate),
    ]
    parts = "; ".join(
        f"{layer.name}: {_shape(layer)}, {count(layer.parameters)} parameters" for layer in network.layers
    )
    return Drawing(
        encoder=network.encoder,
        parameters=count(network.parameters),
        width=COLUMN + WIDTH + 50,
        height=8 * STEP + HEIGHT + 20,
        boxes=tuple(places.values()),
        edges=tuple(edges),
        gate=(COLUMN + WIDTH + 24, _level(end)) if gate.gates else None,
        alt=f"The network on {network.encoder}, a U of encoder, bottleneck and decoder. {parts}.",
    )


def _box(layer: Layer, x: float, row: int) -> Box:
    note = {"gate": " → gate" if layer.gates else " (no gate)", "decoder": " + SCSE" if layer.scse else ""}
    lines = [_shape(layer)]
    if layer.kind == "hypercolumn":
        lines = [f"{layer.maps} maps, upsampled:", _shape(layer)]
    if layer.parameters:
        lines.append(f"{count(layer.parameters)} parameters")
    return Box(x, 10 + row * STEP, WIDTH, HEIGHT, layer.kind, layer.name + note.get(layer.kind, ""), tuple(lines))


def _flow(places: dict[str, Box], network: Architecture, *, with_column: bool) -> Iterator[Edge]:
    encoder, decoder, (top, centre) = network.of("encoder"), network.of("decoder"), network.of("centre")
    down = [places[layer.name] for layer in (network.of("input")[0], *encoder, top)]
    up = [places[layer.name] for layer in decoder]
    low, head = places[centre.name], places[network.of("head")[0].name]
    for above, below in itertools.pairwise(down):
        yield _line("flow", (_mid(above), above.y + HEIGHT), (_mid(below), below.y))
    yield _line("flow", (_mid(down[-1]), down[-1].y + HEIGHT), (_mid(down[-1]), _level(low)), (low.x, _level(low)))
    yield _line("flow", (low.x + WIDTH, _level(low)), (_mid(up[0]), _level(low)), (_mid(up[0]), up[0].y + HEIGHT))
    for below, above in itertools.pairwise(up):
        yield _line("flow", (_mid(below), below.y), (_mid(above), above.y + HEIGHT))
    for left, right in zip([down[-1], *down[4:0:-1]], up, strict=True):
        yield _line("skip", (left.x + WIDTH, _level(left)), (right.x, _level(right)))
    if with_column:
        for box in up:
            yield _line("column", (box.x + WIDTH, _level(box)), (COLUMN, _level(box)))
        yield _line("column", (_mid(up[0]), _level(low)), (COLUMN, _level(low)))
        yield _line("flow", (COLUMN + WIDTH / 2, 10 + STEP), (COLUMN + WIDTH / 2, head.y + HEIGHT))
    else:
        last = up[-1]
        corner = (COLUMN + WIDTH / 2, _level(last))
        yield _line("flow", (last.x + WIDTH, _level(last)), corner, (corner[0], head.y + HEIGHT))


def _gate(low: Box, box: Box, end: Box, gate: Layer) -> Iterator[Edge]:
    yield _line("flow", (_mid(low), low.y + HEIGHT), (_mid(box), box.y))
    if gate.gates:
        x = COLUMN + WIDTH + 24
        yield _line(
            "gate", (box.x + WIDTH, _level(box)), (x, _level(box)), (x, _level(end)), (end.x + WIDTH, _level(end))
        )


def _line(style: Literal["flow", "skip", "column", "gate"], *points: tuple[float, float]) -> Edge:
    return Edge(" ".join(f"{x:g},{y:g}" for x, y in points), style)


def _mid(box: Box) -> float:
    return box.x + box.width / 2


def _level(box: Box) -> float:
    return box.y + HEIGHT / 2


def _shape(layer: Layer) -> str:
    return " × ".join(map(str, layer.shape))


def count(number: int) -> str:
    """Formats a number of parameters with three digits, for example 9.44 M."""
    for size, unit in ((10**6, " M"), (10**3, " k")):
        if number >= size:
            digits = 2 if number < 10 * size else 1 if number < 100 * size else 0
            return f"{number / size:.{digits}f}{unit}"
    return str(number)
