"""What the tests of the tracking share: a job's record, and what the journal logged."""

import time

HISTORY = [{"epoch": epoch, "loss": 1 / epoch, "score": epoch / 10} for epoch in range(1, 5)]


HOUR_AGO = time.time() - 3600


TIMED = [{**epoch, "ended": HOUR_AGO + epoch["epoch"]} for epoch in HISTORY]


def work(tracking, tmp_path):
    """All that a job says of itself."""
    job = tracking.job("lite0", 3)
    job.params({"seed": 1})
    for count in range(1, 5):
        job.epochs(HISTORY[:count])
    job.metrics({"oof_score": 0.5})
    path = tmp_path / "model.json"
    path.write_text("{}")
    job.file(path, "model")
    job.end()
    return job


def said(caplog):
    """What the journal told, up to the first colon of each line."""
    texts = [record.getMessage() for record in caplog.records if record.name.endswith("tracking.journal")]
    assert not any("\n" in text for text in texts)
    return [text.split(":")[0] for text in texts]
