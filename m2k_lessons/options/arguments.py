"""Arguments of the option formulas: checked, and matched to one shape."""

import math

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, option_pricing
from m2k_lessons.contracts import M2K, RTY, Contract

DAYS_A_YEAR = 365
OPTION = RTY  # what the options are written on
M2K_PER_OPTION = round(OPTION.multiplier / M2K.multiplier)
_SIGNS = {"call": 1.0, "put": -1.0}
BLOCK = 8192  # values that are worked on at a time, so that they stay in the processor's cache
SQRT_TWO_PI = math.sqrt(2 * math.pi)


def futures_per_option(contract) -> int:
    checks.instance("contract", contract, Contract, "a Contract such as M2K")
    if contract not in (M2K, OPTION):
        raise ValueError(
            f"contract must be M2K or RTY, which the options here are on, got {contract.symbol}"
        )
    return round(OPTION.multiplier / contract.multiplier)


def values_of(forward, strike, years, rate, volatility, sign):
    discount = np.exp(-rate * years)
    deviation = volatility * np.sqrt(years)
    return option_pricing.european(forward, strike, deviation, discount, sign)[:1]


def blockwise(function, outputs, *arguments):
    """Results of a function of broadcast arrays, worked out a block at a time."""
    shape = np.broadcast_shapes(*map(np.shape, arguments))
    size = math.prod(shape)
    if size <= BLOCK:
        return tuple(np.broadcast_to(result, shape).copy() for result in function(*arguments))
    # Numbers stay numbers, so that nothing is computed more than once.
    flat = [part if np.ndim(part) == 0 else np.broadcast_to(part, shape).ravel()
            for part in arguments]  # fmt: skip
    results = tuple(np.empty(size) for _ in range(outputs))
    for start in range(0, size, BLOCK):
        block = slice(start, start + BLOCK)
        pieces = function(*(part if np.ndim(part) == 0 else part[block] for part in flat))
        for result, piece in zip(results, pieces, strict=True):
            result[block] = piece
    return tuple(result.reshape(shape) for result in results)


def option_arguments(forward, strike, years, rate, volatility, kind):
    checked = (
        *market_arguments(forward, strike, years, rate),
        numbers_of("volatility", volatility, at_least=0, at_most=10),
        signs_of(kind),
    )
    check_matched((forward, strike, years, rate, volatility, kind), checked)
    return checked


def market_arguments(forward, strike, years, rate):
    return (
        numbers_of("forward", forward, above=0),
        numbers_of("strike", strike, above=0),
        numbers_of("years", years, at_least=0, at_most=100),
        numbers_of("rate", rate, at_least=-1, at_most=1),
    )


def numbers_of(name, given, **limits):
    """A float or a float array inside the limits, as `checks.number` has them."""
    if np.ndim(given) == 0:
        if isinstance(given, np.ndarray):
            given = given.item()
        return np.float64(checks.number(name, given, **limits))
    array = np.asarray(_not_a_frame(name, given))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or an array of numbers, got {given!r}")
    array = array.astype(float, copy=False)
    if array.size:
        # NaN makes both of these NaN, which `number` refuses.
        for extreme in (array.min(), array.max()):
            checks.number(name, float(extreme), **limits)
    return array


def signs_of(kind):
    """1 for calls and -1 for puts."""
    if isinstance(kind, str) or np.ndim(kind) == 0:
        return np.float64(_SIGNS[checks.choice("kind", kind, _SIGNS)])
    array = np.asarray(_not_a_frame("kind", kind))
    call = np.asarray(array == "call", dtype=bool)
    rest = array[~call]
    wrong = np.asarray(rest != "put", dtype=bool)
    if np.any(wrong):
        checks.choice("kind", rest[wrong].tolist()[0], _SIGNS)
    return np.where(call, 1.0, -1.0)


def _not_a_frame(name, given):
    if isinstance(given, pd.DataFrame):
        raise TypeError(f"{name} must be a number, an array or a Series, got a table")
    return given


def check_matched(given, checked) -> None:
    """Refuse arguments that do not go together."""
    shapes = [np.shape(part) for part in checked]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        sizes = ", ".join(str(size) for size in shapes if size)
        raise ValueError(f"arguments must have shapes that broadcast, got {sizes}") from None
    indexes = [part.index for part in given if isinstance(part, pd.Series)]
    if not all(index.equals(indexes[0]) for index in indexes):
        raise ValueError("Series given together must have the same index; align them first")
    if indexes and shape != indexes[0].shape:
        raise ValueError(
            f"arguments beside a Series must be numbers or of its length {len(indexes[0])}, "
            f"got shapes that broadcast to {shape}"
        )
