"""Dates on which RTY options expire, and protective puts replayed over a daily market.

A replay asks what `options.protective_put` leaves open: what it costs to insure a position year
after year, and whether each put is better held to its expiry or sold earlier and replaced.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks, option_pricing
from m2k_lessons.contracts import M2K, MONTH_LETTERS, RTY, contract_code, last_trading_day
from m2k_lessons.facts import fact
from m2k_lessons.options.arguments import DAYS_A_YEAR, M2K_PER_OPTION, OPTION
from m2k_lessons.options.contract import fully_covering
from m2k_lessons.options.early_exercise import american
from m2k_lessons.options.european import black76
from m2k_lessons.simulate.market import Market
from m2k_lessons.simulate.option_chain import STRIKE_STEP, SmileTruth

KINDS = ("quarterly", "weekly", "end of month")
QUARTERLY_TIME = "09:30"  # New York time, with the future itself
_STYLES = {"quarterly": "American", "weekly": "European", "end of month": "European"}

# Half the distance from bid to ask, in points, as the simulated chain has it on average.
_HALF_SPREAD, _HALF_SPREAD_SHARE, _WIDEST_AT = 0.05, 0.0066, 250.0
_LAST_DAY = dt.date(2068, 12, 30)  # the calendar's, less the one that tells a month's end
_TRADING_DAYS_A_YEAR = 252  # that realised volatility is counted on
_FRAMES = ("M2K", "M2K_next", "M2K_expiring")


def expiries(start, end, kinds=KINDS) -> pd.DataFrame:
    """List the expiries of RTY options between two days.

    Quarterlies are American and expire at 09:30 New York time on the last trading day of their
    future, the third Friday of March, June, September or December, into one RTY of that month.
    Weeklies and end-of-month options are European, expire at the stock market's close into the
    nearest future, and are listed for every day on which that market is open: a day that ends a
    month has the end-of-month option in place of a weekly, and the day of a quarterly has none.

    Parameters
    ----------
    start, end : date or str
        First and last day, both included, from RTY's launch to 2068-12-30.
    kinds : str, or list or tuple of str
        Among "quarterly", "weekly", "end of month".

    Returns
    -------
    DataFrame
        Index `expires`, the instant in America/New_York, in order of time; columns `kind`,
        `style` ("American" or "European") and `underlying` (code such as "RTYZ26").

    Notes
    -----
    CME contract specifications. That a weekly gives way to the other two is this course's
    simplification, and how far ahead each kind is listed is left open.

    Examples
    --------
    >>> expiries("2026-12-17", "2026-12-18")[["kind", "underlying"]].to_numpy().tolist()
    [['weekly', 'RTYZ26'], ['quarterly', 'RTYZ26']]
    """
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if not kinds:
        raise ValueError(f"kinds must name at least one of {', '.join(KINDS)}, got none")
    kinds = [checks.choice("kinds", kind, KINDS) for kind in kinds]
    first, last = checks.date("start", start), checks.date("end", end)
    if not RTY.launch <= first <= last <= _LAST_DAY:
        raise ValueError(
            f"start and end must be days from {RTY.launch} to {_LAST_DAY}, in that order, "
            f"got {first} and {last}"
        )
    # Some days beyond the last one, which tell whether it ends its month.
    beyond = min(last + dt.timedelta(days=10), sessions.LAST_DAY.date())
    closes = sessions.schedule(first, beyond)["rth_close"].dropna()
    days = closes.index
    ends_month = np.append(days.month[:-1] != days.month[1:], False)
    years = range(first.year, last.year + 2)
    codes = [contract_code("RTY", year, month) for year in years for month in MONTH_LETTERS]
    ends = pd.DatetimeIndex([last_trading_day(code) for code in codes])
    future = ends.searchsorted(days)
    quarterly = ends[future] == days
    table = pd.DataFrame({"expires": closes.to_numpy(), "kind": "weekly"}, index=days)
    table.loc[ends_month, "kind"] = "end of month"
    table.loc[quarterly, "kind"] = "quarterly"
    at_open = [_at(day.date(), QUARTERLY_TIME) for day in days[quarterly]]
    table.loc[quarterly, "expires"] = pd.DatetimeIndex(at_open, tz=sessions.NEW_YORK).as_unit("us")
    table["style"] = table["kind"].map(_STYLES).astype("str")
    table["underlying"] = pd.array(codes, dtype="str")[future]
    table = table.loc[: pd.Timestamp(last)]
    return table[table["kind"].isin(kinds)].set_index("expires")


@dataclass(frozen=True)
class HedgeReplay:
    """What a replayed hedge brought, put by put and day by day. In USD unless named otherwise.

    Attributes
    ----------
    puts : DataFrame
        One row for each purchase, index `bought` (the day). Columns `expires`, `underlying`,
        `days` (calendar days to expiry), `forward`, `strike`, `volatility` (it was priced with,
        a year), `premium` (points paid, the ask), `ended` (day), `how` ("expired worthless",
        "exercised", "sold", or "sold on the last day"), `received` (points), `cost_usd`
        (spread and commissions) and `gain_usd` (after them).
    daily : DataFrame
        One row for each day: `futures_usd` and `puts_usd` (change since the day before, puts at
        the middle of their quotes), `costs_usd` (spread and commissions, below 0) and
        `hedged_usd`, their sum.
    """

    puts: pd.DataFrame
    daily: pd.DataFrame

    def by_year(self) -> pd.DataFrame:
        """Sum `daily` by calendar year, with a last row "total"."""
        years = self.daily.groupby(self.daily.index.year).sum()
        years.index = years.index.astype(str).rename("year")
        years.loc["total"] = years.sum()
        return years


def replay_protective_put(
    market,
    surface: SmileTruth,
    *,
    days_to_expiry: int = 91,
    roll_days: int | None = None,
    distance_pct: float = 5.0,
    contracts: int = M2K_PER_OPTION,
    kind: str = "quarterly",
    volatility_premium: float = 0.02,
    window: int = 21,
    commission_usd: float | None = None,
) -> HedgeReplay:
    """Insure long M2K with RTY puts over a daily market, held to expiry or rolled before.

    A put is bought at the close of the first day with a full volatility window, and the next
    one at the close of the day on which the last one ended. Strike and premium come from that
    day's close and the days before it, never from a later one.

    Parameters
    ----------
    market : Market
        From `simulate.daily`, or a mapping with its frames "M2K", "M2K_next", "M2K_expiring" and
        "M2K_continuous". M2K and RTY have the same price.
    surface : SmileTruth
        Truth of `simulate.option_chain`: shape of the smile, volatility of long options, rate.
        The volatility of short ones is replaced by that of each day.
    days_to_expiry : int
        Wanted at purchase, 1 to 190: the listed expiry that comes nearest to it is taken.
    roll_days : int, optional
        Sell the put this many calendar days before its expiry, or on the last trading day
        before that, and buy the next one. When left out, each put is held to its expiry.
    distance_pct : float
        How far below its future's price the strike lies, 0 to 50; rounded to 10 points.
    contracts : int
        M2K held long, a multiple of 10.
    kind : {"quarterly", "end of month"}
        Of the options. Quarterlies are valued as American ones, the others as European.
    volatility_premium : float
        What short-term implied volatility lies above the volatility realised over the window,
        per year, as a decimal, -0.1 to 0.5.
    window : int
        Days of realised volatility, 5 to 252.
    commission_usd : float, optional
        For each option bought, sold or exercised; RTY's commission of `facts.toml` when left out.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; a frame or column that is missing; an expiry with
        no future in the market; fewer days than one window and one put need.

    Notes
    -----
    Ask and bid lie 0.05 points plus 0.66 % of the value from it, as in the simulated chain, on
    the option's ticks. A quarterly is settled against its future's opening on the last trading
    day, an end-of-month option against the close: between the 09:30 expiry and the purchase at
    that day's close nothing is insured. A put that ends in the money is settled in cash at its
    intrinsic value, which is what exercising it and closing the short future would bring. Left
    out: early exercise by the holder (its right is in the value), interest on the premium, and
    the futures' own commissions and rolls, which are the same with and without puts.

    Examples
    --------
    >>> from m2k_lessons import data
    >>> replay = replay_protective_put(
    ...     data.load("daily"), data.load("chain").truth, kind="end of month", days_to_expiry=28
    ... )
    >>> len(replay.puts), replay.by_year().index[-1]
    (119, 'total')
    """
    days_to_expiry = checks.whole("days_to_expiry", days_to_expiry, at_least=1, at_most=190)
    if roll_days is not None:
        roll_days = checks.whole("roll_days", roll_days, at_least=1, at_most=days_to_expiry - 1)
    distance = checks.number("distance_pct", distance_pct, at_least=0, at_most=50) / 100
    checks.instance("surface", surface, SmileTruth, "the truth of simulate.option_chain")
    contracts = checks.whole("contracts", contracts, at_least=1)
    number = fully_covering(contracts)
    kind = checks.choice("kind", kind, ("quarterly", "end of month"))
    extra = checks.number("volatility_premium", volatility_premium, at_least=-0.1, at_most=0.5)
    window = checks.whole("window", window, at_least=5, at_most=252)
    if commission_usd is None:
        commission_usd = fact("course.commission.RTY").value
    commission_usd = number * checks.number("commission_usd", commission_usd, at_least=0)

    opens, closes, change, volatility = _market(market, window)
    volatility = (volatility + extra).clip(lower=0.01, upper=5.0)
    days = closes.index
    until = min(days[-1].date() + dt.timedelta(days=400), _LAST_DAY)
    listed = expiries(days[0].date(), until, kind)
    listed = listed[listed["underlying"].isin(closes.columns)]
    if len(days) < window + 3:
        raise ValueError(f"market must have more than {window + 2} days, got {len(days)}")

    usd_a_point = number * OPTION.multiplier
    marks = np.zeros(len(days))  # change of the puts' middle values, in points
    costs = np.zeros(len(days))  # in USD
    rows = []
    bought = window
    while bought < len(days) - 1:
        expires, last, how = _choose(listed, closes, bought, days_to_expiry, roll_days)
        code, style = listed.loc[expires, ["underlying", "style"]]
        held = days[bought : last + 1]
        price = closes[code].to_numpy()[bought : last + 1]
        forward = float(price[0])
        strike = STRIKE_STEP * max(1, round(forward * (1 - distance) / STRIKE_STEP))
        values, first_volatility = _put_values(
            surface, volatility.to_numpy()[bought : last + 1], held, price, strike, expires, style
        )
        if how == "expired":
            table = opens if style == "American" else closes
            values[-1] = max(strike - table[code].to_numpy()[last], 0.0)
            how = "exercised" if values[-1] > 0 else "expired worthless"
        ask = quote(values[0])[1]
        received = quote(values[-1])[0] if how.startswith("sold") else float(values[-1])
        fees = [commission_usd, 0.0 if how == "expired worthless" else commission_usd]
        spread_usd = [(ask - values[0]) * usd_a_point, (values[-1] - received) * usd_a_point]
        marks[bought + 1 : last + 1] += np.diff(values)
        costs[bought] += fees[0] + spread_usd[0]
        costs[last] += fees[1] + spread_usd[1]
        rows.append(
            {
                "bought": held[0],
                "expires": expires,
                "underlying": code,
                "days": (expires.date() - held[0].date()).days,
                "forward": forward,
                "strike": float(strike),
                "volatility": first_volatility,
                "premium": ask,
                "ended": held[-1],
                "how": how,
                "received": received,
                "cost_usd": sum(fees) + sum(spread_usd),
                "gain_usd": (received - ask) * usd_a_point - sum(fees),
            }
        )
        bought = last
    change.iloc[window] = 0.0  # the future, too, is bought at that close
    daily = pd.DataFrame(
        {
            "futures_usd": contracts * M2K.multiplier * change.to_numpy(),
            "puts_usd": usd_a_point * marks,
            "costs_usd": -costs,
        },
        index=days,
    ).iloc[window:]
    daily["hedged_usd"] = daily.sum(axis=1)
    return HedgeReplay(pd.DataFrame(rows).set_index("bought"), daily)


def quote(value: float) -> tuple[float, float]:
    """Bid and ask that the replay allows for around an option's value.

    Parameters
    ----------
    value : float
        In points, at least 0.

    Returns
    -------
    tuple of float
        Bid and ask, in points, on the option's ticks: 0.05 points and 0.66 % of the value away
        from it, the bid rounded down and the ask up.

    Examples
    --------
    >>> quote(63.7)
    (63.2, 64.2)
    """
    value = checks.number("value", value, at_least=0)
    width = _HALF_SPREAD + _HALF_SPREAD_SHARE * min(value, _WIDEST_AT)
    bid = option_pricing.on_tick(max(value - width, 0.0), option_pricing.down)
    return float(bid), float(option_pricing.on_tick(value + width, option_pricing.up))


def _market(market, window):
    """Opens and closes by contract, the future's daily change, and realised volatility."""
    needed = {name: ("open", "close", "contract") for name in _FRAMES}
    needed["M2K_continuous"] = ("close",)
    checks.instance("market", market, (Market, dict), "what simulate.daily returns")
    for name, columns in needed.items():
        missing = [] if name in market else [name]
        missing = missing or [column for column in columns if column not in market[name]]
        if missing:
            raise ValueError(
                f"market must have the frame {name!r} with {', '.join(columns)}; "
                f"{', '.join(missing)} is missing"
            )
    front, traded = market["M2K"], market["M2K_continuous"]
    if not all(market[name].index.equals(front.index) for name in needed):
        raise ValueError("market must have the same days in all of its frames of M2K")
    prices = pd.concat(market[name].set_index("contract", append=True) for name in _FRAMES)
    prices = prices.loc[~prices.index.duplicated(), ["open", "close"]].unstack()
    prices = prices.rename(columns=lambda code: str(code).replace("M2K", "RTY"), level=1)
    change = traded["close"].diff()
    returns = np.log1p(change / front["close"].shift())
    volatility = returns.rolling(window).std() * np.sqrt(_TRADING_DAYS_A_YEAR)
    return prices["open"], prices["close"], change, volatility


