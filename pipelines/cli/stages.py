"""Every stage as a separate command, to run, debug and profile it without KFP.

A command reads its configuration before it imports its stage: a wrong name is reported before torch is imported.
"""

from pathlib import Path
from typing import Annotated

import typer

from salt_pipeline.components.core.extras import extra
from salt_pipeline.components.core.files import write_json
from salt_pipeline.pipelines.cli.stage_options import (
    Changes,
    ConfigFile,
    Dataset,
    Folds,
    Out,
    PresetName,
    chosen_config,
)


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
        "predict-fold",
        rich_help_panel=panel,
        epilog="Example: `salt predict-fold --model work/lite0-fold3/model --dataset work/dataset.parquet "
        "--out work/lite0-fold3`",
    )(predict_fold)
    app.command(
        "ensemble",
        rich_help_panel=panel,
        epilog="Example: `salt ensemble --oof a/oof.parquet --oof b/oof.parquet --maps a/maps.parquet "
        "--maps b/maps.parquet --dataset work/dataset.parquet --config run/config.json --out work`",
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


def ingest(
    data: Annotated[str, typer.Option(help="The archive: zip, folder or s3://bucket/key.")],
    out: Out,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Reads and checks an archive, writes dataset.parquet."""
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.ingest.stage import ingest as stage

    stage(data, settings, str(out / "dataset.parquet"))


def fold_split(
    dataset: Dataset, out: Out, config: ConfigFile = None, preset: PresetName = "quick", changes: Changes = None
) -> None:
    """Splits the labelled images, writes folds.parquet."""
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.fold_split.stage import split

    split(dataset, settings, str(out / "folds.parquet"))


def train_fold(
    dataset: Dataset,
    folds: Folds,
    encoder: Annotated[str, typer.Option(help="One of the configuration's encoders.")],
    fold: Annotated[int, typer.Option(min=0, help="The fold to hold out, from 0.")],
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
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.train_fold.stage import train

    scalars, _ = train(
        dataset,
        folds,
        encoder,
        fold,
        settings,
        run=run,
        checkpoints=checkpoints or str(out / "checkpoints"),
        model=str(out / "model"),
        oof=str(out / "oof.parquet"),
        curve=str(out / "curve.json"),
    )
    write_json(out / "metrics.json", scalars)


@extra("predict")
def predict_fold(
    dataset: Dataset,
    model: Annotated[str, typer.Option(help="Folder of a job's trained model.")],
    out: Out,
    config: ConfigFile = None,
    preset: PresetName = "quick",
    changes: Changes = None,
) -> None:
    """Predicts the test images with one job's model, writes maps.parquet; for other images see `salt predict`."""
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.predict.stage import predict

    predict(dataset, model, settings, str(out / "maps.parquet"))


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
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.ensemble.stage import blend

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
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.submission.stage import submit

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
    settings = chosen_config(config, preset, changes)
    from salt_pipeline.components.report.stage import report as stage

    stage(
        dataset,
        folds,
        [str(j / "oof.parquet") for j in job],
        [str(j / "curve.json") for j in job],
        oof,
        choice,
        settings,
        results=str(out / "metrics.json"),
        card=str(out / "report.md"),
        page=str(out / "report.html"),
    )
