"""The path of each artifact in a folder of results, by task and output."""

PLACES = {
    "ingest/dataset": "ingest/dataset.parquet",
    "ingest/config": "ingest/config.json",
    "fold-split/folds": "fold_split/folds.parquet",
    "train-fold/model": "train_fold/{job}/model",
    "train-fold/oof": "train_fold/{job}/oof.parquet",
    "train-fold/curve": "train_fold/{job}/curve.json",
    "train-fold/fold_metrics": "train_fold/{job}/metrics.json",
    "predict/maps": "predict/{job}/maps.parquet",
    "ensemble/blended_oof": "ensemble/oof.parquet",
    "ensemble/blended_test": "ensemble/test.parquet",
    "submission/csv": "submission.csv",
    "submission/choice": "submission/choice.json",
    "submission/submission_metrics": "submission/metrics.json",
    "submission/bundle": "ensemble/bundle",
    "report/results": "metrics.json",
    "report/model_card": "report.md",
    "report/report_html": "report.html",
    "report/report_metrics": "report/metrics.json",
    "report/classification": "report/classification.json",
    "compare-settings/comparison": "results.json",
    "compare-settings/table": "results.md",
}
"""Path of each artifact by `task/output`; `{job}` stands for a folder such as `resnet34/fold3`."""

RESULTS = (
    "submission/csv",
    "submission/choice",
    "report/results",
    "report/model_card",
    "report/report_html",
)
"""The results of a run, as `task/output`: what `salt fetch` downloads by default."""

RESULTS_OF_SWEEP = ("compare-settings/comparison", "compare-settings/table")
"""The results of a sweep on a cluster."""


def job_folder(encoder: str, fold: int | str) -> str:
    """The folder that `{job}` stands for."""
    return f"{encoder}/fold{fold}"
