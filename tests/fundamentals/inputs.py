"""Quarters that the tests of fundamentals share."""

from __future__ import annotations

import numpy as np
import pandas as pd


def quarters(n, first="2000Q1"):
    return pd.period_range(first, periods=n, freq="Q")


def series(values, first="2000Q1", name="x"):
    values = np.asarray(values, dtype=float)
    return pd.Series(values, index=quarters(len(values), first), name=name)
