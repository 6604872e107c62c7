"""`data.download`: the real yfinance asks a server on this machine that behaves as badly as any.

Only the addresses are changed on their way out: `https://query2.finance.yahoo.com/v8/…` goes to
`http://127.0.0.1:PORT/query2.finance.yahoo.com/v8/…`. The expected frames are typed by hand.
"""

from __future__ import annotations

import datetime as dt
import http.server
import importlib
import json
import os
import re
import sys
import threading
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from curl_cffi import requests
from hypothesis import given
from hypothesis import strategies as st

from m2k_lessons import data
from m2k_lessons.data import DownloadError, cache, download, yahoo_process
from m2k_lessons.data import yahoo as reader

NEW_YORK = ZoneInfo("America/New_York")

# Seven weekdays over the change of the clocks on 2024-03-10, the fourth of them without trading.
DAYS = ["2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12"]
OPEN = [2052.4, 2054.7, 2071.9, None, 2078.3, 2066.1]
HIGH = [2066.2, 2077.8, 2087.6, None, 2085.1, 2082.9]
LOW = [2045.5, 2052.3, 2069.0, None, 2060.2, 2058.7]
CLOSE = [2053.7, 2068.5, 2084.7, None, 2066.0, 2071.7]
ADJUSTED = [2003.7, 2018.5, 2034.7, None, 2016.0, 2021.7]
VOLUME = [164123, 171000, 158250, None, 149001, 0]
SPAN = ("2024-03-05", "2024-03-13")
TRADED = [0, 1, 2, 4, 5]


def expected() -> pd.DataFrame:
    columns = dict(open=OPEN, high=HIGH, low=LOW, close=CLOSE, volume=VOLUME, adj_close=ADJUSTED)
    index = pd.DatetimeIndex([DAYS[i] for i in TRADED], name="time").as_unit("us")
    rows = {name: [float(values[i]) for i in TRADED] for name, values in columns.items()}
    return pd.DataFrame(rows, index=index.tz_localize("America/New_York"))


def assert_expected(frame: pd.DataFrame) -> None:
    names = ["open", "high", "low", "close", "volume", "adj_close"]
    pd.testing.assert_frame_equal(frame[names], expected(), check_freq=False)
    assert sorted(frame) == sorted(names)


def chart(days=DAYS, **columns) -> dict:
    """What Yahoo answers: prices in single precision, each day at the opening of the market."""
    numbers = dict(open=OPEN, high=HIGH, low=LOW, close=CLOSE, adjclose=ADJUSTED) | columns
    single = {
        name: [None if value is None else float(np.float32(value)) for value in values]
        for name, values in numbers.items()
    }
    openings = [dt.datetime.fromisoformat(f"{day}T09:30").replace(tzinfo=NEW_YORK) for day in days]
    meta = {"symbol": "RTY=F", "currency": "USD", "instrumentType": "FUTURE", "priceHint": 2}
    meta |= {"exchangeTimezoneName": "America/New_York", "validRanges": ["1d", "max"]}
    adjusted = {"adjclose": [{"adjclose": single.pop("adjclose")}]}
    quote = single | {"volume": columns.get("volume", VOLUME)}
    result = {"meta": meta, "timestamp": [int(opening.timestamp()) for opening in openings]}
    result["indicators"] = {"quote": [quote]} | adjusted
    return {"chart": {"result": [result], "error": None}}


def refusal(code: str, description: str) -> dict:
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def no_rows() -> dict:
    answer = chart()
    del answer["chart"]["result"][0]["timestamp"]
    answer["chart"]["result"][0]["indicators"] = {"quote": [{}], "adjclose": [{}]}
    return answer


