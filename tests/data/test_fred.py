"""`fundamentals.fred`: a server on this machine stands in for FRED, on good days and bad ones.

Only the address is changed: `https://fred.stlouisfed.org/…` becomes `http://127.0.0.1:PORT/…`.
"""

from __future__ import annotations

import datetime as dt
import http.server
import sys
import threading
import urllib.parse

import numpy as np
import pandas as pd
import pytest

from m2k_lessons.data import DownloadError
from m2k_lessons.data import fred as reader
from m2k_lessons.fundamentals import fred

TABLE = "observation_date,UNRATE\n2024-01-01,3.7\n2024-02-01,\n2024-03-01,3.9\n"
SPAN = ("UNRATE", "2024-01-01", "2024-03-31")


class Fred(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for them

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server_address[1]}/graph/fredgraph.csv"
        self.asked = []
        self.released = threading.Event()
        self.answers(TABLE)

    def answers(self, body, status=200, *, waits=False, hangs_up=False):
        self.body, self.status = body.encode(), status
        self.waits, self.hangs_up = waits, hangs_up

    def handle_error(self, request, client_address):
        """A client that has gone away, after a time-out, is what one test is about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self):
        server: Fred = self.server
        server.asked.append(self.path)
        self.close_connection = True
        if server.hangs_up:
            return
        if server.waits:
            server.released.wait(5)
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "home" / "fred"


@pytest.fixture
def server(monkeypatch):
    server = Fred()
    listener = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    listener.start()
    monkeypatch.setattr(reader, "_ADDRESS", server.address)
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        listener.join(5)


def test_a_series_as_fred_sends_it(server):
    rate = fred(*SPAN)
    days = pd.DatetimeIndex(["2024-01-01", "2024-02-01", "2024-03-01"], name="date")
    expected = pd.Series([3.7, np.nan, 3.9], index=days, name="UNRATE")
    pd.testing.assert_series_equal(rate, expected, check_index_type=False)
    assert rate.attrs["source"] == "FRED, series UNRATE"
    fetched = dt.datetime.fromisoformat(rate.attrs["fetched"])
    assert abs(dt.datetime.now(dt.UTC) - fetched) < dt.timedelta(minutes=1)
    (asked,) = server.asked
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(asked).query)
    assert query == {"id": ["UNRATE"], "cosd": ["2024-01-01"], "coed": ["2024-03-31"]}


def test_the_older_way_to_write_an_unknown_figure(server):
    server.answers("DATE,UNRATE\r\n2024-01-01,3.7\r\n2024-02-01,.\r\n")
    np.testing.assert_array_equal(fred(*SPAN), [3.7, np.nan])


def test_kept_and_asked_once(server, home):
    first = fred(*SPAN)
    server.answers("broken")
    again = fred("unrate", dt.date(2024, 1, 1), dt.date(2024, 3, 31))
    pd.testing.assert_series_equal(first, again)
    assert again.attrs == first.attrs
    assert len(server.asked) == 1
    assert [path.name for path in home.iterdir()] == ["UNRATE_2024-01-01_2024-03-31.csv"]
    server.answers(TABLE.replace("3.9", "3.8"))
    assert fred(*SPAN, refresh=True).iloc[-1] == 3.8
    assert fred(*SPAN).iloc[-1] == 3.8
    fred("UNRATE", "2024-01-01", "2024-04-30")
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", '# {"sha256": 1, "fetched": "x"}\n', '# {"sha256": "x"}\n1,2']
)
def test_a_damaged_file_is_fetched_again(server, home, damage):
    fred(*SPAN)
    (path,) = home.iterdir()
    path.write_text(damage, encoding="utf-8")
    assert len(fred(*SPAN)) == 3
    assert len(server.asked) == 2
    assert path.read_text(encoding="utf-8").partition("\n")[2] == TABLE


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("<html>", 404, "it has no such series; is the name spelled as on its website"),
        ("busy", 503, r"error page \(HTTP status 503\)"),
        ("<!DOCTYPE html><html>", 200, "no table of UNRATE; it begins '<!DOCTYPE html>"),
        ("", 200, "no table of UNRATE; it begins ''"),
        ("observation_date,DGS2\n2024-01-01,4.1\n", 200, "no table of UNRATE"),
        ("observation_date,UNRATE\n", 200, "no figures in that span"),
        ("observation_date,UNRATE\n2024-01-01,high\n", 200, "cannot be read"),
        ("observation_date,UNRATE\n01/02/2024,3.7\n", 200, "cannot be read"),
        (
            "observation_date,UNRATE\n2024-02-01,3.7\n2024-01-01,3.7\n",
            200,
            "dates in its answer are not in order",
        ),
        (
            "observation_date,UNRATE\n1948-01-01,3.4\n",
            200,
            "has 1948-01-01, which was not asked for",
        ),
    ],
)
def test_an_answer_that_is_none_is_told_and_not_kept(server, home, body, status, message):
    server.answers(body, status)
    with pytest.raises(DownloadError, match=message) as caught:
        fred(*SPAN)
    assert "fundamentals.macro() has real figures from 1959 to 2009" in str(caught.value)
    assert list(home.iterdir()) == []


def test_no_answer_in_time(server):
    server.answers(TABLE, waits=True)
    with pytest.raises(DownloadError, match=r"no answer within 0\.3 seconds"):
        fred(*SPAN, timeout_s=0.3)


def test_a_connection_that_breaks(server):
    server.answers(TABLE, hangs_up=True)
    with pytest.raises(DownloadError, match="it cannot be reached"):
        fred(*SPAN)


def test_offline(monkeypatch):
    monkeypatch.setattr(reader, "_ADDRESS", "http://127.0.0.1:9/graph/fredgraph.csv")
    with pytest.raises(DownloadError, match=r"cannot be reached .* works offline") as caught:
        fred(*SPAN, timeout_s=5)
    assert isinstance(caught.value, OSError)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "curl_cffi", None)
    with pytest.raises(ModuleNotFoundError, match=r"%pip install curl-cffi .* works offline"):
        fred(*SPAN)


def test_a_place_where_nothing_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("M2K_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(reader, "_ask", lambda *_: pytest.fail("asked although it cannot be kept"))
    with pytest.raises(DownloadError, match="cannot be kept: .* M2K_HOME"):
        fred(*SPAN)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("UN RATE", *SPAN[1:]), {}, ValueError, "series_id must be as FRED writes it"),
        (("../UNRATE", *SPAN[1:]), {}, ValueError, "series_id must be as FRED writes it"),
        ((5, *SPAN[1:]), {}, TypeError, "series_id must be as FRED writes it"),
        (("UNRATE", "soon", "2024-01-01"), {}, ValueError, "start must be a date"),
        (("UNRATE", "2024-01-02", "2024-01-01"), {}, ValueError, "start must not be after end"),
        (SPAN, {"refresh": 1}, TypeError, "refresh must be True or False"),
        (SPAN, {"timeout_s": 0}, ValueError, "timeout_s must be a finite number above 0"),
    ],
)
def test_arguments_that_are_none(monkeypatch, arguments, options, error, message):
    monkeypatch.setattr(reader, "_ask", lambda *_: pytest.fail("asked with wrong arguments"))
    with pytest.raises(error, match=message):
        fred(*arguments, **options)
