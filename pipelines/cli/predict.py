"""The commands that use a trained model: predictions, and its export as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from salt_pipeline.components.core.extras import extra
from salt_pipeline.pipelines.local.process_group import ended_as_by_ctrl_c


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(
        epilog="Examples: `salt predict pictures/ line7.npy --model runs/first/ensemble/bundle --out found`, "
        "`salt predict volume.sgy --model models:/salt@champion --out found`"
    )(predict)
    example = "salt export-onnx --model runs/first/train_fold/tu-tf_efficientnet_lite1/fold0/model --out model.onnx"
    app.command("export-onnx", epilog=f"Example: `{example}`")(export_onnx)


@extra("predict")
def predict(
    pictures: Annotated[
        list[str], typer.Argument(metavar="IMAGES...", help="Files or folders of PNG, TIFF, .npy or SEG-Y.")
    ],
    model: Annotated[
        str, typer.Option(help="A bundle: folder, s3:// prefix, models:/name/version or models:/name@alias.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for masks, maps and overlays.")],
    stride: Annotated[
        int, typer.Option(min=1, max=101, help="Stride of the tiles in pixels, for images larger than 101 x 101.")
    ] = 64,
    percentiles: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Percentiles of an image's values that become black and white. Without it, grey levels are kept, and "
            "percentiles 1 and 99 of amplitudes get the grey levels of the training images at these percentiles."
        ),
    ] = None,
    null: Annotated[
        float | None, typer.Option(help="A value that stands for no measurement; usual ones are found without it.")
    ] = None,
    transpose: Annotated[
        bool,
        typer.Option(
            "--transpose",
            help="The rows of arrays and pictures are traces, not times: their last two axes are exchanged.",
        ),
    ] = False,
    inline_byte: Annotated[
        int, typer.Option(help="First byte of the inline number in SEG-Y's trace headers, from 1.")
    ] = 189,
    crossline_byte: Annotated[
        int, typer.Option(help="First byte of the crossline number in SEG-Y's trace headers, from 1.")
    ] = 193,
    ignore_geometry: Annotated[
        bool, typer.Option("--ignore-geometry", help="All traces of a SEG-Y file are one line, in the file's order.")
    ] = False,
) -> None:
    """Finds salt in images with a trained ensemble: masks, probability maps, overlays and predictions.csv."""
    from salt_pipeline.components.core.errors import MARK, SaltError
    from salt_pipeline.components.inference.model_source import opened_bundle
    from salt_pipeline.components.inference.segy import Geometry

    geometry = Geometry(inline_byte, crossline_byte, ignore_geometry)
    if percentiles and not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise SaltError(
            "must be two ascending numbers from 0 to 100", field="--percentiles", found="{:g} {:g}".format(*percentiles)
        )
    with opened_bundle(model) as bundle:
        # Importing torch takes seconds: a wrong bundle is reported before.
        from salt_pipeline.components.inference.apply import apply

        with ended_as_by_ctrl_c():
            problems = apply(
                pictures,
                bundle,
                str(out),
                stride=stride,
                percentiles=percentiles,
                null=null,
                transposed=transpose,
                geometry=geometry,
            )
    for problem in problems:
        typer.echo(f"{MARK}{problem}", err=True)
    if problems:
        raise typer.Exit(1)


@extra("onnx")
def export_onnx(
    model: Annotated[
        str, typer.Option(help="Folder of a job's trained model; or a bundle: folder, s3:// prefix or models:/ URI.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
) -> None:
    """Writes a network or the ensemble as ONNX, from grey levels to probabilities, checked against torch.

    The file of a bundle has all its networks, the mirror images and the weights of the blend.
    """
    from salt_pipeline.components.core.bundle import DOCUMENT
    from salt_pipeline.components.core.store.uris import is_uri
    from salt_pipeline.components.inference.model_source import REGISTRY, opened_bundle

    if model.startswith(REGISTRY) or is_uri(model) or Path(model, DOCUMENT).is_file():
        with opened_bundle(model) as bundle:
            from salt_pipeline.components.inference.onnx_ensemble import export_ensemble

            worst = export_ensemble(bundle, out)
    else:
        from salt_pipeline.components.network.onnx_file import export

        worst = export(model, out)
    typer.echo(f"{out}: probabilities differ from torch's by {worst:.1e} at most")
