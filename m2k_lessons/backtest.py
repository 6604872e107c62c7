"""Backtests with the accounting of a futures account: multiplier, ticks, fees per contract, margin.

**Inside a bar, in this order**

1. *Settlement of the day before.* On the first bar of a trade date (it begins at 18:00 New York
   time; a daily bar is a trade date of its own) the equity after the previous bar must cover the
   maintenance margin of what is held, else there is a margin call.
2. *Roll.* Where the column `contract` changes, every open lot is closed in the old contract and
   opened in the new one: two sides of cost (none with `roll_costs=False`), and the gap between
   the contracts is nobody's profit. Stops and profit targets move by the gap.
3. *Open.* Levels that the open has jumped over are filled at the open: stops with slippage,
   profit targets without. After a margin call each position is cut to the share of the initial
   margin that the equity still covers. Then the orders of the previous close are filled
   (`fill="next_open"`).
4. *Between open and close.* A stop is filled at its level, or at the open if that is worse, with
   slippage. A profit target is filled at its level as soon as a price touches it. Lots opened at
   this bar's open take part. **When one bar touches both, the stop came first**: a bar doesn't
   tell, and the worse case is assumed.
5. *Close.* Profits and losses are paid into the account (mark to market). The target of this bar
   is read, and orders follow; with `fill="close"` they are filled at this same close, which is a
   price that nobody could both know and trade at.

**Orders.** The position wanted is `trunc(target * contracts)`. An order is sent at a close where
this number differs from the one of the close before, and goes to the whole position wanted. So
nothing trades without a change of what is wanted, a stop, a profit target, a roll or a margin
call. A position that a stop, a profit target or a margin call has closed stays closed until what
is wanted has been zero or on the other side.

**Margin.** Closing is always possible. Opening needs equity, costs deducted, of at least the
initial margin for the whole position; an order for more is *reduced* to what is covered, or
*refused* if that is nothing. It isn't tried again. `Result.events` lists both. Nobody pays money
in: an account below zero shows a debt.

**Costs.** Commission per contract and side. Slippage in ticks against you on market and stop
orders, none on profit targets. Prices are compared and summed in whole ticks, money in
hundredths of a cent, so the trades' `PnL` sums to the change in equity exactly.

**Which bars to give.** Prices as traded with the column `contract`, as `simulate` and
`data.load("daily")` have them, and `roll_gap_points` where the gaps are known; without them a
position is out of the market from the old contract's last close to the new one's first open.
Or a continuous series without that column: then no roll happens and none is charged, profits are
right, and percentages of prices (`ReturnPct`, buy and hold) are not.

**Lots.** Each order that opens makes a lot with its own stop and profit target, measured from
its fill. Reductions close the oldest lots first; a lot closed in parts is one row for each. Lots
still open at the end are rows with the tag `open`, valued at the last close, without exit costs.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import _check
from m2k_lessons._backtest import inputs, statistics
from m2k_lessons._backtest.lookahead import LookAheadError, assert_no_lookahead
from m2k_lessons.contracts import M2K, Contract, get_contract

__all__ = [
    "LookAheadError",
    "Result",
    "assert_no_lookahead",
    "run",
    "run_portfolio",
]

HYPOTHETICAL = (
    "Hypothetical: computed with hindsight, without risk, and without the effect of the "
    "orders on the market."
)


def run(
    bars: pd.DataFrame,
    target: pd.Series,
    *,
    contract: Contract = M2K,
    contracts: int | pd.Series | Callable[[float, float, pd.Timestamp], int] = 1,
    capital: float = 10_000,
    commission_usd: float | None = None,
    slippage_ticks: int = 1,
    stop_points: float | None = None,
    target_points: float | None = None,
    margin: float | tuple[float, float] | None = None,
    fill: str = "next_open",
    resize: bool = False,
    roll_costs: bool = True,
    roll_gap_points: pd.Series | None = None,
) -> Result:
    """Trade one contract by a target position and account for every cent.

    The order of events inside a bar is in the docstring of this module.

    Parameters
    ----------
    bars : DataFrame
        Columns open, high, low, close in points, on the contract's tick; ascending times, those
        without a time zone read as New York's. A column `contract` says where the position has
        to be rolled.
    target : Series
        Position known at the close of each bar, as a fraction from -1 (short) to 1 (long).
    contract : Contract
        Gives multiplier and tick.
    contracts : int, Series of int, or function
        Contracts of a full position (`target` 1). A function of (equity_usd, price, time) is
        asked at each close where `target` changes to something else than 0.
    capital : float
        USD in the account before the first bar.
    commission_usd : float, optional
        Per contract and side, all fees included. The course's assumption when omitted.
    slippage_ticks : int
        Ticks lost on each market and stop order.
    stop_points, target_points : float, optional
        Distance of the stop and of the profit target from each fill, in points.
    margin : float or (float, float), optional
        Initial, or initial and maintenance margin, in USD per contract; 0 for none. The newest
        in `facts` when omitted.
    fill : {"next_open", "close"}
        Where an order is filled: at the open after the close that decided it, or at that close.
    resize : bool
        Ask a function `contracts` at every close, so that the position follows the equity.
    roll_costs : bool
        Charge two sides of cost where `contract` changes.
    roll_gap_points : Series, optional
        New less old contract in points, by the first time of each new contract.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        Bars or target that are not as described, costs below 0, capital below one margin.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=4, freq="B")
    >>> bars = pd.DataFrame({"open": [2400, 2402, 2410, 2407.0]}, index=days)
    >>> bars = bars.assign(high=bars.open + 5, low=bars.open - 5, close=bars.open + 2)
    >>> result = run(bars, pd.Series([1, 1, 0, 0], index=days), commission_usd=0.5)
    >>> result.trades[["EntryPrice", "ExitPrice", "Ticks", "Commission", "PnL"]]
       EntryPrice  ExitPrice  Ticks  Commission   PnL
    0      2402.1     2406.9     48         1.0  23.0
    >>> float(result.equity["Equity"].iloc[-1])
    10023.0
    """
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    own_names = ("contracts", "commission_usd", "slippage_ticks", "stop_points", "target_points")
    names = {name: name for name in ("bars", "target", "margin", "roll_gap_points", *own_names)}
    leg = inputs.leg(
        contract.symbol,
        bars,
        target,
        contract,
        names=names,
        contracts=contracts,
        commission_usd=commission_usd,
        slippage_ticks=slippage_ticks,
        stop_points=stop_points,
        target_points=target_points,
        margin=margin,
        roll_gap_points=roll_gap_points,
    )
    return _simulate([leg], capital, fill, resize, roll_costs)


def run_portfolio(
    bars_by_symbol: Mapping[str, pd.DataFrame],
    targets: Mapping[str, pd.Series] | pd.DataFrame,
    *,
    contracts: Any = 1,
    capital: float = 10_000,
    commission_usd: Any = None,
    slippage_ticks: Any = 1,
    stop_points: Any = None,
    target_points: Any = None,
    margin: Any = None,
    fill: str = "next_open",
    resize: bool = False,
    roll_costs: bool = True,
    roll_gap_points: Mapping[str, pd.Series] | None = None,
    contract_by_symbol: Mapping[str, Contract] | None = None,
) -> Result:
    """Trade several contracts out of one account.

    The rules are those of `run`; cash, equity and margin are common. At an open, orders that
    reduce positions come first, then the others in the order of `bars_by_symbol`. An order that
    the margin cuts short leaves the other legs as they are. Margins of offsetting legs are added,
    as a broker without spread credits does.

    Parameters
    ----------
    bars_by_symbol : mapping of str to DataFrame
        As `bars` of `run`, all on the same index.
    targets : mapping of str to Series, or DataFrame
        As `target` of `run`, by symbol.
    contracts, commission_usd, slippage_ticks, stop_points, target_points, margin
        As in `run`: one value for all legs, or a mapping with one for each symbol. A function
        `contracts` is given the price of its own leg and the equity of the whole account.
    capital, fill, resize, roll_costs
        As in `run`.
    roll_gap_points : mapping of str to Series, optional
        As in `run`, by symbol.
    contract_by_symbol : mapping of str to Contract, optional
        For names that are not symbols of `contracts`.

    Returns
    -------
    Result
        `trades` and `events` say in `Symbol` which leg.

    Raises
    ------
    ValueError, TypeError
        As `run`, and where legs do not share one index.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.daily(years=1, seed=7)
    >>> bars = {"M2K": market["M2K"], "MES": market["MES"]}
    >>> long_small = pd.Series(1.0, index=market["M2K"].index)
    >>> result = run_portfolio(
    ...     bars, {"M2K": long_small, "MES": -long_small}, contracts={"M2K": 3, "MES": 1},
    ...     commission_usd=0.85,
    ... )
    >>> result.position.iloc[-1].to_dict()
    {'M2K': 3, 'MES': -1}
    """
    if not isinstance(bars_by_symbol, Mapping) or not bars_by_symbol:
        raise TypeError(
            "bars_by_symbol must be a mapping from symbol to a frame of bars, "
            f"got {bars_by_symbol!r}"
        )
    symbols = list(bars_by_symbol)
    if not isinstance(targets, (Mapping, pd.DataFrame)):
        raise TypeError(f"targets must be a mapping from symbol to Series, got {targets!r}")
    given = {
        "target": inputs.per_leg("targets", dict(targets.items()), symbols),
        "contract": inputs.per_leg(
            "contract_by_symbol",
            contract_by_symbol or {symbol: get_contract(symbol) for symbol in symbols},
            symbols,
        ),
        "roll_gap_points": inputs.per_leg("roll_gap_points", roll_gap_points, symbols),
        "contracts": inputs.per_leg("contracts", contracts, symbols),
        "commission_usd": inputs.per_leg("commission_usd", commission_usd, symbols),
        "slippage_ticks": inputs.per_leg("slippage_ticks", slippage_ticks, symbols),
        "stop_points": inputs.per_leg("stop_points", stop_points, symbols),
        "target_points": inputs.per_leg("target_points", target_points, symbols),
        "margin": inputs.per_leg("margin", margin, symbols),
    }
    legs = []
    for symbol, bars in bars_by_symbol.items():
        names = {name: f"{name}[{symbol!r}]" for name in given}
        names |= {"bars": f"bars_by_symbol[{symbol!r}]", "target": f"targets[{symbol!r}]"}
        own = {name: values[symbol] for name, values in given.items()}
        legs.append(inputs.leg(symbol, bars, names=names, **own))
        if not legs[0].bars.index.equals(bars.index):
            raise ValueError(
                f"{names['bars']} must have the index of bars_by_symbol[{symbols[0]!r}], "
                f"{inputs.span(legs[0].bars.index)}; got {inputs.span(bars.index)}"
            )
    return _simulate(legs, capital, fill, resize, roll_costs)


def checked_account(legs: list[inputs.Leg], capital, fill, resize, roll_costs) -> dict[str, Any]:
    """Check what concerns the whole account; the engine's arguments besides the legs."""
    for name, value in (("resize", resize), ("roll_costs", roll_costs)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    return {
        "capital": inputs.capital(capital, legs),
        "at_close": _check.choice("fill", fill, inputs.FILLS) == "close",
        "roll_costs": bool(roll_costs),
        "resize": bool(resize),
    }


def _simulate(legs: list[inputs.Leg], capital, fill, resize, roll_costs) -> Result:
    account = checked_account(legs, capital, fill, resize, roll_costs)
    from m2k_lessons._backtest import engine

    return Result(float(capital), legs, engine.simulate(legs, **account), fill)


@dataclass(frozen=True)
class Market:
    """One contract bought at the first close and kept, rolls taken out and costs left out."""

    earned: np.ndarray  # points since the first close
    closes: np.ndarray
    multiplier: float

    @property
    def first(self) -> float:
        return float(self.closes[0])

    @property
    def points(self) -> float:
        return float(self.earned[-1])

    @property
    def usd(self) -> float:
        return self.points * self.multiplier


class Result:
    """What a backtest did: the account, the trades, the numbers that sum them up.

    Attributes
    ----------
    capital : float
        USD before the first bar.
    equity : DataFrame
        By bar, after its close: `Equity` in USD, `DrawdownPct` as a fraction of the highest
        equity so far, and `DrawdownDuration` on bars that end a drawdown.
    position : Series, or DataFrame by symbol
        Contracts held after each bar.
    trades : DataFrame
        One row per lot, with backtesting.py's columns and `Symbol`, `Contracts`, `Ticks` (signed:
        won or lost per contract) and `Slippage` (USD, already in the prices). `PnL` is USD after
        commission; `ReturnPct` is `PnL` over the notional at entry, a fraction.
        `Tag` is why it ended: target, stop, profit target, margin call, roll, or open. A roll
        ends a lot and begins another, so `stats` counts it as a trade, too.
    events : DataFrame
        Margin calls, and orders that were reduced or refused for want of margin.
    stats : Series
        See below.

    Notes
    -----
    Where a name in `stats` is backtesting.py's, so is the meaning, but for what follows. Periods
    are trade dates, 252 a year (52 with weekly bars, 12 with monthly ones). `Volatility (Ann.)`,
    `Sharpe Ratio` and `Sortino Ratio` use arithmetic means and simple deviations (n - 1 for the
    Sharpe ratio), as empyrical does, of percentage changes in equity; `Sharpe Ratio [$]` those of
    changes in dollars, which the size of the account doesn't alter. No interest is deducted: a
    future's return is one in excess of it. `Profit Factor [$]` divides dollars won by dollars
    lost. Buy and hold is one contract from the first close to the last, without costs and roll
    gaps, its percentage taken of the first price; it, alpha and beta are missing with several
    legs. Percentages of an account that went to zero or below are NaN.
    """

    def __init__(self, capital: float, legs: list[inputs.Leg], books: Any, fill: str) -> None:
        self.capital = capital
        self.fill = fill
        self._legs, self._books = legs, books

    @functools.cached_property
    def equity(self) -> pd.DataFrame:
        return statistics.equity_table(self._curve, self._legs[0].bars.index)

    @functools.cached_property
    def position(self) -> pd.Series | pd.DataFrame:
        index = self._legs[0].bars.index
        if len(self._legs) == 1:
            return pd.Series(self._books.held[:, 0], index=index, name="contracts")
        return pd.DataFrame(
            self._books.held, index=index, columns=[one.symbol for one in self._legs]
        )

    @functools.cached_property
    def trades(self) -> pd.DataFrame:
        from m2k_lessons._backtest import engine

        return engine.trades(self._lots, self._legs)

    @functools.cached_property
    def events(self) -> pd.DataFrame:
        from m2k_lessons._backtest import engine

        return engine.events(self._books, self._legs)

    @functools.cached_property
    def stats(self) -> pd.Series:
        return statistics.summary(self)

    @functools.cached_property
    def _lots(self):
        from m2k_lessons._backtest import engine

        return engine.lots(self._books, self._legs)

    @functools.cached_property
    def _curve(self) -> statistics.Curve:
        return statistics.curve(self._books.equity)

    @functools.cached_property
    def _periods(self) -> statistics.Periods:
        return statistics.periods(self._legs[0].days)

    @functools.cached_property
    def _figures(self) -> dict[str, np.ndarray]:
        from m2k_lessons._backtest import engine

        capital = round(self.capital * inputs.UNITS_PER_USD)
        events = engine.events_by_kind(self._books)
        equity, periods = self._books.equity, self._periods
        tally = statistics.count_up(capital, equity, periods, self._lots, events)
        return statistics.figures(tally, capital, periods.per_year)

    @functools.cached_property
    def market(self) -> Market | None:
        """Buy and hold of the one contract traded; None with several."""
        if len(self._legs) > 1:
            return None
        (leg,) = self._legs
        per_point = leg.contract._ticks_per_point
        earned = np.cumsum(leg.points) / per_point
        return Market(earned, leg.closes / per_point, leg.contract.multiplier)

    @property
    def bars(self) -> dict[str, pd.DataFrame]:
        """The bars that were traded, by symbol."""
        return {one.symbol: one.bars for one in self._legs}

    def plot(self):
        """Draw equity, drawdown, and the price with every entry and exit.

        Returns
        -------
        array of Axes
            Finish with `plots.show()`, which also has the text for those who can't see it.
        """
        from m2k_lessons._backtest import figure

        return figure.draw(self)

    def __repr__(self) -> str:
        wide = max(map(len, _SHOWN))
        lines = [f"{name:<{wide}}  {value:>12}" for name, value in self._shown()]
        return "\n".join([self._title(), *lines, HYPOTHETICAL])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:right">{html.escape(value)}</td></tr>'
            for name, value in self._shown()
        )
        caption = f"<caption>{html.escape(self._title())}</caption>"
        note = f"<p><small>{html.escape(HYPOTHETICAL)}</small></p>"
        return f"<table>{caption}<tbody>{rows}</tbody></table>{note}"

    def _title(self) -> str:
        symbols = " and ".join(one.symbol for one in self._legs)
        index = self._legs[0].bars.index
        title = f"{symbols}, {len(index):,} bars from {index[0]:%Y-%m-%d} to {index[-1]:%Y-%m-%d}"
        return f"{title}; {self.label}" if self.label else title

    @property
    def label(self) -> str:
        """What the bars say about themselves: that they are simulated, if they are."""
        labels = (one.bars.attrs.get("label", "") for one in self._legs)
        return next((label for label in labels if label), "")

    def _shown(self):
        for name in _SHOWN:
            value = self.stats[name]
            if isinstance(value, int):
                text = f"{value:,}"
            elif value != value:  # NaN
                text = "–"
            else:
                text = f"{value:,.2f}"
            yield name, text.replace("-", "−")


_SHOWN = (
    "Return [$]",
    "Return [%]",
    "Max. Drawdown [$]",
    "Max. Drawdown [%]",
    "Sharpe Ratio",
    "# Trades",
    "Win Rate [%]",
    "Profit Factor [$]",
    "Expectancy [$]",
    "Commissions [$]",
    "Slippage [$]",
    "# Margin Calls",
)
