"""Checks and exact arithmetic that the questions of risk share."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.contracts import Contract

# Floats carry noise in their last digits. A millionth of a tick or of a cent tells it from a
# distance or an amount that really lies in between.
NOISE = Fraction(1, 10**6)


def check_contract(contract) -> Contract:
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    return contract


def exact(name: str, value, **limits) -> Fraction:
    """The decimal that was typed: 0.01 is a hundredth, and not the float next to it."""
    return Fraction(str(checks.number(name, value, **limits)))


def ticks_up(name: str, points, contract: Contract) -> int:
    ticks = exact(name, points, above=0) / contract._tick
    return max(math.ceil(ticks - NOISE), 1)


def same_index(name: str, index: pd.Index, expected: pd.Index) -> None:
    if not index.equals(expected):
        raise ValueError(f"{name} must have the same index as the other Series, got another one")


def sample_of(name: str, values, *, may_be_empty: bool = False) -> np.ndarray:
    """A list of finite numbers as a float array."""
    checks.no_mask(name, values)
    array = values.to_numpy() if isinstance(values, (pd.Series, pd.Index)) else np.asarray(values)
    if array.size and array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a Series or array of numbers, got {values!r}")
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got {array.ndim}")
    if not array.size and not may_be_empty:
        raise ValueError(f"{name} must hold at least one number, got none")
    array = array.astype(float)
    finite_numbers(name, array)
    return array


def finite_numbers(name: str, array: np.ndarray) -> None:
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(f"{name} must be finite throughout, got {float(array[wrong][0])!r}")


def like(original, result: np.ndarray):
    if isinstance(original, pd.Series):
        return pd.Series(result, index=original.index, name=original.name)
    return result


def bisect(before, low: float, high: float) -> float:
    """Where `before` turns from true to false, to the last bit."""
    while low < (middle := (low + high) / 2.0) < high:
        if before(middle):
            low = middle
        else:
            high = middle
    return low
