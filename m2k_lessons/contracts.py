"""Contract arithmetic: multipliers, ticks, codes, expiries, rolls, fair value, hedge size.

Prices live on a grid of ticks. Every price is turned into a whole number of ticks before it is
added, subtracted or compared, so 2410.3 - 2398.1 is 122 ticks and never 121.99999999999818.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import NamedTuple

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.facts import fact, keys

MONTH_LETTERS = {3: "H", 6: "M", 9: "U", 12: "Z"}
_ALL_MONTH_LETTERS = "FGHJKMNQUVXZ"  # January to December, as every futures exchange has them
_NO_HOLIDAY_BEFORE_JUNETEENTH = 2022  # first year in which the exchange observed 19 June

# Prices arrive as floats: 2410.3 is stored as 2410.3000000000002. A millionth of a tick tells
# such noise from a price that really lies between two ticks.
_TICK_NOISE = 1e-6
# Up to here a float tells that noise from a tick, and whole numbers of ticks from each other.
MOST_TICKS = 10**12
# Products of ticks and contracts are exact up to here, as floats and as integers.
_MOST_PRODUCT = 2**53
_LARGEST_DENOMINATOR = 10**9  # of a tick: 0.3333333333333333 is no fraction that somebody meant


def _decimal(name: str, value) -> Fraction:
    """The fraction that a decimal stands for: 0.1 is a tenth, and not the float next to it."""
    number = checks.number(name, value, above=0, at_most=10**9)
    exact = Fraction(repr(number))
    if exact.denominator > _LARGEST_DENOMINATOR:
        raise ValueError(
            f"{name} must be a decimal of at most 9 digits after the point, or a binary fraction "
            f"such as 1/32, got {value!r}"
        )
    return exact


@dataclass(frozen=True)
class Contract:
    """An index future.

    Attributes
    ----------
    symbol, name : str
        Ticker root and full name.
    multiplier : float
        USD per index point and contract.
    tick_size : float
        Smallest price step, in points; held exactly, as the fraction that the decimal stands for.
    underlying : str
        The index.
    months : str
        Month letters listed.

    Raises
    ------
    ValueError, TypeError
        A multiplier or a tick that is not above 0, or of more digits than a contract has; month
        letters that are none. Prices and positions beyond 10**12 ticks, and results beyond
        2**53 of them, are refused by name: nothing overflows.

    Examples
    --------
    >>> M2K.tick_value
    0.5
    >>> M2K.pnl(2400.0, 2412.5, contracts=2)
    125.0
    """

    symbol: str
    name: str
    multiplier: float
    tick_size: float
    underlying: str
    months: str = "HMUZ"

    def __post_init__(self) -> None:
        for name in ("symbol", "name", "underlying", "months"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be text, got {getattr(self, name)!r}")
        _decimal("multiplier", self.multiplier)
        _decimal("tick_size", self.tick_size)

    @functools.cached_property
    def _tick(self) -> Fraction:
        """The tick in points, exactly."""
        return _decimal("tick_size", self.tick_size)

    @functools.cached_property
    def _ticks_per_point(self) -> int | float:
        """An int where it is whole, else the float next to it: `_points` is exact for all."""
        per_point = 1 / self._tick
        return per_point.numerator if per_point.denominator == 1 else float(per_point)

    @functools.cached_property
    def _decimals(self) -> int:
        """Digits after the point with which every price can be written."""
        digits = 0
        while (10**digits * self._tick).denominator > 1 and digits < 12:
            digits += 1
        return digits

    @functools.cached_property
    def _tick_usd(self) -> Fraction:
        return _decimal("multiplier", self.multiplier) * self._tick

    @property
    def tick_value(self) -> float:
        """USD that one tick is worth on one contract."""
        return float(self._tick_usd)

    def _points(self, ticks):
        """Ticks in points: one division, so that 24003 ticks of 0.1 are the float 2400.3."""
        return ticks * self._tick.numerator / self._tick.denominator

    @property
    def launch(self) -> dt.date | None:
        """First trading day at CME, or None where the course has no verified date."""
        key = f"launch.{self.symbol}"
        return fact(key).value if key in keys() else None

    def notional(self, price, contracts=1):
        """Market value that a position controls, in USD.

        Parameters
        ----------
        price : float, array, Series or DataFrame
            Futures price or index level, in points, above 0.
        contracts : int, array or Series
            Whole contracts; negative for a short position, and so is the result.

        Returns
        -------
        float, array or Series
            `price * multiplier * contracts`.

        Examples
        --------
        >>> M2K.notional(2400.0)
        12000.0
        """
        _matching(price, contracts)
        prices = _positive_prices("price", price)
        held = _whole_contracts("contracts", contracts)
        with np.errstate(over="ignore"):
            usd = prices * self.multiplier * held
        beyond = ~np.isfinite(usd)
        if np.any(beyond):
            raise ValueError(
                f"price and contracts must give a finite value, got {_first(usd, beyond)}"
            )
        return _like(price, contracts, result=usd)

    def pnl(self, entry, exit, contracts=1):
        """Profit or loss between two prices, in USD, before costs.

        Parameters
        ----------
        entry, exit : float, array, Series or DataFrame
            Prices on the contract's tick grid, in points.
        contracts : int, array or Series
            Whole contracts; negative for a short position.

        Returns
        -------
        float, array or Series
            `(exit - entry) * multiplier * contracts`, computed in whole ticks.

        Raises
        ------
        ValueError
            A price that is not finite, not above 0 or not on a tick; part contracts.

        Examples
        --------
        >>> M2K.pnl(2400.0, 2399.9)
        -0.5
        >>> M2K.pnl(2400.0, 2390.0, contracts=-3)
        150.0
        """
        _matching(entry, exit, contracts)
        moved = self._price_ticks("exit", exit) - self._price_ticks("entry", entry)
        held = _whole_contracts("contracts", contracts)
        size = np.abs(moved * 1.0 * held)
        if np.any(size >= _MOST_PRODUCT):
            raise ValueError(
                f"entry, exit and contracts must keep the result below 2**53 ticks of "
                f"{self.symbol}, got {_first(size, size >= _MOST_PRODUCT):g}"
            )
        usd = moved * held * 1.0 * self._tick_usd.numerator / self._tick_usd.denominator
        return _like(entry, exit, contracts, result=usd)

    def round_to_tick(self, price):
        """Nearest price on the tick grid; a price exactly half way goes up.

        >>> M2K.round_to_tick(2400.04), MES.round_to_tick(6000.13)
        (2400.0, 6000.25)
        """
        prices = _positive_prices("price", price)
        scaled = self._scaled("price", prices)
        return _like(price, result=self._points(np.floor(scaled + 0.5 + _TICK_NOISE)))

    def ticks(self, points):
        """Whole number of ticks in a distance of `points`; the distance may be negative.

        Raises ValueError when the distance is not a whole number of ticks.

        >>> M2K.ticks(12.3)
        123
        """
        return _like(points, result=self._whole_ticks("points", _finite("points", points)))

    def _price_ticks(self, name: str, price):
        return self._whole_ticks(name, _positive_prices(name, price))

    def _scaled(self, name: str, points):
        """Points in ticks, not yet whole."""
        scaled = points * self._tick.denominator / self._tick.numerator
        beyond = np.abs(scaled) > MOST_TICKS
        if np.any(beyond):
            raise ValueError(
                f"{name} must be at most 10**12 ticks of {self.symbol}, "
                f"{self._points(MOST_TICKS):g} points, got {_first(points, beyond)!r}"
            )
        return scaled

    def _whole_ticks(self, name: str, points):
        scaled = self._scaled(name, points)
        whole = np.rint(scaled)
        # Of a large price a float's last digit is more than a millionth of a tick.
        off_grid = np.abs(scaled - whole) > np.maximum(_TICK_NOISE, 1e-15 * np.abs(scaled))
        if np.any(off_grid):
            bad = float(np.atleast_1d(points)[np.atleast_1d(off_grid)][0])
            raise ValueError(
                f"{name} must lie on {self.symbol}'s tick of {self.tick_size:g} points, "
                f"got {bad!r}; round_to_tick gives the nearest price that does"
            )
        return whole.astype(np.int64)


M2K = Contract("M2K", "Micro E-mini Russell 2000", 5, 0.10, "Russell 2000")
RTY = Contract("RTY", "E-mini Russell 2000", 50, 0.10, "Russell 2000")
MES = Contract("MES", "Micro E-mini S&P 500", 5, 0.25, "S&P 500")
ES = Contract("ES", "E-mini S&P 500", 50, 0.25, "S&P 500")
MNQ = Contract("MNQ", "Micro E-mini Nasdaq-100", 2, 0.25, "Nasdaq-100")
NQ = Contract("NQ", "E-mini Nasdaq-100", 20, 0.25, "Nasdaq-100")
MYM = Contract("MYM", "Micro E-mini Dow", 0.5, 1.0, "Dow Jones Industrial Average")
YM = Contract("YM", "E-mini Dow", 5, 1.0, "Dow Jones Industrial Average")

CONTRACTS = {contract.symbol: contract for contract in (M2K, RTY, MES, ES, MNQ, NQ, MYM, YM)}


class ContractMonth(NamedTuple):
    """What a code such as "M2KZ26" says: the root symbol, the year and the month."""

    symbol: str
    year: int
    month: int


def get_contract(symbol: str) -> Contract:
    """Look a contract up by its root symbol.

    >>> get_contract("MES").tick_value
    1.25
    """
    return CONTRACTS[checks.choice("symbol", symbol, CONTRACTS)]


def contract_code(symbol: str, year: int, month: int) -> str:
    """Code of one quarterly contract: root symbol, month letter, two digits of the year.

    Raises ValueError for a month that is not listed or a contract that expired before its
    symbol was launched.

    >>> contract_code("M2K", 2026, 12)
    'M2KZ26'
    """
    contract = get_contract(symbol)
    year = checks.whole("year", year, at_least=1970, at_most=2069)
    month = checks.whole("month", month)
    if month not in MONTH_LETTERS:
        raise ValueError(f"month must be 3, 6, 9 or 12 (H, M, U, Z), got {month}")
    code = f"{symbol}{MONTH_LETTERS[month]}{year % 100:02d}"
    if contract.launch and _last_trading_day(year, month) < contract.launch:
        raise ValueError(
            f"year and month must be those of a contract that traded: {symbol} began on "
            f"{contract.launch}, so there never was a {code}"
        )
    return code


def parse_code(code: str) -> ContractMonth:
    """Take a contract code apart.

    Two-digit years 70 to 99 are read as 19xx, 00 to 69 as 20xx.

    >>> parse_code("M2KZ26")
    ContractMonth(symbol='M2K', year=2026, month=12)
    """
    accepted = "code must be a root symbol, H, M, U or Z, and two digits, such as 'M2KZ26'"
    if not isinstance(code, str):
        raise TypeError(f"{accepted}; got {code!r}")
    parts = re.fullmatch(rf"([A-Z0-9]+)([{_ALL_MONTH_LETTERS}])([0-9]{{2}})", code)
    if not parts or parts[1] not in CONTRACTS:
        raise ValueError(f"{accepted}; known symbols are {', '.join(CONTRACTS)}; got {code!r}")
    symbol, letter, digits = parts.groups()
    month = _ALL_MONTH_LETTERS.index(letter) + 1
    if month not in MONTH_LETTERS:
        raise ValueError(
            f"{accepted}; {letter} is {calendar.month_name[month]}, which {symbol} does not "
            f"list; got {code!r}"
        )
    short_year = int(digits)
    year = short_year + (1900 if short_year >= 70 else 2000)
    contract_code(symbol, year, month)  # refuses contracts older than their symbol
    return ContractMonth(symbol, year, month)


def last_trading_day(code: str) -> dt.date:
    """Day on whose morning the contract expires: third Friday, or the business day before.

    CME Rulebook, chapter 363: trading ends at 09:30 New York time on the third Friday of the
    month; if the stock market is closed that day (Good Friday, Juneteenth), on the business
    day before it.

    >>> last_trading_day("M2KZ26"), last_trading_day("M2KM26")
    (datetime.date(2026, 12, 18), datetime.date(2026, 6, 18))
    """
    _, year, month = parse_code(code)
    return _last_trading_day(year, month)


def roll_day(code: str, convention: str = "monday") -> dt.date:
    """Day from which traders and data vendors hold the next contract instead of this one.

    Neither convention is an exchange rule. Both count from the third Friday, also when that is
    a holiday.

    Parameters
    ----------
    code : str
        The expiring contract, such as "M2KZ26".
    convention : {"monday", "thursday"}
        "monday": Monday of expiry week, as data vendors now do. "thursday": the old floor's
        Thursday, eight days before the third Friday.

    Examples
    --------
    >>> roll_day("M2KZ26"), roll_day("M2KZ26", "thursday")
    (datetime.date(2026, 12, 14), datetime.date(2026, 12, 10))
    """
    _, year, month = parse_code(code)
    days_before = {"monday": 4, "thursday": 8}
    convention = checks.choice("convention", convention, days_before)
    return _third_friday(year, month) - dt.timedelta(days=days_before[convention])


def front_contract(symbol: str, date, convention: str = "monday") -> str:
    """Code of the contract held on a day; from the roll day on, it is the next quarter's.

    >>> front_contract("M2K", "2026-12-11"), front_contract("M2K", "2026-12-14")
    ('M2KZ26', 'M2KH27')
    """
    contract = get_contract(symbol)
    day = checks.date("date", date)
    if contract.launch and day < contract.launch:
        raise ValueError(f"date must be {contract.launch} or later, when {symbol} began; got {day}")
    quarters = [(year, month) for year in (day.year, day.year + 1) for month in MONTH_LETTERS]
    codes = (
        contract_code(symbol, year, month)
        for year, month in quarters
        if not contract.launch or _last_trading_day(year, month) >= contract.launch
    )
    return next(code for code in codes if day < roll_day(code, convention))


def fair_value(spot, rate, dividend_yield, days):
    """Futures price at which neither buyer nor seller of the carry has an advantage.

    Cost of carry with continuous compounding, `spot * exp((rate - dividend_yield) * days / 365)`
    (Hull, *Options, Futures, and Other Derivatives*, chapter on forward and futures prices).

    Parameters
    ----------
    spot : float, array or Series
        Index level, in points, above 0.
    rate, dividend_yield : float
        Per year, as decimals: 0.045 for 4.5 %.
    days : float, array or Series
        Calendar days to expiry, 0 or more.

    Returns
    -------
    float, array or Series
        In points, not rounded to a tick.

    Examples
    --------
    >>> round(fair_value(2400.0, rate=0.045, dividend_yield=0.013, days=90), 2)
    2419.01
    """
    decimal = {"above": -1.0, "below": 1.0}
    carry = checks.number("rate", rate, **decimal) - checks.number(
        "dividend_yield", dividend_yield, **decimal
    )
    _matching(spot, days)
    remaining = _finite("days", days)
    if np.any(remaining < 0):
        raise ValueError(f"days must be 0 or more, got {_first(remaining, remaining < 0)!r}")
    level = _positive_prices("spot", spot)
    return _like(spot, days, result=level * np.exp(carry * remaining / 365))


def hedge_contracts(portfolio_usd: float, beta: float, price: float, contract=M2K) -> int:
    """Contracts to sell so that the market risk of a portfolio is, as nearly as whole
    contracts allow, gone.

    `beta * portfolio_usd / (price * multiplier)` (Hull, chapter on hedging with futures),
    rounded to the nearest whole contract.

    Parameters
    ----------
    portfolio_usd : float
        Value of the portfolio; negative for a short one.
    beta : float
        The portfolio's beta to the contract's index.
    price : float
        Futures price, in points.
    contract : Contract

    Returns
    -------
    int
        How many to sell. Negative: buy that many.

    Examples
    --------
    >>> hedge_contracts(150_000, beta=1.2, price=2400.0)
    15
    """
    exposure_usd = checks.number("portfolio_usd", portfolio_usd) * checks.number("beta", beta)
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    exact = exposure_usd / contract.notional(checks.number("price", price, above=0))
    if not abs(exact) < _MOST_PRODUCT:
        raise ValueError(
            f"portfolio_usd * beta must be below 2**53 contracts, got {portfolio_usd!r} * {beta!r}"
        )
    return int(math.copysign(math.floor(abs(exact) + 0.5), exact))


def _third_friday(year: int, month: int) -> dt.date:
    first_weekday = dt.date(year, month, 1).weekday()
    return dt.date(year, month, 15 + (calendar.FRIDAY - first_weekday) % 7)


def _last_trading_day(year: int, month: int) -> dt.date:
    day = _third_friday(year, month)
    return day - dt.timedelta(days=1) if _stock_market_closed(day) else day


def _stock_market_closed(friday: dt.date) -> bool:
    """Only two holidays can fall on a third Friday of March, June, September or December.

    `sessions` has them too, from 1980 to 2068, and a test holds the two together. Its calendar
    takes a second to import: the first line of chapter 01 need not wait for two Fridays.
    """
    from dateutil.easter import easter

    if friday == easter(friday.year) - dt.timedelta(days=2):
        return True
    if friday.year < _NO_HOLIDAY_BEFORE_JUNETEENTH:
        return False
    # Juneteenth itself, or the Friday on which it is kept when it falls on a Saturday.
    return (friday.month, friday.day) == (6, 19) or (friday.month, friday.day) == (6, 18)


def _finite(name: str, value):
    """A float, or a float array of the same shape; NaN and infinity are refused."""
    if isinstance(value, (Real, str)) or value is None:
        return np.float64(checks.number(name, value))
    checks.no_mask(name, value)
    accepted = f"{name} must be a number or an array of numbers"
    if hasattr(value, "columns"):
        checks.columns_once(name, value)
        kinds = {column: value[column].dtype for column in value.columns}
        wrong = next((c for c, dtype in kinds.items() if dtype.kind not in "iuf"), None)
        if wrong is not None:
            raise TypeError(
                f"{accepted}, got a table whose column {wrong!r} holds {kinds[wrong]}; choose the "
                f"columns with prices, such as {name}[['open', 'high', 'low', 'close']]"
            )
        values = value.to_numpy(dtype=float, na_value=np.nan)
    elif hasattr(value, "to_numpy"):
        if value.dtype.kind not in "iuf":
            raise TypeError(f"{accepted}, got {value.dtype}")
        values = value.to_numpy(dtype=float, na_value=np.nan)
    else:
        values = np.asarray(value)
        if values.dtype.kind not in "iuf":
            raise TypeError(f"{accepted}, got {value!r}"[:200])
        values = values.astype(float)
    if not np.all(np.isfinite(values)):
        bad = _first(values, ~np.isfinite(values))
        raise ValueError(f"{name} must be finite throughout, got {bad!r}")
    return values


def _positive_prices(name: str, value):
    values = _finite(name, value)
    if np.any(values <= 0):
        raise ValueError(f"{name} must be above 0, got {_first(values, values <= 0)!r}")
    return values


def _whole_contracts(name: str, value):
    values = _finite(name, value)
    partial = values != np.rint(values)
    if np.any(partial):
        raise ValueError(f"{name} must be a whole number, got {_first(values, partial)!r}")
    beyond = np.abs(values) >= _MOST_PRODUCT
    if np.any(beyond):
        raise ValueError(f"{name} must be below 2**53, got {_first(values, beyond)!r}")
    return values.astype(np.int64)


def _first(values, where) -> float:
    return float(np.atleast_1d(values)[np.atleast_1d(where)][0])


def _matching(*inputs) -> None:
    """Refuse Series and tables that don't belong together row by row."""
    labelled = [given for given in inputs if hasattr(given, "index") and hasattr(given, "to_numpy")]
    if len({hasattr(given, "columns") for given in labelled}) > 1:
        raise TypeError(
            "a table and a Series can't be given together; choose one of the table's columns"
        )
    for given in labelled[1:]:
        if not given.index.equals(labelled[0].index):
            raise ValueError("Series given together must have the same index; align them first")
        if hasattr(given, "columns") and not given.columns.equals(labelled[0].columns):
            raise ValueError("tables given together must have the same columns; align them first")


def _like(*inputs, result):
    """Give `result` the type of the inputs: a number, an array, a Series or a DataFrame."""
    labelled = [given for given in inputs if hasattr(given, "index") and hasattr(given, "to_numpy")]
    if not labelled:
        return result.item() if np.ndim(result) == 0 else result
    import pandas as pd

    first = labelled[0]
    if hasattr(first, "columns"):
        return pd.DataFrame(result, index=first.index, columns=first.columns)
    return pd.Series(result, index=first.index, name=first.name)
