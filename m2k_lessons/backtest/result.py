"""What a backtest returns: equity, trades, statistics, and the picture of them."""

from __future__ import annotations

import functools
import html
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons.backtest import inputs, statistics
from m2k_lessons.backtest.bars import untradable

HYPOTHETICAL = (
    "Hypothetical: computed with hindsight, without risk, and without the effect of the "
    "orders on the market."
)


@dataclass(frozen=True)
class BuyAndHold:
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
        One row per trade, with backtesting.py's columns and `Symbol`, `Contracts`, `Ticks` (signed:
        won or lost per contract) and `Slippage` (USD, already in the prices). `PnL` is USD after
        commission; `ReturnPct` is `PnL` over the notional at entry, a fraction.
        `Tag` is why it ended: target, stop, profit target, margin call, roll, or open. A roll
        ends a trade and begins another, so `stats` counts both.
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

    def __init__(
        self, instruments: list[inputs.Instrument], settings: inputs.Settings, run: Any
    ) -> None:
        self.capital = settings.capital / inputs.UNITS_PER_USD
        self._instruments, self._settings = instruments, settings
        self._state, self._tally, self._periods = run.state, run.tally, run.periods

    @functools.cached_property
    def equity(self) -> pd.DataFrame:
        return statistics.equity_table(self._curve, self._instruments[0].bars.index)

    @functools.cached_property
    def position(self) -> pd.Series | pd.DataFrame:
        index = self._instruments[0].bars.index
        if len(self._instruments) == 1:
            return pd.Series(self._state.held[0], index=index, name="contracts")
        symbols = [own.symbol for own in self._instruments]
        return pd.DataFrame(self._state.held.T, index=index, columns=symbols)

    @functools.cached_property
    def trades(self) -> pd.DataFrame:
        from m2k_lessons.backtest import engine

        return engine.trade_table(self._trades, self._instruments)

    @functools.cached_property
    def events(self) -> pd.DataFrame:
        from m2k_lessons.backtest import engine

        return engine.events(self._state, self._instruments)

    @functools.cached_property
    def stats(self) -> pd.Series:
        return statistics.summary(self)

    @functools.cached_property
    def _trades(self):
        from m2k_lessons.backtest import engine

        return engine.trades(self._state, self._instruments)

    @functools.cached_property
    def _curve(self) -> statistics.Curve:
        return statistics.curve(self._state.equity, self._settings.capital)

    @functools.cached_property
    def _metrics(self) -> dict[str, np.ndarray]:
        tally = statistics.Tally(*self._tally)
        return statistics.metrics(tally, self._settings.capital, self._periods.per_year)

    @functools.cached_property
    def buy_and_hold(self) -> BuyAndHold | None:
        """Buy and hold of the one contract traded; None with several."""
        if len(self._instruments) > 1:
            return None
        (own,) = self._instruments
        earned, closes = own.in_points(np.cumsum(own.points)), own.in_points(own.closes)
        return BuyAndHold(earned, closes, own.contract.multiplier)

    @property
    def bars(self) -> dict[str, pd.DataFrame]:
        """The bars that were traded, by symbol."""
        return {own.symbol: own.bars for own in self._instruments}

    def plot(self):
        """Draw equity, drawdown, and the price with every entry and exit.

        Returns
        -------
        array of Axes
            Finish with `plots.show()`, which also has the text for those who can't see it.
        """
        from m2k_lessons.backtest import figure

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
        symbols = " and ".join(own.symbol for own in self._instruments)
        index = self._instruments[0].bars.index
        title = f"{symbols}, {len(index):,} bars from {index[0]:%Y-%m-%d} to {index[-1]:%Y-%m-%d}"
        unknown = "" if self.gaps_known else "opens that nobody could trade at: gaps unknown"
        return "; ".join(filter(None, [title, self.label, unknown]))

    @property
    def gaps_known(self) -> bool:
        """Whether opens are prices: without them nobody knows how far a gap carried a stop."""
        return not any(untradable(own.bars) for own in self._instruments)

    @property
    def label(self) -> str:
        """What the bars say about themselves: that they are simulated, if they are."""
        labels = (own.bars.attrs.get("label", "") for own in self._instruments)
        return next((label for label in labels if label), "")

    def _shown(self):
        for name in _SHOWN:
            value = self.stats[name]
            if isinstance(value, int):
                text = f"{value:,}"
            elif value != value:  # NaN
                text = "–"
            else:
                text = f"{value:z,.2f}"  # z: no -0.00
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
