"""Covariances and markets that the tests of weights, risk and rebalancing share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

NAMES = ("large_caps", "small_caps", "bonds")


def table(matrix, names=None):
    matrix = np.asarray(matrix, dtype=float)
    names = list(names or "abcdefgh"[: len(matrix)])
    return pd.DataFrame(matrix, names, names)


def two(first, second, correlation):
    return table(
        [[first**2, correlation * first * second], [correlation * first * second, second**2]]
    )


def returns_of(market, names=(*NAMES, "cash")):
    closes = pd.DataFrame({name: market[name]["close"] for name in names})
    return closes.pct_change().iloc[1:]


@st.composite
def covariances(draw, most=6):
    """Positive definite, of any scale, with correlations from almost none to almost one."""
    size = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    common = draw(st.sampled_from([0.0, 0.5, 3.0, 30.0]))
    loads = rng.standard_normal((size, size)) + common * rng.choice([-1, 1], size)[:, None]
    matrix = loads @ loads.T
    deviation = np.sqrt(np.diag(matrix))
    own = draw(st.sampled_from([1e-6, 1e-4, 1e-2]))  # keeps it positive definite
    correlation = (1 - own) * matrix / np.outer(deviation, deviation) + own * np.eye(size)
    volatility = 10.0 ** rng.uniform(-4, 0, size)
    return table(correlation * np.outer(volatility, volatility))


@st.composite
def bounded(draw):
    """A covariance and bounds that leave at least one mix."""
    covariance = draw(covariances())
    size = len(covariance)
    fractions = st.lists(st.floats(0, 1), min_size=size, max_size=size)
    inside = np.array(draw(fractions)) + 0.01
    inside = inside / inside.sum()
    low = inside * np.array(draw(fractions))
    high = np.minimum(inside + (1 - inside) * np.array(draw(fractions)), 1)
    names = covariance.index
    return covariance, pd.Series(low, names), pd.Series(high, names)


def cents(frame):
    whole = (100 * frame).round()
    assert ((100 * frame - whole).abs() < 1e-3).all(axis=None)  # nothing but whole cents
    return whole.astype("int64")


def days(number, first="2030-01-02"):
    return pd.bdate_range(first, periods=number, tz="America/New_York")
