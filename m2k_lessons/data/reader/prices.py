"""Prices from a file as people have it: the entrance to the reader."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import IO

import pandas as pd

from m2k_lessons.data.reader import assemble
from m2k_lessons.data.reader.layout import PRICES, ROLES


def read_prices(
    path: str | os.PathLike | IO,
    *,
    tz: str = "America/New_York",
    prices: Iterable[str] = PRICES,
    columns: Mapping[str, str | None] | Sequence[str | None] | None = None,
    dayfirst: bool | None = None,
    decimal: str | None = None,
    label: str = "start",
    settlement: bool = False,
) -> pd.DataFrame:
    """Read a file of prices of one symbol into a tidy frame.

    Understood are comma-, semicolon- and tab-separated text (plain, packed by gzip, bzip2, xz or
    in a zip of one file; UTF-8, UTF-16 or Western Windows), and with the package pyarrow Parquet
    and text packed by Zstandard; all told by content and not by extension.
    The columns are found by their names, as Yahoo (also with yfinance's three header lines),
    Stooq, Nasdaq, Investing.com, Barchart, TradingView, brokers and terminals write them; a file
    without names must be time (or date and time), open, high, low, close and perhaps volume.

    Parameters
    ----------
    path : str, path or open file
        The file. An open file is read to its end and held in memory.
    tz : str or tzinfo
        Zone of the result. Times without an offset, daily dates among them, are in this zone,
        unless a column or a line above the names gives another, which is noted; times with an
        offset (EST and its like are offsets), and counts of seconds, milli-, micro- or
        nanoseconds since 1970, are instants and are converted to it.
    prices : iterable of str
        Which of `open`, `high`, `low`, `close` to read. Each must be in the file and in every
        row; `prices=("close",)` reads a file that has nothing else.
    columns : mapping or sequence, optional
        Column name in the file -> `time`, `date`, `open`, `high`, `low`, `close`, `adj_close`,
        `volume` or `symbol`, where the name does not tell, or None to leave it out. For a file
        without names the list of all its columns in order, with None for those to leave out.
        `date` goes with `time` where date and time of day are two columns.
    dayfirst : bool, optional
        Whether 03/08/2024 is the 3rd of August. Needed only where no date of the file tells.
    decimal : {".", ",", "32nds"}, optional
        The decimal mark, or that prices are bond quotes such as 110-16 or 110'165 in points and
        thirty-seconds. Needed only where no number of the file tells.
    label : {"start", "end"}
        Which moment of a bar the file's times are. The course labels bars by their start:
        `"end"` moves all of them back by the usual distance of two bars.
    settlement : bool
        True if the close is a settlement, which may lie outside the day's trades: high or low
        are widened to it, up to a tenth of the price, and the rows counted in the report.

    Returns
    -------
    pandas.DataFrame
        float64 columns `open`, `high`, `low`, `close` in points or USD as the file has them,
        `volume` and `adj_close` if the file has them (NaN where a row has none), on an ascending
        index `time` without duplicates in the zone `tz`. `frame.attrs["report"]` is a
        `ReadReport`; `print` it. `frame.attrs["opens"]` is what `measure_opens` says of the
        opens: an index's can't be traded. The close is never adjusted.

    Raises
    ------
    PriceFileError
        If something cannot be read or cannot be a price: a price that is missing, no number,
        zero, negative or infinite; a high below the low, an open or close outside them by more
        than a millionth (less is the rounding of stored prices, and reported); two rows of one
        time that disagree; a line with more or fewer fields than the names; a time that is no
        date, that the clocks skip in spring, or that they show twice in autumn and the rows'
        order does not place; day and month, or decimal mark and thousands separator, that
        nothing tells apart; several symbols; and so on. It is a `ValueError`.
    FileNotFoundError
        If there is no such file.
    ValueError, TypeError
        If an argument is not as described.

    Notes
    -----
    Nothing is filled in. Left out, and reported, are only repeated rows that agree in every
    number, rows without any number, blank lines, lines above the column names, and one last
    line of text. A daily date whose midnight the clocks skip is the first instant of that day.

    Examples
    --------
    >>> import io
    >>> text = io.StringIO(
    ...     "Date;Open;High;Low;Close\\n"
    ...     "11.03.2024;2.078,30;2.085,10;2.060,20;2.066,00\\n"
    ...     "08.03.2024;2.092,40;2.099,50;2.074,80;2.082,70\\n"
    ... )
    >>> frame = read_prices(text)
    >>> frame["close"].to_list()
    [2082.7, 2066.0]
    >>> print(frame.attrs["report"])  # doctest: +NORMALIZE_WHITESPACE
    <file>: 2 rows from 2024-03-08 to 2024-03-11
      time zone America/New_York; delimiter semicolon
      repaired: rows were newest first: turned round
      repaired: read the decimal comma as a decimal point
      repaired: took out the thousands separators of Open, High, Low, Close
      note: times have no zone, taken as America/New_York
      note: dates are day/month/year
      note: the file has no volume
    """
    if not isinstance(path, (str, os.PathLike)) and not hasattr(path, "read"):
        raise TypeError(f"path must be a path or an open file, got {path!r}")
    options = assemble.Options(
        zone=_checked_zone(tz),
        prices=_checked_prices(prices),
        columns=_checked_columns(columns),
        dayfirst=_checked_option("dayfirst", dayfirst, (None, True, False)),
        decimal=_checked_option("decimal", decimal, (None, ".", ",", "32nds")),
        label=_checked_option("label", label, ("start", "end")),
        settlement=_checked_option("settlement", settlement, (True, False)),
    )
    return assemble.read(path, options)  # type: ignore[arg-type]


def _checked_zone(tz) -> datetime.tzinfo:
    accepted = f"tz must be a time zone such as 'America/New_York' or 'UTC', got {tz!r}"
    if not isinstance(tz, (str, datetime.tzinfo)):
        raise TypeError(accepted)
    try:
        return pd.DatetimeTZDtype("us", tz).tz
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(accepted) from error


def _checked_prices(prices: Iterable[str]) -> tuple[str, ...]:
    accepted = f"prices must be some of {', '.join(PRICES)}, such as ('close',)"
    if isinstance(prices, str) or not isinstance(prices, Iterable):
        raise TypeError(f"{accepted}; got {prices!r}")
    wanted = list(prices)
    if not wanted or any(price not in PRICES for price in wanted):
        raise ValueError(f"{accepted}; got {prices!r}")
    return tuple(price for price in PRICES if price in wanted)


def _checked_columns(columns):
    if columns is None:
        return None
    if isinstance(columns, str) or not isinstance(columns, (Mapping, Sequence)):
        raise TypeError(f"columns must be a mapping or a list, got {columns!r}")
    roles = columns.values() if isinstance(columns, Mapping) else columns
    named = [role for role in roles if role is not None]
    for role in named:
        if role not in ROLES:
            raise ValueError(f"columns must use {', '.join(ROLES)}; got {role!r}")
        if named.count(role) > 1:
            raise ValueError(f"columns must name each column once, got {role!r} twice")
    return columns


def _checked_option(name: str, value, accepted: tuple):
    if not any(value is option or value == option != 1 for option in accepted):
        raise ValueError(f"{name} must be one of {accepted}, got {value!r}")
    return value
