"""Every stage as a separate command, to run, debug and profile it without KFP."""

from pathlib import Path
from typing import Annotated, Any

import typer

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.files import read_json, write_json
from salt_pipeline.pipelines.presets import changed, preset_config

ConfigFile = Annotated[Path | None, typer.Option("--config", help="A configuration as JSON, in place of a preset.")]
PresetName = Annotated[str, typer.Option("--preset", help="Name of a preset, see `salt presets`.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.")]
Dataset = Annotated[str, typer.Option(help="dataset.parquet, from `salt ingest`.")]
Folds = Annotated[str, typer.Option(help="folds.parquet, from `salt fold-split`.")]
Out = Annotated[Path, typer.Option(help="Folder for the stage's outputs.")]


def add_to(app: typer.Typer) -> None:
    """Adds the stages' commands."""
    panel = "Single stages"
    app.command("ingest", rich_help_panel=panel, epilog="Example: `salt ingest --data survey.zip --out work`")(ingest)
    app.command(
        "fold-split",
        rich_help_panel=panel,
        epilog="Example: `salt fold-split --dataset work/dataset.parquet --out work`",
    )(fold_split)
    app.command(
        "train-fold",
        rich_help_panel=panel,
        epilog="Example: `salt train-fold --dataset work/dataset.parquet --folds work/folds.parquet "
        "--encoder tu-tf_efficientnet_lite0 --fold 3 --out work/lite0-fold3`",
    )(train_fold)
    app.command(
        "predict",
        rich_help_panel=panel,
        epilog="Examples: `salt predict pictures/ line7.npy --model runs/first/ensemble/bundle --out found`, "
        "`salt predict pictures/ --model models:/salt/1 --out found`, "
        "`salt predict --model work/lite0-fold3/model --dataset work/dataset.parquet --out work`",
    )(predict)
    app.command(
        "export-onnx",
        rich_help_panel=panel,
        epilog="Example: `salt export-onnx --model runs/first/train_fold/resnet34/fold0/model --out model.onnx`",
    )(export_onnx)
    app.command(
        "ensemble",
        rich_help_panel=panel,
        epilog="Example: `salt ensemble --oof a/oof.parquet --oof b/oof.parquet --maps a/maps.parquet "
        "--maps b/maps.parquet --config run/config.json --out work`",
    )(ensemble)
    app.command(
        "submission",
        rich_help_panel=panel,
        epilog="Example: `salt submission --dataset work/dataset.parquet --folds work/folds.parquet "
        "--oof work/oof.parquet --test work/test.parquet --out work`",
    )(submission)
    app.command(
        "report",
        rich_help_panel=panel,
        epilog="Example: `salt report --dataset work/dataset.parquet --folds work/folds.parquet --job a --job b "
        "--oof work/oof.parquet --choice work/choice.json --config run/config.json --out work`",
    )(report)


def _config(file: Path | None, preset: str, changes: list[str] | None) -> dict[str, Any]:
    config = (
        changed(parse_config(read_json(file), str(file)), changes or []) if file else preset_config(preset, changes)
    )
    return config.model_dump(mode="json")


