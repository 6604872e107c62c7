"""How many years a Sharpe ratio needs: minimum track record and minimum backtest length."""

from __future__ import annotations

import math
from dataclasses import dataclass

from m2k_lessons._util import checks
from m2k_lessons.evidence.result import TestResult, tried
from m2k_lessons.evidence.sharpe import (
    TrackRecord,
    expected_maximum,
    normal_quantile_above,
    record_of,
)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class TrackRecordLength(TestResult):
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

    Notes
    -----
    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier".

    Examples
    --------
    >>> daily = TrackRecord(sharpe=2.0, n=1000, periods_per_year=252)
    >>> round(minimum_track_record(daily, benchmark=1.0, trials=1).years, 2)
    2.73
    """
    record = record_of(returns, periods_per_year)
    benchmark = checks.number("benchmark", benchmark)
    trials = checks.whole("trials", trials, at_least=1)
    confidence = checks.number("confidence", confidence, above=0.5, below=1)
    sharpe = record.per_period
    gap = sharpe - benchmark / math.sqrt(record.periods_per_year)
    needed = math.inf
    if gap > 0:
        # expm1 and log keep their digits where confidence ** (1 / trials) is close to 1.
        doubt = -math.expm1(math.log(confidence) / trials)
        needed = 1 + record._variance(sharpe) * (normal_quantile_above(doubt) / gap) ** 2
    years = needed / record.periods_per_year
    enough = "Long enough" if record.n >= needed else "Too short"
    summary = f"{enough}: there are {record.years:.2f} years, {years:.2f} are needed."
    if not math.isfinite(needed):
        summary = (
            f"Never: {record.sharpe:.2f} is not above {benchmark:g}, and more of the same does "
            "not change that."
        )
    return TrackRecordLength(
        n=record.n,
        period=record.period,
        trials=trials,
        summary=summary,
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
class BacktestLength(TestResult):
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
        return f"Minimum backtest length: {self.years:.1f} years for {tried(self.trials)}"

    def __str__(self) -> str:
        assumed = "; ".join(self.assumptions)
        return f"{self._headline()}\n{self.summary}\nAssumed: {assumed}."


def minimum_backtest_length(trials: int, sharpe: float = 1.0) -> BacktestLength:
    """How many years keep luck's best trial below a Sharpe ratio, on average.

    Parameters
    ----------
    trials : int
        Rules and settings to be tried.
    sharpe : float
        Annual, above 0.

    Notes
    -----
    Bailey, Borwein, López de Prado and Zhu (2014), "Pseudo-mathematics and financial
    charlatanism", Notices of the AMS 61.

    Examples
    --------
    >>> round(minimum_backtest_length(45).years, 1)
    5.0
    """
    trials = checks.whole("trials", trials, at_least=1)
    sharpe = checks.number("sharpe", sharpe, above=0)
    years = (expected_maximum(trials) / sharpe) ** 2
    return BacktestLength(
        n=0,
        period="no returns",
        trials=trials,
        summary=(
            f"With less than {years:.1f} years of prices, the best of "
            f"{tried(trials)} is expected to show a Sharpe ratio above {sharpe:g} "
            "although all of them are worthless."
        ),
        assumptions=("trials that have nothing to do with each other", "all of them worthless"),
        sharpe=sharpe,
        years=years,
    )
