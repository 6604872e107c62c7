"""Weights, returns and costs as given: checked, and put in one order."""

import numpy as np
import pandas as pd

from m2k_lessons._util import checks

RULES = ("never", "calendar", "band", "correlation")

# A correlation matrix whose smallest eigenvalue is below this says that some mix of the assets
# has no risk at all. That is a copy or too few rows, and no market.
SMALLEST_EIGENVALUE = 1e-9
_WHOLE = 1e-6  # how far weights may sum from one: rounding of printed weights is not this small
NOISE = 1e-9  # what float arithmetic may add to a weight that lies on its bound


def table_of(name: str, given, *, at_least: int) -> np.ndarray:
    """Return the numbers of a table with names in its columns and nothing unknown."""
    checks.instance(name, given, pd.DataFrame, "a DataFrame, one column an asset")
    if not given.columns.is_unique:
        twice = given.columns[given.columns.duplicated()][0]
        raise ValueError(f"{name} must have each column once, got {twice!r} twice")
    if not len(given.columns) or len(given) < at_least:
        raise ValueError(
            f"{name} must have at least {at_least} rows and one column, got shape {given.shape}"
        )
    for column in given.columns:
        if given[column].dtype.kind not in "iuf":
            raise TypeError(f"{name} must hold numbers, got {given[column].dtype} in {column!r}")
    numbers = given.to_numpy(dtype=float, na_value=np.nan)
    unknown = np.argwhere(~np.isfinite(numbers))
    if len(unknown):
        row, column = unknown[0]
        raise ValueError(
            f"{name} must hold finite numbers, got {numbers[row, column]} in "
            f"{given.columns[column]!r} at {given.index[row]}"
        )
    return numbers


def weights_of(name: str, given) -> np.ndarray:
    """Return weights as numbers."""
    checks.instance(name, given, pd.Series, "a Series of weights by asset")
    return table_of(name, given.to_frame("weight").T, at_least=1)[0]


def targets_of(weights, table: pd.DataFrame, *, whole: bool = True) -> np.ndarray:
    """Return the target weights of each row, in the order of the table's columns."""
    columns = table.columns
    if isinstance(weights, pd.DataFrame):
        table_of("weights", weights, at_least=2)
        if not weights.index.equals(table.index):
            raise ValueError("weights must have the same index as the table of assets")
        same_names("weights", weights.columns, columns)
        rows = weights[columns].to_numpy(dtype=float)
    else:
        numbers = weights_of("weights", weights)
        same_names("weights", weights.index, columns)
        rows = np.tile(pd.Series(numbers, weights.index)[columns].to_numpy(), (len(table), 1))
    if (rows < 0).any():
        raise ValueError(f"weights must be at least zero, got {float(rows.min())}")
    sums = rows.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > _WHOLE) if whole else np.array([], int)
    if len(wrong):
        raise ValueError(
            f"weights must sum to one, got {sums[wrong[0]]:.6g} at {table.index[wrong[0]]}"
        )
    return rows


def positive_definite(covariance) -> np.ndarray:
    """Refuse what cannot be a covariance of assets that all carry risk."""
    matrix = table_of("covariance", covariance, at_least=1)
    if not covariance.index.equals(covariance.columns):
        raise ValueError(
            "covariance must have the same assets in rows and columns, got "
            f"{[*covariance.index]} and {[*covariance.columns]}"
        )
    scale = np.abs(matrix).max()
    if scale == 0 or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12 * scale):
        raise ValueError("covariance must be symmetric and not zero")
    variance = np.diag(matrix)
    if (variance <= 0).any():
        name = covariance.index[int(np.flatnonzero(variance <= 0)[0])]
        raise ValueError(
            f"covariance must have variances above zero, got {float(variance.min())} for {name!r}; "
            "leave out what carries no risk"
        )
    deviation = np.sqrt(variance)
    lowest = float(np.linalg.eigvalsh(matrix / deviation / deviation[:, None])[0])
    if lowest < SMALLEST_EIGENVALUE:
        raise ValueError(
            "covariance must be positive definite, got one in which some mix of the assets has "
            f"no risk or less (smallest eigenvalue of the correlations {lowest:.1e}); "
            "covariance_matrix(returns, 'shrunk') makes one that is"
        )
    return (matrix + matrix.T) / 2


def same_names(name: str, got: pd.Index, wanted: pd.Index) -> None:
    if not got.is_unique or set(got) != set(wanted):
        raise ValueError(f"{name} must be for the assets {[*wanted]}, got {[*got]}")
