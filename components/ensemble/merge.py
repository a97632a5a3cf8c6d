"""Map files as streams: merged by id, or read in step, a row group at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import MAPS, ROW_GROUP, SIDE, array_to_pixels, row_groups


@dataclass(frozen=True)
class MapRows:
    """Some rows of map files, ids ascending.

    Attributes:
        ids_B: Image ids.
        map_BHW: Probability of salt by pixel, uint8.
        salt_B: Probability that the image holds any salt, float32.
        path_B: The file that each row is from.
    """

    ids_B: npt.NDArray[np.str_]
    map_BHW: npt.NDArray[np.uint8]
    salt_B: npt.NDArray[np.float32]
    path_B: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.ids_B)

    def __getitem__(self, which: slice | list[int] | npt.NDArray[np.intp]) -> "MapRows":
        return MapRows(self.ids_B[which], self.map_BHW[which], self.salt_B[which], self.path_B[which])

    @classmethod
    def none(cls) -> Self:
        """No rows."""
        pixels = np.empty((0, SIDE, SIDE), dtype=np.uint8)
        return cls(np.empty(0, dtype=np.str_), pixels, np.empty(0, dtype=np.float32), np.empty(0, dtype=np.str_))


def concatenate(parts: list[MapRows]) -> MapRows:
    """Puts rows one after another."""
    if len(parts) == 1:
        return parts[0]
    return MapRows(
        np.concatenate([part.ids_B for part in parts]),
        np.concatenate([part.map_BHW for part in parts]),
        np.concatenate([part.salt_B for part in parts]),
        np.concatenate([part.path_B for part in parts]),
    )


class Stream:
    """Rows that are read on demand.

    Args:
        source: Yields the rows in pieces of any size.
        name: Its name in messages.
    """

    def __init__(self, source: Iterator[MapRows], name: str) -> None:
        self.source = source
        self.name = name
        self.buffer = MapRows.none()

    def fill(self, count: int) -> MapRows:
        """Reads until `count` rows are buffered, or the source ends.

        Returns:
            The buffered rows; no rows at the end.
        """
        while len(self.buffer) < count and (piece := next(self.source, None)) is not None:
            self.buffer = concatenate([self.buffer, piece]) if len(self.buffer) else piece
        return self.buffer

    def take(self, count: int) -> MapRows:
        """Removes the first buffered rows from the buffer and returns them."""
        rows, self.buffer = self.buffer[:count], self.buffer[count:]
        return rows


def read_rows(path: str) -> Iterator[MapRows]:
    """Reads a map file a row group at a time.

    Raises:
        SaltError: If the file is damaged, or holds a value that its schema does not allow.
    """
    for table in row_groups(path, MAPS):
        ids = np.array(table["id"].to_pylist(), dtype=np.str_)
        yield MapRows(ids, array_to_pixels(table["map"]), table["salt"].to_numpy(), np.full(len(ids), path))


def read_in_step(paths: list[str]) -> Iterator[list[MapRows]]:
    """Reads map files of the same images side by side, a row group of each at a time.

    Raises:
        SaltError: If a file is damaged, its rows are not sorted by id, or its ids differ from those of the others.
    """
    return in_step([Stream(read_rows(path), path) for path in paths])


def merged(streams: list[Stream]) -> Iterator[MapRows]:
    """Merges streams of different ids into one that is sorted by id.

    It holds one row group of each stream at a time.

    Raises:
        SaltError: If an id is in two of them.
    """
    while live := [stream for stream in streams if len(stream.fill(1))]:
        # All ids up to the smallest of the last buffered ids are buffered: a stream only yields larger ids later.
        bound = min(stream.buffer.ids_B[-1] for stream in live)
        rows = concatenate([stream.take(int(np.searchsorted(stream.buffer.ids_B, bound, "right"))) for stream in live])
        rows = rows[np.argsort(rows.ids_B, kind="stable")]
        repeated = np.flatnonzero(rows.ids_B[1:] == rows.ids_B[:-1])
        if len(repeated):
            first = repeated[0]
            other = rows.path_B[first + 1]
            raise SaltError("is in two folds", file=rows.path_B[first], field=rows.ids_B[first], found=f"also {other}")
        yield rows


def in_step(streams: list[Stream]) -> Iterator[list[MapRows]]:
    """Reads streams of the same ids side by side, in full row groups except for the last one.

    Raises:
        SaltError: If their ids differ, naming the first id that does.
    """
    while True:
        count = min(ROW_GROUP, *(len(stream.fill(ROW_GROUP)) for stream in streams))
        if count == 0:
            _check_ended(streams)
            return
        parts = [stream.take(count) for stream in streams]
        for stream, part in zip(streams, parts, strict=True):
            differ = np.flatnonzero(part.ids_B != parts[0].ids_B)
            if len(differ):
                first = differ[0]
                raise _difference((parts[0][[first]], streams[0].name), (part[[first]], stream.name))
        yield parts


def _difference(one: tuple[MapRows, str], other: tuple[MapRows, str]) -> SaltError:
    """Of two ids that should be equal, the smaller one is missing from the other stream."""
    (row, _), (next_row, other_name) = sorted((one, other), key=lambda side: side[0].ids_B[0])
    found = f"{next_row.ids_B[0]} in {next_row.path_B[0]}"
    return SaltError(f"is missing from {other_name}", file=row.path_B[0], field=row.ids_B[0], found=found)


def _check_ended(streams: list[Stream]) -> None:
    ended = next(stream for stream in streams if not len(stream.buffer))
    for stream in streams:
        if len(stream.buffer):
            row = stream.buffer[:1]
            raise SaltError(
                f"is missing from {ended.name}", file=row.path_B[0], field=row.ids_B[0], found="the end of the file"
            )