class Yahoo(http.server.ThreadingHTTPServer):
    """Yahoo Finance on this machine: its attributes say how it answers a request for prices."""

    daemon_threads = False  # server_close waits for them

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked = []  # paths of the requests for prices
        self.released = threading.Event()  # ends all waiting
        self.answers(chart())

    def answers(self, body, status=200, *, lost_bytes=0, hangs_up=False, waits=False, other=None):
        """Set the answer to a request for prices; `other` is the status of a cookie's."""
        self.body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.status, self.lost_bytes, self.hangs_up = status, lost_bytes, hangs_up
        self.waits, self.other = waits, other or 200

    def handle_error(self, request, client_address):
        """A client that has gone away, after a time-out, is what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    wbufsize = (
        -1
    )  # head and body in one piece, without waiting for the acknowledgement of the first

    def do_GET(self):
        server: Yahoo = self.server
        body, status, lost_bytes = b"a-crumb", server.other, 0
        if "/v8/finance/chart/" in self.path:
            server.asked.append(self.path)
            body, status, lost_bytes = server.body, server.status, server.lost_bytes
            if server.hangs_up:
                self.close_connection = True
                return
        if server.waits == "always" or (server.waits and body is server.body):
            server.released.wait(30)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - lost_bytes])
        self.close_connection = self.close_connection or lost_bytes > 0

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of its own for what a test downloads, and no proxy on the way to this machine."""
    monkeypatch.setenv("M2K_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "home" / "prices"


@pytest.fixture
def yahoo():
    before = set(threading.enumerate())
    server = Yahoo()
    listener = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    listener.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        listener.join(5)
    assert set(threading.enumerate()) <= before


def forget_yfinance() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "yfinance"]:
        del sys.modules[name]


@pytest.fixture
def asking(yahoo, tmp_path, monkeypatch):
    """Let `download` ask the server, with a new yfinance each time but without a new process."""
    send = requests.Session.request

    def redirected(session, method, url, **options):
        return send(session, method, url.replace("https://", f"{yahoo.address}/", 1), **options)

    def ask(request):
        forget_yfinance()
        yfinance = importlib.import_module("yfinance")
        try:
            with warnings.catch_warnings(action="ignore"):
                sent = json.loads(json.dumps(request))
                return json.loads(json.dumps(yahoo_process.fetch(**sent)))
        finally:
            yfinance.set_tz_cache_location(str(tmp_path))  # closes its databases
            forget_yfinance()

    monkeypatch.setattr(requests.Session, "request", redirected)
    monkeypatch.setattr(reader, "_ask", ask)
    return yahoo


@pytest.fixture
def no_asking(monkeypatch):
    def ask(request):
        pytest.fail(f"asked Yahoo for {request}")

    monkeypatch.setattr(reader, "_ask", ask)


# --- prices -----------------------------------------------------------------------------------


def test_prices_are_those_of_the_answer(asking, capfd):
    frame = download("RTY=F", *SPAN)
    assert_expected(frame)
    assert "2078.3," in next(Path(os.environ["M2K_HOME"]).rglob("*.csv")).read_text("utf-8")
    assert capfd.readouterr() == ("", "")


def test_yahoo_is_asked_for_the_days_from_start_to_before_end(asking):
    download("rty=f", *SPAN)
    *_, path = asking.asked
    assert path.startswith("/query2.finance.yahoo.com/v8/finance/chart/RTY=F?")
    midnights = [dt.datetime.fromisoformat(day).replace(tzinfo=NEW_YORK) for day in SPAN]
    for name, midnight in zip(("period1", "period2"), midnights, strict=True):
        assert f"{name}={int(midnight.timestamp())}&" in path
    assert "interval=1d" in path


@pytest.mark.parametrize("kind", [dt.date.fromisoformat, dt.datetime.fromisoformat, pd.Timestamp])
def test_dates_are_taken_in_any_form(asking, no_asking, monkeypatch, kind):
    seen = []
    monkeypatch.setattr(reader, "_ask", lambda request: seen.append(request) or {"problem": ""})
    with pytest.raises(DownloadError):
        download("IWM", *map(kind, SPAN))
    assert (seen[0]["start"], seen[0]["end"]) == SPAN


