"""How much to risk for growth: the Kelly criterion, and what less or more of it does."""

from __future__ import annotations

import math

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.risk.arguments import like, sample_of

# A probability that was added up from floats.
_PROBABILITY_NOISE = 1e-9


def kelly_fraction(win_probability: float, odds: float) -> float:
    """Share of the account to put at risk on a bet that loses its whole stake or wins `odds` of it.

    `(b * p - q) / b` (Kelly 1956, "A new interpretation of information rate"). The fraction is
    what the bet can **lose**: neither market value nor margin. It holds for independent bets
    with a known probability.

    Parameters
    ----------
    win_probability : float
        0 to 1.
    odds : float
        Won for each dollar at risk, above 0.

    Returns
    -------
    float
        0.0 where there is no edge, which means no bet.

    Examples
    --------
    >>> round(kelly_fraction(0.6, odds=1), 4)
    0.2
    >>> kelly_fraction(0.4, odds=1)
    0.0
    """
    return kelly_win_loss(win_probability, checks.number("odds", odds, above=0), 1.0)


def kelly_win_loss(win_probability: float, win: float, loss: float) -> float:
    """Kelly fraction of a bet that wins or loses different shares of the stake.

    `p / loss - q / win` (Thorp 2006, "The Kelly criterion in blackjack, sports betting, and the
    stock market").

    Parameters
    ----------
    win_probability : float
        0 to 1.
    win, loss : float
        Won or lost for each dollar staked, both above 0: 0.05 and 0.03 for 5 % and 3 %.

    Returns
    -------
    float
        Stake over account value; above 1 where the loss is small, which means borrowed money
        or futures. 0.0 where there is no edge, which means no bet.

    Examples
    --------
    >>> round(kelly_win_loss(0.5, win=0.25, loss=0.20), 4)
    0.5
    """
    p = checks.number("win_probability", win_probability, at_least=0, at_most=1)
    win = checks.number("win", win, above=0)
    loss = checks.number("loss", loss, above=0)
    return max(p / loss - (1.0 - p) / win, 0.0)


def kelly_continuous(mean: float, variance: float) -> float:
    """Leverage with the highest growth when returns are small and many: `mean / variance`.

    Merton (1969); Thorp (2006).

    Parameters
    ----------
    mean : float
        Mean return per period in excess of the risk-free rate, simple and not logarithmic. A
        future's return is an excess return already.
    variance : float
        Of the return over the same period, above 0.

    Returns
    -------
    float
        Market value over account value. 0.0 where the mean is not above 0, which means no
        long position; for a short one, give the mean with its sign changed.

    Examples
    --------
    >>> round(kelly_continuous(0.1123 - 0.04, 0.1691**2), 3)
    2.528
    """
    mean = checks.number("mean", mean)
    return max(mean / checks.number("variance", variance, above=0), 0.0)


def growth_rate(fraction, payoffs, probabilities=None):
    """Expected logarithmic growth of the account per bet, `sum(p * log(1 + fraction * payoff))`.

    Parameters
    ----------
    fraction : float, Series or array
        Stake over account value.
    payoffs : Series or array
        Won (positive) or lost (negative) for each dollar staked: R multiples, for one.
    probabilities : Series or array, optional
        Of each payoff, summing to 1. Default: all the same, for past trades.

    Returns
    -------
    float, Series or array
        Like `fraction`. -inf where one outcome takes everything.

    Examples
    --------
    >>> round(growth_rate(0.2, [1, -1], [0.6, 0.4]), 7)
    0.0201355
    """
    values, chances = _distribution(payoffs, probabilities)
    values, chances = values[chances > 0], chances[chances > 0]

    def growth(stake: float) -> float:
        if np.min(stake * values) <= -1.0:
            return -math.inf
        return float(chances @ np.log1p(stake * values))

    if np.ndim(fraction) == 0:
        return growth(checks.number("fraction", fraction))
    stakes = sample_of("fraction", fraction)
    return like(fraction, np.array([growth(stake) for stake in stakes]))


def relative_growth(multiple: float) -> float:
    """Growth at a multiple of the Kelly fraction, as a share of the growth at Kelly itself.

    `2 * c - c**2` in continuous time, without interest: half Kelly keeps three quarters; twice
    Kelly grows nothing, and more shrinks (MacLean, Thorp and Ziemba 2010).

    >>> relative_growth(0.5), relative_growth(2.0)
    (0.75, 0.0)
    """
    c = checks.number("multiple", multiple, at_least=0)
    return c * (2.0 - c)


def drawdown_probability(to: float, multiple: float) -> float:
    """Probability that an account ever falls to a share of its start, at a multiple of Kelly.

    `to ** (2 / multiple - 1)` in continuous time, with a known edge (Thorp 2006).

    Parameters
    ----------
    to : float
        Share of the first account value, above 0 and at most 1: 0.5 for halving.
    multiple : float
        Of the Kelly fraction, 0 or more.

    Returns
    -------
    float
        1.0 at twice Kelly and beyond. 0.0 without a bet, unless `to` is 1.

    Examples
    --------
    >>> drawdown_probability(0.5, multiple=1.0), drawdown_probability(0.5, multiple=0.5)
    (0.5, 0.125)
    """
    level = checks.number("to", to, above=0, at_most=1)
    c = checks.number("multiple", multiple, at_least=0)
    if level == 1.0 or c >= 2.0:
        return 1.0
    return level ** (2.0 / c - 1.0) if c > 0 else 0.0


def _distribution(payoffs, probabilities) -> tuple[np.ndarray, np.ndarray]:
    values = sample_of("payoffs", payoffs)
    if probabilities is None:
        return values, np.full(len(values), 1.0 / len(values))
    chances = sample_of("probabilities", probabilities)
    if len(chances) != len(values):
        raise ValueError(f"probabilities must have {len(values)} values, got {len(chances)}")
    if np.any(chances < 0):
        raise ValueError(f"probabilities must be 0 or more, got {float(chances.min())!r}")
    if abs(chances.sum() - 1.0) > _PROBABILITY_NOISE:
        raise ValueError(f"probabilities must sum to 1, got {float(chances.sum())!r}")
    return values, chances
