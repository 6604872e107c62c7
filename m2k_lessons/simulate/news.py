"""News that no calendar announces, and the drift before rate decisions: simulated, labelled so.

`news_day` lays one piece of news over two ordinary sessions of `intraday`. `pre_decision_drift`
draws the day before rate decisions in an era with a drift and in one without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.sessions import NEW_YORK
from m2k_lessons.simulate.intraday import intraday
from m2k_lessons.simulate.market import Market

# Two normal sessions without a release in the simulated calendar; the news falls on the second.
_FIRST_DAY, _DAY = "2030-02-20", "2030-02-21"


@dataclass(frozen=True)
class NewsTruth:
    """One kind of unscheduled news and what it does to prices. All of it is invented.

    Attributes
    ----------
    kind, headline : str
    clock : str
        New York time at which it is known. "17:30" is in the break of the evening before the
        second session, so that trading opens on it at 18:00.
    mean_pct, deviation_pct : float
        M2K's response is drawn from a normal distribution with this mean and standard deviation,
        in % of log price: what is called good news can fall.
    large_cap_share : float
        MES's response over M2K's.
    gap_share : float
        Share of the response between the last trade before and the first one after.
    half_life_minutes : float
        In which half of what is left to come arrives.
    overshoot : float
        Share of the response that comes on top of it at first and is taken back later.
    overshoot_half_life_minutes : float
    volatility_multiple, volatility_half_life_minutes : float
        Of the ordinary minute's volatility in the first minute, and how soon the excess halves.
    response_pct : float
        What was drawn for M2K.
    seed : int
    """

    kind: str
    headline: str
    clock: str
    mean_pct: float
    deviation_pct: float
    large_cap_share: float
    gap_share: float
    half_life_minutes: float
    overshoot: float
    overshoot_half_life_minutes: float
    volatility_multiple: float
    volatility_half_life_minutes: float
    response_pct: float = math.nan
    seed: int = -1


_KINDS = {
    one.kind: one
    for one in (
        NewsTruth(
            "small_business_law", "Congress agrees on a tax law for small businesses", "10:40",
            1.2, 0.8, 0.25, 0.30, 25.0, 0.0, 60.0, 2.0, 25.0,
        ),
        NewsTruth(
            "bankruptcy", "A large lender files for bankruptcy", "17:30",
            -2.4, 1.0, 0.75, 0.60, 90.0, 0.0, 60.0, 2.5, 60.0,
        ),
        NewsTruth(
            "natural_disaster", "An earthquake strikes a large city", "13:20",
            -0.8, 0.5, 0.90, 0.40, 10.0, 1.2, 45.0, 2.5, 30.0,
        ),
    )
}  # fmt: skip
NEWS_KINDS = tuple(_KINDS)


def news_day(kind: str = "small_business_law", seed: int = 0) -> Market:
    """Draw two sessions of minutes; unscheduled news arrives on the second trade date.

    Parameters
    ----------
    kind : {"small_business_law", "bankruptcy", "natural_disaster"}
        A law that helps small companies at 10:40, a bankruptcy at 17:30 while the market is
        closed, a natural disaster at 13:20 whose first move is too large.
    seed : int
        Of the random generator, at least 0. Size and direction of the response are drawn, too.

    Returns
    -------
    Market
        - "M2K", "MES": minute bars of two sessions, as in `intraday`, with the news in them.
        - "M2K_without", "MES_without": the same sessions had there been no news.
        - "news": one row; index is the instant of the news; kind, headline, response_pct.

        `truth` is a `NewsTruth`.

    Raises
    ------
    TypeError, ValueError
        An unknown kind, or a seed below 0.

    Notes
    -----
    Headlines, sizes and speeds are invented, to show the three shapes that such days take: a
    rise in steps, a gap past every stop, a fall that comes back.

    Examples
    --------
    >>> day = news_day("bankruptcy", seed=1)
    >>> len(day["M2K"]), str(day["news"].index[0])
    (2760, '2030-02-20 17:30:00-05:00')
    """
    kind = checks.choice("kind", kind, NEWS_KINDS)
    seed = checks.whole("seed", seed, at_least=0)
    base = _KINDS[kind]
    # Apart from the session's own draw, so that the three kinds share one ordinary day.
    rng = np.random.default_rng([seed, NEWS_KINDS.index(kind)])
    response = round(float(rng.normal(base.mean_pct, base.deviation_pct)), 4)
    truth = NewsTruth(**{**vars(base), "response_pct": response, "seed": seed})

    quiet = intraday(2, seed, start=_FIRST_DAY)
    index = quiet["M2K"].index
    time = pd.Timestamp(f"{_DAY} {base.clock}", tz=NEW_YORK).as_unit("us")
    if base.clock > "17:00":
        time -= pd.Timedelta(days=1)
    begin = int(index.searchsorted(time))
    arrived = _arrived(truth, len(index) - begin)
    frames = {}
    for contract, share in ((M2K, 1.0), (MES, truth.large_cap_share)):
        frame = quiet[contract.symbol]
        path = response / 100 * share * arrived
        frames[contract.symbol] = _with_news(frame, contract, begin, path, truth)
    for symbol in ("M2K", "MES"):
        frames[f"{symbol}_without"] = quiet[symbol]
    columns = {"kind": [kind], "headline": [base.headline], "response_pct": [response]}
    frames["news"] = pd.DataFrame(columns, index=pd.DatetimeIndex([time], name="time"))
    return Market(frames, truth)


def _arrived(truth: NewsTruth, minutes: int) -> np.ndarray:
    """Share of the response in the price: at the first open after the news, then at each close."""
    passed = np.arange(minutes + 1)
    lasting = 1 - (1 - truth.gap_share) * 2.0 ** (-passed / truth.half_life_minutes)
    # What is too much comes as fast as the rest, and then goes.
    too_much = truth.overshoot * 2.0 ** (-passed / truth.overshoot_half_life_minutes)
    return lasting * (1 + too_much)


def _with_news(frame, contract, begin: int, path: np.ndarray, truth: NewsTruth) -> pd.DataFrame:
    """Bars with larger moves from `begin` on, and the response's path added to them."""
    names = ["open", "high", "low", "close"]
    log_prices = np.log(frame[names].to_numpy())
    before = np.concatenate([log_prices[:1, 0], log_prices[:-1, 3]])
    steps = log_prices - before[:, None]
    minutes = len(frame) - begin
    halvings = np.arange(minutes) / truth.volatility_half_life_minutes
    excitement = 1 + (truth.volatility_multiple - 1) * 2.0**-halvings
    # What happened before the first trade after the news is not the news' doing.
    opening = steps[begin, 0]
    steps[begin] -= opening
    steps[begin:] *= excitement[:, None]
    steps[begin] += opening
    starts = before[0] + np.concatenate([[0.0], np.cumsum(steps[:-1, 3])])
    news = np.zeros((len(frame), 2))  # at each bar's open, at its close
    news[begin:, 0], news[begin:, 1] = path[:-1], path[1:]
    moved = starts[:, None] + steps
    moved[:, 0] += news[:, 0]
    moved[:, 1] += news.max(axis=1)
    moved[:, 2] += news.min(axis=1)
    moved[:, 3] += news[:, 1]
    result = frame.copy()
    for column, name in enumerate(names):
        result[name] = contract.round_to_tick(np.exp(moved[:, column]))
    for name in ("volume", "spread_ticks"):
        values = frame[name].to_numpy().copy()
        values[begin:] = np.rint(values[begin:] * excitement).astype(values.dtype)
        result[name] = values
    return result


