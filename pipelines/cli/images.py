"""`salt images`: builds, saves and pushes the stages' container images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Column, Table

from salt_pipeline.components.core.container_image import BASE_IMAGE, image
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.progress_bar import latest_lines
from salt_pipeline.components.core.stages import STAGES, StageName
from salt_pipeline.pipelines.cli.stage_options import AsJson
from salt_pipeline.pipelines.display.console import print_json

if TYPE_CHECKING:
    from salt_pipeline.components.core.config.cluster import ClusterConfig

Stages = Annotated[list[str] | None, typer.Argument(help="Stages, as train-fold; all by default.")]
Registry = Annotated[str, typer.Option(help="Prefix of the names, as registry.example:5000/salt.")]
Tag = Annotated[str | None, typer.Option(help="Tag; by default derived from the content.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    images = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="The stages' container images.")
    images.command(
        "build",
        epilog="Examples: `salt images build`, `salt images build train-fold --registry r.example/salt --push`",
    )(build)
    images.command("save", epilog="Example: `salt images save --out images/`")(save)
    images.command("tag", epilog="Example: `salt compile --set cluster.tag=$(salt images tag)`")(tag)
    app.add_typer(images, name="images", rich_help_panel="Cluster")


def build(
    stages: Stages = None,
    registry: Registry = "salt-pipeline",
    tag: Tag = None,
    base: Annotated[str, typer.Option(envvar="SALT_BASE_IMAGE", help="The base image.")] = BASE_IMAGE,
    push: Annotated[
        bool, typer.Option("--push", help="Push the images, and print the options that name them by digest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Builds the stages' images and prints how much larger than the base image each is."""
    from salt_pipeline.pipelines import images

    cluster, chosen = _cluster(registry, tag or images.content_tag(base)), _stages(stages)
    client = images.engine()
    with latest_lines(_logged) as report:
        images.build(client, chosen, cluster, base, report)
    built = [images.facts(client, image(stage, cluster)) for stage in chosen]
    below = client.images.get(base).attrs["Size"]
    if not as_json:
        Console(soft_wrap=True).print(_table(built, below))
        typer.echo(f"--set cluster.registry={registry} --set cluster.tag={cluster.tag}")
    digests: dict[str, str] = {}
    if push:
        with latest_lines(_logged) as report:
            digests = images.push(client, [fact["image"] for fact in built], report)
        if not as_json:
            for stage, digest in zip(chosen, digests.values(), strict=True):
                typer.echo(f"--set cluster.digests.{stage}={digest}")
    if as_json:
        print_json(document(chosen, built, below, digests))


def _table(built: list[dict[str, Any]], base_bytes: int) -> Table:
    table = Table(Column("image", no_wrap=True), "size", "over the base", "id", box=None)
    for fact in built:
        sizes = [f"{size / 1e6:,.0f} MB" for size in (fact["bytes"], fact["bytes"] - base_bytes)]
        table.add_row(fact["image"], *sizes, fact["id"][:19])
    return table


def document(
    stages: Sequence[StageName], built: list[dict[str, Any]], base_bytes: int, digests: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What the table says of each image, for a program.

    Args:
        stages: The stages.
        built: Name, id and size of the image of each.
        base_bytes: Size of the base image.
        digests: The digest of each image by its name, if they were pushed.
    """
    return [
        {"stage": stage, **fact, "bytes_over_base": fact["bytes"] - base_bytes, "digest": digests.get(fact["image"])}
        for stage, fact in zip(stages, built, strict=True)
    ]


def save(
    stages: Stages = None,
    registry: Registry = "salt-pipeline",
    tag: Tag = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the tars.")] = Path("images"),
) -> None:
    """Writes images as tars, for nodes without access to a registry: `ctr -n k8s.io images import`, `docker load`."""
    from salt_pipeline.pipelines import images

    cluster, chosen = _cluster(registry, tag or images.content_tag()), _stages(stages)
    client = images.engine()
    for stage in chosen:
        name, path = image(stage, cluster), out / f"{stage.replace('_', '-')}.tar"
        with latest_lines(_logged) as report:
            report(name, "being saved")
            written = images.save(client, name, path)
        typer.echo(f"{path}: {name}, {written / 1e6:,.0f} MB")


def tag() -> None:
    """Prints the tag of the images of this checkout."""
    from salt_pipeline.pipelines.images import content_tag

    typer.echo(content_tag())


def _cluster(registry: str, tag: str) -> "ClusterConfig":
    from salt_pipeline.components.core.config.config import parse_config

    return parse_config({"cluster": {"registry": registry, "tag": tag}}, "--registry, --tag").cluster


def _stages(names: list[str] | None) -> tuple[StageName, ...]:
    wanted = [name.replace("-", "_") for name in names or STAGES]
    unknown = [name for name in wanted if name not in STAGES]
    if unknown:
        raise SaltError("no such stage", found=", ".join(unknown), expected=" or ".join(STAGES).replace("_", "-"))
    return cast(tuple[StageName, ...], tuple(wanted))


def _logged(line: str) -> bool:
    """Whether a line of an engine is worth one in a log: that of a step is, that of a layer's progress is not."""
    return line.startswith(("Step ", "Successfully ", "Pushed", "being "))
