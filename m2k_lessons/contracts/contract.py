"""A futures contract: its multiplier and tick, and what a price is worth in dollars."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.facts import fact, keys

MONTH_LETTERS = {3: "H", 6: "M", 9: "U", 12: "Z"}

# Prices arrive as floats: 2410.3 is stored as 2410.3000000000002. A millionth of a tick tells
# such noise from a price that really lies between two ticks.
_TICK_NOISE = 1e-6

# Up to here a float tells that noise from a tick, and whole numbers of ticks from each other.
MOST_TICKS = 10**12

# Products of ticks and contracts are exact up to here, as floats and as integers.
MOST_PRODUCT = 2**53
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
        check_matching(price, contracts)
        prices = positive_prices("price", price)
        held = _whole_contracts("contracts", contracts)
        with np.errstate(over="ignore"):
            usd = prices * self.multiplier * held
        beyond = ~np.isfinite(usd)
        if np.any(beyond):
            raise ValueError(
                f"price and contracts must give a finite value, got {first_of(usd, beyond)}"
            )
        return like(price, contracts, result=usd)

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
        check_matching(entry, exit, contracts)
        moved = self._price_ticks("exit", exit) - self._price_ticks("entry", entry)
        held = _whole_contracts("contracts", contracts)
        size = np.abs(moved * 1.0 * held)
        if np.any(size >= MOST_PRODUCT):
            raise ValueError(
                f"entry, exit and contracts must keep the result below 2**53 ticks of "
                f"{self.symbol}, got {first_of(size, size >= MOST_PRODUCT):g}"
            )
        usd = moved * held * 1.0 * self._tick_usd.numerator / self._tick_usd.denominator
        return like(entry, exit, contracts, result=usd)

    def round_to_tick(self, price):
        """Nearest price on the tick grid; a price exactly half way goes up.

        >>> M2K.round_to_tick(2400.04), MES.round_to_tick(6000.13)
        (2400.0, 6000.25)
        """
        prices = positive_prices("price", price)
        scaled = self._scaled("price", prices)
        return like(price, result=self._points(np.floor(scaled + 0.5 + _TICK_NOISE)))

    def ticks(self, points):
        """Whole number of ticks in a distance of `points`; the distance may be negative.

        Raises ValueError when the distance is not a whole number of ticks.

        >>> M2K.ticks(12.3)
        123
        """
        return like(points, result=self._whole_ticks("points", finite_float("points", points)))

    def _price_ticks(self, name: str, price):
        return self._whole_ticks(name, positive_prices(name, price))

    def _scaled(self, name: str, points):
        """Points in ticks, not yet whole."""
        scaled = points * self._tick.denominator / self._tick.numerator
        beyond = np.abs(scaled) > MOST_TICKS
        if np.any(beyond):
            raise ValueError(
                f"{name} must be at most 10**12 ticks of {self.symbol}, "
                f"{self._points(MOST_TICKS):g} points, got {first_of(points, beyond)!r}"
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


def get_contract(symbol: str) -> Contract:
    """Look a contract up by its root symbol.

    >>> get_contract("MES").tick_value
    1.25
    """
    return CONTRACTS[checks.choice("symbol", symbol, CONTRACTS)]


def finite_float(name: str, value):
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
        bad = first_of(values, ~np.isfinite(values))
        raise ValueError(f"{name} must be finite throughout, got {bad!r}")
    return values


def positive_prices(name: str, value):
    values = finite_float(name, value)
    if np.any(values <= 0):
        raise ValueError(f"{name} must be above 0, got {first_of(values, values <= 0)!r}")
    return values


def _whole_contracts(name: str, value):
    values = finite_float(name, value)
    partial = values != np.rint(values)
    if np.any(partial):
        raise ValueError(f"{name} must be a whole number, got {first_of(values, partial)!r}")
    beyond = np.abs(values) >= MOST_PRODUCT
    if np.any(beyond):
        raise ValueError(f"{name} must be below 2**53, got {first_of(values, beyond)!r}")
    return values.astype(np.int64)


def first_of(values, where) -> float:
    return float(np.atleast_1d(values)[np.atleast_1d(where)][0])


def check_matching(*inputs) -> None:
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


def like(*inputs, result):
    """Give `result` the type of the inputs: a number, an array, a Series or a DataFrame."""
    labelled = [given for given in inputs if hasattr(given, "index") and hasattr(given, "to_numpy")]
    if not labelled:
        return result.item() if np.ndim(result) == 0 else result
    import pandas as pd

    first = labelled[0]
    if hasattr(first, "columns"):
        return pd.DataFrame(result, index=first.index, columns=first.columns)
    return pd.Series(result, index=first.index, name=first.name)
