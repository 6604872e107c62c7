"""Figures of the US economy from FRED, fetched once and kept on the learner's computer."""

import datetime as dt
import io
import re

import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.data import cache
from m2k_lessons.data.cache import DownloadError

_ADDRESS = "https://fred.stlouisfed.org/graph/fredgraph.csv"
_SERIES_ID = re.compile(r"[A-Z0-9_]{1,40}")
_INSTEAD = "fundamentals.macro() has real figures from 1959 to 2009 and works offline"


def fred(
    series_id: str,
    start: str | dt.date,
    end: str | dt.date,
    *,
    refresh: bool = False,
    timeout_s: float = 30,
) -> pd.Series:
    """Fetch a series of FRED, the Federal Reserve Bank of St. Louis, or the last such answer.

    Needs the package curl-cffi (in a notebook: ``%pip install curl-cffi``) and, the first time
    that a series and span are asked for, the internet. No lesson needs it.

    Parameters
    ----------
    series_id : str
        As FRED writes it: "UNRATE" (unemployment), "DGS2" (two-year yield), "PCE" (spending).
    start, end : str or date
        First and last date, both included, as FRED dates its figures: by the first day of the
        period that they are *about*. See `fundamentals.known_at` for when they were known.
    refresh : bool
        Fetch again, and replace what was kept: figures are revised.
    timeout_s : float
        Longest time to wait, in seconds.

    Returns
    -------
    pandas.Series
        In the series' own unit, named `series_id`, on dates without zone, NaN where FRED has no
        figure. ``attrs`` has `source`, and when it was `fetched` (UTC). Values are as revised
        by then, not as first published.

    Raises
    ------
    DownloadError
        No connection, no answer in time, an unknown series, no figure in the span, or an answer
        that is no table. It is an `OSError`.
    ModuleNotFoundError
        If curl-cffi is not installed.
    ValueError, TypeError
        If an argument is not as described.

    Notes
    -----
    What is fetched is kept as `data.download` keeps prices, in the folder ``fred``.

    Examples
    --------
    >>> fred("UNRATE", "2024-03-11", "2024-03-04")
    Traceback (most recent call last):
        ...
    ValueError: start must not be after end, got 2024-03-11 and 2024-03-04
    """
    series_id = _checked_id(series_id)
    start, end = checks.date("start", start), checks.date("end", end)
    if start > end:
        raise ValueError(f"start must not be after end, got {start} and {end}")
    checks.instance("refresh", refresh, bool, "True or False")
    timeout_s = checks.number("timeout_s", timeout_s, above=0, at_most=3600)

    path = cache.folder("fred") / f"{series_id}_{start}_{end}.csv"
    kept = None if refresh else cache.read(path, _INSTEAD)
    if kept is not None:
        about, csv = kept
        return _parsed(series_id, csv.decode(), about["fetched"])
    cache.make_folder(path.parent)
    text = _ask(series_id, start, end, timeout_s)
    fetched = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    series = _parsed(series_id, text, fetched)
    outside = (series.index < pd.Timestamp(start)) | (series.index > pd.Timestamp(end))
    if outside.any():
        day = series.index[outside][0].date()
        raise _problem(series_id, f"its answer has {day}, which was not asked for")
    cache.keep(path, {"fetched": fetched}, text.encode())
    return series


def _checked_id(series_id: str) -> str:
    accepted = f"series_id must be as FRED writes it, such as 'UNRATE', got {series_id!r}"
    if not isinstance(series_id, str):
        raise TypeError(accepted)
    if not _SERIES_ID.fullmatch(series_id.upper()):
        raise ValueError(accepted)
    return series_id.upper()


def _ask(series_id: str, start: dt.date, end: dt.date, timeout_s: float) -> str:
    """Return FRED's answer as text."""
    try:
        from curl_cffi import requests
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"fundamentals.fred needs the package curl-cffi, but there is no {error.name} here. "
            "Run  %pip install curl-cffi  in a cell of the notebook, then call it again. "
            f"Otherwise {_INSTEAD}",
            name=error.name,
        ) from error

    asked = {"id": series_id, "cosd": str(start), "coed": str(end)}
    try:
        answer = requests.get(_ADDRESS, params=asked, timeout=timeout_s, impersonate="chrome")
    except requests.exceptions.Timeout as error:
        raise _problem(series_id, f"no answer within {timeout_s:g} seconds") from error
    except requests.exceptions.RequestException as error:
        reason = str(error).removeprefix("Failed to perform, ").partition(". See http")[0]
        raise _problem(series_id, f"it cannot be reached ({reason})") from error
    if answer.status_code == 404:
        raise _problem(series_id, "it has no such series; is the name spelled as on its website?")
    if answer.status_code != 200:
        raise _problem(
            series_id, f"it answers with an error page (HTTP status {answer.status_code})"
        )
    return answer.text


def _parsed(series_id: str, text: str, fetched: str) -> pd.Series:
    """Return the figures of an answer: a line of names, then a date and a number in each line."""
    lines = text.splitlines()
    names = lines[0].split(",") if lines else []
    if len(names) != 2 or names[1] != series_id:
        # FRED gives an error page, not an error status, for some of what it does not have.
        raise _problem(series_id, f"its answer is no table of {series_id}; it begins {text[:40]!r}")
    try:
        # "." is how FRED wrote an unknown figure until 2024, nothing is how it writes it since.
        table = pd.read_csv(io.StringIO(text), na_values=["."], dtype={series_id: float})
        dates = pd.to_datetime(table.iloc[:, 0], format="%Y-%m-%d")
    except (ValueError, TypeError) as error:
        raise _problem(series_id, f"its answer cannot be read ({error})") from error
    index = pd.DatetimeIndex(dates, name="date")
    if not len(index):
        raise _problem(series_id, "it has no figures in that span")
    if index.hasnans or not (index.is_monotonic_increasing and index.is_unique):
        raise _problem(series_id, "the dates in its answer are not in order")
    series = pd.Series(table[series_id].to_numpy(), index=index, name=series_id)
    series.attrs = {"source": f"FRED, series {series_id}", "fetched": fetched}
    return series


def _problem(series_id: str, why: str) -> DownloadError:
    return DownloadError(f"no figures of {series_id} from FRED: {why}. Instead, {_INSTEAD}")