def test_report_says_what_came_from_where_and_when(asking):
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    attrs = download("RTY=F", *SPAN).attrs
    fetched = dt.datetime.fromisoformat(attrs["fetched"])
    assert before <= fetched <= dt.datetime.now(dt.UTC)
    assert attrs["source"] == f"Yahoo Finance, RTY=F, by yfinance {version('yfinance')}"
    assert str(attrs["report"]).splitlines() == [
        f"RTY=F from Yahoo Finance, fetched {attrs['fetched']}: "
        "5 rows from 2024-03-05 to 2024-03-12",
        "  time zone America/New_York; delimiter comma",
        "  repaired: left out 1 row without any number: 2024-03-08",
        "  note: daily prices in USD",
        "  note: adjusted for splits; adj_close for dividends too",
    ]
    assert json.loads(json.dumps(attrs))["fetched"] == attrs["fetched"]


def test_an_index_is_known_by_its_symbol(asking):
    index, future = download("^RUT", *SPAN), download("RTY=F", *SPAN)
    assert index.attrs["opens"].tradable is False
    (note,) = [note for note in index.attrs["report"].notes if "can't be traded" in note]
    assert note.startswith("^RUT is an index: its open can't be traded; use a fund")
    assert future.attrs["opens"].tradable is None  # five days are too few to tell
    assert "can't be traded" not in str(future.attrs["report"])
    assert "opens" not in download("^RUT", *SPAN, prices=("close",)).attrs


def test_days_are_those_of_the_exchange(asking):
    answer = chart()
    meta = answer["chart"]["result"][0]["meta"]
    meta |= {"exchangeTimezoneName": "Europe/London", "currency": None}
    asking.answers(answer)
    frame = download("^FTSE", *SPAN)
    london = expected().tz_localize(None).tz_localize("Europe/London")
    pd.testing.assert_index_equal(frame.index, london.index)
    note = "daily prices in a currency that Yahoo does not name"
    assert frame.attrs["report"].notes[0] == note


def test_days_that_nobody_asked_for_are_left_out_and_told(asking):
    # Of those after the end yfinance itself takes one away.
    asking.answers(chart(["2024-03-04", *DAYS[1:4], "2024-03-12", "2024-03-13"]))
    frame = download("RTY=F", "2024-03-05", "2024-03-12")
    assert [str(day.date()) for day in frame.index] == ["2024-03-06", "2024-03-07"]
    told = "left out 2 days outside the span: 2024-03-04, 2024-03-12"
    assert told in frame.attrs["report"].notes


@pytest.mark.parametrize(
    ("span", "notes"),
    [
        (("2024-02-27", "2024-03-20"), []),
        (
            ("2024-02-26", "2024-03-21"),
            [
                "asked from 2024-02-26, and Yahoo's prices begin on 2024-03-05",
                "asked up to 2024-03-21, and Yahoo's prices end on 2024-03-12",
            ],
        ),
    ],
)
def test_a_span_that_yahoo_covers_in_part_is_told(asking, span, notes):
    report = download("RTY=F", *span).attrs["report"]
    assert [note for note in report.notes if note.startswith("asked")] == notes


def test_a_bad_column_is_named_with_its_day_and_the_others_can_be_read(asking):
    asking.answers(chart(open=[*OPEN[:5], 0]))
    with pytest.raises(DownloadError) as refused:
        download("RTY=F", *SPAN)
    assert "prices of RTY=F are not usable: 2024-03-12, column Open: the open is 0" in str(
        refused.value
    )
    frame = download("RTY=F", *SPAN, prices=("high", "low", "close"))
    assert_expected(frame.assign(open=expected()["open"]))
    assert len(asking.asked) == 2  # both of the first download: its zone, its prices


def test_a_price_missing_on_a_day_of_trading_is_refused(asking):
    asking.answers(chart(low=[*LOW[:5], None]))
    with pytest.raises(DownloadError, match="2024-03-12, column Low: the low is missing"):
        download("RTY=F", *SPAN)


@given(cents=st.integers(1, 9_999_999))
def test_single_precision_is_read_as_the_price_it_was(cents):
    price = cents / 100
    (read,) = yahoo_process._shortest(np.array([np.float32(price)], dtype=float))
    assert read == price


@given(st.floats(allow_infinity=False))
def test_what_is_not_single_precision_stays(value):
    (read,) = yahoo_process._shortest(np.array([value]))
    if np.isnan(value) or abs(value) > 3e38 or np.float32(value) != value:
        assert read == value or np.isnan([read, value]).all()
    else:
        assert np.float32(read) == value


