"""Legs of futures and options put together: pay-off, value, profit."""

import datetime as dt
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons._util.series import like
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.options.arguments import M2K_PER_OPTION, OPTION, futures_per_option, numbers_of
from m2k_lessons.options.contract import fully_covering
from m2k_lessons.options.early_exercise import american
from m2k_lessons.options.european import black76

_KINDS = ("call", "put", "future")
_STYLES = ("European", "American")


@dataclass(frozen=True)
class Leg:
    """One part of a position: futures, or options on RTY.

    Attributes
    ----------
    kind : {"call", "put", "future"}
    contracts : int
        Negative for a short leg; not 0.
    price : float
        What each was bought or sold at, in points: a future's price above 0, or a premium at
        least 0.
    strike : float, optional
        In points, above 0; of options only, and they need it.
    contract : Contract, optional
        Of a future M2K (when left out) or RTY; of an option RTY.
    expiry : date, optional
        Of an option; legs that name one must name the same to be added up at expiry.
    style : {"European", "American"}
        Of an option.
    strike_step : float, optional
        Points between listed strikes; when given, the strike must be a multiple of it.

    Examples
    --------
    >>> Leg("put", 1, 60.1, strike=2300.0, strike_step=10).dollars_a_point
    50.0
    """

    kind: str
    contracts: int
    price: float
    strike: float | None = None
    contract: Contract | None = None
    expiry: dt.date | None = None
    style: str = "European"
    strike_step: float | None = None

    def __post_init__(self):
        put = functools.partial(object.__setattr__, self)
        checks.choice("kind", self.kind, _KINDS)
        put("contracts", checks.whole("contracts", self.contracts))
        if self.contracts == 0:
            raise ValueError("contracts must not be 0: a leg is long or short")
        checks.choice("style", self.style, _STYLES)
        if self.contract is None:
            put("contract", M2K if self.kind == "future" else OPTION)
        per_option = futures_per_option(self.contract)
        if self.kind == "future":
            put("price", checks.number("price", self.price, above=0))
            for name in ("strike", "expiry", "strike_step"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} must be left out for a future, got {self!r}")
            return
        if per_option != 1:
            raise ValueError(
                f"contract must be {OPTION.symbol} for an option, got {self.contract.symbol}: an "
                f"{OPTION.symbol} option covers {M2K_PER_OPTION} M2K"
            )
        put("price", checks.number("price", self.price, at_least=0))
        put("strike", checks.number("strike", self.strike, above=0))
        if self.expiry is not None:
            put("expiry", checks.date("expiry", self.expiry))
        if self.strike_step is not None:
            _on_grid(self.strike, checks.number("strike_step", self.strike_step, above=0))

    @property
    def dollars_a_point(self) -> float:
        """USD that a point of price is worth on the whole leg; negative when short."""
        return float(self.contracts * self.contract.multiplier)


def payoff(legs, prices):
    """What legs are worth at expiry, in USD, premiums left aside.

    An option brings what its exercise brings, a future its gain or loss since it was entered.

    Parameters and result as in `value`; the prices are those at expiry.

    Examples
    --------
    >>> legs = protective_put(2400.0, strike=2300.0, premium=60.1)
    >>> payoff(legs, [2000.0, 2300.0, 2500.0]).tolist()
    [-5000.0, -5000.0, 5000.0]
    """
    return value(legs, prices, years=0.0, rate=0.0, volatility=0.0)


def value(legs, prices, years, rate, volatility):
    """What legs are worth before expiry, in USD, premiums left aside.

    Parameters
    ----------
    legs : Leg, or list or tuple of Leg
    prices : float, array or Series
        Of the future, in points, above 0.
    years : float or list of float
        To expiry: the same for all legs, or one for each (a future's is not used). The legs
        must expire together unless each has its own.
    rate : float
        Per year, as a decimal.
    volatility : float or list of float
        One for all legs, or one for each, since strikes differ in implied volatility.

    Returns
    -------
    float, array or Series
        In USD, in the shape of `prices`: options by `black76` or `american`, futures by their
        gain since entry. With no time left this is `payoff`.

    Examples
    --------
    >>> legs = protective_put(2400.0, strike=2300.0, premium=60.1)
    >>> round(value(legs, 2400.0, years=0.25, rate=0.04, volatility=0.22), 2)
    3004.09
    """
    legs = _legs(legs)
    prices_of = numbers_of("prices", prices, above=0)
    if np.ndim(years) == 0:
        dates = sorted({leg.expiry for leg in legs if leg.expiry is not None})
        if len(dates) > 1:
            raise ValueError(
                "legs must expire together, or each have its own years; got "
                + ", ".join(map(str, dates))
            )
    total = np.zeros(np.shape(prices_of))
    own = _for_each("years", years, legs), _for_each("volatility", volatility, legs)
    for leg, left, deviation in zip(legs, *own, strict=True):
        if leg.kind == "future":
            points = prices_of - leg.price
        else:
            model = american if leg.style == "American" else black76
            points = model(prices_of, leg.strike, left, rate, deviation, leg.kind)
        total = total + points * leg.dollars_a_point
    return like(prices, total)


def premium_usd(legs) -> float:
    """Premiums of all option legs, in USD: above 0 was paid, below 0 received.

    Examples
    --------
    >>> premium_usd(collar(2400.0, 2300.0, 60.1, 2500.0, 58.0))
    105.0
    """
    options = (leg for leg in _legs(legs) if leg.kind != "future")
    return float(round(sum(leg.price * leg.dollars_a_point for leg in options), 6))


