"""Sharpe ratios of a track record: probabilistic, deflated, and the best that luck makes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.evidence.result import (
    NOISE,
    UNLIKE,
    TestResult,
    p_values,
    percent,
    period_of,
    returns_of,
    sidak,
    summary_of,
    tried,
)


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
        checks.number("sharpe", self.sharpe)
        checks.whole("n", self.n, at_least=2)
        checks.number("skew", self.skew)
        checks.number("kurtosis", self.kurtosis)
        checks.number("periods_per_year", self.periods_per_year, above=0)
        if self.kurtosis < (1 + self.skew**2) * (1 - NOISE):
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

    @property
    def standard_error(self) -> float:
        """Of the annual Sharpe ratio: about one over the root of the years (Mertens 2002)."""
        variance = self._variance(self.per_period) / (self.n - 1)
        return math.sqrt(variance * self.periods_per_year)

    def _variance(self, sharpe: float) -> float:
        """Of the estimated ratio of a period, times n - 1."""
        return 1 - self.skew * sharpe + (self.kurtosis - 1) / 4 * sharpe**2


def track_record(returns, periods_per_year: float = 252) -> TrackRecord:
    """Sum up returns by their Sharpe ratio, skewness and kurtosis.

    Parameters
    ----------
    returns : Series or array
        One per period, at least 10.
    periods_per_year : float
        Above 0.

    Examples
    --------
    >>> record = track_record(pd.Series([0.01, -0.01, 0.02, -0.01, 0.01] * 4), 252)
    >>> record.n, round(record.sharpe, 2), round(record.kurtosis, 2)
    (20, 5.16, 1.4)
    """
    per_year = checks.number("periods_per_year", periods_per_year, above=0)
    values = returns_of("returns", returns)
    apart = values - values.mean()
    variance = np.mean(apart**2)
    sharpe = values.mean() / values.std(ddof=1) * math.sqrt(per_year)
    return TrackRecord(
        float(sharpe),
        len(values),
        float(np.mean(apart**3) / variance**1.5),
        float(np.mean(apart**4) / variance**2),
        per_year,
        period_of(returns),
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ProbabilisticSharpe(TestResult):
    """Result of `probabilistic_sharpe`.

    Attributes
    ----------
    record : TrackRecord
    benchmark : float
        Annual Sharpe ratio to beat.
    probability : float
        Chance of a lower estimate if the true ratio were the benchmark: 1 - p_value.
    """

    record: TrackRecord
    benchmark: float
    probability: float
    p_value: float
    p_value_adjusted: float

    def _headline(self) -> str:
        return (
            f"Probabilistic Sharpe ratio {self.probability:.4f} against {self.benchmark:g} a year "
            f"(estimate {self.record.sharpe:.2f}); {p_values(self)}"
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
        and the summary take the trials into account.
    periods_per_year : float
        For returns; a TrackRecord has its own.
    level : float
        As in `permutation_test`.

    Notes
    -----
    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15.

    Examples
    --------
    >>> record = TrackRecord(sharpe=1.0, n=504)
    >>> round(probabilistic_sharpe(record, trials=1).probability, 3)
    0.921
    """
    record = record_of(returns, periods_per_year)
    benchmark = checks.number("benchmark", benchmark)
    trials = checks.whole("trials", trials, at_least=1)
    level = checks.number("level", level, above=0, below=1)
    per_period = benchmark / math.sqrt(record.periods_per_year)
    probability, p_value = _above(record, per_period)
    adjusted = sidak(p_value, trials)
    return ProbabilisticSharpe(
        n=record.n,
        period=record.period,
        trials=trials,
        summary=summary_of(
            adjusted, level, trials, f"{{}} with a true Sharpe ratio of {benchmark:g}"
        ),
        assumptions=(
            "returns independent of each other and all of one kind",
            "enough of them for their skewness and kurtosis to be known",
        )
        + (() if trials == 1 else (UNLIKE,)),
        record=record,
        benchmark=benchmark,
        probability=probability,
        p_value=p_value,
        p_value_adjusted=adjusted,
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class DeflatedSharpe(TestResult):
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

    Notes
    -----
    Bailey and López de Prado (2014), from the limit distribution of the largest of many normal
    numbers.

    Examples
    --------
    >>> round(expected_best_sharpe(100, 0.5), 2)
    1.79
    """
    trials = checks.whole("trials", trials, at_least=1)
    variance = checks.number("trial_variance", trial_variance, at_least=0)
    return math.sqrt(variance) * expected_maximum(trials)


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
    record = record_of(returns, periods_per_year)
    level = checks.number("level", level, above=0, below=1)
    count, variance = _trials_and_variance(trials, trial_variance)
    expected = expected_best_sharpe(count, variance)
    probability, p_value = _above(record, expected / math.sqrt(record.periods_per_year))
    if p_value <= level:
        shown, makes = "More than luck", "would make"
        outcome = f"is above that beyond a doubt of {percent(level)}"
    else:
        shown, makes = "Not shown", "makes"
        outcome = f"over {record.years:.1f} years is not clearly above that"
    return DeflatedSharpe(
        n=record.n,
        period=record.period,
        trials=count,
        summary=(
            f"{shown}: after {tried(count)}, luck alone {makes} the best look like a Sharpe ratio "
            f"of {expected:.2f}, and {record.sharpe:.2f} {outcome}."
        ),
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
        count = checks.whole("trials", trials, at_least=1)
        if count == 1 and variance is None:
            return 1, 0.0
        if variance is None:
            raise TypeError(
                "trial_variance must be given beside a number of trials, got None; or give "
                "trials= the Sharpe ratios of all of them"
            )
        return count, checks.number("trial_variance", variance, at_least=0)
    if variance is not None:
        raise TypeError(
            "trial_variance must be left out where trials= are the Sharpe ratios themselves, got "
            f"{variance!r}"
        )
    values = returns_of("trials", trials, at_least=2, may_be_constant=True)
    return len(values), float(values.var(ddof=1))


def record_of(returns, periods_per_year) -> TrackRecord:
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


def normal_quantile_above(share: float) -> float:
    """The number that a normal one exceeds with this chance."""
    from scipy.special import ndtri

    return float(-ndtri(share))


def expected_maximum(trials: int) -> float:
    if trials == 1:
        return 0.0
    near, far = normal_quantile_above(1 / trials), normal_quantile_above(1 / (trials * math.e))
    return (1 - np.euler_gamma) * near + np.euler_gamma * far
