"""Monthly economic releases, what was expected of them, and what the price did."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.simulate import release_days
from m2k_lessons.simulate.intraday import minute_model, response_noise_pct
from m2k_lessons.simulate.market import Market
from m2k_lessons.simulate.release_days import RELEASES, RESPONSE_MINUTES, ReleaseTruth


@dataclass(frozen=True)
class MacroTruth:
    """The parameters of one draw of `macro`.

    Attributes
    ----------
    months, seed : int
    response_minutes : int
        Over which the price's response is measured.
    releases : tuple of ReleaseTruth
        The kinds of release, each with the response to a surprise of +1, in %.
    noise_pct : tuple of float
        For each kind, the standard deviation of the small caps' move that has nothing to do with
        the surprise, in %.
    relative_noise : float
        The large caps' noise over the small caps'.
    noise_correlation : float
        Of the small caps' noise with the large caps'.
    """

    months: int
    seed: int
    response_minutes: int
    releases: tuple[ReleaseTruth, ...]
    noise_pct: tuple[float, ...]
    relative_noise: float
    noise_correlation: float


def macro(months: int, seed: int) -> Market:
    """Draw economic releases with consensus, surprise and the price's response.

    Employment, CPI and retail sales come once a month at 08:30 New York time, the rate decision
    eight times a year at 14:00. The consensus is the mean of what the figure can be, so a
    surprise can't be foreseen, not from earlier surprises either.

    Parameters
    ----------
    months : int
        From January 2030 on, 1 to 132.
    seed : int
        Of the random generator, at least 0.

    Returns
    -------
    Market
        "releases", one row for each release, index the instant of the release:

        - release: "employment", "CPI", "retail sales", "rate decision".
        - reference_period: the month that the figure is about, such as "2029-12".
        - previous, consensus, actual: thousand jobs added; % a month, twice; target rate in %
          (its consensus is what futures imply, so it lies between two possible rates).
        - surprise: (actual - consensus) / the kind's `surprise_scale`.
        - small_cap_pct, large_cap_pct: log return over the following 30 minutes, in %:
          coefficient * surprise + noise.

        `truth` is a `MacroTruth`.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Notes
    -----
    The dates follow rules, for instance employment on the first Friday; real calendars are
    published by the agencies and depart from any rule. `release_windows` draws the minutes
    around the same releases. The coefficients are invented; their signs are the usual ones.

    Examples
    --------
    >>> releases = macro(months=12, seed=4)["releases"]
    >>> len(releases), str(releases.index[0])
    (44, '2030-01-04 08:30:00-05:00')
    """
    months = checks.whole("months", months, at_least=1, at_most=132)
    seed = checks.whole("seed", seed, at_least=0)
    release_rng, price_rng = np.random.default_rng(seed).spawn(2)
    scheduled = release_days.release_times(release_days.FIRST_MONTH, months)
    releases = release_days.draw_releases(release_rng, scheduled)

    prices = minute_model()
    truth = MacroTruth(
        months=months,
        seed=seed,
        response_minutes=RESPONSE_MINUTES,
        releases=RELEASES,
        noise_pct=tuple(round(response_noise_pct(one), 4) for one in RELEASES),
        relative_noise=prices.relative_volatility,
        noise_correlation=round(prices.correlation_over(RESPONSE_MINUTES), 4),
    )
    kinds = {one.name: (one, noise) for one, noise in zip(RELEASES, truth.noise_pct, strict=True)}
    noise = price_rng.standard_normal((2, len(releases)))
    rest = math.sqrt(1 - truth.noise_correlation**2)
    noise[1] = truth.relative_noise * (truth.noise_correlation * noise[0] + rest * noise[1])
    noise *= [kinds[name][1] for name in releases["release"]]
    for row, column in enumerate(("small_cap_pct", "large_cap_pct")):
        response = np.array([getattr(kinds[name][0], column) for name in releases["release"]])
        releases[column] = np.round(response * releases["surprise"] + noise[row], 4) + 0.0
    return Market({"releases": releases}, truth)
