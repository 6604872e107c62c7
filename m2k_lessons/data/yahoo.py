"""Real daily prices from Yahoo Finance, fetched once and kept on the learner's computer."""

import datetime as dt
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.data import cache
from m2k_lessons.data.cache import DownloadError
from m2k_lessons.data.opens import measure_opens
from m2k_lessons.data.reader.layout import PRICES
from m2k_lessons.data.reader.report import PriceFileError, counted

_PROGRAM = Path(__file__).with_name("yahoo_process.py")
# A slow disk and a virus scanner can hold up the start of Python and pandas for long.
_START_UP_S = 60
_LATE_DAYS = 7  # a span's first or last week can be holidays; more is worth a note
_SYMBOL = re.compile(r"(?![A-Z]{2}[A-Z0-9]{9}[0-9]$)[A-Z0-9.^=&_-]{1,40}")  # but no ISIN
_INSTEAD = (
    "data.load('daily') has the course's simulated prices and data.read_prices(path) reads a "
    "file of your own; both work offline"
)


def download(
    symbol: str,
    start: str | dt.date,
    end: str | dt.date,
    *,
    prices: Iterable[str] = PRICES,
    refresh: bool = False,
    timeout_s: float = 30,
) -> pd.DataFrame:
    """Fetch real daily prices of one symbol from Yahoo Finance, or from the last such answer.

    Needs the package yfinance (in a notebook: ``%pip install yfinance``) and, the first time
    that a symbol and span are asked for, the internet. Yahoo gives its prices for personal use.

    Parameters
    ----------
    symbol : str
        As Yahoo writes it: ``"IWM"`` (a fund that follows the Russell 2000), ``"RTY=F"`` (the
        future, each day the front contract: not adjusted at the roll), ``"^RUT"`` (the index,
        whose open nobody could trade: no backtest can fill there).
    start, end : str or date
        First day, and the day after the last, as in ``range``: ``"2024-01-01", "2025-01-01"``
        is the year 2024. `end` is at most today in UTC, so that every day is complete.
    prices : iterable of str
        Which of `open`, `high`, `low`, `close` to read, where not all of Yahoo's are usable.
    refresh : bool
        Fetch again, and replace what was kept.
    timeout_s : float
        Longest time to wait for Yahoo, in seconds.

    Returns
    -------
    pandas.DataFrame
        What `read_prices` returns: float64 columns `open`, `high`, `low`, `close` in points or
        in the currency of the quote, `volume` (0 where Yahoo has none) and `adj_close`; the
        index `time` holds midnights in the exchange's time zone. Yahoo adjusts all of them for
        splits, `adj_close` for dividends too. ``frame.attrs`` has the `report` (`print` it),
        the `source`, when it was `fetched` (UTC), and `opens` (see `measure_opens`).

    Raises
    ------
    DownloadError
        No connection, no answer in time, a refusal, an error page, half an answer, an unknown
        symbol, no prices, unusable prices, or no place to keep them. It is an `OSError`.
    ModuleNotFoundError
        If yfinance is not installed.
    ValueError, TypeError
        If an argument is not as described.

    Notes
    -----
    Each symbol and span is kept in a file, in the folder ``prices`` of the user's cache folder
    for `m2k-lessons`, or of the folder named in the environment variable ``M2K_HOME``. A file
    that is damaged is not used but fetched again. Deleting the folder is safe.

    Examples
    --------
    >>> download("IWM", "2024-03-11", "2024-03-04")
    Traceback (most recent call last):
        ...
    ValueError: start must be before end, got 2024-03-11 and 2024-03-04
    """
    from m2k_lessons.data.reader.prices import _checked_prices, read_prices

    symbol = _checked_symbol(symbol)
    start, end = checks.date("start", start), checks.date("end", end)
    if start >= end:
        raise ValueError(f"start must be before end, got {start} and {end}")
    if end > (today := _today()):
        raise ValueError(f"end must be at most {today}, today in UTC, got {end}")
    prices = _checked_prices(prices)
    checks.instance("refresh", refresh, bool, "True or False")
    timeout_s = checks.number("timeout_s", timeout_s, above=0, at_most=3600)

    path = cache.folder("prices") / f"{symbol}_{start}_{end}.csv"
    kept = None if refresh else cache.read(path, _INSTEAD)
    if kept is None:
        cache.make_folder(path.parent)
        kept = _fetch(symbol, start, end, timeout_s)
        cache.keep(path, *kept)
    about, csv = kept
    try:
        frame = read_prices(io.BytesIO(csv), tz=about["timezone"], prices=prices, decimal=".")
    except PriceFileError as error:
        raise DownloadError(
            f"Yahoo's prices of {symbol} are not usable: {_row_of(error, csv)}column "
            f"{error.column}: {error.problem}. Choose another span, or other columns with "
            "prices=, for example prices=('close',)"
        ) from error
    report = frame.attrs["report"]
    said = frame.attrs.pop("opens", None)
    notes = [note for note in report.notes if "times have no zone" not in note]
    attrs = {}
    if said is not None:
        attrs["opens"] = measure_opens(frame, symbol)
        notes = [note for note in notes if note != str(said)]
        notes += [str(attrs["opens"])] if attrs["opens"].tradable is False else []
    frame.attrs = attrs | {
        "report": report._replace(
            file=f"{symbol} from Yahoo Finance, fetched {about['fetched']}",
            notes=(*_notes(about, start, end, frame), *notes),
        ),
        "source": f"Yahoo Finance, {symbol}, by yfinance {about['yfinance']}",
        "fetched": about["fetched"],
    }
    return frame