def profit(legs, prices, years=0.0, rate=0.0, volatility=0.0):
    """Gain or loss on legs, in USD, before costs: `value` less the premiums paid.

    Parameters and result as in `value`; without `years`, `rate` and `volatility` at expiry.
    Interest on the premiums is left out.

    Examples
    --------
    >>> legs = protective_put(2400.0, strike=2300.0, premium=60.1)
    >>> profit(legs, [2000.0, 2300.0, 2500.0]).tolist()
    [-8005.0, -8005.0, 1995.0]
    """
    return like(prices, value(legs, prices, years, rate, volatility) - premium_usd(legs))


def protective_put(
    price: float, strike: float, premium: float, contracts: int = M2K_PER_OPTION, **details
) -> tuple[Leg, Leg]:
    """Long futures and the puts that insure them: together, a synthetic long call.

    Parameters
    ----------
    price : float
        Of the future bought, in points.
    strike, premium : float
        Of the put bought, in points.
    contracts : int
        Futures: a whole number of options must fit, ten M2K to each.
    **details
        `contract` of the futures (M2K when left out); `expiry`, `style` and `strike_step` of
        the options, as in `Leg`.

    Returns
    -------
    tuple of Leg
        The futures, then the puts.

    Examples
    --------
    >>> [(leg.kind, leg.contracts) for leg in protective_put(2400.0, 2300.0, 60.1)]
    [('future', 10), ('put', 1)]
    """
    future, options = _covered(price, contracts, details)
    return future, Leg("put", options, premium, strike, **details)


def covered_call(
    price: float, strike: float, premium: float, contracts: int = M2K_PER_OPTION, **details
) -> tuple[Leg, Leg]:
    """Long futures and calls sold against them: together, a synthetic short put.

    Parameters and result as in `protective_put`, with calls sold in place of puts bought.

    Examples
    --------
    >>> profit(covered_call(2400.0, 2500.0, 58.0), [2300.0, 2500.0, 2700.0]).tolist()
    [-2100.0, 7900.0, 7900.0]
    """
    future, options = _covered(price, contracts, details)
    return future, Leg("call", -options, premium, strike, **details)


def collar(
    price: float,
    put_strike: float,
    put_premium: float,
    call_strike: float,
    call_premium: float,
    contracts: int = M2K_PER_OPTION,
    **details,
) -> tuple[Leg, Leg, Leg]:
    """Long futures, puts bought below and calls sold above to pay for them.

    Parameters
    ----------
    price : float
        Of the future bought, in points.
    put_strike, put_premium, call_strike, call_premium : float
        In points; the put's strike below the call's.
    contracts, **details
        As in `protective_put`.

    Returns
    -------
    tuple of Leg
        The futures, the puts, the calls.

    Examples
    --------
    >>> legs = collar(2400.0, 2300.0, 60.1, 2500.0, 58.0)
    >>> profit(legs, [2000.0, 2400.0, 2800.0]).tolist()
    [-5105.0, -105.0, 4895.0]
    """
    future, options = _covered(price, contracts, details)
    put = Leg("put", options, put_premium, put_strike, **details)
    call = Leg("call", -options, call_premium, call_strike, **details)
    if put.strike >= call.strike:
        raise ValueError(
            f"put_strike must be below call_strike, got {put_strike!r} and {call_strike!r}"
        )
    return future, put, call


def long_call(strike: float, premium: float, options: int = 1, **details) -> tuple[Leg]:
    """Calls alone: the upside for a premium, with no future held.

    Parameters
    ----------
    strike, premium : float
        In points.
    options : int
        At least 1.
    **details
        `expiry`, `style` and `strike_step`, as in `Leg`.

    Examples
    --------
    >>> profit(long_call(2400.0, 104.0), [2300.0, 2600.0]).tolist()
    [-5200.0, 4800.0]
    """
    options = checks.whole("options", options, at_least=1)
    return (Leg("call", options, premium, strike, **details),)


def _covered(price, contracts, details):
    """The futures of a hedge and the number of options; takes `contract` out of details."""
    contract = details.pop("contract", M2K)
    contracts = checks.whole("contracts", contracts, at_least=1)
    options = fully_covering(contracts, contract)
    return Leg("future", contracts, price, contract=contract), options


def _on_grid(strike: float, step: float) -> None:
    steps = strike / step
    if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
        nearest = f"{math.floor(steps) * step:g} and {math.ceil(steps) * step:g}"
        raise ValueError(
            f"strike must lie on the grid of {step:g} points, got {strike!r}; "
            f"its neighbours there are {nearest}"
        )


def _legs(legs) -> tuple[Leg, ...]:
    if isinstance(legs, Leg):
        return (legs,)
    accepted = "legs must be a Leg or a list of them"
    if isinstance(legs, str) or not isinstance(legs, Iterable):
        raise TypeError(f"{accepted}, got {legs!r}")
    legs = tuple(legs)
    for leg in legs:
        if not isinstance(leg, Leg):
            raise TypeError(f"{accepted}, got {leg!r} among them")
    if not legs:
        raise ValueError(f"{accepted}, got none")
    return legs


def _for_each(name: str, given, legs) -> list[float]:
    """A number for each leg, from one for all or one for each."""
    if np.ndim(given) == 0:
        return [given] * len(legs)
    numbers = list(given)
    if len(numbers) != len(legs):
        raise ValueError(
            f"{name} must be one number or one for each of the {len(legs)} legs, got {len(numbers)}"
        )
    return numbers
