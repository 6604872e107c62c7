"""Can the truth of bars and minutes be recovered? Estimates beside their parameters.

python benchmarks/recovery_parts.py                   prints every table (ten minutes)
python benchmarks/recovery_parts.py volume --seeds 20 one component, fewer seeds
python benchmarks/recovery_parts.py --write           replaces the tables in data/README.md
"""

from __future__ import annotations

import functools
import math
import sys
import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from recovery import Component, Estimate, plain_truth, report
from scipy.optimize import minimize
from statsmodels.tools.numdiff import approx_hess

from m2k_lessons import sessions, simulate

QUIET = {"jumps": False, "changing_beta": False, "changing_volatility": False, "fat_tails": False}

# --- daily bars -----------------------------------------------------------------------------


def recover_leverage(seed: int) -> dict[str, Estimate]:
    """Leverage within the day and what the next day keeps of it: exact maximum likelihood.

    A day's move is that of a displaced lognormal variable; its variance follows from the days
    before. Large caps, ten years, without GARCH, jumps and fat tails.
    """
    truth = plain_truth(jumps_per_year=0.0)
    constant = type(truth.large)(truth.mean_variance_large, 0.0, 0.0, 0.0, math.inf)
    truth = plain_truth(jumps_per_year=0.0, large=constant)
    market = simulate.daily(10, seed, truth=truth)
    r = 100 * np.diff(np.log(market["large_caps"]["close"].to_numpy())) - 100 * truth.drift / 252

    def minus_likelihood(parameters):
        variance, leverage, carried = parameters
        spread = math.sqrt(math.expm1(leverage**2))
        now, total = variance, 0.0
        for move in r.tolist():
            left = 1 - spread * move / math.sqrt(now)
            if left <= 0:
                return 1e10
            x = math.log(left)
            total += 0.5 * ((x + leverage**2 / 2) / leverage) ** 2 + math.log(leverage)
            total += x - math.log(spread) + 0.5 * math.log(now)
            now = (1 - carried) * variance + carried * now * left**2 / (1 + spread**2)
        return total

    start = np.array([r.var(), 0.15, 0.5])
    bounds = [(1e-3, None), (0.01, 0.6), (0.0, 0.99)]
    fit = minimize(minus_likelihood, start, method="L-BFGS-B", bounds=bounds)
    errors = np.sqrt(np.diag(np.linalg.inv(approx_hess(fit.x, minus_likelihood))))
    truths = (constant.variance, truth.leverage, truth.volatility_carried)
    names = ("variance, % squared", "leverage", "volatility_carried")
    return {name: Estimate(*row) for name, *row in zip(names, fit.x, errors, truths, strict=True)}


def _place(logs: pd.DataFrame) -> float:
    """Where in the range opens and closes lie."""
    opened, high, low, close = logs.to_numpy().T
    return float(np.mean((opened + close - 2 * low) / (high - low)) / 2)


def _over_years(logs: pd.DataFrame) -> float:
    """How much the night's share differs from year to year."""
    gap, day = logs["open"] - logs["close"].shift(), logs["close"] - logs["open"]
    squares = pd.DataFrame({"night": gap**2, "day": day**2})
    years = squares.groupby(logs.index.year)
    by_year = years.sum()[years.size() > 200]  # the last one has a day or two
    return float(np.log(by_year["night"] / by_year["day"]).std())


# Parameter: the statistic that tells it, two values that it lies between, years.
_INDIRECT = {
    "dip": (_place, (0.05, 0.35), 10),
    "night_deviation": (_over_years, (0.2, 0.5), 30),
}


def _histories(parameter: str, value: float, numbers) -> np.ndarray:
    statistic, _, years = _INDIRECT[parameter]
    truth = plain_truth(leverage=0.0, volatility_carried=0.0, **({"dip": 0.0} | {parameter: value}))
    markets = (simulate.daily(years, number, truth=truth, **QUIET) for number in numbers)
    return np.array([statistic(np.log(market["small_caps"])) for market in markets])


@functools.cache
def _reference(parameter: str, value: float) -> np.ndarray:
    return _histories(parameter, value, range(10_000, 10_020))