def ingest(
    data: Annotated[str, typer.Option(help="The archive: zip, folder or s3://bucket/key.")],
    out: Out,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Reads and checks an archive, writes dataset.parquet."""
    from salt_pipeline.components.ingest.stage import ingest as stage

    stage(data, _config(config, preset, changes), str(out / "dataset.parquet"))


def fold_split(
    dataset: Dataset, out: Out, config: ConfigFile = None, preset: PresetName = "quick", changes: Changes = None
) -> None:
    """Splits the labelled images, writes folds.parquet."""
    from salt_pipeline.components.fold_split.stage import split

    split(dataset, _config(config, preset, changes), str(out / "folds.parquet"))


def train_fold(
    dataset: Dataset,
    folds: Folds,
    encoder: Annotated[str, typer.Option(help="One of the configuration's encoders.")],
    fold: Annotated[int, typer.Option(help="The fold to hold out, from 0.")],
    out: Out,
    run: Annotated[str, typer.Option(help="Name of the parent run in MLflow; empty records nothing.")] = "",
    checkpoints: Annotated[
        str | None, typer.Option(help="Folder or s3:// prefix of checkpoints; OUT by default.")
    ] = None,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Trains one encoder on all folds but one; an interrupted training resumes."""
    from salt_pipeline.components.train_fold.stage import train

    scalars, _ = train(
        dataset,
        folds,
        encoder,
        fold,
        _config(config, preset, changes),
        run=run,
        checkpoints=checkpoints or str(out / "checkpoints"),
        model=str(out / "model"),
        oof=str(out / "oof.parquet"),
        curve=str(out / "curve.json"),
    )
    write_json(out / "metrics.json", scalars)


def predict(
    model: Annotated[
        str, typer.Option(help="A bundle: folder, s3:// prefix or models:/name/version; or one job's model folder.")
    ],
    out: Out,
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGES]...", help="Files or folders of PNG, TIFF or .npy, for a bundle."),
    ] = None,
    stride: Annotated[
        int, typer.Option(min=1, max=101, help="Stride of the tiles in pixels, for images larger than 101 x 101.")
    ] = 64,
    percentiles: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Percentiles of a section's amplitudes that become black and white; 1 99 unless it is 8 bit."
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="For one job's model: dataset.parquet with the test images.")
    ] = None,
    images: Annotated[str | None, typer.Option(help="For one job's model: a folder of 101 x 101 PNG images.")] = None,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Finds salt in images with a trained ensemble; or, as the pipeline's stage, maps a test set with one job's model.

    IMAGES and a bundle give masks, probability maps, overlays and predictions.csv; --dataset or --images and one job's
    model folder give maps.parquet.
    """
    from salt_pipeline.components.core.errors import SaltError

    if bool(pictures) + (dataset is not None) + (images is not None) != 1:
        raise SaltError("give one of the three", field="IMAGES, --dataset, --images")
    if pictures:
        _predict_with_bundle(pictures, model, out, stride, percentiles)
        return
    from salt_pipeline.components.predict import stage

    settings = _config(config, preset, changes)
    if dataset is not None:
        stage.predict(dataset, model, settings, str(out / "maps.parquet"))
    elif images is not None:
        stage.predict_folder(images, model, settings, str(out / "maps.parquet"))


def _predict_with_bundle(
    pictures: list[str], model: str, out: Path, stride: int, percentiles: tuple[float, float] | None
) -> None:
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
    out: Annotated[Path, typer.Option(help="The file to write.")],
) -> None:
    """Writes one job's network as ONNX, from grey levels to probabilities, checked against torch."""
    from salt_pipeline.components.network.onnx_file import export

    worst = export(model, out)
    typer.echo(f"{out}: probabilities differ from torch's by {worst:.1e} at most")


def ensemble(
    dataset: Dataset,
    oof: Annotated[list[str], typer.Option(help="Out-of-fold maps of a job; repeat it for every job.")],
    maps: Annotated[list[str], typer.Option(help="Test maps of a job; repeat it for every job.")],
    out: Out,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Blends the jobs' maps by the encoders' weights, writes oof.parquet and test.parquet."""
    from salt_pipeline.components.ensemble.stage import blend

    settings = _config(config, preset, changes)
    blend(dataset, oof, maps, settings, blended_oof=str(out / "oof.parquet"), blended_test=str(out / "test.parquet"))


def submission(
    dataset: Dataset,
    folds: Folds,
    oof: Annotated[str, typer.Option(help="Blended out-of-fold maps.")],
    test: Annotated[str, typer.Option(help="Blended test maps.")],
    out: Out,
    model: Annotated[
        list[str] | None, typer.Option(help="Model of a job; with those of all jobs, a bundle is written.")
    ] = None,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Chooses threshold and smallest area; writes submission.csv, choice.json and, from the models, the bundle."""
    from salt_pipeline.components.submission.stage import submit

    settings = _config(config, preset, changes)
    csv, choice = str(out / "submission.csv"), str(out / "choice.json")
    submit(
        dataset,
        folds,
        oof,
        test,
        model or [],
        settings,
        submission=csv,
        choice=choice,
        bundle=str(out / "bundle"),
    )


def report(
    dataset: Dataset,
    folds: Folds,
    job: Annotated[
        list[Path], typer.Option(help="Folder of a job, with oof.parquet and curve.json; repeat it for every job.")
    ],
    oof: Annotated[str, typer.Option(help="Blended out-of-fold maps.")],
    choice: Annotated[str, typer.Option(help="choice.json, from `salt submission`.")],
    out: Out,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Measures every fold, encoder and the ensemble; writes metrics.json, report.md and report.html."""
    from salt_pipeline.components.report.stage import report as stage

    stage(
        dataset,
        folds,
        [str(j / "oof.parquet") for j in job],
        [str(j / "curve.json") for j in job],
        oof,
        choice,
        _config(config, preset, changes),
        results=str(out / "metrics.json"),
        card=str(out / "report.md"),
        page=str(out / "report.html"),
    )
