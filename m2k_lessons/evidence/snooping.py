"""Reality check and SPA test: the best of many strategies against luck."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.evidence.bootstrap import chosen_block_length, resampled_means
from m2k_lessons.evidence.result import (
    NOISE,
    TestResult,
    of_column,
    period_of,
    returns_of,
    same_rows,
    shown_p,
    summary_of,
    table_of,
)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RealityCheck(TestResult):
    """Result of `reality_check` and `spa_test`.

    Attributes
    ----------
    best : object
        Column of the strategy with the largest statistic.
    statistic : float
        Its mean excess return, times the root of n; for `spa_test` over its deviation.
    p_value_adjusted : float
        For the best of all trials: the test's p-value.
    p_value_lower, p_value_upper : float
        For `spa_test`, Hansen's bounds: losing strategies left out, and all of them counted in
        full. For `reality_check`, both are its p-value.
    block_length : float
        Mean length of the blocks.
    """

    name: str
    best: object
    statistic: float
    p_value_adjusted: float
    p_value_lower: float
    p_value_upper: float
    block_length: float

    def _headline(self) -> str:
        return (
            f"{self.name}: best of {self.trials:,} is {self.best!r}, "
            f"p = {shown_p(self.p_value_adjusted)}"
        )


def reality_check(
    returns,
    *,
    trials: int,
    benchmark=0.0,
    block_length: float | None = None,
    resamples: int = 2_000,
    seed: int = 0,
    level: float = 0.05,
) -> RealityCheck:
    """Test whether the best of many strategies beats a benchmark (White's reality check).

    Parameters
    ----------
    returns : DataFrame or 2-D array
        A column for each strategy that was tried, winners and losers.
    trials : int
        How many that was: the number of columns.
    benchmark : float or Series
        Return per period to beat: 0, or a Series on the same index, such as that of buy and hold.
    block_length, resamples, seed, level
        As in `bootstrap_sharpe`.

    Notes
    -----
    White (2000), "A reality check for data snooping", Econometrica 68; by mean returns, so that
    a wild strategy sets the standard for all. Strategies that plainly lose make it say yes too
    seldom; `spa_test` mends both.

    Examples
    --------
    >>> luck = np.random.default_rng(1).normal(0, 0.01, (500, 20))
    >>> reality_check(luck, trials=20, resamples=499).p_value_adjusted > 0.05
    True
    """
    settings = (trials, benchmark, block_length, resamples, seed, level)
    return _best_of_many("Reality check", returns, *settings)


def spa_test(
    returns,
    *,
    trials: int,
    benchmark=0.0,
    block_length: float | None = None,
    resamples: int = 2_000,
    seed: int = 0,
    level: float = 0.05,
) -> RealityCheck:
    """Test whether the best of many strategies beats a benchmark (Hansen's SPA).

    Like `reality_check`, but each mean is divided by its deviation, and strategies that plainly
    lose no longer shield the others.

    Parameters
    ----------
    returns, trials, benchmark, block_length, resamples, seed, level
        As in `reality_check`.

    Returns
    -------
    RealityCheck
        `p_value_adjusted` is Hansen's consistent p-value.

    Notes
    -----
    Hansen (2005), "A test for superior predictive ability", Journal of Business & Economic
    Statistics 23.

    Examples
    --------
    >>> luck = np.random.default_rng(1).normal(0, 0.01, (500, 20))
    >>> test = spa_test(luck, trials=20, resamples=499)
    >>> test.p_value_lower <= test.p_value_adjusted <= test.p_value_upper
    True
    """
    settings = (trials, benchmark, block_length, resamples, seed, level)
    return _best_of_many("SPA test", returns, *settings)


def _best_of_many(
    name: str, returns, trials, benchmark, block_length, resamples, seed, level
) -> RealityCheck:
    excess, columns = _excess(returns, trials, benchmark)
    level = checks.number("level", level, above=0, below=1)
    n, length = len(excess), chosen_block_length(block_length, len(excess))
    assumptions = [
        "the columns are all that was tried",
        "no strategy is worse than the benchmark (losers make the test too strict)",
        f"streaks are no longer than a few blocks of {length:.1f} periods",
    ]
    least, is_spa = -math.inf, name == "SPA test"
    if is_spa:
        least = 0.0
        del assumptions[1]
        excess = excess / _deviations(excess, columns, length)
    centre = excess.mean(axis=0)
    apart = resampled_means(excess - centre, length, resamples, seed)
    shifts = [np.zeros(len(centre))]
    if is_spa:
        limit = -math.sqrt(2 * math.log(math.log(n)) / n)
        shifts = [np.minimum(centre, 0), np.where(centre < limit, centre, 0), *shifts]
    statistic = max(float(centre.max()), least)
    reached = statistic - NOISE * np.abs(excess).max()
    hits = [int((np.maximum((apart + s).max(axis=1), least) >= reached).sum()) for s in shifts]
    p_values = [(1 + count) / (1 + len(apart)) for count in hits]
    # Lower bound, consistent, upper bound; White's test has one for all.
    lower, consistent, upper = p_values if is_spa else p_values * 3
    return RealityCheck(
        n=n,
        period=period_of(returns),
        trials=len(columns),
        summary=summary_of(
            consistent,
            level,
            len(columns),
            "{} no better than the benchmark",
            ("strategy", "strategies"),
        ),
        assumptions=tuple(assumptions),
        name=name,
        best=columns[int(np.argmax(centre))],
        statistic=math.sqrt(n) * statistic,
        p_value_adjusted=consistent,
        p_value_lower=lower,
        p_value_upper=upper,
        block_length=length,
    )


def _deviations(excess: np.ndarray, columns: list, length: float) -> np.ndarray:
    """Of each strategy's mean; 1 for one that never traded: it is the benchmark itself."""
    steady = np.ptp(excess, axis=0) == 0
    if (steady & (excess[0] != 0)).any():
        raise ValueError(
            "returns must vary around the benchmark, got the same difference in every row"
            + of_column(columns, steady & (excess[0] != 0))
        )
    variance = _long_run_variance(excess - excess.mean(axis=0), length)
    return np.where(steady, 1.0, np.sqrt(variance))


def _long_run_variance(apart: np.ndarray, length: float) -> np.ndarray:
    """Variance of a resample's mean, times n: what the stationary bootstrap has in the limit."""
    n = len(apart)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(apart, size, axis=0)
    products = np.fft.irfft(spectrum * spectrum.conj(), size, axis=0)[:n] / n
    stays = 1 - 1 / length
    lag = np.arange(n)
    weight = (1 - lag / n) * stays**lag + lag / n * stays ** (n - lag)
    weight[1:] *= 2
    weight[0] = 1.0
    return weight @ products


def _excess(returns, trials, benchmark) -> tuple[np.ndarray, list]:
    table, columns = table_of("returns", returns, trials, one_for_many=False)
    if isinstance(benchmark, pd.Series):
        same_rows(benchmark=benchmark, returns=returns)
        level = returns_of("benchmark", benchmark, may_be_constant=True)[:, None]
    else:
        level = checks.number("benchmark", benchmark)
    return table - level, columns
