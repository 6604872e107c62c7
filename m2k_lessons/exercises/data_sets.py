"""Small data sets on which the functions of code exercises are run; everything is simulated."""

from __future__ import annotations

import pandas as pd


def series(*values: float, name: str = "close") -> pd.Series:
    """A few values, a weekday apart."""
    days = pd.date_range("2030-01-07", periods=len(values), freq="B")
    return pd.Series(values, index=days, dtype=float, name=name)


def course_bars(days: int = 250, symbol: str = "M2K") -> pd.DataFrame:
    """The first days of the course's daily bars, simulated."""
    from m2k_lessons import data

    return data.load("daily")[symbol].iloc[:days]


def course_closes(days: int = 250, symbol: str = "M2K") -> pd.Series:
    """The first closes of the course's daily bars, simulated."""
    return course_bars(days, symbol)["close"]