# --- kept for the next time -------------------------------------------------------------------


def test_a_second_call_needs_no_network(asking):
    first = download("RTY=F", *SPAN)
    asked = len(asking.asked)
    asking.answers("gone", 503)
    second = download("rty=f", *map(dt.date.fromisoformat, SPAN))
    assert len(asking.asked) == asked
    pd.testing.assert_frame_equal(first, second)
    assert first.attrs == second.attrs


def test_each_symbol_and_span_has_one_file_which_the_reader_takes_too(asking, home):
    for symbol, end in [("RTY=F", SPAN[1]), ("^RUT", SPAN[1]), ("RTY=F", "2024-03-14")]:
        download(symbol, SPAN[0], end)
    download("RTY=F", *SPAN)
    assert sorted(path.name for path in home.iterdir()) == [
        "RTY=F_2024-03-05_2024-03-13.csv",
        "RTY=F_2024-03-05_2024-03-14.csv",
        "^RUT_2024-03-05_2024-03-13.csv",
    ]
    frame = data.read_prices(home / "^RUT_2024-03-05_2024-03-13.csv")
    assert_expected(frame)


def test_refresh_asks_again_and_replaces(asking, home):
    download("RTY=F", *SPAN)
    asking.answers(chart(close=[*CLOSE[:5], 2070.2]))
    assert download("RTY=F", *SPAN)["close"].iloc[-1] == CLOSE[-1]
    assert download("RTY=F", *SPAN, refresh=True)["close"].iloc[-1] == 2070.2
    assert download("RTY=F", *SPAN)["close"].iloc[-1] == 2070.2
    assert len(list(home.iterdir())) == 1


def test_a_refresh_that_fails_leaves_what_was_kept(asking):
    download("RTY=F", *SPAN)
    asking.answers("gone", 503)
    with pytest.raises(DownloadError, match="HTTP status 503"):
        download("RTY=F", *SPAN, refresh=True)
    assert_expected(download("RTY=F", *SPAN))


