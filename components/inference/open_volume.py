"""Decides which files are volumes, and opens them."""

from pathlib import Path

from salt_pipeline.components.inference.segy import SEGY, Geometry, open_segy
from salt_pipeline.components.inference.sources import SECTION, check_kind, map_array
from salt_pipeline.components.inference.volume import Volume, array_volume


def open_volume(path: Path, geometry: Geometry, *, transposed: bool) -> Volume | None:
    """Opens a SEG-Y file, an array of three axes, or one of two whose rows are traces.

    Args:
        path: The file.
        geometry: Where SEG-Y's trace headers hold the position of a trace.
        transposed: Whether the last two axes of an array are exchanged: by default the rows of an array of two axes are
            times, and the last of three axes is the time.

    Returns:
        The volume; None for any other file.

    Raises:
        BadImage: If it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in {*SEGY, SECTION}:
        return None
    check_kind(path)
    if suffix in SEGY:
        return open_segy(path, geometry)
    values = map_array(path)
    if values.ndim == 3 or (values.ndim == 2 and transposed):
        return array_volume(path, values, transposed=transposed)
    return None