def _checked_symbol(symbol: str) -> str:
    accepted = f"symbol must be as Yahoo writes it, such as 'IWM', '^RUT', 'RTY=F', got {symbol!r}"
    if not isinstance(symbol, str):
        raise TypeError(accepted)
    if not _SYMBOL.fullmatch(symbol.upper()):
        raise ValueError(accepted)
    return symbol.upper()


def _today() -> dt.date:
    """When a day begins in UTC, the one before is over on every exchange Yahoo has."""
    return dt.datetime.now(dt.UTC).date()


def _fetch(symbol: str, start: dt.date, end: dt.date, timeout_s: float) -> tuple[dict, bytes]:
    """Ask Yahoo; return what is known about the answer, and the prices as CSV."""
    # The files of yfinance last as long as the question: what a broken one breaks is over then.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        request = {"symbol": symbol, "start": str(start), "end": str(end)}
        answer = _ask(request | {"timeout_s": timeout_s, "folder": folder})
    if "missing" in answer:
        raise ModuleNotFoundError(
            f"data.download needs the package yfinance, but there is no {answer['missing']} here. "
            "Run  %pip install yfinance  in a cell of the notebook, then call it again. "
            f"Otherwise {_INSTEAD}",
            name=answer["missing"],
        )
    if "problem" in answer:
        raise DownloadError(
            f"no prices of {symbol} from {start} to {end}; Yahoo Finance: {answer['problem']}. "
            f"Instead, {_INSTEAD}"
        )
    about = {name: answer[name] for name in ("timezone", "currency", "outside", "yfinance")}
    about["fetched"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return about, answer["csv"].encode()


def _ask(request: dict) -> dict:
    """Run the program in `yahoo_process.py` with a request, and return its answer."""
    # -P: the folder of the program is not searched, so no file in it is taken for a library.
    command = [sys.executable, "-P", "-W", "ignore", str(_PROGRAM)]
    try:
        run = subprocess.run(
            command,
            input=json.dumps(request),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=request["timeout_s"] + _START_UP_S,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired as error:
        return {"problem": f"no answer within {error.timeout:g} seconds"}
    try:
        return json.loads(run.stdout)
    except ValueError:
        last = run.stderr.strip().rpartition("\n")[2]
        return {"problem": f"the program that asks it ended with code {run.returncode}: {last}"}


def _row_of(error: PriceFileError, csv: bytes) -> str:
    """Return the date of the row that an error is about."""
    line = re.fullmatch(r"line (\d+)", error.place or "")
    if line is None:
        return ""
    return csv.decode().splitlines()[int(line[1]) - 1].partition(",")[0] + ", "


def _notes(about: dict, start: dt.date, end: dt.date, frame: pd.DataFrame) -> list[str]:
    """What the report says beyond what the reader of files finds."""
    notes = [f"daily prices in {about['currency'] or 'a currency that Yahoo does not name'}"]
    notes.append("adjusted for splits; adj_close for dividends too")
    first, last = frame.index[0].date(), frame.index[-1].date()
    if (first - start).days > _LATE_DAYS:
        notes.append(f"asked from {start}, and Yahoo's prices begin on {first}")
    if (end - last).days > _LATE_DAYS + 1:
        notes.append(f"asked up to {end}, and Yahoo's prices end on {last}")
    if outside := about["outside"]:
        days = ", ".join(outside)
        notes.append(f"left out {counted(len(outside), 'day')} outside the span: {days}")
    return notes
