"""The clock of the market: sessions, settlement of each trade date, the next regular open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons.facts import fact, history


def next_day_session(seconds: int) -> int:
    """When regular hours begin next, strictly later."""
    now = pd.Timestamp(seconds, unit="s", tz="UTC").tz_convert(sessions.NEW_YORK)
    first = now.tz_localize(None).normalize()
    last = min(first + pd.Timedelta(days=12), sessions.LAST_DAY)
    opens = sessions.schedule(min(first, last), last)["rth_open"].dropna()
    later = opens[opens > now]
    # The calendar ends in 2068; on its last evening the answer is a day later.
    answer = later.iloc[0] if len(later) else now + pd.Timedelta(days=1)
    return int(answer.timestamp())


def days_around(index: pd.DatetimeIndex) -> pd.DataFrame:
    """The sessions around the bars, times in seconds; -1 where a day has no such time."""
    local = index[[0, -1]].tz_convert(sessions.NEW_YORK).tz_localize(None).normalize()
    first = max(local[0] - pd.Timedelta(days=1), sessions.FIRST_DAY)
    last = min(local[1] + pd.Timedelta(days=6), sessions.LAST_DAY)
    table = sessions.schedule(first, last)
    table = table[table["open"].notna()]
    days = pd.DataFrame(index=table.index)
    for name in ("open", "close", "rth_open", "rth_close"):
        moments = pd.DatetimeIndex(table[name]).as_unit("s")
        days[name] = np.where(moments.isna(), -1, moments.asi8)
    days["date"] = table["trade_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    days["ends_date"] = table["trade_date"].to_numpy() == table.index.to_numpy()
    days["normal"] = table["kind"].to_numpy() == "normal"
    return days


def settlements(days: pd.DataFrame) -> tuple[dict[int, int], dict[int, int]]:
    """By trade date: when it is settled, and when it ends."""
    times, ends = {}, {}
    now = history("hours.settlement")[-1]
    for day in days[days["ends_date"]].itertuples():
        date = int(day.date)
        ends[date] = int(day.close)
        times[date] = int(day.rth_close if day.rth_close > 0 else day.close)
        then = max(day.Index.date(), history("hours.settlement")[0].as_of)
        if day.normal:
            known = fact("hours.settlement", on=then).value
            times[date] += 60 * (_minutes(known) - _minutes(now.value))
    return times, ends


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def day_rate(moments: np.ndarray, days: pd.DataFrame, cutoff_minutes: int) -> np.ndarray:
    opens, closes = days["open"].to_numpy(), days["close"].to_numpy()
    place = np.searchsorted(opens, moments, side="right") - 1
    return (place >= 0) & (moments < closes[place] - 60 * cutoff_minutes)
