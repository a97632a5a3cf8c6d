"""The image files of a call: those that are named, and those of folders that are named."""

import logging
from pathlib import Path, PurePath

from salt_pipeline.components.core.errors import one_line
from salt_pipeline.components.core.passed_over import is_passed_over
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.pictures import PICTURES
from salt_pipeline.components.inference.segy import SEGY
from salt_pipeline.components.inference.sources import SECTION

log = logging.getLogger(__name__)


def find_files(images: list[str]) -> tuple[list[Path], list[BadImage]]:
    """Finds the files; those of a folder are sorted.

    Returns:
        The files, and what cannot be predicted: a folder without images, and a file whose outputs would have the names
        of another one's.
    """
    found: list[Path] = []
    problems = []
    for path in map(Path, images):
        try:
            found += _in_folder(path) if path.is_dir() else [path]
        except OSError as error:
            problems.append(BadImage(f"cannot be read: {error.strerror}", file=path))
        except BadImage as error:
            problems.append(error)
    files: list[Path] = []
    stems: dict[str, Path] = {}
    for path in found:
        first = stems.setdefault(path.stem, path)
        if first is path:
            files.append(path)
        elif not _is_same(first, path):
            problems.append(BadImage("has the name of another image, and so would its outputs", file=path, found=first))
    return files, problems


def _in_folder(folder: Path) -> list[Path]:
    """The images of a folder; what else it holds is logged, but for the leftovers of file managers and editors."""
    entries = sorted(entry for entry in folder.iterdir() if not is_passed_over(PurePath(entry.name)))
    images = [entry for entry in entries if entry.suffix.lower() in {*PICTURES, SECTION, *SEGY}]
    if not images:
        raise BadImage("holds no images", file=folder, expected="png, tif, tiff, npy, sgy or segy files")
    if others := [entry for entry in entries if entry not in images]:
        names = ", ".join(one_line(entry.name) for entry in others[:3]) + ", ..." * (len(others) > 3)
        log.info("%s: not predicted: %d other files or folders: %s", one_line(folder), len(others), names)
    return images


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths are of one file, as when a file and its folder are named."""
    try:
        return one == other or (one.name == other.name and one.samefile(other))
    except OSError:
        return False
