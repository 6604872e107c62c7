"""Ratios with their errors, and every trial at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from m2k_lessons import evidence
from m2k_lessons._util import series
from m2k_lessons.evidence.result import sidak
from m2k_lessons.sweep.grid import takes_bars


def sharpe_error(returns, periods_per_year: float = 252) -> float:
    """Standard error of an annual Sharpe ratio.

    Parameters
    ----------
    returns : Series or array
        One per trade date.
    periods_per_year : float
        Returns a year: 52 where bars are weeks.

    Notes
    -----
    Mertens (2002): about one over the root of the years, more for wild or lopsided returns.

    Examples
    --------
    >>> quiet = np.random.default_rng(1).normal(0, 0.01, 4 * 252)
    >>> round(sharpe_error(quiet), 2)
    0.5
    """
    return evidence.track_record(returns, periods_per_year).standard_error


def sharpe_difference(returns, benchmark, periods_per_year: float = 252) -> tuple[float, float]:
    """How much higher an annual Sharpe ratio is than that of a benchmark, and the error of that.

    Both had the same days, so that part of their luck is common and drops out.

    Parameters
    ----------
    returns, benchmark : Series
        On the same index, each varying.
    periods_per_year : float

    Returns
    -------
    (float, float)
        Difference and standard error, annual.

    Notes
    -----
    The delta method of Ledoit and Wolf (2008), "Robust performance hypothesis testing with the
    Sharpe ratio", for days that are drawn independently: fat tails are in it, runs of wild days
    are not. Of a ratio alone it is the error of Mertens (2002).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> market = pd.Series(rng.normal(0.0004, 0.01, 1_000))
    >>> half = market * 0.5
    >>> tuple(round(value, 6) + 0.0 for value in sharpe_difference(half, market))
    (0.0, 0.0)
    """
    pair = {"returns": returns, "benchmark": benchmark}
    values = {name: series.values(name, given) for name, given in pair.items()}
    series.check_same_index(**pair)
    ratios, influences = [], []
    for name, each in values.items():
        if np.ptp(each) == 0:
            raise ValueError(f"{name} must vary, got {float(each[0])!r} in every row")
        apart = (each - each.mean()) / each.std(ddof=1)
        ratios.append(each.mean() / each.std(ddof=1))
        influences.append(apart - ratios[-1] / 2 * (apart**2 - 1))
    year = periods_per_year**0.5
    error = (influences[0] - influences[1]).std(ddof=1) / len(influences[0]) ** 0.5
    return float(year * (ratios[0] - ratios[1])), float(year * error)


def trial_targets(
    rule: Callable[..., pd.Series], log: pd.DataFrame, bars: pd.DataFrame, of: str = "bars"
) -> pd.DataFrame:
    """What each trial of a sweep wanted to hold: a column for each row of `log`.

    Parameters
    ----------
    rule : function
        As `sweep.sweep` was given it.
    log : DataFrame
        What `sweep.sweep` returned.
    bars : DataFrame
        The development bars.
    of : {"bars", "close"}
        What `rule` takes.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies, sweep
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> log = sweep.sweep(bars, strategies.trend_following, {"fast": [5, 10], "slow": [40]})
    >>> trial_targets(strategies.trend_following, log, bars, of="close").shape
    (502, 2)
    """
    names = log.attrs.get("settings") if isinstance(log, pd.DataFrame) else None
    if not names:
        raise TypeError(f"log must be what sweep.sweep returned, got a {type(log).__name__}")
    given = bars if takes_bars(rule, of) else bars["close"]
    return pd.DataFrame(
        {
            trial: rule(given.copy(), **settings).astype(float)
            for trial, settings in zip(log.index, log[names].to_dict("records"), strict=True)
        }
    )


def luck_of_all(held: pd.Series, tried: pd.DataFrame | None, market, *, trials: int, seed: int):
    """The p-value of positions among all that were tried, by shuffling the market's days.

    Each order of days is used for all of them, and the best is kept: so trials that resemble one
    another count for less. Those without positions, `trials` less the columns, are taken for
    unlike these.
    """
    if np.ptp(held.to_numpy(dtype=float)) == 0:
        raise ValueError(f"the position was {float(held.iloc[0]):g} on every day")
    few = {"permutations": 2_000, "seed": seed}
    if tried is None:
        return evidence.permutation_test(held, market, trials=trials, **few).p_value_adjusted
    # A position that never changes earns the same in every order, and can be nobody's luck.
    moving = tried.loc[:, np.ptp(tried.to_numpy(), axis=0) > 0].assign(chosen=held)
    test = evidence.permutation_test(moving, market, trials=moving.shape[1], **few)
    earned = float((market - market.mean()) @ held) / len(market)
    noise = 1e-12 * float(market.abs().max())
    p_value = (1 + int((test.permuted >= earned - noise).sum())) / (1 + len(test.permuted))
    others = trials - tried.shape[1]
    return sidak(p_value, 1 + others / tried.shape[1]) if others > 0 else p_value
