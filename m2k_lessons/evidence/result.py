"""What the tests of `evidence` share: how a result is worded, and what goes in."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series

FEWEST = 10  # returns, below which no test is made
# A statistic that differs from another by less than this share of its size is a tie.
NOISE = 1e-9
UNLIKE = "the trials have nothing to do with each other (else the adjusted p-value is too strict)"


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class TestResult(ABC):
    """What the tests return: numbers, and what they mean in words.

    Attributes
    ----------
    n : int
        Returns that went in.
    period : str
        The time they are from.
    trials : int
        Rules and settings that were tried.
    summary : str
        What it means, in a sentence or two.
    assumptions : tuple of str
        What has to hold for it to mean that.
    p_value, p_value_adjusted : float
        In tests that have them: for a single attempt; for the best of all trials.
    """

    __test__ = False  # pytest takes what is named so for a test

    n: int
    period: str
    trials: int
    summary: str
    assumptions: tuple[str, ...]

    @abstractmethod
    def _headline(self) -> str:
        """The first line of the text: the number that the test is about."""

    def __str__(self) -> str:
        return "\n".join(
            [
                self._headline(),
                self.summary,
                f"From {self.period}; {tried(self.trials)}.",
                "Assumed: " + "; ".join(self.assumptions) + ".",
            ]
        )

    def __repr__(self) -> str:
        return str(self)


def returns_of(name: str, given, *, at_least=FEWEST, may_be_constant=False) -> np.ndarray:
    """Return finite numbers, enough of them."""
    values = series.values(name, given)
    _check_rows(name, given, values, at_least)
    if not may_be_constant and np.ptp(values) == 0:
        raise ValueError(f"{name} must vary, got {float(values[0])!r} in every row")
    return values


def table_of(name: str, given, trials, *, one_for_many: bool = True) -> tuple[np.ndarray, list]:
    """Finite numbers, a column for each trial; with `one_for_many`, one may stand for all."""
    trials = checks.whole("trials", trials, at_least=1)
    if one_for_many and isinstance(given, (pd.Series, np.ndarray)) and given.ndim == 1:
        values = returns_of(name, given, may_be_constant=True)
        return values[:, None], [getattr(given, "name", None)]
    if isinstance(given, pd.DataFrame):
        series.check_order(name, given.index)
        columns = given.columns.tolist()
        if not given.columns.is_unique:
            raise ValueError(
                f"{name} must name each column once, got "
                f"{given.columns[given.columns.duplicated()][0]!r} twice"
            )
        wrong = [column for column in columns if given[column].dtype.kind not in "iuf"]
        if wrong:
            raise TypeError(
                f"{name} must hold numbers, got {given[wrong[0]].dtype} in column {wrong[0]!r}"
            )
        table = given.to_numpy(np.float64, na_value=np.nan)
    elif isinstance(given, np.ndarray) and given.ndim == 2:
        if given.dtype.kind not in "iuf":
            raise TypeError(f"{name} must hold numbers, got {given.dtype}")
        columns, table = list(range(given.shape[1])), given.astype(np.float64)
    else:
        kind = "a Series or " if one_for_many else ""
        raise TypeError(
            f"{name} must be {kind}a DataFrame with a column for each trial, got a "
            f"{type(given).__name__}"
        )
    _check_rows(name, given, table, FEWEST, columns)
    if len(columns) != trials and not (one_for_many and len(columns) == 1):
        raise ValueError(
            f"{name} must have a column for each of the trials, losers too, got {len(columns)} "
            f"columns and trials={trials}"
        )
    return table, columns


def _check_rows(name: str, given, values: np.ndarray, at_least: int, columns=()) -> None:
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, *column = wrong[0]
        named = isinstance(given, (pd.Series, pd.DataFrame))
        raise ValueError(
            f"{name} must have a finite number in every row, got {float(values[tuple(wrong[0])])} "
            + (f"at {given.index[row]}" if named else f"in row {row}")
            + (f" in column {columns[column[0]]!r}" if column else "")
        )
    if len(values) < at_least:
        raise ValueError(f"{name} must have at least {at_least} rows, got {len(values)}")


def same_rows(**given) -> None:
    """As `series.check_same_index`, where a table counts as one of its columns."""
    tables = {name: each for name, each in given.items() if isinstance(each, pd.DataFrame)}
    series.check_same_index(**given | {name: each.iloc[:, 0] for name, each in tables.items()})


def of_column(columns: list, where: np.ndarray) -> str:
    return f" of column {columns[int(np.flatnonzero(where)[0])]!r}" if len(columns) > 1 else ""


def period_of(given) -> str:
    index = getattr(given, "index", None)
    dated = isinstance(index, pd.DatetimeIndex)
    span = f", {index[0]:%Y-%m-%d} to {index[-1]:%Y-%m-%d}" if dated else ""
    return f"{len(given):,} returns{span}"


def sidak(p_value: float, trials: int) -> float:
    # log1p and expm1 keep the digits of small p-values.
    return 1.0 if p_value >= 1 else -math.expm1(trials * math.log1p(-p_value))


def tried(trials: int) -> str:
    return "1 trial" if trials == 1 else f"{trials:,} trials"


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def shown_p(p_value: float) -> str:
    return f"{p_value:.4f}" if p_value >= 0.0001 else "below 0.0001"


def p_values(test) -> str:
    text = f"p = {shown_p(test.p_value)}"
    if test.trials > 1:
        text += f", as the best of {tried(test.trials)} {shown_p(test.p_value_adjusted)}"
    return text


def summary_of(
    p_value: float, level: float, trials: int, kind="worthless {}", nouns=("rule", "rules")
) -> str:
    """What a p-value means; `kind` says of which rules, with {} for one of the nouns."""
    single, several = map(kind.format, nouns)
    who = f"a {single}" if trials == 1 else f"the best of {trials:,} {several}"
    share = f"in {percent(p_value)} of cases"
    if p_value <= level:
        return (
            f"Hard to explain by luck: {who} does as well only {share}. That is no promise of "
            "profit."
        )
    return f"Not shown: {who} does as well {share}. Luck is explanation enough."
