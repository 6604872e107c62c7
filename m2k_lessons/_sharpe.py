"""Sharpe ratios, and how far to trust them; public through `evidence`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import _check, _finding
from m2k_lessons._finding import Finding


@dataclass(frozen=True)
class TrackRecord:
    """What the Sharpe ratio's tests need to know of some returns.

    Attributes
    ----------
    sharpe : float
        Annual Sharpe ratio.
    n : int
        Returns, 2 or more.
    skew, kurtosis : float
        Of the returns: 0 and 3 for a normal distribution (the kurtosis is not the excess).
    periods_per_year : float
        Returns a year.
    period : str
        The time they are from.

    Examples
    --------
    >>> TrackRecord(sharpe=1.0, n=1260).years
    5.0
    """

    sharpe: float
    n: int
    skew: float = 0.0
    kurtosis: float = 3.0
    periods_per_year: float = 252
    period: str = ""

    def __post_init__(self) -> None:
        _check.number("sharpe", self.sharpe)
        _check.whole("n", self.n, at_least=2)
        _check.number("skew", self.skew)
        _check.number("kurtosis", self.kurtosis)
        _check.number("periods_per_year", self.periods_per_year, above=0)
        if self.kurtosis < (1 + self.skew**2) * (1 - _finding.NOISE):
            raise ValueError(
                f"kurtosis must be at least 1 + skew ** 2, as of any numbers, got {self.kurtosis!r}"
                f" with skew={self.skew!r}; an excess kurtosis is 3 less"
            )
        if not self.period:
            object.__setattr__(self, "period", f"{self.n:,} returns")

    @property
    def years(self) -> float:
        return self.n / self.periods_per_year

    @property
    def per_period(self) -> float:
        """Sharpe ratio of one period."""
        return self.sharpe / math.sqrt(self.periods_per_year)

    def _variance(self, sharpe: float) -> float:
        """Of the estimated ratio of a period, times n - 1 (Mertens 2002)."""
        return 1 - self.skew * sharpe + (self.kurtosis - 1) / 4 * sharpe**2


def track_record(returns, periods_per_year: float = 252) -> TrackRecord:
    """Sum up returns by their Sharpe ratio, skewness and kurtosis.

    Parameters
    ----------
    returns : Series or array
        One per period, at least 10.
    periods_per_year : float
        Above 0.

    Returns
    -------
    TrackRecord

    Raises
    ------
    ValueError, TypeError
        Returns missing, too few, or all the same.

    Examples
    --------
    >>> record = track_record(pd.Series([0.01, -0.01, 0.02, -0.01, 0.01] * 4), 252)
    >>> record.n, round(record.sharpe, 2), round(record.kurtosis, 2)
    (20, 5.16, 1.4)
    """
    per_year = _check.number("periods_per_year", periods_per_year, above=0)
    values = _finding.returns_of("returns", returns)
    apart = values - values.mean()
    variance = np.mean(apart**2)
    sharpe = values.mean() / values.std(ddof=1) * math.sqrt(per_year)
    return TrackRecord(
        float(sharpe),
        len(values),
        float(np.mean(apart**3) / variance**1.5),
        float(np.mean(apart**4) / variance**2),
        per_year,
        _finding.period_of(returns),
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ProbabilisticSharpe(Finding):
    """Result of `probabilistic_sharpe`.

    Attributes
    ----------
    record : TrackRecord
    benchmark : float
        Annual Sharpe ratio to beat.
    probability : float
        Chance of a lower estimate if the true ratio were the benchmark: 1 - p_value.
    p_value, p_value_adjusted : float
        For a single attempt; for the best of all trials.
    """

    record: TrackRecord
    benchmark: float
    probability: float
    p_value: float
    p_value_adjusted: float

    def _headline(self) -> str:
        return (
            f"Probabilistic Sharpe ratio {self.probability:.4f} against {self.benchmark:g} a year "
            f"(estimate {self.record.sharpe:.2f}); {_finding.p_values(self)}"
        )


def probabilistic_sharpe(
    returns, benchmark: float = 0.0, *, trials: int, periods_per_year: float = 252, level=0.05
) -> ProbabilisticSharpe:
    """How sure a Sharpe ratio is above a benchmark, given length, skewness and fat tails.

    Parameters
    ----------
    returns : Series, array or TrackRecord
    benchmark : float
        Annual Sharpe ratio.
    trials : int
        Rules and settings tried. The probability is that of one attempt; the adjusted p-value
        and the verdict take the trials into account.
    periods_per_year : float
        For returns; a TrackRecord has its own.
    level : float
        As in `permutation_test`.

    Returns
    -------
    ProbabilisticSharpe

    Raises
    ------
    ValueError, TypeError
        As `track_record`; numbers out of range.

    Notes
    -----
    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15.

    Examples
    --------
    >>> record = TrackRecord(sharpe=1.0, n=504)
    >>> round(probabilistic_sharpe(record, trials=1).probability, 3)
    0.921
    """
    record = _record(returns, periods_per_year)
    benchmark = _check.number("benchmark", benchmark)
    trials = _check.whole("trials", trials, at_least=1)
    level = _check.number("level", level, above=0, below=1)
    per_period = benchmark / math.sqrt(record.periods_per_year)
    probability, p_value = _above(record, per_period)
    adjusted = _finding.sidak(p_value, trials)
    true = f"with a true Sharpe ratio of {benchmark:g}"
    return ProbabilisticSharpe(
        n=record.n,
        period=record.period,
        trials=trials,
        verdict=_finding.verdict_of(adjusted, level, trials, f"rule {true}", f"rules {true}"),
        assumptions=(
            "returns independent of each other and all of one kind",
            "enough of them for their skewness and kurtosis to be known",
        )
        + (() if trials == 1 else (_finding.UNLIKE,)),
        record=record,
        benchmark=benchmark,
        probability=probability,
        p_value=p_value,
        p_value_adjusted=adjusted,
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class DeflatedSharpe(Finding):
    """Result of `deflated_sharpe`.

    Attributes
    ----------
    record : TrackRecord
    expected_best : float
        Annual Sharpe ratio that luck alone makes of the best trial.
    trial_variance : float
        Variance of the annual Sharpe ratios of all trials.
    probability : float
        The deflated Sharpe ratio: chance of a lower estimate if the true ratio were that.
    p_value_adjusted : float
        1 - probability.
    """

    record: TrackRecord
    expected_best: float
    trial_variance: float
    probability: float
    p_value_adjusted: float

    def _headline(self) -> str:
        return (
            f"Deflated Sharpe ratio {self.probability:.4f}: estimate {self.record.sharpe:.2f} a "
            f"year, luck's best of {self.trials:,} {self.expected_best:.2f}"
        )


def expected_best_sharpe(trials: int, trial_variance: float) -> float:
    """Annual Sharpe ratio to expect of the best of many worthless strategies.

    Parameters
    ----------
    trials : int
        1 or more.
    trial_variance : float
        Variance of their annual Sharpe ratios, 0 or more.

    Returns
    -------
    float
        0 for a single trial.

    Raises
    ------
    ValueError, TypeError
        Numbers out of range.

    Notes
    -----
    Bailey and López de Prado (2014), from the limit distribution of the largest of many normal
    numbers.

    Examples
    --------
    >>> round(expected_best_sharpe(100, 0.5), 2)
    1.79
    """
    trials = _check.whole("trials", trials, at_least=1)
    variance = _check.number("trial_variance", trial_variance, at_least=0)
    return math.sqrt(variance) * _expected_maximum(trials)


def deflated_sharpe(
    returns,
    *,
    trials,
    trial_variance: float | None = None,
    periods_per_year: float = 252,
    level: float = 0.05,
) -> DeflatedSharpe:
    """How sure the best of many trials is better than luck alone makes the best of as many.

    Parameters
    ----------
    returns : Series, array or TrackRecord
        Of the trial that was chosen.
    trials : int or Series
        How many there were; or the annual Sharpe ratio of every one of them, the chosen one too.
        Every trial of a search counts, whatever its method.
    trial_variance : float, optional
        Variance of the annual Sharpe ratios of all trials, where `trials` is their number.
    periods_per_year, level
        As in `probabilistic_sharpe`.

    Returns
    -------
    DeflatedSharpe

    Raises
    ------
    ValueError, TypeError
        As `probabilistic_sharpe`; a number of trials without their variance.

    Notes
    -----
    Bailey and López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio
    Management 40.

    Examples
    --------
    >>> record = TrackRecord(2.5, n=1250, skew=-3, kurtosis=10, periods_per_year=250)
    >>> round(deflated_sharpe(record, trials=100, trial_variance=0.5).probability, 4)
    0.9004
    >>> round(deflated_sharpe(record, trials=46, trial_variance=0.5).probability, 4)
    0.9505
    """
    record = _record(returns, periods_per_year)
    level = _check.number("level", level, above=0, below=1)
    count, variance = _trials_and_variance(trials, trial_variance)
    expected = expected_best_sharpe(count, variance)
    probability, p_value = _above(record, expected / math.sqrt(record.periods_per_year))
    told = _finding.tried(count)
    if p_value <= level:
        verdict = (
            f"More than luck: after {told}, luck alone would make the best look like a Sharpe "
            f"ratio of {expected:.2f}, and {record.sharpe:.2f} is above that beyond a doubt of "
            f"{_finding.percent(level)}."
        )
    else:
        verdict = (
            f"Not shown: after {told}, luck alone makes the best look like a Sharpe ratio of "
            f"{expected:.2f}, and {record.sharpe:.2f} over {record.years:.1f} years is not "
            "clearly above that."
        )
    return DeflatedSharpe(
        n=record.n,
        period=record.period,
        trials=count,
        verdict=verdict,
        assumptions=(
            "every trial is counted",
            "trials that have nothing to do with each other (many that resemble each other count "
            "as fewer, and the test is too strict)",
            "no plain losers among them (they widen what passes for luck, and the test is too "
            "strict)",
            "returns independent of each other and all of one kind",
        ),
        record=record,
        expected_best=expected,
        trial_variance=variance,
        probability=probability,
        p_value_adjusted=p_value,
    )


def _trials_and_variance(trials, variance) -> tuple[int, float]:
    if not isinstance(trials, (pd.Series, np.ndarray)):
        count = _check.whole("trials", trials, at_least=1)
        if count == 1 and variance is None:
            return 1, 0.0
        if variance is None:
            raise TypeError(
                "trial_variance must be given beside a number of trials, got None; or give "
                "trials= the Sharpe ratios of all of them"
            )
        return count, _check.number("trial_variance", variance, at_least=0)
    if variance is not None:
        raise TypeError(
            "trial_variance must be left out where trials= are the Sharpe ratios themselves, got "
            f"{variance!r}"
        )
    values = _finding.returns_of("trials", trials, at_least=2, may_be_constant=True)
    return len(values), float(values.var(ddof=1))


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class TrackRecordLength(Finding):
    """Result of `minimum_track_record`.

    Attributes
    ----------
    record : TrackRecord
    benchmark, confidence : float
        As given.
    returns_needed : float
        How many returns it takes; infinite if the estimate is not above the benchmark.
    years : float
        The same in years.
    """

    record: TrackRecord
    benchmark: float
    confidence: float
    returns_needed: float
    years: float

    def _headline(self) -> str:
        needed = f"{self.years:.2f} years" if math.isfinite(self.years) else "no length is enough"
        return (
            f"Minimum track record: {needed} for a Sharpe ratio of {self.record.sharpe:.2f} "
            f"against {self.benchmark:g}"
        )


def minimum_track_record(
    returns,
    benchmark: float = 0.0,
    *,
    trials: int,
    confidence: float = 0.95,
    periods_per_year: float = 252,
) -> TrackRecordLength:
    """How long a record must be for its Sharpe ratio to be surely above a benchmark.

    Parameters
    ----------
    returns : Series, array or TrackRecord
    benchmark : float
        Annual Sharpe ratio.
    trials : int
        Rules and settings tried; with more than one, each is held to
        `confidence ** (1 / trials)`.
    confidence : float
        Above 0.5, below 1.
    periods_per_year : float
        As in `probabilistic_sharpe`.

    Returns
    -------
    TrackRecordLength

    Raises
    ------
    ValueError, TypeError
        As `probabilistic_sharpe`.

    Notes
    -----
    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier".

    Examples
    --------
    >>> daily = TrackRecord(sharpe=2.0, n=1000, periods_per_year=252)
    >>> round(minimum_track_record(daily, benchmark=1.0, trials=1).years, 2)
    2.73
    """
    record = _record(returns, periods_per_year)
    benchmark = _check.number("benchmark", benchmark)
    trials = _check.whole("trials", trials, at_least=1)
    confidence = _check.number("confidence", confidence, above=0.5, below=1)
    sharpe = record.per_period
    gap = sharpe - benchmark / math.sqrt(record.periods_per_year)
    needed = math.inf
    if gap > 0:
        # expm1 and log keep their digits where confidence ** (1 / trials) is close to 1.
        doubt = -math.expm1(math.log(confidence) / trials)
        needed = 1 + record._variance(sharpe) * (_normal_quantile_above(doubt) / gap) ** 2
    years = needed / record.periods_per_year
    if not math.isfinite(needed):
        verdict = (
            f"Never: {record.sharpe:.2f} is not above {benchmark:g}, and more of the same does "
            "not change that."
        )
    elif record.n >= needed:
        verdict = f"Long enough: there are {record.years:.2f} years, {years:.2f} are needed."
    else:
        verdict = f"Too short: there are {record.years:.2f} years, {years:.2f} are needed."
    return TrackRecordLength(
        n=record.n,
        period=record.period,
        trials=trials,
        verdict=verdict,
        assumptions=(
            f"the true Sharpe ratio is the estimate, {record.sharpe:.2f}",
            "returns independent of each other and all of one kind",
        ),
        record=record,
        benchmark=benchmark,
        confidence=confidence,
        returns_needed=needed,
        years=years,
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BacktestLength(Finding):
    """Result of `minimum_backtest_length`.

    Attributes
    ----------
    sharpe : float
        Annual Sharpe ratio that luck is expected to reach.
    years : float
        Below this, it reaches more.
    """

    sharpe: float
    years: float

    def _headline(self) -> str:
        return f"Minimum backtest length: {self.years:.1f} years for {_finding.tried(self.trials)}"

    def __str__(self) -> str:
        assumed = "; ".join(self.assumptions)
        return f"{self._headline()}\n{self.verdict}\nAssumed: {assumed}."


def minimum_backtest_length(trials: int, sharpe: float = 1.0) -> BacktestLength:
    """How many years keep luck's best trial below a Sharpe ratio, on average.

    Parameters
    ----------
    trials : int
        Rules and settings to be tried.
    sharpe : float
        Annual, above 0.

    Returns
    -------
    BacktestLength

    Raises
    ------
    ValueError, TypeError
        Numbers out of range.

    Notes
    -----
    Bailey, Borwein, López de Prado and Zhu (2014), "Pseudo-mathematics and financial
    charlatanism", Notices of the AMS 61.

    Examples
    --------
    >>> round(minimum_backtest_length(45).years, 1)
    5.0
    """
    trials = _check.whole("trials", trials, at_least=1)
    sharpe = _check.number("sharpe", sharpe, above=0)
    years = (_expected_maximum(trials) / sharpe) ** 2
    return BacktestLength(
        n=0,
        period="no returns",
        trials=trials,
        verdict=(
            f"With less than {years:.1f} years of prices, the best of "
            f"{_finding.tried(trials)} is expected to show a Sharpe ratio above {sharpe:g} "
            "although all of them are worthless."
        ),
        assumptions=("trials that have nothing to do with each other", "all of them worthless"),
        sharpe=sharpe,
        years=years,
    )


def _record(returns, periods_per_year) -> TrackRecord:
    return returns if isinstance(returns, TrackRecord) else track_record(returns, periods_per_year)


def _above(record: TrackRecord, benchmark: float) -> tuple[float, float]:
    """Chance of a lower estimate if the true ratio of a period were this; and what is left."""
    from scipy.special import ndtr

    variance = record._variance(record.per_period)
    if variance <= 0:
        raise ValueError(
            "returns must leave their Sharpe ratio in some doubt, got a skewness and kurtosis "
            f"({record.skew:.4g} and {record.kurtosis:.4g}) of two values only"
        )
    score = (record.per_period - benchmark) * math.sqrt((record.n - 1) / variance)
    return float(ndtr(score)), float(ndtr(-score))


def _normal_quantile_above(share: float) -> float:
    """The number that a normal one exceeds with this chance."""
    from scipy.special import ndtri

    return float(-ndtri(share))


def _expected_maximum(trials: int) -> float:
    if trials == 1:
        return 0.0
    near, far = _normal_quantile_above(1 / trials), _normal_quantile_above(1 / (trials * math.e))
    return (1 - np.euler_gamma) * near + np.euler_gamma * far
