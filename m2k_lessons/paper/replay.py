"""The market that an account is replayed on: hours, settlements, halts and price limits by bar.

Everything here depends on prices and calendar alone, so it is worked out once. What it says of a
bar uses that bar and earlier ones only.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.backtest.bars import in_ticks, numbers, refuse
from m2k_lessons.contracts import Contract
from m2k_lessons.paper import limits
from m2k_lessons.paper.hours import day_rate, days_around, settlements
from m2k_lessons.paper.limits import NO_LIMIT, Halt

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
    halts: list[Halt] | None = None  # market-wide ones; None where no S&P 500 leg was given

    def __len__(self) -> int:
        return len(self.times)

    def settlement_price(self, bar: int) -> int:
        """The last close before settlement, of the trade date that `bar` belongs to."""
        date = self.dates[bar]
        found = bisect_left(self.times, self.settlement_time.get(date, self.times[bar] + 1)) - 1
        found = min(found, bar)
        return self.closes[found if found >= 0 and self.dates[found] == date else bar]

    def halts_by(self, bar: int) -> list[list[int]] | None:
        """The market-wide halts that have begun by the end of `bar`."""
        if self.halts is None:
            return None
        now = self.times[bar] + self.length
        return [list(halt) for halt in self.halts if halt.begin <= now]

    def digest(self, bar: int) -> str:
        """Fingerprint of the bars up to `bar`."""
        return hashlib.sha256(self.table[: bar + 1].tobytes()).hexdigest()


def build(bars, terms: Terms, sp500_bars=None) -> Replay:
    """Work the market out; without `sp500_bars` there is no market-wide halt."""
    contract = terms.contract
    if isinstance(bars, pd.DataFrame):
        checks.columns_once("bars", bars)
    ticks = in_ticks("bars", bars, contract)
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
    days = days_around(index)
    dates = sessions.trade_dates(index).to_numpy().astype("datetime64[D]").astype(np.int64)
    table = ticks.copy()
    settlement, date_close = settlements(days)
    trading, halted_until = is_open.copy(), np.zeros(len(times), np.int64)
    lowest, highest = np.zeros(len(times), np.int64), np.full(len(times), NO_LIMIT)
    halts = None if sp500_bars is None else limits.market_wide_halts(sp500_bars)
    if terms.price_limits:
        columns = lowest, highest, trading, halted_until
        limits.apply(ticks, times, length, days, halts or [], *columns)
    # Beyond a limit nothing trades: such a price is read as the limit.
    ticks = np.clip(ticks, lowest[:, None], highest[:, None])
    rate, rate_after = (
        day_rate(moments, days, terms.day_trade_cutoff_minutes)
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
        halts=halts,
    )


def _cost(bars: pd.DataFrame, index, terms: Terms) -> np.ndarray:
    rth = (sessions.label_sessions(index) == "RTH").to_numpy()
    cost = np.where(rth, terms.slippage_rth, terms.slippage_eth).astype(np.int64)
    if "spread_ticks" in bars.columns:
        name, column = "bars['spread_ticks']", bars["spread_ticks"]
        spread = numbers(name, column)
        wrong = ~np.isfinite(spread) | (spread < 0) | (spread > 10_000) | (spread != spread // 1)
        refuse(wrong, f"{name} must hold whole numbers from 0 to 10000", column)
        cost += (spread.astype(np.int64) + 1) // 2
    return cost


def _is_open(seconds: np.ndarray, index, per_second: int) -> np.ndarray:
    ends = pd.DatetimeIndex((seconds * per_second).astype(f"datetime64[{index.unit}]"), tz="UTC")
    return sessions.is_open(ends).to_numpy()