DAMAGES = {
    "half": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "header alone": lambda content: content.partition(b"\n")[0],
    "last line lost": lambda content: content[: content.rindex(b"2024-03-12")],
    "other number": lambda content: content.replace(b"2078.3", b"2078.4"),
    "more at the end": lambda content: content + content[-60:],
    "no header": lambda content: content.partition(b"\n")[2],
    "header of another kind": lambda content: b"# []\n" + content.partition(b"\n")[2],
    "no text": lambda content: b"\xff\xfe\x00" + content,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_not_used_but_fetched_again(home, monkeypatch, damage):
    csv = (
        b"Date,Open,High,Low,Close,Adj Close,Volume\n2024-03-11,2078.3,2085.1,2060.2,2066,2066,9\n"
    )
    csv += b"2024-03-12,2066.1,2082.9,2058.7,2071.7,2071.7,8\n"
    answer = {"csv": csv.decode(), "timezone": "America/New_York", "currency": "USD"}
    answer |= {"outside": [], "yfinance": "1.7.0"}
    monkeypatch.setattr(reader, "_ask", lambda request: answer)
    first = download("RTY=F", *SPAN)
    (path,) = home.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert path.read_bytes() != whole

    monkeypatch.setattr(reader, "_ask", lambda request: {"problem": "it cannot be reached"})
    with pytest.raises(DownloadError, match="cannot be reached"):
        download("RTY=F", *SPAN)
    monkeypatch.setattr(reader, "_ask", lambda request: answer)
    pd.testing.assert_frame_equal(download("RTY=F", *SPAN), first)
    assert path.read_bytes().partition(b"\n")[2] == csv


@pytest.mark.parametrize(
    "stopped_by", [OSError(28, "No space left on device"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_is_stopped_leaves_the_old_file_and_no_other(
    home, monkeypatch, stopped_by, step
):
    home.mkdir(parents=True)
    path = home / "IWM.csv"
    cache.keep(path, {"fetched": "once"}, b"old")
    old = path.read_bytes()

    def stop(*_):
        raise stopped_by

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), stop)
    kind = DownloadError if isinstance(stopped_by, OSError) else KeyboardInterrupt
    with pytest.raises(kind) as stopped:
        cache.keep(path, {"fetched": "again"}, b"new")
    if kind is DownloadError:
        assert re.search("cannot be kept: .*No space left.*M2K_HOME", str(stopped.value))
    assert path.read_bytes() == old
    assert list(home.iterdir()) == [path]


def test_until_a_file_is_complete_a_reader_finds_the_old_one(home, monkeypatch):
    home.mkdir(parents=True)
    path = home / "IWM.csv"
    cache.keep(path, {}, b"old")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(cache.read(path, "")[1]))
    cache.keep(path, {}, b"new")
    assert (seen, cache.read(path, "")[1]) == ([b"old"], b"new")


def test_a_folder_that_cannot_be_is_told_before_anything_is_fetched(
    tmp_path, monkeypatch, no_asking
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("M2K_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="cannot be kept: .*M2K_HOME"):
        download("IWM", *SPAN)


def test_a_file_that_cannot_be_read_is_an_error(home, no_asking):
    (home / "IWM_2024-03-05_2024-03-13.csv").mkdir(parents=True)
    with pytest.raises(DownloadError, match=r"cannot be read: .*data\.load\('daily'\)"):
        download("IWM", *SPAN)


def test_the_folder_is_the_users_cache_folder_or_in_m2k_home(monkeypatch, tmp_path):
    assert cache.folder("prices") == tmp_path / "home" / "prices"
    monkeypatch.delenv("M2K_HOME")
    places = []
    monkeypatch.setattr(
        cache.platformdirs,
        "user_cache_path",
        lambda *names, **options: places.append((names, options)) or tmp_path / "cache",
    )
    assert cache.folder("prices") == tmp_path / "cache" / "prices"
    assert places == [(("m2k-lessons",), {"appauthor": False})]


# --- what can go wrong ------------------------------------------------------------------------

WHOLE = json.dumps(chart())
PAGE = "<html><body>Will be right back</body></html>"
FAILURES = {
    "error page": (dict(body=PAGE, status=503), r"error page \(HTTP status 503\)"),
    "refused as a client": (dict(body="Forbidden", status=403), "HTTP status 403"),
    "page instead of prices": (dict(body=PAGE), "not whole or not prices; it begins '<html>"),
    "too many requests": (dict(body="Too Many Requests", status=429), "refuses more requests"),
    "half a file": (dict(body=WHOLE, lost_bytes=len(WHOLE) // 2), "answer broke off"),
    "half, called whole": (dict(body=WHOLE[: len(WHOLE) // 2]), r"not whole or .* '{\"chart\""),
    "prices on an error page": (dict(body=WHOLE, status=500), "HTTP status 500"),
    "empty": (dict(body=""), "answer is empty"),
    "empty list": (dict(body={"chart": {"result": [], "error": None}}), "yfinance cannot read"),
    "another form": (dict(body={"prices": [1, 2]}), "not whole or not prices"),
    "a list": (dict(body=[1, 2]), "not whole or not prices"),
    "no rows": (dict(body=no_rows()), "holds no prices for that span"),
    "hangs up": (dict(body="", hangs_up=True), r"cannot be reached \(curl: \(52\)"),
    "unknown symbol": (
        dict(body=refusal("Not Found", "No data found, symbol may be delisted"), status=404),
        "it says: No data found, symbol may be delisted; is the symbol spelled as on",
    ),
    "no such days": (
        dict(body=refusal("Bad Request", "Data doesn't exist for startDate"), status=400),
        "it says: Data doesn't exist for startDate",
    ),
}


def refused_because(problem: str | None = None, **options) -> str:
    with pytest.raises(DownloadError, match=problem) as refused:
        download("RTY=F", *SPAN, **options)
    message = str(refused.value)
    assert message.startswith("no prices of RTY=F from 2024-03-05 to 2024-03-13; Yahoo Finance: ")
    assert "data.load('daily')" in message
    assert "data.read_prices(path)" in message
    assert "http" not in message
    return message


@pytest.mark.parametrize(("answer", "problem"), FAILURES.values(), ids=FAILURES)
def test_every_failure_is_one_error_that_says_what_happened_and_what_else_to_do(
    asking, home, capfd, answer, problem
):
    asking.answers(**answer)
    refused_because(problem)
    assert asking.asked
    assert list(home.iterdir()) == []
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("answer", [FAILURES["error page"][0], FAILURES["half a file"][0]])
def test_after_a_failure_the_next_call_asks_again(asking, answer):
    asking.answers(**answer)
    refused_because()
    asking.answers(chart())
    assert_expected(download("RTY=F", *SPAN))


@pytest.mark.parametrize("waits", [True, "always"])
def test_a_slow_answer_is_waited_for_no_longer_than_told(asking, home, waits):
    asking.answers(chart(), waits=waits)
    start = time.perf_counter()
    refused_because(r"no answer within 0\.6 seconds", timeout_s=0.6)
    # The server waits 30 seconds. The import of yfinance is in here, too, and a busy machine.
    assert time.perf_counter() - start < 20
    assert asking.asked
    assert list(home.iterdir()) == []


def test_a_server_that_is_not_there_is_told(asking):
    asking.address = "http://127.0.0.1:1"
    refused_because(r"cannot be reached \(curl: \(7\) Failed to connect")


def test_a_name_that_nobody_knows_is_told(asking, monkeypatch):
    def unknown(session, method, url, **options):
        raise requests.exceptions.DNSError("curl: (6) Could not resolve host")

    monkeypatch.setattr(requests.Session, "request", unknown)
    refused_because(r"cannot be reached \(curl: \(6\) Could not resolve host")


@pytest.mark.parametrize("status", [403, 429, 500])
def test_prices_come_without_cookies_too(asking, status):
    asking.answers(chart(), other=status)
    assert_expected(download("RTY=F", *SPAN))


# --- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((2, *SPAN), {}, TypeError, "symbol must be as Yahoo writes it, .* got 2"),
        (("", *SPAN), {}, ValueError, "symbol must be .* got ''"),
        (("IWM SPY", *SPAN), {}, ValueError, "symbol must be .* got 'IWM SPY'"),
        (("../IWM", *SPAN), {}, ValueError, "symbol must be .* got '../IWM'"),
        (("IWM?range=max", *SPAN), {}, ValueError, "symbol must be "),
        (("US4642876555", *SPAN), {}, ValueError, "symbol must be "),
        (("IWM\n", *SPAN), {}, ValueError, "symbol must be "),
        (("IWM", "last week", SPAN[1]), {}, ValueError, "start must be a date .* 'last week'"),
        (("IWM", SPAN[0], 20240313), {}, TypeError, "end must be a date .* got 20240313"),
        (("IWM", None, SPAN[1]), {}, TypeError, "start must be a date .* got None"),
        (("IWM", SPAN[1], SPAN[0]), {}, ValueError, "start must be before end, got 2024-03-13"),
        (("IWM", SPAN[0], SPAN[0]), {}, ValueError, "start must be before end"),
        (("IWM", *SPAN), {"prices": ("last",)}, ValueError, "prices must be some of open"),
        (("IWM", *SPAN), {"refresh": "yes"}, TypeError, "refresh must be True or False"),
        (("IWM", *SPAN), {"timeout_s": 0}, ValueError, "timeout_s must be a finite number"),
        (("IWM", *SPAN), {"timeout_s": "30"}, TypeError, "timeout_s must be a finite number"),
    ],
)
def test_arguments_are_checked_before_anything_is_asked(
    no_asking, home, arguments, options, kind, message
):
    with pytest.raises(kind, match=message):
        download(*arguments, **options)
    assert not home.exists()


def test_the_last_day_must_be_over(monkeypatch):
    monkeypatch.setattr(reader, "_today", lambda: dt.date(2024, 3, 13))
    monkeypatch.setattr(reader, "_ask", lambda request: {"problem": "asked"})
    with pytest.raises(ValueError, match="end must be at most 2024-03-13, today in UTC, got .*-14"):
        download("IWM", "2024-03-05", "2024-03-14")
    with pytest.raises(DownloadError, match="asked"):
        download("IWM", "2024-03-05", "2024-03-13")


def test_today_is_the_day_in_utc():
    before = dt.datetime.now(dt.UTC).date()
    assert before <= reader._today() <= dt.datetime.now(dt.UTC).date()


# --- the process that asks --------------------------------------------------------------------

REDIRECT = """
import os
from curl_cffi.requests import Session
send = Session.request
def request(session, method, url, **options):
    server = os.environ["YAHOO_ON_THIS_MACHINE"]
    return send(session, method, url.replace("https://", server + "/", 1), **options)
Session.request = request
"""


@pytest.fixture
def first_on_the_path(tmp_path, monkeypatch):
    """A function that puts a module where the process that asks imports it from first."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return lambda name, code: (folder / f"{name}.py").write_text(code, encoding="utf-8")


def test_a_process_of_its_own_asks_and_says_nothing(
    yahoo, first_on_the_path, tmp_path, monkeypatch, capfd
):
    first_on_the_path("sitecustomize", REDIRECT)
    monkeypatch.setenv("YAHOO_ON_THIS_MACHINE", yahoo.address)
    # The learner works in a folder where files have the names of libraries.
    for name in ("json", "requests", "pandas", "time"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    yfinance_was_here = "yfinance" in sys.modules
    assert_expected(download("RTY=F", *SPAN))
    assert capfd.readouterr() == ("", "")
    assert ("yfinance" in sys.modules) == yfinance_was_here
    yahoo.answers(PAGE, 503)
    assert_expected(download("RTY=F", *SPAN))


@pytest.mark.parametrize("module", ["yfinance", "curl_cffi"])
def test_a_missing_yfinance_is_told_with_the_command_that_installs_it(
    first_on_the_path, home, module
):
    missing = f"raise ModuleNotFoundError('No module named {module}', name='{module}')"
    first_on_the_path("yfinance", f"import {module}" if module != "yfinance" else missing)
    first_on_the_path("curl_cffi", missing)
    with pytest.raises(ModuleNotFoundError, match=f"no {module} here") as error:
        download("IWM", *SPAN)
    assert "%pip install yfinance" in str(error.value)
    assert "data.read_prices(path)" in str(error.value)
    assert error.value.name == module


def test_modules_of_the_package_do_not_stand_in_for_libraries(first_on_the_path):
    first_on_the_path("yfinance", "import contracts")
    with pytest.raises(ModuleNotFoundError, match="no contracts here"):
        download("IWM", *SPAN)


def test_a_process_that_breaks_down_is_an_error(first_on_the_path):
    first_on_the_path("yfinance", "import os, sys; print('oh no', file=sys.stderr); os._exit(3)")
    with pytest.raises(DownloadError, match="ended with code 3: oh no"):
        download("IWM", *SPAN)


def test_what_a_library_prints_is_no_answer(first_on_the_path):
    first_on_the_path("yfinance", "print('{}')\nraise ModuleNotFoundError(name='yfinance')")
    with pytest.raises(ModuleNotFoundError, match="no yfinance here"):
        download("IWM", *SPAN)


def test_a_process_that_hangs_is_ended(first_on_the_path, tmp_path, monkeypatch):
    mark = tmp_path / "running"
    first_on_the_path(
        "yfinance",
        f"import time, pathlib\nfor _ in range(600):\n"
        f"    pathlib.Path({str(mark)!r}).write_text(str(time.time()))\n    time.sleep(0.05)",
    )
    monkeypatch.setattr(reader, "_START_UP_S", 1.0)
    with pytest.raises(DownloadError, match=r"no answer within 1\.5 seconds"):
        download("IWM", *SPAN, timeout_s=0.5)
    last = mark.read_text()
    time.sleep(0.2)
    assert mark.read_text() == last


def test_the_program_imports_nothing_of_the_package():
    tree = importlib.import_module("ast").parse(Path(yahoo_process.__file__).read_text("utf-8"))
    modules = {
        name.partition(".")[0]
        for node in tree.body
        if type(node).__name__ in ("Import", "ImportFrom")
        for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        if name
    }
    assert modules - {"__future__", "annotations"} <= {"datetime", "json", "sys", "time", "dt"}
