"""The probability that the best of a backtest is below average afterwards."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.evidence.result import NOISE, TestResult, percent, period_of, table_of

_SPLITS_AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Overfitting(TestResult):
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
            f"Probability of backtest overfitting {percent(self.probability)} "
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
        An even number, 2 to 20, of at least two rows each; 16 make 12,870 splits. Rows that don't
        divide evenly make some blocks longer by one.
    periods_per_year : float

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
    table, columns = table_of("returns", returns, trials, one_for_many=False)
    if len(columns) < 2:
        raise ValueError("returns must have at least two strategies to choose from, got 1")
    blocks = checks.whole("blocks", blocks, at_least=2, at_most=20)
    if blocks % 2:
        raise ValueError(f"blocks must be an even number, got {blocks}")
    per_year = checks.number("periods_per_year", periods_per_year, above=0)
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
    best, inside, judged, rank = map(np.concatenate, zip(*found, strict=True))
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
    meaning = "finds something that lasts"
    if probability > 0.1:
        better = "does no better" if probability >= 0.5 else "is not much better"
        meaning = f"{better} than drawing lots"
    return Overfitting(
        n=len(table),
        period=period_of(returns),
        trials=len(columns),
        summary=(
            f"In {percent(probability)} of splits the strategy that was best on one half "
            "of the history was no better than the median on the other half, and in "
            f"{percent(lost)} it lost money there. Choosing by backtest {meaning} here."
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
    still = variance <= NOISE * squares / count
    return np.where(still, 0.0, mean / np.sqrt(np.where(still, 1.0, variance)))
