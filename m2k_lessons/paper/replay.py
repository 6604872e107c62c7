"""The market that an account is replayed on: hours, settlements, halts and price limits by bar.

Everything here depends on prices and calendar alone, so it is worked out once. What it says of a
bar uses that bar and earlier ones only.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs
from m2k_lessons.contracts import Contract
from m2k_lessons.facts import fact, history

NO_LIMIT = 1 << 60
LATE_DAY_SECONDS = 35 * 60  # 15:25 New York time, or 12:25 on a short day
_HOUR = 3600

# Reasons for which a bar cannot be passed without a look; bits of `Replay.flags`.
FIRST_OF_DATE, LAST_OF_DATE, NO_TRADING, RATE_CHANGES = 1, 2, 4, 8


@dataclass(frozen=True)
class Terms:
    """What of the account's settings decides about the market."""

    contract: Contract
    slippage_rth: int
    slippage_eth: int
    price_limits: bool
    day_trade_cutoff_minutes: int


@dataclass
class Replay:
    """Bars as lists of whole numbers: prices in ticks, times in seconds since 1970."""

    frame: pd.DataFrame
    length: int  # seconds a bar lasts
    times: list[int]
    opens: list[int]
    highs: list[int]
    lows: list[int]
    closes: list[int]
    cost: list[int]  # ticks that a market order loses: half the spread, and slippage
    lowest: list[int]  # price limits
    highest: list[int]
    trading: list[bool]
    halted_until: list[int]  # 0, or when the last halt seen so far ends
    flags: list[int]
    dates: list[int]  # trade date, in days since 1970
    open_after: list[bool]  # is the market open at the end of the bar
    day_rate: list[bool]  # does a day-trade margin apply at the start of the bar
    day_rate_after: list[bool]
    settlement_time: dict[int, int]  # by trade date
    table: np.ndarray = field(repr=False)  # what identifies the bars
    per_second: int = 1

    def __len__(self) -> int:
        return len(self.times)

    def settlement_price(self, bar: int) -> int:
        """The last close before settlement, of the trade date that `bar` belongs to."""
        date = self.dates[bar]
        found = bisect_left(self.times, self.settlement_time.get(date, self.times[bar] + 1)) - 1
        found = min(found, bar)
        return self.closes[found if found >= 0 and self.dates[found] == date else bar]

    def digest(self, bar: int) -> str:
        """Fingerprint of the bars up to `bar`."""
        return hashlib.sha256(np.ascontiguousarray(self.table[: bar + 1])).hexdigest()


def build(bars, terms: Terms) -> Replay:
    contract = terms.contract
    ticks = inputs._ticks("bars", bars, contract)
    index = bars.index
    if index.tz is None:
        raise ValueError(
            f"bars must have tz-aware times, got naive ones (first {index[0]}); say where their "
            f"clock stands, for example bars.tz_localize({sessions.NEW_YORK!r})"
        )
    if "contract" in bars.columns and bars["contract"].nunique(dropna=False) > 1:
        codes = ", ".join(map(str, bars["contract"].unique()[:3]))
        raise ValueError(
            f"bars must be those of one contract (an account doesn't roll by itself), got {codes}"
        )
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[index.unit]
    if (index.asi8 % per_second).any():
        raise ValueError("bars must start at whole seconds, got fractions of one")
    times = index.asi8 // per_second
    length = int(np.diff(times).min()) if len(times) > 1 else 60
    if length > _HOUR:
        raise ValueError(
            f"bars must be minutes, or of at most an hour: an account lives inside the day, "
            f"got {length / 60:g} minutes from one bar to the next"
        )
    cost = _cost(bars, index, terms)
    is_open = sessions.is_open(index).to_numpy()
    open_after = _is_open(times + length, index, per_second)
    days = _days(index)
    dates = sessions.trade_dates(index).to_numpy().astype("datetime64[D]").astype(np.int64)
    table = ticks.copy()
    settlement, date_close = _settlements(days)
    trading, halted_until = is_open.copy(), np.zeros(len(times), np.int64)
    lowest, highest = np.zeros(len(times), np.int64), np.full(len(times), NO_LIMIT)
    if terms.price_limits:
        _limits(ticks, times, length, days, lowest, highest, trading, halted_until)
    # Beyond a limit nothing trades: such a price is read as the limit.
    ticks = np.clip(ticks, lowest[:, None], highest[:, None])
    rate, rate_after = (
        _day_rate(moments, days, terms.day_trade_cutoff_minutes)
        for moments in (times, times + length)
    )
    changed = np.diff(dates, prepend=dates[0]) != 0
    ends = np.array([date_close.get(int(date), NO_LIMIT) for date in dates])
    flags = FIRST_OF_DATE * changed + LAST_OF_DATE * (times + length >= ends)
    flags += NO_TRADING * ~trading + RATE_CHANGES * (np.diff(rate, prepend=rate[0]) != 0)
    columns = [times, *table.T, cost]
    return Replay(
        frame=bars,
        length=length,
        times=times.tolist(),
        opens=ticks[:, 0].tolist(),
        highs=ticks[:, 1].tolist(),
        lows=ticks[:, 2].tolist(),
        closes=ticks[:, 3].tolist(),
        cost=cost.tolist(),
        lowest=lowest.tolist(),
        highest=highest.tolist(),
        trading=trading.tolist(),
        halted_until=np.maximum.accumulate(halted_until).tolist(),
        flags=flags.tolist(),
        dates=dates.tolist(),
        open_after=open_after.tolist(),
        day_rate=rate.tolist(),
        day_rate_after=rate_after.tolist(),
        settlement_time=settlement,
        table=np.column_stack(columns).astype("<i8"),
        per_second=per_second,
    )