@dataclass(frozen=True)
class DriftTruth:
    """The parameters of one draw of `pre_decision_drift`.

    Attributes
    ----------
    seed : int
    early, later : int
        Rate decisions in each era.
    early_drift_pct, later_drift_pct : float
        Mean log return of the 24 hours before a decision, in %.
    volatility_pct : float
        Standard deviation of such a day's log return, in %.
    tail : float
        Degrees of freedom of the Student-t shock that scales each day.
    """

    seed: int
    early: int
    later: int
    early_drift_pct: float
    later_drift_pct: float
    volatility_pct: float = 1.2
    tail: float = 6.0


def pre_decision_drift(
    seed: int,
    *,
    early: int = 131,
    later: int = 120,
    early_drift_pct: float = 0.49,
    later_drift_pct: float = 0.0,
) -> Market:
    """Draw the 24 hours before rate decisions, in an era with a drift and in a later one.

    Parameters
    ----------
    seed : int
        Of the random generator, at least 0.
    early, later : int
        Decisions in each era, at least 2; eight a year.
    early_drift_pct, later_drift_pct : float
        Mean log return of the large caps over the 24 hours, in %.

    Returns
    -------
    Market
        "early", "later": one row for each decision, index its number from 1; columns -24 to 0,
        hours before the decision: log price less that of 24 hours before, in %.
        `truth` is a `DriftTruth`.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Notes
    -----
    Simulated after Lucca and Moench, "The Pre-FOMC Announcement Drift", *Journal of Finance* 70
    (2015): the S&P 500 rose by 49 basis points on average in the 24 hours before scheduled
    decisions of 1994 to 2011. That the later mean is exactly 0 is this course's assumption, and
    so are the volatility, its tails and the even pace through the day.

    Examples
    --------
    >>> eras = pre_decision_drift(seed=3)
    >>> eras["early"].shape, float(eras["early"][-24].abs().max())
    ((131, 25), 0.0)
    """
    seed = checks.whole("seed", seed, at_least=0)
    truth = DriftTruth(
        seed=seed,
        early=checks.whole("early", early, at_least=2),
        later=checks.whole("later", later, at_least=2),
        early_drift_pct=checks.number("early_drift_pct", early_drift_pct),
        later_drift_pct=checks.number("later_drift_pct", later_drift_pct),
    )
    generators = np.random.default_rng(seed).spawn(2)
    frames = {}
    for rng, name, count, drift in (
        (generators[0], "early", truth.early, truth.early_drift_pct),
        (generators[1], "later", truth.later, truth.later_drift_pct),
    ):
        days = np.sqrt((truth.tail / 2 - 1) / rng.standard_gamma(truth.tail / 2, count))
        hourly = rng.standard_normal((count, 24)) * truth.volatility_pct / math.sqrt(24)
        path = np.cumsum(hourly * days[:, None] + drift / 24, axis=1)
        values = np.column_stack([np.zeros(count), path]).round(4)
        number = pd.RangeIndex(1, count + 1, name="decision")
        frames[name] = pd.DataFrame(values, number, pd.Index(range(-24, 1), name="hour"))
    return Market(frames, truth)
