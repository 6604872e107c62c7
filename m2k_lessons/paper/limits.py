"""Price limits of the contract, the halt of all markets, and the pauses of the night.

The rules stand in `m2k_lessons.paper`, their numbers in facts.toml. What is said of a bar uses that
bar and earlier ones only.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest.bars import check_index, numbers, refuse
from m2k_lessons.facts import fact
from m2k_lessons.paper.hours import days_around

NO_LIMIT = 1 << 60
_HOUR = 3600


class Halt(NamedTuple):
    """A market-wide halt; times in seconds since 1970."""

    begin: int
    end: int
    level: int  # 1, 2 or 3


def band(reference: int, down_pct: float, up_pct: float | None) -> tuple[int, int]:
    """Lowest and highest price in ticks, whole ticks inside the percentages.

    >>> band(24_000, 7, 7)
    (22320, 25680)
    """
    lowest = -(-reference * round(10 * (100 - down_pct)) // 1000)
    if up_pct is None:
        return lowest, NO_LIMIT
    return lowest, reference * round(10 * (100 + up_pct)) // 1000


def apply(ticks, times, length, days, halts: list[Halt], lowest, highest, trading, halted_until):
    """Fill in limits, halts and pauses, session by session.

    Parameters
    ----------
    ticks : array, bars by open, high, low, close
    times : array of int
        Start of each bar, in seconds since 1970.
    length : int
        Seconds that a bar lasts.
    days : DataFrame
        As `days_around`.
    halts : list of Halt
        In order.
    lowest, highest, trading, halted_until : arrays
        Written to: price limits in ticks, is there trading in the bar, end of the last halt.
    """
    night = fact("limit.overnight_pct").value
    steps = fact("limit.day_down_pct").value
    late_pct = fact("limit.late_day_down_pct").value
    after_pct = fact("limit.after_close_pct").value
    reference = None
    for day in days.itertuples():
        begin, end = np.searchsorted(times, [day.open, day.close])
        if begin == end:
            continue
        moments = times[begin:end]
        rth_open = day.rth_open if day.rth_open > 0 else NO_LIMIT
        rth_close = day.rth_close if day.rth_close > 0 else NO_LIMIT
        a, b = (begin + np.searchsorted(moments, [rth_open, rth_close])).tolist()
        if reference is not None:
            lowest[begin:a], highest[begin:a] = band(reference, night, night)
            late = int(np.searchsorted(times, rth_close - late_seconds())) if b > a else b
            lowest[a:b] = band(reference, steps[0], None)[0]
            for halt in halts:
                if day.open <= halt.begin < day.close:
                    opened = np.searchsorted(times, halt.begin)
                    step = steps[min(halt.level, len(steps) - 1)]
                    lowest[opened:b] = band(reference, step, None)[0]
            lowest[late:b] = band(reference, late_pct, None)[0]
        pauses = ticks, times, length, lowest, highest, trading, halted_until
        _velocity(reference, begin, a, *pauses)
        if b > begin and rth_close != NO_LIMIT:
            earlier = reference
            last = b - 1
            reference = int(np.clip(ticks[last, 3], lowest[last], highest[last]))
            lowest[b:end], highest[b:end] = band(reference, after_pct, after_pct)
            if earlier is not None:
                floor = band(earlier, late_pct, None)[0]
                lowest[b:end] = np.maximum(lowest[b:end], floor)
            _velocity(reference, b, int(end), *pauses)
    for halt in halts:
        trading[(times >= halt.begin) & (times < halt.end)] = False
        seen = np.searchsorted(times + length, halt.begin)  # the first bar at whose end it is known
        halted_until[seen : seen + 1] = np.maximum(halted_until[seen : seen + 1], halt.end)


def late_seconds() -> int:
    """How long before the stock market's close only the third step halts: 35 minutes."""
    return 60 * fact("halt.last_minutes_without_the_first_two").value


