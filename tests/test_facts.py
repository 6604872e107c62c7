import datetime as dt
import re

import pytest

from m2k_lessons import facts
from m2k_lessons.facts import fact


def test_the_newest_entry_is_the_default():
    newest = fact("margin.initial.M2K")
    assert newest == facts.history("margin.initial.M2K")[-1]
    assert newest.unit == "USD per contract"


# Margins by the day they took effect, from the exchange's notices.
@pytest.mark.parametrize(
    ("key", "on", "value"),
    [
        ("margin.initial.M2K", "2019-05-03", 391),
        ("margin.initial.M2K", "2020-03-17", 391),
        ("margin.initial.M2K", "2020-03-18", 781),
        ("margin.maintenance.M2K", "2021-01-01", 650),
        ("margin.initial.RTY", "2020-12-31", 7150),
        ("margin.maintenance.RTY", "2022-01-07", 5500),
        ("margin.initial.MES", dt.date(2020, 3, 19), 1320),
        ("hours.settlement", "2020-10-23", "16:15"),
        ("hours.settlement", "2020-10-26", "16:00"),
        ("limit.overnight_pct", "2020-03-09", 5),
    ],
)
def test_a_fact_on_a_day(key, on, value):
    assert fact(key, on=on).value == value


def test_initial_margin_is_ten_percent_over_maintenance():
    ratio = fact("margin.initial_over_maintenance").value
    for symbol in ("M2K", "RTY", "MES"):
        for initial, maintenance in zip(
            facts.history(f"margin.initial.{symbol}"),
            facts.history(f"margin.maintenance.{symbol}"),
            strict=True,
        ):
            assert initial.as_of == maintenance.as_of
            # Brokers' tables (confidence C) round; the exchange's notices do not.
            slack = 0.005 * initial.value if initial.confidence == "C" else 0.5
            assert abs(initial.value - ratio * maintenance.value) <= slack


def test_the_micro_margin_is_a_tenth_of_the_standard():
    for day in ("2020-03-18", "2020-10-09", "2022-01-07"):
        micro = fact("margin.initial.M2K", on=day).value
        assert abs(fact("margin.initial.RTY", on=day).value / 10 - micro) <= 0.5


def test_sector_weights_sum_to_one_hundred():
    assert sum(fact("index.sector_weights_pct").value.values()) == pytest.approx(100, abs=0.005)


@pytest.mark.parametrize("key", facts.keys())
def test_every_entry_is_complete(key):
    dates = [entry.as_of for entry in facts.history(key)]
    assert dates == sorted(set(dates))
    for entry in facts.history(key):
        assert entry.unit
        assert len(entry.source) > 10
        assert entry.confidence in {"A", "B", "C"}
        assert entry.as_of >= dt.date(2017, 1, 1)
        assert not re.search(r"[Tt]odo|\?\?", entry.source)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: fact("margin.M2K"),
            ValueError,
            "key must be one of.*'margin.M2K'; nearest: margin",
        ),
        (lambda: fact("zzzzzz"), ValueError, "got 'zzzzzz'; facts.keys"),
        (lambda: fact(3), TypeError, "key must be a name such as.*got 3"),
        (
            lambda: fact("margin.initial.M2K", on="2019-05-02"),
            ValueError,
            "on must be 2019-05-03 or later.*got 2019-05-02",
        ),
        (
            lambda: fact("margin.initial.M2K", on="yesterday"),
            ValueError,
            "on must be a date.*'yesterday'",
        ),
        (lambda: facts.history("nope"), ValueError, "got 'nope'"),
    ],
)
def test_bad_requests(call, error, says):
    with pytest.raises(error, match=says):
        call()
