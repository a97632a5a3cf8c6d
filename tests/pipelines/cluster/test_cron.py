from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.cron import Cron

NOW = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("text", "kfp", "due"),
    [
        ("0 3 * * 1", "0 0 3 * * 1", datetime(2026, 11, 30, 3, tzinfo=UTC)),
        ("0 3 * * MON", "0 0 3 * * mon", datetime(2026, 11, 30, 3, tzinfo=UTC)),
        ("30  2 * * *", "0 30 2 * * *", datetime(2026, 11, 28, 2, 30, tzinfo=UTC)),
        ("*/20 * * * *", "0 */20 * * * *", datetime(2026, 11, 27, 2, 40, tzinfo=UTC)),
        ("5 4 1,15 * *", "0 5 4 1,15 * *", datetime(2026, 12, 1, 4, 5, tzinfo=UTC)),
        ("0 0 * * 7", "0 0 0 * * 0", datetime(2026, 11, 29, tzinfo=UTC)),
        ("0 0 * * 5-7", "0 0 0 * * 0,5,6", datetime(2026, 11, 28, tzinfo=UTC)),
        ("0 0 13 * 5", "0 0 0 13 * 5", datetime(2026, 12, 4, tzinfo=UTC)),  # either day is enough
        ("0 0 29 feb *", "0 0 0 29 feb *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("10-50/20 22 * jan-dec *", "0 10-50/20 22 * jan-dec *", datetime(2026, 11, 27, 22, 10, tzinfo=UTC)),
    ],
)
def test_five_fields_become_six_and_the_next_time_is_known(text: str, kfp: str, due: datetime) -> None:
    cron = Cron.parse(text)
    assert cron.kfp == kfp
    assert cron.next(NOW) == due


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 3 * *", "--every: is not five fields"),
        ("0 0 3 * * 1", "--every: is not five fields"),
        ("@daily", "--every: is not five fields"),
        ("60 3 * * *", r"has a minute that is out of range \(found 60, expected 0 to 59\)"),
        ("0 24 * * *", "has a hour that is out of range"),
        ("0 3 0 * *", "has a day of month that is out of range"),
        ("0 3 * 13 *", "has a month that is out of range"),
        ("0 3 * * 8", "has a day of week that is out of range"),
        ("0 5-3 * * *", "has a hour that is out of range"),
        ("*/0 3 * * *", "has a minute that is out of range"),
        ("0 3 * * mond", r"has a day of week that is not valid \(found mond"),
        ("0 , * * *", "has a hour that is not valid"),
        ("0 3 30 2 *", "matches no day that exists"),
        ("1_0 3 * * *", r"has a minute that is not valid \(found 1_0"),
        ("*/+5 3 * * *", "has a minute that is not valid"),
        ("0 ٣ * * *", "has a hour that is not valid"),
    ],
)
def test_an_invalid_expression_is_reported(text: str, message: str) -> None:
    with pytest.raises(SaltError, match=message):
        Cron.parse(text)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)), st.integers(0, 59), st.integers(0, 23), st.integers(0, 6)
)
def test_the_next_time_is_the_first_that_fits(now: Any, minute: Any, hour: Any, day: Any) -> None:
    due = Cron.parse(f"{minute} {hour} * * {day}").next(now.replace(tzinfo=UTC))
    assert due is not None
    assert timedelta(0) < due - now.replace(tzinfo=UTC) <= timedelta(days=7)
    assert (due.minute, due.hour, due.isoweekday() % 7, due.second) == (minute, hour, day, 0)
