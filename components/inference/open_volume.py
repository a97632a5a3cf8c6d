"""Decides which files are volumes, and opens them."""

from pathlib import Path

from salt_pipeline.components.inference.segy import SEGY, Geometry, open_segy
from salt_pipeline.components.inference.sources import SECTION, map_array
from salt_pipeline.components.inference.volume import Volume, array_volume


def open_volume(path: Path, geometry: Geometry, *, transposed: bool) -> Volume | None:
    """Opens a SEG-Y file, or an array of three axes.

    Args:
        path: The file.
        geometry: Where SEG-Y's trace headers hold the position of a trace.
        transposed: Whether the time is the second of an array's three axes, and not the last.

    Returns:
        The volume; None for any other file.

    Raises:
        BadImage: If it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in SEGY:
        return open_segy(path, geometry)
    if suffix == SECTION and (values := map_array(path)).ndim == 3:
        return array_volume(path, values, transposed=transposed)
    return None
