"""A real pair of indices."""

import pandas as pd

from m2k_lessons import data


def nasdaq_and_sp500() -> pd.DataFrame:
    """Real daily closes of two stock indices, January 1999 to December 2018.

    Returns
    -------
    DataFrame
        5,031 rows in points, indexed by date: the columns "NASDAQ", the Composite, and
        "S&P 500". Without dividends.

    Raises
    ------
    FileNotFoundError
        Without the course's folder data/real.

    Notes
    -----
    The closes of ``data.load("nasdaq")`` and ``data.load("sp500")``, from Yahoo by way of the
    package arch.

    Examples
    --------
    >>> nasdaq_and_sp500().iloc[0].round(2).to_dict()
    {'NASDAQ': 2208.05, 'S&P 500': 1228.1}
    """
    closes = {"NASDAQ": "nasdaq", "S&P 500": "sp500"}
    frame = pd.DataFrame({title: data.load(name)["close"] for title, name in closes.items()})
    frame.index = frame.index.tz_localize(None).rename("Date")
    frame.attrs = {"source": "data/real, from Yahoo by way of arch", "units": "points"}
    return frame
