"""Daily prices from Yahoo Finance: the program that `data.download` starts.

It is a process of its own because yfinance keeps its session, cookies, settings and even the
answers, error pages among them, for as long as a process lives; logs failures or returns an empty
frame instead of raising; and waits up to 30 seconds for each of several cookies. Here none of
that reaches a lesson's kernel, the waiting is bounded, and every failure becomes a sentence.

It reads one request from standard input as JSON, the arguments of `fetch`, and writes what
`fetch` returns to standard output. Nothing of the package is imported, so that it starts quickly.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time

_PRICES_PATH = "/v8/finance/chart/"  # what the address of a request for prices holds
_COLUMNS = ["Open", "High", "Low", "Close", "Adj Close"]


def fetch(symbol: str, start: str, end: str, timeout_s: float, folder: str) -> dict:
    """Ask Yahoo Finance for the daily prices of the days from `start` to before `end`.

    Parameters
    ----------
    symbol : str
        As Yahoo writes it, in capitals.
    start, end : str
        Dates such as "2024-03-11", as the exchange counts days.
    timeout_s : float
        Longest time to wait for all answers together, in seconds.
    folder : str
        An empty folder for yfinance's own files.

    Returns
    -------
    dict
        `csv`, `timezone`, `currency`, `outside` (dates that came unasked and are not in the
        text) and the version `yfinance`; or `problem`, why there are no prices; or `missing`,
        the name of a module that is not installed.
    """
    try:
        import yfinance
        from curl_cffi import requests
    except ModuleNotFoundError as error:
        return {"missing": error.name}

    class Session(requests.Session):
        """A session that ends in time, and remembers what came of asking for prices."""

        deadline = time.monotonic() + timeout_s
        outcome = None

        def request(self, method, url, **options):
            asks_for_prices = _PRICES_PATH in url
            # yfinance can do without cookies, and asks up to three times for them: half of the
            # time remains for the prices.
            share = timeout_s if asks_for_prices else timeout_s / 6
            outcome = requests.exceptions.Timeout("no time is left")
            try:
                seconds = min(share, self.deadline - time.monotonic())
                if seconds <= 0:
                    raise outcome
                outcome = super().request(method, url, **options | {"timeout": seconds})
            except requests.exceptions.RequestException as error:
                outcome = error
                raise
            finally:
                if asks_for_prices:
                    self.outcome = outcome
            return outcome

    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(folder)
    with Session(impersonate="chrome") as session:
        try:
            ticker = yfinance.Ticker(symbol, session=session)
            frame = ticker.history(
                start=start,
                end=end,
                interval="1d",
                auto_adjust=False,
                actions=False,
                keepna=True,
                timeout=timeout_s,
            )
            currency = ticker.history_metadata.get("currency")
        except Exception as error:
            # Whatever broke inside yfinance, the reason is in the answer that it choked on.
            return {"problem": _reason(session.outcome, error, timeout_s)}
    if frame.empty or session.outcome.status_code >= 400:
        return {"problem": _reason(session.outcome, None, timeout_s)}
    days = frame.index.date
    asked = (days >= dt.date.fromisoformat(start)) & (days < dt.date.fromisoformat(end))
    if not asked.any():
        return {"problem": "its answer holds no day of that span"}
    return {
        "csv": _csv(frame[asked]),
        "timezone": str(frame.index.tz),
        "currency": currency,
        "outside": [day.isoformat() for day in days[~asked]],
        "yfinance": yfinance.__version__,
    }


def _csv(frame) -> str:
    """Return the prices as text, a date and six numbers in a line."""
    table = frame[[*_COLUMNS, "Volume"]].astype({"Volume": float})
    for name in _COLUMNS:
        table[name] = _shortest(table[name].to_numpy(dtype=float))
    # yfinance writes 0 where Yahoo has no volume; on a day without a price nothing was traded.
    table.loc[table[_COLUMNS].isna().all(axis=1), "Volume"] = float("nan")
    table.index = [day.isoformat() for day in frame.index.date]
    return table.to_csv(index_label="Date", lineterminator="\n")


def _shortest(values):
    """Return single-precision numbers as what they were before: 2078.300048828125 is 2078.3."""
    import numpy as np

    with np.errstate(over="ignore"):  # beyond single precision: infinite, so not equal
        single = values.astype(np.float32)
    return np.where(single == values, single.astype(str).astype(float), values)


def _reason(outcome, error: Exception | None, timeout_s: float) -> str:
    """Say in words why there are no prices: `outcome` is an answer, an exception or None."""
    from curl_cffi.requests import exceptions

    if outcome is None:
        outcome = error
    if isinstance(outcome, exceptions.Timeout):
        return f"no answer within {timeout_s:g} seconds"
    if isinstance(outcome, exceptions.IncompleteRead):
        return f"its answer broke off ({_in_short(outcome)})"
    if isinstance(outcome, exceptions.RequestException):
        return f"it cannot be reached ({_in_short(outcome)})"
    if isinstance(outcome, Exception):
        return f"yfinance failed before it asked ({type(outcome).__name__}: {outcome})"

    status, text = outcome.status_code, outcome.text
    if status == 429:
        return "it refuses more requests from this address for a while (HTTP status 429)"
    try:
        answer = json.loads(text)
        said = (answer["chart"]["error"] or {}).get("description")
    except (ValueError, TypeError, KeyError, AttributeError):
        answer, said = None, None
    if said:
        hint = "; is the symbol spelled as on its website?" if status == 404 else ""
        return f"it says: {said}{hint}"
    if status >= 400:
        return f"it answers with an error page (HTTP status {status})"
    if not text.strip():
        return "its answer is empty"
    if answer is None:
        return f"its answer is not whole or not prices; it begins {text[:40]!r}"
    if error is None or type(error).__name__ == "YFPricesMissingError":
        return "its answer holds no prices for that span"
    return (
        f"yfinance cannot read its answer ({type(error).__name__}: {error}); "
        "a newer yfinance may help"
    )


def _in_short(error: Exception) -> str:
    """Return what went wrong without the address of a page about it."""
    return str(error).removeprefix("Failed to perform, ").partition(". See http")[0]


def main() -> None:
    """Answer one request."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # where anything that a library prints does no harm
    json.dump(fetch(**json.load(sys.stdin)), answers)


if __name__ == "__main__":
    main()
