"""The interval of a Sharpe ratio, by the block bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons._util.jit import is_compiled
from m2k_lessons.evidence.result import (
    NOISE,
    UNLIKE,
    TestResult,
    p_values,
    percent,
    returns_of,
    sidak,
    summary_of,
)
from m2k_lessons.evidence.sharpe import track_record

NUMBERS_AT_ONCE = 2_000_000  # of a table of resamples, so that it stays small


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BootstrapSharpe(TestResult):
    """Result of `bootstrap_sharpe`.

    Attributes
    ----------
    sharpe : float
        Annual Sharpe ratio.
    low, high : float
        The interval around it, for a single attempt.
    confidence : float
        How often such an interval holds the true ratio.
    p_value : float
        Share of resamples at or below zero.
    resampled : array
        Annual Sharpe ratio of each resample.
    block_length : float
        Mean length of the blocks.
    """

    sharpe: float
    low: float
    high: float
    confidence: float
    p_value: float
    p_value_adjusted: float
    resampled: np.ndarray
    block_length: float

    def _headline(self) -> str:
        return (
            f"Sharpe ratio {self.sharpe:.2f} a year, {percent(self.confidence)} interval "
            f"{self.low:.2f} to {self.high:.2f}; {p_values(self)}"
        )


def bootstrap_sharpe(
    returns,
    *,
    trials: int,
    periods_per_year: float = 252,
    confidence: float = 0.95,
    block_length: float | None = None,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.05,
) -> BootstrapSharpe:
    """Interval around a Sharpe ratio, from histories made of blocks of the one that happened.

    Parameters
    ----------
    returns : Series or array
        One per period, at least 10.
    trials : int
        Rules and settings tried. The interval is that of one attempt; the adjusted p-value and
        the summary take the trials into account.
    periods_per_year : float
    confidence : float
        Above 0, below 1.
    block_length : float, optional
        Mean length of the blocks, in periods, from 1 to the number of returns; the cube root of
        that number when omitted. Longer blocks keep longer streaks.
    resamples : int
        99 or more.
    seed : int
    level : float
        As in `permutation_test`.

    Notes
    -----
    Stationary bootstrap of Politis and Romano (1994), interval by percentiles. A resample
    without a single trade has the ratio 0.

    Examples
    --------
    >>> returns = np.random.default_rng(1).normal(0.0005, 0.01, 1000)
    >>> test = bootstrap_sharpe(returns, trials=1, resamples=999)
    >>> test.low < test.sharpe < test.high
    True
    """
    record = track_record(returns, periods_per_year)
    trials = checks.whole("trials", trials, at_least=1)
    confidence = checks.number("confidence", confidence, above=0, below=1)
    level = checks.number("level", level, above=0, below=1)
    values = returns_of("returns", returns)
    scaled = values / np.abs(values).max()
    sums = np.column_stack([scaled, scaled**2])
    length = chosen_block_length(block_length, len(values))
    means, squares = resampled_means(sums, length, resamples, seed).T
    variance = (squares - means**2) * len(values) / (len(values) - 1)
    # All days alike: it happens where most are without a trade.
    still = variance <= NOISE * squares
    found = np.where(still, 0.0, means / np.sqrt(np.where(still, 1.0, variance)))
    found *= math.sqrt(record.periods_per_year)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    p_value = (1 + int((found <= 0).sum())) / (1 + len(found))
    adjusted = sidak(p_value, trials)
    return BootstrapSharpe(
        n=record.n,
        period=record.period,
        trials=trials,
        summary=summary_of(adjusted, level, trials),
        assumptions=(
            "the past is one draw of what can happen again, and what did not happen in it cannot",
            f"streaks are no longer than a few blocks of {length:.1f} periods",
        )
        + (() if trials == 1 else ("the interval is that of a single attempt", UNLIKE)),
        sharpe=record.sharpe,
        low=float(low),
        high=float(high),
        confidence=confidence,
        p_value=p_value,
        p_value_adjusted=adjusted,
        resampled=found,
        block_length=length,
    )


def chosen_block_length(given, n: int) -> float:
    if given is None:
        return n ** (1 / 3)
    return checks.number("block_length", given, at_least=1, at_most=n)


def resampled_means(table: np.ndarray, length: float, resamples, seed) -> np.ndarray:
    """Column means of each resample, one row for each."""
    resamples = checks.whole("resamples", resamples, at_least=99)
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    from m2k_lessons.evidence.kernels import count_draws

    if not is_compiled(count_draws):
        from m2k_lessons.evidence.plain import count_draws
    n = len(table)
    rows = max(1, NUMBERS_AT_ONCE // n)
    means = np.empty((resamples, table.shape[1]))
    for at in range(0, resamples, rows):
        counts = np.empty((min(rows, resamples - at), n))
        count_draws(rng, 1 / length, counts)
        means[at : at + len(counts)] = counts @ table / n
    return means
