"""A real pair of indices."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd


def nasdaq_and_sp500() -> pd.DataFrame:
    """Real daily closes of two stock indices, January 1999 to December 2018.

    Returns
    -------
    DataFrame
        5,031 rows in points, indexed by date: the columns "NASDAQ", the Composite, and
        "S&P 500". Without dividends.

    Raises
    ------
    ModuleNotFoundError, OSError
        Without the package arch, or without its sample data.

    Notes
    -----
    The adjusted closes of `arch.data.nasdaq` and `arch.data.sp500`, which took them from Yahoo.
    The files are read where they lie: to import arch for them takes a learner two seconds.

    Examples
    --------
    >>> nasdaq_and_sp500().iloc[0].round(2).to_dict()
    {'NASDAQ': 2208.05, 'S&P 500': 1228.1}
    """
    found = importlib.util.find_spec("arch")
    if found is None:
        raise ModuleNotFoundError("nasdaq_and_sp500 needs the package arch", name="arch")
    folder = Path(found.origin).parent / "data"
    closes = {
        name: pd.read_csv(folder / file / f"{file}.csv.gz", index_col="Date")["Adj Close"]
        for name, file in (("NASDAQ", "nasdaq"), ("S&P 500", "sp500"))
    }
    frame = pd.DataFrame(closes)
    frame.index = pd.to_datetime(frame.index, format="%m/%d/%Y")
    frame.attrs = {"source": "arch.data, from Yahoo", "units": "points"}
    return frame
