"""Is it more than luck? Tests for a rule that was chosen, and for the many it was chosen from.

**How many were tried** is an argument of every test here, and it has no default. Twenty
worthless rules have a best one, and what is luck in it looks like skill. A trial is each rule and
each setting whose result was looked at, also by eye, also last week.

What they have in common
    *Result.* An object with numbers, and with a verdict in words: `print(result)`. It says how
    many returns went in (`n`), of which time (`period`), and what was assumed (`assumptions`).

    *p-value.* How often a worthless rule does as well by luck alone. `p_value` is for a single
    attempt, `p_value_adjusted` for the best of all trials. Where the trials themselves are not at
    hand, the second is `1 - (1 - p_value) ** trials` (Šidák): right for trials that have nothing
    to do with each other, too strict for those that resemble each other.

    *Returns.* One number per period, as fractions or in dollars, of strategies that pay for what
    they trade: `strategy_returns(result)`. They are excess returns, as those of futures are.

    *Sharpe ratios* are annual, from simple deviations (n - 1); `periods_per_year` says how.

    *Seed.* The same seed gives the same numbers.

No test can tell a rule with an edge from one that was shown the future: prove that first, with
`backtest.assert_no_lookahead`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import _check, _finding
from m2k_lessons._finding import Finding
from m2k_lessons._labels import PurgedKFold, purged_kfold, triple_barrier
from m2k_lessons._search import Search, search, trial_returns
from m2k_lessons._sharpe import (
    BacktestLength,
    DeflatedSharpe,
    ProbabilisticSharpe,
    TrackRecord,
    TrackRecordLength,
    deflated_sharpe,
    expected_best_sharpe,
    minimum_backtest_length,
    minimum_track_record,
    probabilistic_sharpe,
    track_record,
)
from m2k_lessons.backtest import Result

__all__ = [
    "BacktestLength",
    "BootstrapSharpe",
    "DeflatedSharpe",
    "Finding",
    "Overfitting",
    "PermutationTest",
    "ProbabilisticSharpe",
    "PurgedKFold",
    "RealityCheck",
    "Search",
    "TrackRecord",
    "TrackRecordLength",
    "bootstrap_sharpe",
    "deflated_sharpe",
    "expected_best_sharpe",
    "minimum_backtest_length",
    "minimum_track_record",
    "permutation_test",
    "probabilistic_sharpe",
    "probability_of_backtest_overfitting",
    "purged_kfold",
    "reality_check",
    "search",
    "spa_test",
    "strategy_returns",
    "track_record",
    "trial_returns",
    "triple_barrier",
]

_NUMBERS_AT_ONCE = 2_000_000  # of a table of resamples, so that it stays small
_SPLITS_AT_ONCE = 1_000_000
_NO_BETTER = ("strategy no better than the benchmark", "strategies no better than the benchmark")


# ------------------------------------------------------------------------------------- returns


def strategy_returns(result: Result) -> pd.Series:
    """Returns of a backtest, as its Sharpe ratio is made of them.

    Parameters
    ----------
    result : backtest.Result

    Returns
    -------
    Series of float
        Changes in equity as fractions of the equity before: one for each trade date, or bar
        where those are longer, on the time of its last bar.

    Raises
    ------
    TypeError, ValueError
        Not a result; an account that went to zero or below, of which a fraction says nothing.

    Examples
    --------
    >>> from m2k_lessons import backtest, simulate, strategies
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> result = backtest.run(bars, strategies.trend_following(bars["close"]), commission_usd=1)
    >>> record = track_record(strategy_returns(result))
    >>> math.isclose(record.sharpe, result.stats["Sharpe Ratio"])
    True
    """
    if not isinstance(result, Result):
        raise TypeError(f"result must be what backtest.run returns, got a {type(result).__name__}")
    at = result._periods.bars
    level = result.equity["Equity"].iloc[at]
    values = level.to_numpy(copy=True)
    values[0] = result.capital
    if values.min() <= 0:
        raise ValueError(
            "result must be of an account that stayed above zero, got an equity of "
            f"{values.min():,.2f} USD; use more capital or fewer contracts"
        )
    return pd.Series(np.diff(values) / values[:-1], level.index[1:], name="return")


# --------------------------------------------------------------------------------- permutation


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PermutationTest(Finding):
    """Result of `permutation_test`.

    Attributes
    ----------
    mean : float
        Return per period of the (best) rule on the detrended market.
    p_value, p_value_adjusted : float
        For a single attempt; for the best of all trials.
    best : object
        Column of the best rule, if there are several.
    permuted : array
        Mean return of the (best) rule for each permutation.
    """

    mean: float
    p_value: float
    p_value_adjusted: float
    best: object
    permuted: np.ndarray

    def _headline(self) -> str:
        return f"Permutation test: {_finding.p_values(self)}"


def permutation_test(
    position, returns, *, trials: int, permutations: int = 10_000, seed: int = 0, level=0.05
) -> PermutationTest:
    """Test whether positions stood on the right days, by shuffling the market's days.

    The market's returns, less their mean, are put into a random order, and the same positions
    earn what they would have earned then. Without the mean, a rule gets no credit for being long
    in a market that rose.

    Parameters
    ----------
    position : Series, or DataFrame with a column per rule
        Held while each return was made: `target.shift(1)`, not the target itself. Contracts or
        shares of them; short is negative. With columns, all rules that were tried.
    returns : Series
        The market's, on the same index.
    trials : int
        Rules and settings tried: with columns, as many as there are.
    permutations : int
        99 or more.
    seed : int
        0 or more.
    level : float
        Share of worthless rules that may pass, for the verdict.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ValueError, TypeError
        Values missing, another index, a position that never changes, trials that are not the
        number of columns.

    Notes
    -----
    Aronson, "Evidence-Based Technical Analysis" (2006), chapter 6 (Monte Carlo permutation);
    with columns, each shuffle is used for all rules and the best mean is kept. Costs are left
    out. The p-value counts the original order as one more permutation. It is exact for positions
    that owe nothing to these returns; a rule that decides by them leans a little, and one that
    enters after wild days passes too often: `benchmarks/evidence_size.md` has the numbers.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> returns = pd.Series(rng.normal(0, 0.01, 500))
    >>> position = pd.Series(rng.choice([-1.0, 1.0], 500))
    >>> test = permutation_test(position, returns, trials=20, permutations=999)
    >>> test.p_value_adjusted > test.p_value
    True
    """
    market = _finding.returns_of("returns", returns)
    held, columns = _finding.table_of("position", position, trials)
    trials = _check.whole("trials", trials, at_least=1)
    _finding.same_rows("position", position, "returns", returns)
    if (np.ptp(held, axis=0) == 0).any():
        raise ValueError(
            "position must change at least once, got the same in every row"
            + _finding.of_column(columns, np.ptp(held, axis=0) == 0)
        )
    permutations = _check.whole("permutations", permutations, at_least=99)
    level = _check.number("level", level, above=0, below=1)
    rng = np.random.default_rng(_check.whole("seed", seed, at_least=0))
    from m2k_lessons._evidence_kernels import shuffle_rows

    n = len(market)
    detrended = market - market.mean()
    means = detrended @ held / n
    best = int(np.argmax(means))
    permuted = np.empty(permutations)
    own = 0
    rows = max(1, _NUMBERS_AT_ONCE // n)
    noise = _finding.NOISE * np.abs(detrended).max() * np.abs(held).max()
    for at in range(0, permutations, rows):
        block = np.empty((min(rows, permutations - at), n))
        shuffle_rows(detrended, rng, block)
        found = block @ held / n
        permuted[at : at + len(block)] = found.max(axis=1)
        own += int((found[:, best] >= means[best] - noise).sum())
    p_value = (1 + own) / (1 + permutations)
    of_all = (1 + int((permuted >= means[best] - noise).sum())) / (1 + permutations)
    adjusted = of_all if len(columns) > 1 else _finding.sidak(p_value, trials)
    return PermutationTest(
        n=n,
        period=_finding.period_of(returns),
        trials=trials,
        verdict=_finding.verdict_of(adjusted, level, trials),
        assumptions=(
            "returns could have come in any order: no trend in volatility that the rule follows "
            "(one that enters after wild days passes too often)",
            "positions were known before the return they earn",
            "costs left out",
        )
        + (() if len(columns) > 1 or trials == 1 else (_finding.UNLIKE,)),
        mean=float(means[best]),
        p_value=p_value,
        p_value_adjusted=adjusted,
        best=columns[best] if len(columns) > 1 else None,
        permuted=permuted,
    )


# ----------------------------------------------------------------------------------- bootstrap


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BootstrapSharpe(Finding):
    """Result of `bootstrap_sharpe`.

    Attributes
    ----------
    sharpe : float
        Annual Sharpe ratio.
    low, high : float
        The interval around it, for a single attempt.
    confidence : float
        How often such an interval holds the true ratio.
    p_value, p_value_adjusted : float
        Share of resamples at or below zero; the same for the best of all trials.
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
            f"Sharpe ratio {self.sharpe:.2f} a year, {_finding.percent(self.confidence)} interval "
            f"{self.low:.2f} to {self.high:.2f}; {_finding.p_values(self)}"
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
        Rules and settings tried. The interval is that of one attempt; the p-value and the
        verdict take the trials into account.
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

    Returns
    -------
    BootstrapSharpe

    Raises
    ------
    ValueError, TypeError
        Returns missing, too few, or all the same; numbers out of range.

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
    trials = _check.whole("trials", trials, at_least=1)
    confidence = _check.number("confidence", confidence, above=0, below=1)
    level = _check.number("level", level, above=0, below=1)
    values = _finding.returns_of("returns", returns)
    scaled = values / np.abs(values).max()
    sums = np.column_stack([scaled, scaled**2])
    length = _block_length(block_length, len(values))
    means, squares = _resampled_means(sums, length, resamples, seed).T
    variance = (squares - means**2) * len(values) / (len(values) - 1)
    # All days alike: it happens where most are without a trade.
    still = variance <= _finding.NOISE * squares
    found = np.where(still, 0.0, means / np.sqrt(np.where(still, 1.0, variance)))
    found *= math.sqrt(record.periods_per_year)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    p_value = (1 + int((found <= 0).sum())) / (1 + len(found))
    adjusted = _finding.sidak(p_value, trials)
    return BootstrapSharpe(
        n=record.n,
        period=record.period,
        trials=trials,
        verdict=_finding.verdict_of(adjusted, level, trials),
        assumptions=(
            "the past is one draw of what can happen again, and what did not happen in it cannot",
            f"streaks are no longer than a few blocks of {length:.1f} periods",
        )
        + (() if trials == 1 else ("the interval is that of a single attempt", _finding.UNLIKE)),
        sharpe=record.sharpe,
        low=float(low),
        high=float(high),
        confidence=confidence,
        p_value=p_value,
        p_value_adjusted=adjusted,
        resampled=found,
        block_length=length,
    )


