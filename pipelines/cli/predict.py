"""The commands that use a trained model: predictions, and its export as ONNX."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(
        epilog="Examples: `salt predict pictures/ line7.npy --model runs/first/ensemble/bundle --out found`, "
        "`salt predict pictures/ --model models:/salt/1 --out found`"
    )(predict)
    example = "salt export-onnx --model runs/first/train_fold/resnet34/fold0/model --out model.onnx"
    app.command("export-onnx", epilog=f"Example: `{example}`")(export_onnx)


def predict(
    pictures: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Files or folders of PNG, TIFF or .npy.")],
    model: Annotated[str, typer.Option(help="A bundle: folder, s3:// prefix or models:/name/version.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for masks, maps and overlays.")],
    stride: Annotated[
        int, typer.Option(min=1, max=101, help="Stride of the tiles in pixels, for images larger than 101 x 101.")
    ] = 64,
    percentiles: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Percentiles of an image's values that become black and white; 1 99 for sections of more than 8 bits."
        ),
    ] = None,
) -> None:
    """Finds salt in images with a trained ensemble: masks, probability maps, overlays and predictions.csv."""
    from salt_pipeline.components.core.errors import MARK, SaltError
    from salt_pipeline.components.inference.model_source import opened_bundle

    if percentiles and not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise SaltError(
            "must be two ascending numbers from 0 to 100", field="--percentiles", found="{:g} {:g}".format(*percentiles)
        )
    with opened_bundle(model) as bundle:
        # Importing torch takes seconds: a wrong bundle is reported before.
        from salt_pipeline.components.inference.apply import apply

        problems = apply(pictures, bundle, str(out), stride=stride, percentiles=percentiles)
    for problem in problems:
        typer.echo(f"{MARK}{problem}", err=True)
    if problems:
        raise typer.Exit(1)


def export_onnx(
    model: Annotated[str, typer.Option(help="Folder of a job's trained model.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
) -> None:
    """Writes one job's network as ONNX, from grey levels to probabilities, checked against torch."""
    from salt_pipeline.components.network.onnx_file import export

    worst = export(model, out)
    typer.echo(f"{out}: probabilities differ from torch's by {worst:.1e} at most")
