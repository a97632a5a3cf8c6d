"""The layout of an archive: which of its files are used, whatever folder they are in together."""

from pathlib import PurePosixPath

IMAGES, MASKS, TEST = "train/images", "train/masks", "test/images"
"""The folders of the PNG files. The first two are required, and the third if there is sample_submission.csv."""

TABLES = {
    "train.csv": ("rle_mask", "the masks alone say where salt is"),
    "depths.csv": ("z", "depths are unknown"),
    "sample_submission.csv": ("rle_mask", "the submission is sorted by id"),
}
"""The csv files; of each the column beside the id, and what follows if the file does not exist."""

SYNTHETIC = "SYNTHETIC.txt"
"""A file of this name marks a synthetic survey, so that no report presents its scores as results."""

FILES_LIMIT = 100_000
"""Most files and folders of a folder, links followed, or of a zip; the real archive has 26,000."""

INNER = ("train.zip", "test.zip")
"""The zips inside the archive that are opened; they take the place of the folders `train` and `test`."""


def part_of(path: PurePosixPath) -> str | None:
    """The folder of PNG files that a file belongs to, in any case of letters; None if it is no such file."""
    part = "/".join(path.parts[-3:-1]).lower()
    return part if part in (IMAGES, MASKS, TEST) and path.suffix.lower() == ".png" else None


def is_folder_of_layout(path: PurePosixPath) -> bool:
    """Whether a file has the name of a folder that PNG files are expected in: a link that could not be followed."""
    return path.name.lower() in {name for part in (IMAGES, MASKS, TEST) for name in part.split("/")}