def next_day_session(seconds: int) -> int:
    """When regular hours begin next, strictly later."""
    now = pd.Timestamp(seconds, unit="s", tz="UTC").tz_convert(sessions.NEW_YORK)
    first = now.tz_localize(None).normalize()
    last = min(first + pd.Timedelta(days=12), sessions.LAST_DAY)
    opens = sessions.schedule(min(first, last), last)["rth_open"].dropna()
    later = opens[opens > now]
    # The calendar ends in 2040; on its last evening the answer is a day later.
    answer = later.iloc[0] if len(later) else now + pd.Timedelta(days=1)
    return int(answer.timestamp())


def _cost(bars: pd.DataFrame, index, terms: Terms) -> np.ndarray:
    rth = (sessions.label_sessions(index) == "RTH").to_numpy()
    cost = np.where(rth, terms.slippage_rth, terms.slippage_eth).astype(np.int64)
    if "spread_ticks" in bars.columns:
        name, column = "bars['spread_ticks']", bars["spread_ticks"]
        spread = inputs._numbers(name, column)
        wrong = ~np.isfinite(spread) | (spread < 0) | (spread > 10_000) | (spread != spread // 1)
        inputs._refuse(wrong, f"{name} must hold whole numbers from 0 to 10000", column)
        cost += (spread.astype(np.int64) + 1) // 2
    return cost


def _is_open(seconds: np.ndarray, index, per_second: int) -> np.ndarray:
    ends = pd.DatetimeIndex((seconds * per_second).astype(f"datetime64[{index.unit}]"), tz="UTC")
    return sessions.is_open(ends).to_numpy()


def _days(index: pd.DatetimeIndex) -> pd.DataFrame:
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


def _settlements(days: pd.DataFrame) -> tuple[dict[int, int], dict[int, int]]:
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


def _day_rate(moments: np.ndarray, days: pd.DataFrame, cutoff_minutes: int) -> np.ndarray:
    opens, closes = days["open"].to_numpy(), days["close"].to_numpy()
    place = np.searchsorted(opens, moments, side="right") - 1
    return (place >= 0) & (moments < closes[place] - 60 * cutoff_minutes)


# --------------------------------------------------------------------------- price limits


def band(reference: int, down_pct: float, up_pct: float | None) -> tuple[int, int]:
    """Lowest and highest price in ticks, whole ticks inside the percentages.

    >>> band(24_000, 7, 7)
    (22320, 25680)
    """
    lowest = -(-reference * round(10 * (100 - down_pct)) // 1000)
    if up_pct is None:
        return lowest, NO_LIMIT
    return lowest, reference * round(10 * (100 + up_pct)) // 1000


def _limits(ticks, times, length, days, lowest, highest, trading, halted_until) -> None:
    """Fill in the limits and the halts that prices cause, session by session."""
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
            late = int(np.searchsorted(times, rth_close - LATE_DAY_SECONDS)) if b > a else b
            lowest[a:b] = band(reference, steps[0], None)[0]
            lowest[late:b] = band(reference, late_pct, None)[0]
            if (ticks[a:b, 2] <= lowest[a:b]).any():
                levels = [band(reference, step, None)[0] for step in steps]
                _breakers(
                    ticks, times, length, (a, late, b, end), levels, lowest, trading, halted_until
                )
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


def _breakers(ticks, times, length, stretch, levels, lowest, trading, halted_until) -> None:
    """The steps of the day session: each level touched halts trading, the last one for the day."""
    minutes = fact("limit.circuit_breaker_halt_minutes").value
    begin, late, close, end = stretch
    level, resumes = 0, 0
    for bar in range(begin, close):
        if bar == late:
            level = len(levels) - 1
        lowest[bar] = levels[level]
        if times[bar] < resumes:
            trading[bar] = False
            continue
        if ticks[bar, 2] <= levels[level]:
            if level == len(levels) - 1:
                halted_until[bar] = times[end - 1] + length
                trading[bar + 1 : end] = False
                return
            level += 1
            resumes = times[bar] + length + 60 * minutes
            halted_until[bar] = resumes


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


def slippage(slippage_ticks, has_spread: bool) -> tuple[int, int]:
    """Ticks in regular hours and outside them, from what the user gave."""
    name = "slippage_ticks"
    if slippage_ticks is None:
        return (0, 0) if has_spread else (1, 2)
    if isinstance(slippage_ticks, dict):
        if set(slippage_ticks) != {"RTH", "ETH"}:
            raise ValueError(
                f"{name} must be a whole number or have the keys 'RTH' and 'ETH', "
                f"got {slippage_ticks!r}"
            )
        pair = slippage_ticks["RTH"], slippage_ticks["ETH"]
    else:
        pair = slippage_ticks, slippage_ticks
    return tuple(checks.whole(name, ticks, at_least=0, at_most=10_000) for ticks in pair)
