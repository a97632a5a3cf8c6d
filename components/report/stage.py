"""Scores the out-of-fold maps and writes the report: numbers, card and page."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path, write_json
from salt_pipeline.components.core.labelled import check_facts
from salt_pipeline.components.core.metric import score_images, to_masks
from salt_pipeline.components.core.schemas import FOLDS, open_table, table_metadata
from salt_pipeline.components.report.dataset_facts import read_dataset_facts
from salt_pipeline.components.report.inputs import read_choice, read_curves, read_jobs, read_maps, read_truth
from salt_pipeline.components.report.page.gallery import Masked
from salt_pipeline.components.report.page.page import Shown, render_card, render_page
from salt_pipeline.components.report.results import compute_results, scalars, without_constant
from salt_pipeline.components.report.times import stage_times

log = logging.getLogger(__name__)


def report(
    dataset: str,
    folds: str,
    oofs: list[str],
    curves: list[str],
    blended_oof: str,
    choice: str,
    config: dict,
    *,
    results: str,
    card: str,
    page: str,
    seconds: Mapping[str, Sequence[float]] | None = None,
    run: str = "",
    promotion: Callable[[], str] | None = None,
) -> dict[str, float]:
    """Measures every fold, every encoder and the ensemble on out-of-fold maps, and reports it.

    Args:
        dataset: Parquet file of schema `DATASET`.
        folds: Parquet file of schema `FOLDS`.
        oofs: Each job's out-of-fold maps, Parquet files of schema `MAPS`, in any order.
        curves: Each job's learning curve, JSON, in any order.
        blended_oof: The ensemble's out-of-fold maps.
        choice: Threshold, smallest area and cross-fitted score, JSON by submission.
        config: The configuration.
        results: JSON file to write: every number.
        card: Markdown file to write: the table.
        page: HTML file to write: the complete report.
        seconds: By stage, the duration of each of its tasks, where it is known.
        run: Name of the pipeline run, for the heading of the page.
        promotion: Called once the numbers are written: it decides whether the model is to be the champion, and what it
            returns stands in card and page.

    Returns:
        The main numbers by name: `score`, `salt_accuracy` ... of the ensemble, `<encoder>/score` ... of each encoder.

    Raises:
        SaltError: If a job is missing or duplicate, or files do not belong together; the message names them.
    """
    settings = parse_config(config)
    check_facts(folds, table_metadata(open_table(folds, FOLDS)), {"folds": str(settings.split.folds)})
    labelled = read_truth(dataset, folds)
    chosen = read_choice(choice, labelled, settings)
    learning = read_curves(curves, labelled, settings)
    encoders = {name: without_constant(maps, labelled) for name, maps in read_jobs(oofs, labelled, settings).items()}
    ensemble = without_constant(read_maps(blended_oof, labelled, settings), labelled)

    measured = compute_results(encoders, ensemble, labelled, chosen, settings)
    if abs(measured.ensemble.score - chosen.score) > 1e-6:
        of_maps = f"{measured.ensemble.score:.6f}, as these maps score"
        raise SaltError("was chosen on other maps", file=choice, field="score", found=chosen.score, expected=of_maps)
    write_json(results, asdict(measured))
    decided = promotion() if promotion else ""
    shown = Shown(
        run=run,
        results=measured,
        labelled=labelled,
        dataset=read_dataset_facts(dataset, labelled),
        encoders=encoders,
        ensemble=ensemble,
        masked=Masked(
            to_masks(ensemble.maps_BHW, chosen.threshold, chosen.min_area).astype(bool),
            labelled.masks_BHW.astype(bool),
            score_images(ensemble.maps_BHW, labelled.masks_BHW, chosen.threshold, chosen.min_area),
        ),
        curves=learning,
        stages=stage_times(seconds or {}, learning),
        config=settings,
        promotion=decided,
    )
    with atomic_path(card) as part:
        part.write_text(render_card(measured, decided), encoding="utf-8")
    with atomic_path(page) as part:
        part.write_text(render_page(shown), encoding="utf-8")
    log.info("ensemble scores %.4f out of fold (%d images): %s", measured.ensemble.score, measured.images, page)
    return scalars(measured)
