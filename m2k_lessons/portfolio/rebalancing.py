"""A portfolio brought back to its weights, with the costs of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.portfolio.arguments import NOISE, RULES, same_names, table_of, targets_of
from m2k_lessons.portfolio.covariance import rolling_correlation


@dataclass(frozen=True)
class Portfolio:
    """What `rebalance` did, row by row, in USD.

    Attributes
    ----------
    holdings_usd : DataFrame
        Of each asset at the close, after the row's trades.
    gains_usd : DataFrame
        Of each asset over the row, before its trades.
    trades_usd : DataFrame
        Bought (positive) and sold at the close. A row sums to minus its cost, except for the
        first, which puts the account's money in.
    cost_usd : Series
        Paid at the close.
    targets : DataFrame
        Weights wanted at each close.
    rebalanced : Index
        Rows with a trade after the first.
    equity_usd : float
        The money put in.
    """

    holdings_usd: pd.DataFrame
    gains_usd: pd.DataFrame
    trades_usd: pd.DataFrame
    cost_usd: pd.Series
    targets: pd.DataFrame
    rebalanced: pd.Index
    equity_usd: float

    @property
    def value_usd(self) -> pd.Series:
        """All holdings at the close, after costs."""
        cents = (100 * self.holdings_usd).round().sum(axis=1)
        return (cents / 100).rename("value_usd")

    @property
    def weights(self) -> pd.DataFrame:
        """Share of each asset at the close, after trades."""
        return self.holdings_usd.div(self.holdings_usd.sum(axis=1), axis=0)

    @property
    def returns(self) -> pd.Series:
        """Simple return of the account from close to close, after costs but for the first purchase.

        The first close is after that purchase; `equity_usd` is what was put in before it.
        """
        return self.value_usd.pct_change().iloc[1:].rename("return")

    @property
    def turnover_usd(self) -> float:
        """Bought and sold after the first row, added up."""
        return float(self.trades_usd.iloc[1:].abs().sum().sum())


def rebalance(
    weights,
    returns: pd.DataFrame,
    rule: str = "calendar",
    *,
    every="month",
    band: float = 0.05,
    pair: tuple[str, str] | None = None,
    window: int = 63,
    change: float = 0.2,
    equity_usd: float = 100_000.0,
    cost_pct=0.05,
) -> Portfolio:
    """Hold a mix of assets and bring it back to its weights by a stated rule.

    Parameters
    ----------
    weights : Series, or DataFrame on the index of returns
        Weights wanted, at least zero, summing to one. Of a DataFrame, row t is what is known at
        the close of row t: it is traded at the close of row t + 1 at the earliest.
    returns : DataFrame, shape (rows, assets)
        Simple returns as decimals, above -1, no unknown value.
    rule : {"never", "calendar", "band", "correlation"}
        "never": buy once. "calendar": at the close of the first row of each `every`. "band":
        when a close showed a weight more than `band` away from the one wanted. "correlation":
        when the correlation of `pair` over the last `window` rows differed by more than `change`
        from what it was when last traded.
    every : {"week", "month", "quarter", "year"} or int
        A number counts rows; the words need dates or periods as index.
    band : float
        Points of weight, 0.05 for 5 % of the account, above 0.
    pair : (str, str)
        Two columns, for the rule "correlation".
    window : int
        Rows, at least 3.
    change : float
        Of a correlation, above 0.
    equity_usd : float
        Money put in; the first row's close buys the first weights, and pays for it.
    cost_pct : float, or Series by asset
        % of each dollar bought or sold, 0 to 10.

    Notes
    -----
    Money is kept in whole cents: each gain, each trade and each cost is rounded to the cent, and
    money put in + gains - costs = holdings, exactly.

    Examples
    --------
    >>> returns = pd.DataFrame({"stocks": [0.0, 0.10, 0.0, 0.0], "cash": [0.0] * 4})
    >>> held = rebalance(
    ...     pd.Series({"stocks": 0.5, "cash": 0.5}), returns, "band", band=0.01,
    ...     equity_usd=1000, cost_pct=0,
    ... )
    >>> held.trades_usd["stocks"].tolist()  # bought, above the band, sold at the next close
    [500.0, 0.0, -25.0, 0.0]
    """
    rule = checks.choice("rule", rule, RULES)
    numbers = table_of("returns", returns, at_least=2)
    series.check_order("returns", returns.index)
    if (numbers <= -1).any():
        raise ValueError(f"returns must be above -1, got {float(numbers.min())}")
    targets = targets_of(weights, returns)
    terms = {"every": every, "band": band, "pair": pair, "window": window, "change": change}
    due = rebalancing_rule(rule, returns, **terms)
    equity_usd = checks.number("equity_usd", equity_usd, at_least=1, at_most=1e12)
    rates = _cost_rates(cost_pct, returns.columns)

    grown, wanted = numbers.tolist(), targets.tolist()
    assets = range(numbers.shape[1])
    holdings, cost = _traded([0] * len(assets), round(100 * equity_usd), wanted[0], rates)
    gained, held, paid = [[0] * len(assets)], [holdings], [cost]
    rebalanced, last = [], 0
    decided = due(0, holdings, wanted[0], 0)
    for row in range(1, len(grown)):
        gains = [round(cents * grown[row][i]) for i, cents in enumerate(holdings)]
        holdings = [cents + gain for cents, gain in zip(holdings, gains, strict=True)]
        cost = 0
        if decided:  # by what the close before has shown
            total = sum(holdings)
            before = holdings
            holdings, cost = _traded(holdings, total, wanted[row - 1], rates)
            if holdings != before:
                rebalanced.append(row)
            last = row
        decided = due(row, holdings, wanted[row], last)
        gained.append(gains)
        held.append(holdings)
        paid.append(cost)
    held_cents, gained_cents = np.array(held), np.array(gained)
    # What is neither held before nor gained was traded.
    trades = held_cents - np.vstack([held_cents[:1] * 0, held_cents[:-1]]) - gained_cents
    as_table = {"index": returns.index, "columns": returns.columns}
    return Portfolio(
        holdings_usd=pd.DataFrame(held_cents / 100, **as_table),
        gains_usd=pd.DataFrame(gained_cents / 100, **as_table),
        trades_usd=pd.DataFrame(trades / 100, **as_table),
        cost_usd=pd.Series(np.array(paid) / 100, index=returns.index, name="cost_usd"),
        targets=pd.DataFrame(targets, **as_table),
        rebalanced=returns.index[rebalanced],
        equity_usd=round(100 * equity_usd) / 100,
    )


def _traded(holdings: list[int], cents: int, wanted: list[float], rates: list[float]):
    """Move `cents` to the weights wanted and pay for it: holdings after, and cost, in cents.

    The cost depends on what is traded and the other way round; going to and fro, it settles.
    """
    tried = [0]
    while True:
        cost = tried[-1]
        after = _shared_out(cents - cost, wanted)
        each = zip(after, holdings, rates, strict=True)
        asked = round(sum(abs(new - old) * rate for new, old, rate in each))
        if asked == cost:
            return after, cost
        if asked in tried:  # a few cents to and fro: the highest of them is charged
            cost = max(tried[tried.index(asked) :])
            return _shared_out(cents - cost, wanted), cost
        tried.append(asked)


def _shared_out(cents: int, wanted: list[float]) -> list[int]:
    """Whole cents in proportion to weights; rounding falls to the largest."""
    parts = [round(cents * weight) for weight in wanted]
    parts[max(range(len(wanted)), key=wanted.__getitem__)] += cents - sum(parts)
    return parts


def rebalancing_rule(rule, table, *, every, band, pair, window, change, returns=None) -> Callable:
    """Return the function of (row, money held, weights wanted, row last traded) that decides.

    It decides at the close of a row, for the close of the next one. A fifth argument is the
    account; when omitted, all of the money held.
    """
    band = checks.number("band", band, above=0, below=1)
    change = checks.number("change", change, above=0, below=2)
    window = checks.whole("window", window, at_least=3)
    if rule == "never":
        return lambda row, held, wanted, last, account=None: False
    if rule == "calendar":
        begins = _begins(every, table.index)
        # The calendar is known beforehand: the close before decides for the first of the month.
        tomorrow = [*begins[1:], False]
        return lambda row, held, wanted, last, account=None: tomorrow[row]
    if rule == "band":

        def left(row, held, wanted, last, account=None) -> bool:
            account = sum(held) if account is None else account
            limit = (band + NOISE) * account
            pairs = zip(held, wanted, strict=True)
            return not all(-limit <= money - part * account <= limit for money, part in pairs)

        return left
    if pair is None or isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"pair must name two columns for the rule 'correlation', got {pair!r}")
    returns = table if returns is None else returns
    unknown = [name for name in pair if name not in returns.columns]
    if unknown:
        raise ValueError(f"pair must name two columns of {[*returns.columns]}, got {pair!r}")
    moving = rolling_correlation(returns[pair[0]], returns[pair[1]], window)
    moving = moving.reindex(table.index).tolist()

    def moved(row, held, wanted, last, account=None) -> bool:
        # Before the window is full nothing is known; the first full one is what to compare with.
        then = moving[last] if not math.isnan(moving[last]) else first_known
        return abs(moving[row] - then) > change  # False for NaN

    first_known = next((known for known in moving if not math.isnan(known)), math.nan)
    return moved


def _begins(every, index: pd.Index) -> list[bool]:
    """Whether a new week, month, quarter, year or block of rows begins with each row."""
    if not isinstance(every, str):
        rows = checks.whole("every", every, at_least=1)
        return [row % rows == 0 for row in range(len(index))]
    codes = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}
    every = checks.choice("every", every, codes)
    if isinstance(index, pd.DatetimeIndex):
        periods = index.tz_localize(None).to_period(codes[every])
    elif isinstance(index, pd.PeriodIndex):
        periods = index.asfreq(codes[every])
    else:
        raise TypeError(
            f"every must be a number of rows where the index has no dates, got {every!r}"
        )
    return [False, *(periods[1:] != periods[:-1]).tolist()]


def _cost_rates(cost_pct, columns: pd.Index) -> list[float]:
    if isinstance(cost_pct, pd.Series):
        same_names("cost_pct", cost_pct.index, columns)
        given = [cost_pct[name] for name in columns]
    else:
        given = [cost_pct] * len(columns)
    return [checks.number("cost_pct", pct, at_least=0, at_most=10) / 100 for pct in given]