def _block_length(given, n: int) -> float:
    if given is None:
        return n ** (1 / 3)
    return _check.number("block_length", given, at_least=1, at_most=n)


def _resampled_means(table: np.ndarray, length: float, resamples, seed) -> np.ndarray:
    """Column means of each resample, one row for each."""
    resamples = _check.whole("resamples", resamples, at_least=99)
    rng = np.random.default_rng(_check.whole("seed", seed, at_least=0))
    from m2k_lessons._evidence_kernels import count_draws

    n = len(table)
    rows = max(1, _NUMBERS_AT_ONCE // n)
    means = np.empty((resamples, table.shape[1]))
    for at in range(0, resamples, rows):
        counts = np.empty((min(rows, resamples - at), n))
        count_draws(rng, 1 / length, counts)
        means[at : at + len(counts)] = counts @ table / n
    return means


# ------------------------------------------------------------------- reality check and SPA test


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RealityCheck(Finding):
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
            f"p = {_finding.shown_p(self.p_value_adjusted)}"
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

    Returns
    -------
    RealityCheck

    Raises
    ------
    ValueError, TypeError
        Returns missing or too few, trials that are not the number of columns, another index.

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
    excess, columns, period = _excess(returns, trials, benchmark)
    level = _check.number("level", level, above=0, below=1)
    length = _block_length(block_length, len(excess))
    root = math.sqrt(len(excess))
    centre = excess.mean(axis=0)
    apart = _resampled_means(excess - centre, length, resamples, seed)
    noise = _finding.NOISE * np.abs(excess).max()
    p_value = (1 + int((apart.max(axis=1) >= centre.max() - noise).sum())) / (1 + len(apart))
    return RealityCheck(
        n=len(excess),
        period=period,
        trials=len(columns),
        verdict=_finding.verdict_of(p_value, level, len(columns), *_NO_BETTER),
        assumptions=(
            "the columns are all that was tried",
            "no strategy is worse than the benchmark (losers make the test too strict)",
            f"streaks are no longer than a few blocks of {length:.1f} periods",
        ),
        name="Reality check",
        best=columns[int(np.argmax(centre))],
        statistic=float(root * centre.max()),
        p_value_adjusted=p_value,
        p_value_lower=p_value,
        p_value_upper=p_value,
        block_length=length,
    )


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

    Raises
    ------
    ValueError, TypeError
        As `reality_check`; a strategy that differs from the benchmark by the same in every row.

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
    excess, columns, period = _excess(returns, trials, benchmark)
    level = _check.number("level", level, above=0, below=1)
    n = len(excess)
    length = _block_length(block_length, n)
    centre = excess.mean(axis=0)
    steady = np.ptp(excess, axis=0) == 0
    if (steady & (excess[0] != 0)).any():
        raise ValueError(
            "returns must vary around the benchmark, got the same difference in every row"
            + _finding.of_column(columns, steady & (excess[0] != 0))
        )
    # A strategy that never traded is the benchmark: its statistic is 0 in every resample.
    deviation = np.where(steady, 1.0, np.sqrt(_long_run_variance(excess - centre, length)))
    standard = excess / deviation
    centre = standard.mean(axis=0)
    apart = _resampled_means(standard - centre, length, resamples, seed)
    statistic = max(float(centre.max()), 0.0)
    limit = -math.sqrt(2 * math.log(math.log(n)) / n)
    noise = _finding.NOISE * np.abs(standard).max()
    p_values = []
    for shift in (np.minimum(centre, 0), np.where(centre < limit, centre, 0), 0.0):
        found = np.maximum((apart + shift).max(axis=1), 0.0)
        p_values.append((1 + int((found >= statistic - noise).sum())) / (1 + len(apart)))
    lower, consistent, upper = p_values
    return RealityCheck(
        n=n,
        period=period,
        trials=len(columns),
        verdict=_finding.verdict_of(consistent, level, len(columns), *_NO_BETTER),
        assumptions=(
            "the columns are all that was tried",
            f"streaks are no longer than a few blocks of {length:.1f} periods",
        ),
        name="SPA test",
        best=columns[int(np.argmax(centre))],
        statistic=math.sqrt(n) * statistic,
        p_value_adjusted=consistent,
        p_value_lower=lower,
        p_value_upper=upper,
        block_length=length,
    )


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


def _excess(returns, trials, benchmark) -> tuple[np.ndarray, list, str]:
    table, columns = _finding.table_of("returns", returns, trials, one_for_many=False)
    if isinstance(benchmark, pd.Series):
        _finding.same_rows("benchmark", benchmark, "returns", returns)
        level = _finding.returns_of("benchmark", benchmark, may_be_constant=True)[:, None]
    else:
        level = _check.number("benchmark", benchmark)
    return table - level, columns, _finding.period_of(returns)


# -------------------------------------------------------------------------------- overfitting


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Overfitting(Finding):
    """Result of `probability_of_backtest_overfitting`.

    Attributes
    ----------
    probability : float
        Share of splits in which the best half-history strategy was no better than the median of
        all on the other half.
    loss_probability : float
        Share of splits in which it lost money there.
    splits : DataFrame
        One row per split: ``best`` (column), its annual Sharpe ratio ``in_sample`` and
        ``out_of_sample``, its ``rank`` there (1 is the worst) and the ``logit`` of
        `rank / (trials + 1)`.
    """

    probability: float
    loss_probability: float
    splits: pd.DataFrame

    def _headline(self) -> str:
        return (
            f"Probability of backtest overfitting {_finding.percent(self.probability)} "
            f"({len(self.splits):,} splits)"
        )


def probability_of_backtest_overfitting(
    returns, *, trials: int, blocks: int = 16, periods_per_year: float = 252
) -> Overfitting:
    """How often the best strategy of one half of a history disappoints on the other half.

    The history is cut into blocks; every choice of half of them is once the half to choose the
    best strategy on, by Sharpe ratio, and the rest is where it is judged.

    Parameters
    ----------
    returns : DataFrame or 2-D array
        A column for each strategy that was tried, winners and losers; at least two.
    trials : int
        How many that was: the number of columns.
    blocks : int
        An even number, 2 to 20; 16 make 12,870 splits. Rows that don't divide evenly make some
        blocks longer by one.
    periods_per_year : float

    Returns
    -------
    Overfitting

    Raises
    ------
    ValueError, TypeError
        As `reality_check`; an odd number of blocks, fewer than two rows in a block.

    Notes
    -----
    Bailey, Borwein, López de Prado and Zhu (2017), "The probability of backtest overfitting",
    Journal of Computational Finance 20 (combinatorially symmetric cross-validation). Equal
    strategies make it one half. A strategy without a single trade in a half has the ratio 0
    there; ties share the mean of their ranks, and of several best ones the first is chosen.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> returns = rng.normal(0, 0.01, (400, 10))
    >>> returns[:, 3] += 0.004
    >>> test = probability_of_backtest_overfitting(returns, trials=10, blocks=8)
    >>> len(test.splits), test.probability < 0.05
    (70, True)
    """
    table, columns = _finding.table_of("returns", returns, trials, one_for_many=False)
    if len(columns) < 2:
        raise ValueError("returns must have at least two strategies to choose from, got 1")
    blocks = _check.whole("blocks", blocks, at_least=2, at_most=20)
    if blocks % 2:
        raise ValueError(f"blocks must be an even number, got {blocks}")
    per_year = _check.number("periods_per_year", periods_per_year, above=0)
    if len(table) < 2 * blocks:
        raise ValueError(
            f"returns must have at least {2 * blocks} rows for {blocks} blocks, got {len(table)}"
        )
    scaled = table / np.maximum(np.abs(table).max(axis=0), np.finfo(float).tiny)
    pieces = np.array_split(scaled, blocks)
    sizes = np.array([len(piece) for piece in pieces], float)
    sums = np.array([piece.sum(axis=0) for piece in pieces])
    squares = np.array([(piece**2).sum(axis=0) for piece in pieces])
    chosen = np.zeros((math.comb(blocks, blocks // 2), blocks))
    halves = itertools.combinations(range(blocks), blocks // 2)
    for row, half in zip(chosen, halves, strict=True):
        row[list(half)] = 1.0
    found = []
    step = max(1, _SPLITS_AT_ONCE // len(columns))
    for at in range(0, len(chosen), step):
        part = chosen[at : at + step]
        inside, outside = (
            _sharpe_of_sums(half @ sizes, half @ sums, half @ squares) for half in (part, 1 - part)
        )
        best = inside.argmax(axis=1)
        rows = np.arange(len(part))
        judged = outside[rows, best]
        below = (outside < judged[:, None]).sum(axis=1)
        alike = (outside == judged[:, None]).sum(axis=1)
        found.append((best, inside[rows, best], judged, below + (alike + 1) / 2))
    best, inside, judged, rank = (np.concatenate(one) for one in zip(*found, strict=True))
    share = rank / (len(columns) + 1)
    annual = math.sqrt(per_year)
    splits = pd.DataFrame(
        {
            "best": pd.Index(columns)[best],
            "in_sample": inside * annual,
            "out_of_sample": judged * annual,
            "rank": rank,
            "logit": np.log(share / (1 - share)),
        },
        index=pd.RangeIndex(len(rank), name="split"),
    )
    probability = float((2 * rank <= len(columns) + 1).mean())
    lost = float((judged < 0).mean())
    if probability >= 0.5:
        meaning = "Choosing by backtest does no better than drawing lots here."
    elif probability > 0.1:
        meaning = "Choosing by backtest is not much better than drawing lots here."
    else:
        meaning = "Choosing by backtest finds something that lasts here."
    return Overfitting(
        n=len(table),
        period=_finding.period_of(returns),
        trials=len(columns),
        verdict=(
            f"In {_finding.percent(probability)} of splits the strategy that was best on one half "
            "of the history was no better than the median on the other half, and in "
            f"{_finding.percent(lost)} it lost money there. {meaning}"
        ),
        assumptions=(
            "the columns are all that was tried",
            "the strategies have no memory much longer than a block of "
            f"{len(table) // blocks:,} periods",
            "it judges the way of choosing, not the strategy chosen",
            "no plain losers among them (to choose one that beats losers is easy)",
        ),
        probability=probability,
        loss_probability=lost,
        splits=splits,
    )


def _sharpe_of_sums(count: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    count = count[:, None]
    mean = total / count
    variance = (squares - count * mean**2) / (count - 1)
    still = variance <= _finding.NOISE * squares / count
    return np.where(still, 0.0, mean / np.sqrt(np.where(still, 1.0, variance)))
