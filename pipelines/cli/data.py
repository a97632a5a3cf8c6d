"""The commands that bring data to the object store."""

import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.progress_bar import stderr_console, transfer
from salt_pipeline.components.core.regular_file import check_regular
from salt_pipeline.components.core.store.uris import split_uri
from salt_pipeline.pipelines.display.console import say


def add_to(app: typer.Typer) -> None:
    """Adds `data push`."""
    data = typer.Typer(no_args_is_help=True, help="Brings data to the object store.")
    app.add_typer(data, name="data")
    data.command("push", epilog="Example: `salt data push survey.zip s3://salt/data/survey.zip`")(push)
    data.callback()(lambda: None)  # without a callback typer would merge the only command with its group


def push(
    archive: Annotated[Path, typer.Argument(help="The archive: a zip.")],
    uri: Annotated[str, typer.Argument(help="Destination: s3://bucket/key, or s3://bucket/prefix/ to keep its name.")],
) -> None:
    """Uploads an archive and verifies its checksum; called again after an interruption, it resumes."""
    from salt_pipeline.components.core.store.store import Store

    _check_archive(archive)
    bucket, key = split_uri(uri)
    if not key or key.endswith("/"):
        uri = f"s3://{bucket}/{key}{archive.name}"
    store = Store()
    _check_bucket(store, bucket)
    with transfer(f"uploading {archive.name}") as progress:
        sent = store.upload(archive, uri, progress=progress)
    outcome = "uploaded, and its checksum verified" if sent else "was already there, with the same content"
    say(stderr_console(), f"{uri}: {outcome}")
    typer.echo(uri)


def _check_bucket(store: Any, bucket: str) -> None:
    from salt_pipeline.components.core.store.failures import code_of

    try:
        store.check(bucket)
    except SaltError as error:
        if code_of(error) != "NoSuchBucket":
            raise
        made = f"`SALT_S3_BUCKET={bucket} salt cluster init` creates it"
        raise SaltError(f"there is no such bucket: {made}", file=f"s3://{bucket}", field="URI") from None


def _check_archive(archive: Path) -> None:
    if archive.is_dir():
        hint = f"a zip, made by: python -m zipfile -c {archive.resolve().name}.zip {archive}/*"
        raise SaltError("is a folder", file=archive, expected=hint)
    if not archive.exists():
        raise SaltError("no such archive", file=archive)
    check_regular(archive.stat().st_mode, archive)
    if not zipfile.is_zipfile(archive):
        raise SaltError("is not a zip file", file=archive)