def _indirect(parameter: str, seed: int) -> Estimate:
    """Indirect inference (Gourieroux, Monfort and Renault 1993).

    The parameter at which histories have the statistic that this one has, on the line between
    twenty histories with a small and twenty with a large one.
    """
    _, at, _ = _INDIRECT[parameter]
    true = getattr(simulate.daily(0.1, 0).truth, parameter)
    low, high = (_reference(parameter, value) for value in at)
    slope = (high.mean() - low.mean()) / (at[1] - at[0])
    found = at[0] + (_histories(parameter, true, [seed])[0] - low.mean()) / slope
    # One history's scatter, and that of the twenty it is held against.
    error = math.sqrt((low.var(ddof=1) + high.var(ddof=1)) / 2 * (1 + 1 / 20)) / abs(slope)
    return Estimate(found, error, true)


def recover_dip(seed: int) -> dict[str, Estimate]:
    """The dip, ten years."""
    return {"dip": _indirect("dip", seed)}


def recover_nights(seed: int) -> dict[str, Estimate]:
    """Nights: squares of gaps on the hours between, a gamma regression; their slow wave."""
    truth = plain_truth(night_exponent=simulate.daily(0.1, 0).truth.night_exponent)
    market = simulate.daily(30, seed, truth=truth, leverage=False, **QUIET)
    bars = market["small_caps"]
    gap = np.log(bars["open"].to_numpy()[1:] / bars["close"].to_numpy()[:-1])
    hours = np.diff(bars.index.tz_localize(None).to_numpy()) / np.timedelta64(1, "h") - 6.5
    return {
        "night_exponent": _glm(gap**2, np.log(hours), truth.night_exponent),
        "overnight_share": _share(gap, np.log(bars["close"] / bars["open"]).to_numpy()[1:], truth),
        "night_deviation": _indirect("night_deviation", seed),
    }


def _glm(y, x, truth: float) -> Estimate:
    family = sm.families.Gamma(sm.families.links.Log())
    fit = sm.GLM(1e4 * y, sm.add_constant(x), family=family).fit()
    return Estimate(fit.params[1], fit.bse[1], truth)


def _share(gap: np.ndarray, day: np.ndarray, truth) -> Estimate:
    night, rest = np.mean(gap**2), np.mean(day**2)
    share = night / (night + rest)
    # Delta method; both are means of squares of independent, nearly normal values.
    error = share * (1 - share) * math.sqrt(4 / len(gap))
    return Estimate(share, error, truth.overnight_share)


