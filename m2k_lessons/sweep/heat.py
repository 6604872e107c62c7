"""A sweep as a table of two settings."""

from __future__ import annotations

import pandas as pd

from m2k_lessons._util import checks


def heat_map(table: pd.DataFrame, x: str, y: str, value: str = "Sharpe Ratio", *, axes=None):
    """Draw one metric of a sweep over two of its settings.

    The highest value is marked. A cell without a value is hatched: that combination was left out,
    or there is no number for it.

    Parameters
    ----------
    table : DataFrame
        From `sweep`.
    x, y : str
        Names of two settings.
    value : str
        Name of the metric.
    axes : matplotlib Axes, optional
        A new figure when omitted.

    Returns
    -------
    Axes
        Finish with `plots.show()`, which also has the text for those who can't see it.

    Raises
    ------
    ValueError, TypeError
        Columns that are not in the table or hold no numbers; several rows for one cell.

    Examples
    --------
    >>> table = pd.DataFrame({"fast": [5, 5, 10], "slow": [20, 40, 40], "Return [$]": [1.0, 3, 2]})
    >>> axes = heat_map(table, "fast", "slow", "Return [$]")
    >>> axes.get_ylabel()
    'slow'
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table must be a DataFrame from sweep, got {type(table).__name__}")
    for argument, column in (("x", x), ("y", y), ("value", value)):
        checks.choice(argument, column, table.columns)
    if x == y:
        raise ValueError(f"x and y must be two settings, got {x!r} twice")
    if not pd.api.types.is_numeric_dtype(table[value]):
        raise TypeError(f"value must name a column of numbers, got {value!r}")
    if not len(table):
        raise ValueError("table must have at least one row, got none")
    twice = table.duplicated([x, y])
    if twice.any():
        row = table[twice].iloc[0]
        raise ValueError(
            f"table must have one row for each {x} and {y}, got several for {x}={row[x]} and "
            f"{y}={row[y]}; choose one value of the other settings first"
        )
    cells = table.pivot(index=y, columns=x, values=value)
    from m2k_lessons.sweep.figure import draw

    return draw(cells, x, y, value, table.attrs.get("label", ""), axes)
