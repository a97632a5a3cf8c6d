"""The trained ensemble as one folder: every job's weights and sidecar, and what makes masks of their maps.

    bundle.json       what is in the folder, with the SHA-256 of each file, and how to blend and to cut the maps
    models/           <encoder>-fold<k>.safetensors and its sidecar <encoder>-fold<k>.json
    MODEL_CARD.md     for people

Nothing in here needs torch, and nothing is unpickled. `bundle.json` is written last, so an interrupted write
leaves no bundle.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from salt_pipeline.components.core.bundle_document import Bundle, File, Member
from salt_pipeline.components.core.config.section import problems_of
from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.files import atomic_path, content_hash, link_or_copy, read_json, write_json
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.weights_file import check_weights

FORMAT = 1
"""Version of the layout; any other version is refused."""

DOCUMENT, CARD = "bundle.json", "MODEL_CARD.md"


def write_bundle(
    folder: str | Path, models: Mapping[Job, str], weights: Mapping[str, float], card: str, facts: dict
) -> Bundle:
    """Writes a bundle; weights are hard-linked where possible, else copied.

    Args:
        folder: The folder to make.
        models: Folder of each job's model, by encoder and fold, those of an encoder together.
        weights: The weight of each member in the blend, by encoder.
        card: The model card, Markdown.
        facts: The document's other entries: threshold, scores, hashes ...

    Raises:
        SaltError: If a model is damaged, does not match its sidecar, or the bundle cannot be written.
    """
    folder = Path(folder)
    members, files = [], {}
    for (encoder, fold), model in models.items():
        stem = f"models/{encoder}-fold{fold}"
        weights_name, sidecar_name = f"{stem}.safetensors", f"{stem}.json"
        source, sidecar = Path(model, "model.safetensors"), Path(model, "model.json")
        check_weights(source)
        files[weights_name] = _take(source, folder / weights_name)
        files[sidecar_name] = _take(sidecar, folder / sidecar_name)
        digest = files[weights_name].sha256
        described = read_json(folder / sidecar_name)
        if not isinstance(described, dict) or described.get("sha256") != digest:
            raise SaltError("was altered: its SHA-256 differs from that in the sidecar", file=source)
        members.append(
            Member(
                encoder=encoder,
                fold=fold,
                weight=weights[encoder],
                file=weights_name,
                sha256=digest,
                sidecar=sidecar_name,
            )
        )
    with atomic_path(folder / CARD) as part:
        part.write_text(card, encoding="utf-8")
    files[CARD] = _fingerprint(folder / CARD)
    listed = {
        "members": [member.model_dump() for member in members],
        "files": {name: file.model_dump() for name, file in files.items()},
    }
    document = {"format": FORMAT, **listed, **facts}
    write_json(folder / DOCUMENT, {**document, "hash": content_hash(document)})
    return open_bundle(folder, verify=False)


def open_bundle(folder: str | Path, *, verify: bool = True) -> Bundle:
    """Reads a bundle.

    Args:
        folder: The bundle.
        verify: Whether to hash every file: some seconds for the full ensemble.

    Raises:
        SaltError: If it is not a bundle, is of another format, or `bundle.json` was altered; with `verify`, naming each
            file that is missing or altered.
    """
    folder = Path(folder)
    place = folder / DOCUMENT
    if not place.is_file():
        raise SaltError("is not a bundle", file=folder, expected=f"a folder with {DOCUMENT}")
    bundle = parse_bundle(read_json(place), place)
    if verify:
        check_files(bundle)
    return bundle


def parse_bundle(document: Any, place: str | Path) -> Bundle:
    """Checks what bundle.json says; `place` is where it was read.

    Raises:
        SaltError: If it is of another format, is incomplete, or was altered.
    """
    found = document.get("format") if isinstance(document, dict) else None
    if type(found) is not int or found != FORMAT:  # `true` equals 1
        found = "none" if found is None else found
        raise SaltError("wrong format version", file=place, field="format", found=found, expected=FORMAT)
    if content_hash({key: value for key, value in document.items() if key != "hash"}) != document.get("hash"):
        raise SaltError("was altered: its content does not match its hash", file=place, field="hash")
    try:
        bundle = Bundle.model_validate({**document, "folder": Path(place).parent})
    except ValidationError as error:
        raise problems_of(error, place)[0] from None
    for member in bundle.members:
        if bundle.files.get(member.file, File(sha256="0" * 64, bytes=0)).sha256 != member.sha256:
            raise SaltError("is not among the files", file=place, field="members", found=member.file)
        if member.sidecar not in bundle.files:
            raise SaltError("is not among the files", file=place, field="members", found=member.sidecar)
    return bundle


def check_files(bundle: Bundle) -> None:
    """Hashes every file.

    Raises:
        SaltErrors: Naming each file that is missing, altered or not a safetensors file.
    """
    problems: list[SaltError] = []
    for name, wanted in bundle.files.items():
        path = bundle.path(name)
        try:
            if not path.is_file():
                raise SaltError("is missing from the bundle", file=path)
            if (size := path.stat().st_size) != wanted.bytes:
                raise SaltError("was altered: wrong size", file=path, found=size, expected=f"{wanted.bytes} bytes")
            if _fingerprint(path).sha256 != wanted.sha256:
                raise SaltError("was altered: its SHA-256 differs from that in bundle.json", file=path)
            if path.suffix == ".safetensors":
                check_weights(path)
        except SaltError as error:
            problems.append(error)
    if problems:
        raise SaltErrors(f"{bundle.folder}: the bundle is incomplete or altered", problems)


def _take(source: Path, target: Path) -> File:
    """Links or copies a file and hashes what arrived."""
    link_or_copy(source, target)
    return _fingerprint(target)


def _fingerprint(path: Path) -> File:
    try:
        with path.open("rb") as file:
            return File(sha256=hashlib.file_digest(file, "sha256").hexdigest(), bytes=path.stat().st_size)
    except OSError as error:
        raise SaltError(f"cannot be read: {error.strerror}", file=path) from error