def recover_volume(seed: int) -> dict[str, Estimate]:
    """Log volume on log true range and return, with an AR(1) and noise: state space."""
    market = simulate.daily(10, seed)
    truth = market.truth
    bars = market["small_caps"]
    front, expiring = market["M2K"], market["M2K_expiring"]
    total = front["volume"] + market["M2K_next"]["volume"]
    total += expiring["volume"].where(expiring["contract"] != front["contract"], 0)
    volume = np.log(total.to_numpy())[1:]
    before = bars["close"].to_numpy()[:-1]
    top = np.maximum(bars["high"].to_numpy()[1:], before)
    bottom = np.minimum(bars["low"].to_numpy()[1:], before)
    deviation = truth.volatility_small / math.sqrt(252)
    moves = np.diff(np.log(bars["close"].to_numpy())) / deviation
    known = pd.DataFrame({"constant": 1.0, "range": np.log(np.log(top / bottom)), "return": moves})
    model = sm.tsa.UnobservedComponents(
        volume, level=False, irregular=True, autoregressive=1, exog=known
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(disp=0, maxiter=500)
    values = dict(zip(fit.param_names, zip(fit.params, fit.bse, strict=True), strict=True))
    noise = math.hypot(truth.volume_noise, 0.06)  # the contract's own is part of it
    news = truth.volume_wave**2 * (1 - truth.volume_kept**2)
    return {
        "volume_on_range": Estimate(*values["beta.range"], truth.volume_on_range),
        "volume_on_return": Estimate(*values["beta.return"], truth.volume_on_return),
        "volume_kept": Estimate(*values["ar.L1"], truth.volume_kept),
        "noise, variance": Estimate(*values["sigma2.irregular"], noise**2),
        "wave, variance of its news": Estimate(*values["sigma2.ar"], news),
    }


# --- minutes --------------------------------------------------------------------------------

_BLOCK = 20  # days that are left out together, because a session resembles the last one


def _regular(market) -> dict[str, np.ndarray]:
    """Log closes of whole regular days without a release, 390 columns."""
    index = market["M2K"].index
    day = index.tz_localize(None).normalize()
    released = day.isin(market["releases"].index.tz_localize(None).normalize())
    kept = (sessions.label_sessions(index) == "RTH").to_numpy() & ~released
    whole = pd.Series(1, day[kept]).groupby(level=0).transform("size").to_numpy() == 390
    return {
        symbol: np.log(market[symbol]["close"].to_numpy()[kept][whole]).reshape(-1, 390)
        for symbol in ("M2K", "MES")
    }


def _jackknife(function, days: int) -> list[tuple[float, float]]:
    """Values of a function of rows, with block jackknife errors."""
    rows = np.arange(days)
    blocks = np.array_split(rows, max(2, days // _BLOCK))
    full = np.asarray(function(rows))
    left_out = np.array([function(np.setdiff1d(rows, block)) for block in blocks])
    n = len(blocks)
    errors = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    return list(zip(full, errors, strict=True))


def recover_hour(seed: int) -> dict[str, Estimate]:
    """Volatility of session and hour: means of products of absolute moves within a day.

    With lognormal volatility the mean product of two absolute moves, over the product of their
    means, is the exponential of the covariance of their log volatilities: that of the session
    plus one that halves with every half-life. Falls before, compared with rises before, give the
    leverage.
    """
    market = simulate.intraday(2500, seed)
    truth = market.truth
    kept = 0.5 ** (5 / truth.fast_half_life_minutes)
    moves = np.diff(_regular(market)["MES"][:, 4::5], axis=1)
    lags = np.array([2, 4, 8, 16, 32, 48])

    def figures(rows):
        part = moves[rows] / np.abs(moves[rows]).mean(axis=0)
        sizes = np.abs(part)
        logs = np.log([np.mean(sizes[:, lag:] * sizes[:, :-lag]) for lag in lags])
        ahead = np.arange(1, 13)
        signed = [np.mean(part[:, :-lag] * sizes[:, lag:]) for lag in ahead]
        plain = [np.mean(sizes[:, :-lag] * sizes[:, lag:]) for lag in ahead]
        session, fast, half_life = _two_speeds(5 * lags, logs)
        return session, fast, half_life, np.sum(signed) / np.sum(plain)

    session, fast, half_life, signed = _jackknife(figures, len(moves))
    return {
        "session_deviation, squared": Estimate(*session, truth.session_deviation**2),
        "fast_deviation, squared": Estimate(*fast, truth.fast_deviation**2),
        "fast_half_life_minutes": Estimate(*half_life, truth.fast_half_life_minutes),
        "leverage": _leverage(truth, kept, signed),
    }


def _two_speeds(minutes: np.ndarray, logs: np.ndarray) -> tuple[float, float, float]:
    """Least squares of a constant plus a multiple of 2 ** (-minutes / half-life)."""

    def parts(half_life):
        design = np.column_stack([np.ones(len(minutes)), 2.0 ** (-minutes / half_life)])
        coefficients, *_ = np.linalg.lstsq(design, logs, rcond=None)
        return coefficients, np.sum((logs - design @ coefficients) ** 2)

    fit = minimize(lambda x: 1e6 * parts(math.exp(x[0]))[1], [math.log(60.0)], method="Nelder-Mead")
    half_life = math.exp(fit.x[0])
    return *parts(half_life)[0], half_life


def _leverage(truth, kept: float, signed: tuple[float, float]) -> Estimate:
    """Leverage from the mean of move times later size, over that of size times later size.

    For a minute's normal shock e and what it takes from later log volatility, c times e:
    E[e exp(-c e)] = -c exp(c**2 / 2), over E|e| = sqrt(2 / pi). A 5-minute move has five such
    minutes, and a disturbance that has nothing to do with them.
    """
    minute = 0.5 ** (1 / truth.fast_half_life_minutes)
    news = truth.fast_deviation * math.sqrt(1 - minute**2)
    # A contract's shock and the market's: correlation of one with the standardised sum of two.
    share = math.sqrt((1 + truth.correlation) / 2)
    shock = 1 / math.sqrt(5 * (1 + truth._disturbed(5) / 5))
    effects = []
    for lag in range(1, 13):
        ages = 5 * lag + np.arange(5)[:, None] - np.arange(5) - 1
        effects.append(np.mean(np.sum(minute**ages * (ages >= 0), axis=1)))
    expected = -news * share * shock * math.sqrt(math.pi / 2) * np.mean(effects)
    return Estimate(signed[0] / expected, signed[1] / abs(expected), truth.leverage)


def recover_correlation(seed: int) -> dict[str, Estimate]:
    """Correlation of each day: its covariance between odd and even 5-minute moves."""
    market = simulate.intraday(1000, seed)
    truth = market.truth
    closes = _regular(market)
    small, large = (np.diff(closes[one][:, 4::5], axis=1) for one in ("M2K", "MES"))
    by_day = np.array(
        [
            [np.corrcoef(x[part], y[part])[0, 1] for part in (slice(0, None, 2), slice(1, None, 2))]
            for x, y in zip(small, large, strict=True)
        ]
    )
    scale = truth.correlation_over(5) / truth.correlation

    def figures(rows):
        covariance = np.cov(by_day[rows].T)[0, 1]
        return np.corrcoef(small[rows].ravel(), large[rows].ravel())[0, 1] / scale, (
            math.sqrt(max(covariance, 0.0)) / scale
        )

    mean, deviation = _jackknife(figures, len(by_day))
    return {
        "correlation": Estimate(*mean, truth.correlation),
        "correlation_deviation": Estimate(*deviation, truth.correlation_deviation),
    }


def recover_conference(seed: int) -> dict[str, Estimate]:
    """Rate days by half hour: mean square of 1-minute moves over that of control windows."""
    market = simulate.release_windows(years=10, seed=seed)
    releases, controls = market["releases"], market["controls"]
    decided = releases.loc[releases["release"] == "rate decision", "window"].to_numpy()
    ordinary = controls.loc[controls["release"] == "rate decision", "window"].to_numpy()
    kind = next(one for one in market.truth.releases if one.conference)
    bars = market["M2K"].set_index(["window", "minute"])
    squares = np.log(bars["close"] / bars["open"]).unstack() ** 2
    figures = {}
    spans = {"calm": (-60, 0), "14:30": (30, 60), "15:00": (60, 90), "15:30": (90, 120)}
    for name, minutes in spans.items():
        part = squares.loc[:, minutes[0] : minutes[1] - 1]
        loud, quiet = (part.loc[windows].mean(axis=1) for windows in (decided, ordinary))
        ratio = loud.mean() / quiet.mean()
        spread = math.hypot(*(x.std() / math.sqrt(len(x)) / x.mean() for x in (loud, quiet)))
        # The short-lived disturbance is the same on every day.
        same = market.truth._disturbed(1)
        stated = (np.mean(_multiples(kind, np.arange(*minutes)) ** 2) + same) / (1 + same)
        figures[f"{name}, mean square multiple"] = Estimate(ratio, ratio * spread, float(stated))
    return figures


def _multiples(kind, minute: np.ndarray) -> np.ndarray:
    """Of the ordinary volatility, by minutes from the decision."""
    talk = kind.conference
    since = minute - talk.after_minutes
    after = (kind.volatility_multiple - 1) * 2.0 ** (-minute / kind.half_life_minutes)
    later = (talk.volatility_multiple - 1) * 2.0 ** (-since / talk.half_life_minutes)
    return (
        1
        + np.where((minute >= 0) & (minute < 60), after, 0.0)
        + np.where((since >= 0) & (since < talk.minutes), later, 0.0)
        + np.where((minute < 0) & (minute >= -talk.calm_minutes), talk.calm_volatility - 1, 0.0)
    )


COMPONENTS = [
    Component("leverage", "Leverage within the day, 10 years: likelihood", recover_leverage, 30),
    Component("dip", "Dips, 10 years: indirect inference", recover_dip, 40),
    Component("nights", "Nights, 30 years: gamma regression, other histories", recover_nights, 40),
    Component("volume", "Volume, 10 years: state space by statsmodels", recover_volume, 20),
    Component("hour", "Volatility of the hour, 2,500 days: moments", recover_hour, 8),
    Component("correlation", "A correlation for each day, 1,000 days", recover_correlation, 12),
    Component("conference", "Rate days, 80 decisions: against controls", recover_conference, 40),
]


if __name__ == "__main__":
    sys.exit(report(COMPONENTS, __doc__.split("\n", 1)[0]))