def market_wide_halts(sp500_bars: pd.DataFrame) -> list[Halt]:
    """The halts that falls of the S&P 500 set off, in order of time.

    A halt begins at the end of the bar whose low has reached the step, counted from the last close
    before the end of regular hours of the stock market's day before; a day without bars on the
    day before has no reference, and no halt.

    Parameters
    ----------
    sp500_bars : DataFrame
        Columns low and close, in points, of the index or of a future on it; tz-aware times, the
        start of each bar; bars of at most an hour.

    Raises
    ------
    TypeError, ValueError
        Bars that are not as described.
    """
    lows, closes, times = _checked(sp500_bars)
    length = int(np.diff(times).min()) if len(times) > 1 else 60
    if length > _HOUR:
        raise ValueError(
            f"sp500_bars must be minutes, or of at most an hour, got {length / 60:g} minutes from "
            "one bar to the next"
        )
    steps = fact("halt.sp500_down_pct").value
    pause = 60 * fact("limit.circuit_breaker_halt_minutes").value
    halts: list[Halt] = []
    reference = None
    days = days_around(sp500_bars.index)
    for day in days[days["rth_open"] > 0].itertuples():
        begin, end = np.searchsorted(times, [day.rth_open, day.rth_close]).tolist()
        levels: list = (
            [] if reference is None else [reference * round(100 - step) for step in steps]
        )
        level, resumes = 0, 0
        if levels and (100 * lows[begin:end] <= levels[0]).any():
            for bar in range(begin, end):
                over = int(times[bar]) + length
                if times[bar] < resumes:
                    continue
                late = times[bar] >= day.rth_close - late_seconds()
                level = max(level, len(levels) - 1) if late else level
                if 100 * lows[bar] > levels[level]:
                    continue
                level += 1
                resumes = int(day.close) if level == len(levels) else over + pause
                halts.append(Halt(over, resumes, level))
                if level == len(levels):
                    break
        reference = int(closes[end - 1]) if end > begin else None
    return halts


def _checked(bars) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lows and closes in hundredths of a point, and times in seconds."""
    name = "sp500_bars"
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame, got {type(bars).__name__}")
    checks.columns_once(name, bars)
    missing = [column for column in ("low", "close") if column not in bars.columns]
    if missing:
        raise ValueError(f"{name} must have the columns low and close, got no {missing[0]!r}")
    if len(bars) == 0:
        raise ValueError(f"{name} must hold at least one bar, got an empty frame")
    check_index(name, bars.index)
    if bars.index.tz is None:
        raise ValueError(
            f"{name} must have tz-aware times, got naive ones (first {bars.index[0]}); say where "
            f"their clock stands, for example {name}.tz_localize('America/New_York')"
        )
    columns = []
    for column in ("low", "close"):
        values = numbers(f"{name}[{column!r}]", bars[column])
        wrong = ~((values > 0) & (values < 1e7))
        refuse(wrong, f"{name}[{column!r}] must be above 0 and below 1e7", bars[column])
        columns.append(np.rint(100 * values).astype(np.int64))
    return (*columns, bars.index.as_unit("s").asi8)


def _velocity(
    reference, begin, end, ticks, times, length, lowest, highest, trading, halted_until
) -> None:
    """Outside the day session, a large move within an hour pauses trading."""
    if end <= begin:
        return
    base = reference if reference is not None else int(ticks[begin, 0])
    most = math.ceil(base * round(10 * fact("limit.velocity_pct").value) / 1000)
    low = np.clip(ticks[begin:end, 2], lowest[begin:end], highest[begin:end])
    high = np.clip(ticks[begin:end, 1], lowest[begin:end], highest[begin:end])
    if high.max() - low.min() < most:
        return
    pause = 60 * fact("limit.velocity_pause_minutes").value
    window: deque[tuple[int, int, int]] = deque()
    resumes = 0
    for bar in range(begin, end):
        now = int(times[bar])
        if now < resumes:
            trading[bar] = False
            continue
        while window and window[0][0] <= now - _HOUR:
            window.popleft()
        window.append((now, int(low[bar - begin]), int(high[bar - begin])))
        if max(high for *_, high in window) - min(low for _, low, _ in window) >= most:
            resumes = now + length + pause
            halted_until[bar] = resumes
            window.clear()