def _choose(listed, closes, bought, days_to_expiry, roll_days):
    """Expiry that comes nearest to the wanted days, position of the put's last day, and its end."""
    days = closes.index
    priced = closes.iloc[bought].dropna()
    candidates = []
    for expires, code in listed["underlying"].items():
        left = (expires.date() - days[bought].date()).days
        ends = expires.date() - dt.timedelta(days=roll_days or 0)
        last = int(days.searchsorted(_at(ends, "23:59"), side="right")) - 1
        if left > 0 and code in priced and last > bought:
            candidates.append((abs(left - days_to_expiry), expires, last, ends))
    if not candidates:
        raise ValueError(
            f"market must have a future for an expiry about {days_to_expiry} days after "
            f"{days[bought].date()}, and none was found"
        )
    _, expires, last, ends = min(candidates)  # of two as near, the earlier
    if ends > days[-1].date():
        return expires, last, "sold on the last day"
    if roll_days is not None:
        return expires, last, "sold"
    if days[last].date() != ends:
        raise ValueError(f"market must have a bar on {ends}, when an option expires")
    return expires, last, "expired"


def _put_values(surface, volatility, days, prices, strike, expires, style):
    """Values of a put at the closes of `days`, in points, and the volatility of the first one."""
    now = pd.DatetimeIndex([_at(day.date(), "16:00") for day in days])
    years = np.maximum((expires - now) / pd.Timedelta(days=DAYS_A_YEAR), 0.0).to_numpy()
    left = years > 0  # on the expiry's day nothing is: the last value is the settlement
    today = dataclasses.replace(surface, volatility=volatility[left])
    smile = today.implied_volatility(strike, prices[left], years[left])
    model = american if style == "American" else black76
    values = np.zeros(len(days))
    values[left] = model(prices[left], strike, years[left], surface.rate, smile, "put")
    return values, float(smile[0])


def _at(date: dt.date, clock: str) -> pd.Timestamp:
    return pd.Timestamp(f"{date} {clock}", tz=sessions.NEW_YORK)
