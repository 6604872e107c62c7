"""The permutation test: would the positions have earned as much on shuffled days?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons._util.jit import is_compiled
from m2k_lessons.evidence.bootstrap import NUMBERS_AT_ONCE
from m2k_lessons.evidence.result import (
    NOISE,
    UNLIKE,
    TestResult,
    of_column,
    p_values,
    period_of,
    returns_of,
    same_rows,
    sidak,
    summary_of,
    table_of,
)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PermutationTest(TestResult):
    """Result of `permutation_test`.

    Attributes
    ----------
    mean : float
        Return per period of the (best) rule on the detrended market.
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
        return f"Permutation test: {p_values(self)}"


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
        Share of worthless rules that may pass, for the summary.

    Notes
    -----
    Aronson, "Evidence-Based Technical Analysis" (2006), chapter 6 (Monte Carlo permutation);
    with columns, each shuffle is used for all rules and the best mean is kept. Costs are left
    out. The p-value counts the original order as one more permutation. It is exact for positions
    that owe nothing to these returns; a rule that decides by them leans a little, and one that
    enters after wild days passes too often: `benchmarks/evidence_size.md` has the numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> returns = pd.Series(rng.normal(0, 0.01, 500))
    >>> position = pd.Series(rng.choice([-1.0, 1.0], 500))
    >>> test = permutation_test(position, returns, trials=20, permutations=999)
    >>> test.p_value_adjusted > test.p_value
    True
    """
    market = returns_of("returns", returns)
    held, columns = table_of("position", position, trials)
    trials = checks.whole("trials", trials, at_least=1)
    same_rows(position=position, returns=returns)
    still = np.ptp(held, axis=0) == 0
    if still.any():
        raise ValueError(
            "position must change at least once, got the same in every row"
            + of_column(columns, still)
        )
    permutations = checks.whole("permutations", permutations, at_least=99)
    level = checks.number("level", level, above=0, below=1)
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    from m2k_lessons.evidence.kernels import shuffle_rows

    if not is_compiled(shuffle_rows):
        from m2k_lessons.evidence.plain import shuffle_rows
    n = len(market)
    detrended = market - market.mean()
    means = detrended @ held / n
    best = int(np.argmax(means))
    permuted = np.empty(permutations)
    own = 0
    rows = max(1, NUMBERS_AT_ONCE // n)
    noise = NOISE * np.abs(detrended).max() * np.abs(held).max()
    for at in range(0, permutations, rows):
        block = np.empty((min(rows, permutations - at), n))
        shuffle_rows(detrended, rng, block)
        found = block @ held / n
        permuted[at : at + len(block)] = found.max(axis=1)
        own += int((found[:, best] >= means[best] - noise).sum())
    p_value = (1 + own) / (1 + permutations)
    of_all = (1 + int((permuted >= means[best] - noise).sum())) / (1 + permutations)
    adjusted = of_all if len(columns) > 1 else sidak(p_value, trials)
    return PermutationTest(
        n=n,
        period=period_of(returns),
        trials=trials,
        summary=summary_of(adjusted, level, trials),
        assumptions=(
            "returns could have come in any order: no trend in volatility that the rule follows "
            "(one that enters after wild days passes too often)",
            "positions were known before the return they earn",
            "costs left out",
        )
        + (() if len(columns) > 1 or trials == 1 else (UNLIKE,)),
        mean=float(means[best]),
        p_value=p_value,
        p_value_adjusted=adjusted,
        best=columns[best] if len(columns) > 1 else None,
        permuted=permuted,
    )
