"""Finds the parts of an archive, and checks that each is there and that they name the same images."""

from collections import Counter
from collections.abc import Collection, Mapping

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.grouped import listed
from salt_pipeline.components.ingest.entry import Entry
from salt_pipeline.components.ingest.layout import IMAGES, MASKS, TABLES, TEST, part_of
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.tables import check_id

Files = dict[str, dict[str, Entry]]
"""By folder and id, the PNG files."""

_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".npy"}
_ARCHIVES = {".zip", ".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz"}


def locate(entries: list[Entry], problems: Problems) -> tuple[Files, dict[str, Entry]]:
    """Finds the images by folder and id, and the tables by name, whatever their common folder is.

    Args:
        entries: All files of the archive.
        problems: Collects names that are no ids, and duplicates.
    """
    files: Files = {IMAGES: {}, MASKS: {}, TEST: {}}
    tables: dict[str, Entry] = {}
    for entry in entries:
        part, image_id, name = part_of(entry.path), entry.path.stem, entry.path.name.lower()
        if name in TABLES:
            if name in tables:
                problems.add(SaltError(f"is a duplicate of {tables[name].where}", file=entry.where))
            tables.setdefault(name, entry)
        elif part:
            try:
                check_id(image_id, entry.where)
            except SaltError as error:
                problems.add(error)
                continue
            if image_id in files[part]:
                other = files[part][image_id].where
                problems.add(SaltError(f"is a duplicate of {other}", file=entry.where), image_id)
            files[part].setdefault(image_id, entry)
    return files, tables


def check_parts(entries: list[Entry], needed: Collection[str], data: str, problems: Problems) -> None:
    """Reports the folders that are needed and have no PNG file, and what the archive holds instead."""
    what = {IMAGES: "labelled image", MASKS: "mask", TEST: "test image"}
    present = {part_of(entry.path) for entry in entries}  # names that are no ids were reported already
    missing = [part for part in needed if part not in present]
    if not missing:
        return
    others: Counter[str] = Counter()
    for entry in entries:
        kind = entry.path.suffix.lower()
        if kind in _ARCHIVES:
            others[f"{entry.where}, which is not unpacked"] += 1
        elif kind in _PICTURES and part_of(entry.path) is None:
            others[f"{kind} files in {entry.path.parent}"] += 1
    found = [f"{count:,} {name}" if name.startswith(".") else name for name, count in others.items()]
    problem = ", ".join(f"no {what[part]}" for part in missing)
    expected = ", ".join(f"{part}/<id>.png" for part in missing)
    problems.add(SaltError(problem, file=data, found=listed(found) or None, expected=expected))


def compare_ids(files: Files, tables: Mapping[str, Collection[str]], problems: Problems) -> None:
    """Checks that the same ids are in the folders and in the tables.

    A folder without any file was reported already, so it is not reported again for each image. A table may be missing.

    Args:
        files: The PNG files.
        tables: By name, the ids of a table.
        problems: Collects the ids, each with all that it is missing from.
    """
    images, masks, test = files[IMAGES], files[MASKS], files[TEST]
    for image_id in sorted(images.keys() & test.keys()):
        problems.add(SaltError("is a labelled image and a test image", file=test[image_id].where), image_id)
    for part, named in (
        (images, {"a mask": masks or None, "a row in train.csv": tables.get("train.csv")}),
        (test, {"a row in sample_submission.csv": tables.get("sample_submission.csv")}),
    ):
        needed = named | {"a row in depths.csv": tables.get("depths.csv")}
        for image_id, entry in part.items():
            missing = [name for name, ids in needed.items() if ids is not None and image_id not in ids]
            if missing:
                problems.add(SaltError(f"image without {' and '.join(missing)}", file=entry.where), image_id)

    both = images | test if images and test else {}
    sources: dict[str, list[str]] = {}
    for name, ids, part in (
        (MASKS, masks, images),
        ("train.csv", tables.get("train.csv", ()), images),
        ("sample_submission.csv", tables.get("sample_submission.csv", ()), test),
        ("depths.csv", tables.get("depths.csv", ()), both),
    ):
        for image_id in ids if part else ():
            if image_id not in part:
                sources.setdefault(image_id, []).append(name)
    for image_id in sorted(sources):
        named_in = ", ".join(sources[image_id])
        problems.add(SaltError("there is no image of this id", file=named_in, field=image_id), image_id)
