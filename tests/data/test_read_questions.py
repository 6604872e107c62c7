"""`data.read_prices`: nothing off by a power of ten or an hour without a word, no dead end.

Each refusal here is followed literally: what its message proposes is done, and the file is read.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import data
from m2k_lessons.data import PriceFileError, read_prices
from m2k_lessons.data.course import folder

NAMES = "Date,Open,High,Low,Close"
TWO_DAYS = "2024-03-07,2081.5,2099.25,2070.5,2082.75\n2024-03-08,2080,2085,2060,2066\n"
PLAIN = f"{NAMES}\n{TWO_DAYS}"


def read(text, **options):
    content = text.encode() if isinstance(text, str) else text
    return read_prices(io.BytesIO(content), **options)


def refusal(text, **options):
    with pytest.raises(PriceFileError) as caught:
        read(text, **options)
    return str(caught.value)


def notes(text, **options):
    return "\n".join(read(text, **options).attrs["report"].notes)


def options_in(message):
    """The keyword arguments that a message proposes, each with its first value."""
    found = {}
    value = r"\{[^}]*\}|\[[^]]*\]|\([^)]*\)|'[^']*'|True|False"
    names = "columns|prices|tz|decimal|dayfirst|label|settlement"
    for name, text in re.findall(rf"\b({names})=({value})", message):
        found.setdefault(name, eval(text, {}))  # a literal of Python, typed by us
    return found


# ------------------------------------------------------------------------ a power of ten


def whole(names, day, delimiter=";", group="."):
    cells = [f"40{group}051", f"40{group}100", f"39{group}900", f"40{group}003"]
    return delimiter.join(names) + "\n" + delimiter.join([day, *cells]) + "\n"


GERMAN = ["Datum", "Eröffnung", "Hoch", "Tief", "Schlusskurs"]
ENGLISH = NAMES.split(",")


@pytest.mark.parametrize(
    ("names", "day", "delimiter", "group"),
    [
        (GERMAN, "07.01.2030", ";", "."),
        (GERMAN, "07.01.2030", "\t", "."),
        (GERMAN, "07.01.2030", ",", "."),
        (ENGLISH, "2030-01-07", ";", "."),
        (ENGLISH, "2030-01-07", ";", ","),
        (ENGLISH, "2030-01-07", "\t", ","),
    ],
)
def test_whole_prices_in_groups_are_a_question(names, day, delimiter, group):
    text = whole(names, day, delimiter, group)
    message = refusal(text)
    assert f"'39{group}900' can be 39900 or 39.900" in message or "can be 40051" in message
    other = "," if group == "." else "."
    assert f"decimal={other!r}" in message
    assert options_in(message)["decimal"] == other
    assert read(text, decimal=other)["close"].item() == 40003
    assert read(text, decimal=group)["close"].item() == 40.003


def test_three_decimals_between_commas_are_decimals_with_a_note():
    gas = f"{NAMES}\n2024-03-07,2.405,2.410,2.400,2.408\n"
    assert read(gas)["close"].item() == 2.408
    assert "pass decimal=',' if the point separates thousands" in notes(gas)
    assert read(gas, decimal=",")["close"].item() == 2408
    assert "separates thousands" not in notes(gas.replace("2.408", "2.4081"))
    yen = whole(["<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"], "2024.03.07", "\t")
    assert read(yen)["close"].item() == 40.003
    assert "separates thousands" in notes(yen)


DATABENTO = (
    "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n"
    "1710163800000000000,33,1,12345,2081500000000,2099250000000,2070500000000,2082750000000,412\n"
    "1710163860000000000,33,1,12345,2082750000000,2083000000000,2082500000000,2082900000000,10\n"
)


def test_databentos_billionths():
    frame = read(DATABENTO)
    assert frame["open"].to_list() == [2081.5, 2082.75]
    assert frame["close"].to_list() == [2082.75, 2082.9]
    assert frame["volume"].to_list() == [412, 10]
    assert any("divided the prices by 1,000,000,000" in r for r in frame.attrs["report"].repairs)
    undefined = DATABENTO.replace("2082750000000,412", "9223372036854775807,412")
    assert "the close is missing" in refusal(undefined)
    pretty = DATABENTO
    for price in re.findall(r"(?<=,)2\d{12}(?=,)", DATABENTO):
        pretty = pretty.replace(price, f"{int(price) / 1e9:.9f}", 1)
    assert read(pretty)["close"].to_list() == [2082.75, 2082.9]


def test_databentos_several_instruments(tmp_path):
    two = DATABENTO.replace(",12345,", ",777,", 1)
    message = refusal(two)
    assert "line 3, column instrument_id: '12345' after '777'" in message
    # The remedy as it stands, in a folder of its own.
    code = re.search(r"table = .*index=False\)", message)[0]
    (tmp_path / "two.csv").write_text(two)
    script = f"import pandas\npath = 'two.csv'\n{code}\n"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert read_prices(tmp_path / "one.csv")["close"].to_list() == [2082.75]


def test_prices_of_a_billion_are_noted():
    text = f"{NAMES}\n2024-03-07,2081500000000,2081500000000,2081500000000,2081500000000\n"
    assert "are they in another unit?" in notes(text)
    assert "another unit" not in notes(PLAIN)


BONDS = {
    "110-16": 110.5,
    "110-165": 110 + 16.5 / 32,
    "110-162": 110 + 16.25 / 32,
    "110-16+": 110 + 16.5 / 32,
    "110'16.5": 110 + 16.5 / 32,
    "110'31": 110 + 31 / 32,
    "99-00": 99.0,
    "110-007": 110 + 0.75 / 32,
}


@pytest.mark.parametrize("cell", BONDS)
def test_bond_quotes_are_read_exactly(cell):
    frame = read(f"{NAMES},Volume\n2024-03-07,{cell},{cell},{cell},{cell},1500\n")
    assert frame["close"].item() == BONDS[cell]
    assert frame["volume"].item() == 1500
    assert any("thirty-seconds" in repair for repair in frame.attrs["report"].repairs)


def test_an_apostrophe_before_three_digits_is_a_question():
    text = f"{NAMES}\n2024-03-07,110'165,110'200,110'160,110'175\n"
    message = refusal(text)
    assert "can be 110160 or 110 and 16 thirty-seconds" in message or "110165" in message
    assert read(text, decimal="32nds")["open"].item() == 110 + 16.5 / 32
    assert read(text, decimal=".")["open"].item() == 110165
    # One price that can't be a bond's tells, as Swiss thousands always do somewhere.
    assert read(text.replace("110'175", "110'183"))["open"].item() == 110165
    assert read(text.replace("110'165", "110'164"))["close"].item() == 110175
    assert "32" not in notes(text.replace("110'175", "110'183"))


def test_a_bond_quote_that_is_none():
    days = "2024-03-07,110-16,110-20,110-10,110-16\n2024-03-08,110-16,110-20,110-10,110-33\n"
    text = f"{NAMES}\n{days}"
    assert "'110-33' where a number is expected" in refusal(text)


# ------------------------------------------------------------------------------- an hour


@pytest.mark.parametrize(
    ("header", "first", "expected"),
    [
        ("Date,Time,TimeZone", "2024-03-11,13:30:00,UTC", "09:30"),
        ("datetime,timezone", "2024-03-11 08:30:00,America/Chicago", "09:30"),
        ("datetime,tz", "2024-03-11 09:30:00,EDT", "09:30"),
        ("datetime,utc_offset", "2024-03-11 08:30:00,-05:00", "09:30"),
        ("datetime,gmt offset", "2024-03-11 08:30:00,-5", "09:30"),
        ("datetime,zone", "2024-03-11 13:30:00,Z", "09:30"),
        ("datetime,timezone", "2024-03-11 08:30:00-05:00,America/Chicago", "09:30"),
        ("timestamp,timezone", "1710163800,America/Chicago", "09:30"),
    ],
)
def test_a_column_that_names_the_zone(header, first, expected):
    frame = read(f"{header},open,high,low,close\n{first},10,12,9,11\n")
    assert frame.index[0].strftime("%H:%M") == expected
    assert "taken as" not in "\n".join(frame.attrs["report"].notes)


def test_a_zone_beside_dates_does_not_move_them():
    text = f"{NAMES},timezone\n2024-03-11,10,12,9,11,Asia/Tokyo\n"
    assert read(text).index[0] == pd.Timestamp("2024-03-11", tz="America/New_York")
    assert "taken as America/New_York" in notes(text)


def test_a_zone_column_that_is_none_can_be_left_out():
    text = "datetime,timezone,open,high,low,close\n2024-03-11 09:30:00,exchange,10,12,9,11\n"
    assert "not understood" in refusal(text)
    assert "columns= (None: leave it out)" in refusal(text)
    assert read(text, columns={"timezone": None}).index[0].strftime("%H:%M") == "09:30"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# Timezone: UTC", "05:30"),
        ("# time zone America/Chicago", "10:30"),
        ("# All times are in UTC", "05:30"),
        ("Times in Europe/Berlin", "04:30"),
        ("# tz=UTC", "05:30"),
        ("# 5-minute bars, data in UTC", "05:30"),
    ],
)
def test_a_comment_that_names_the_zone(comment, expected):
    text = f"{comment}\nDatetime,Open,High,Low,Close\n2024-03-11 09:30:00,10,12,9,11\n"
    assert read(text).index[0].strftime("%H:%M") == expected
    assert "times are in" in notes(text)


def test_a_comment_of_two_zones_or_of_an_abbreviation_is_noted():
    rows = "Datetime,Open,High,Low,Close\n2024-03-11 09:30:00,10,12,9,11\n"
    for comment in ("# Time zone: EST", "# times are in UTC\n# time zone: Europe/Berlin"):
        text = f"{comment}\n{rows}"
        assert read(text).index[0].strftime("%H:%M") == "09:30"
        assert "not used, tz= places the times" in notes(text)
    # A remark about something else, and a daily file, are left alone.
    for text in (f"# downloaded 2024-03-12 10:00 UTC\n{rows}", f"# time zone: UTC\n{PLAIN}"):
        assert "taken as America/New_York" in notes(text)


@pytest.mark.parametrize(
    ("name", "word"), [("Time (EET)", "EET"), ("Time (EST)", "EST"), ("datetime_est", "EST")]
)
def test_a_column_name_with_an_abbreviation_is_a_question(name, word):
    text = f"{name},Open,High,Low,Close\n2024-07-11 09:30:00,10,12,9,11\n"
    message = refusal(text)
    assert f"the name says {word}" in message
    proposed = options_in(message)
    frame = read(text, **proposed)
    assert frame.index[0] == pd.Timestamp("2024-07-11 09:30", tz=proposed["tz"])
    never = re.search(r"tz='(Etc[^']*)' if never", message)[1]
    hours = {"EET": 2, "EST": -5}[word]
    fixed = read(text, columns=proposed["columns"], tz=never)
    assert fixed.index[0].utcoffset() == pd.Timedelta(hours=hours)
    assert len(read(text.replace(" 09:30:00", ""))) == 1  # a date is a date


def test_utc_in_a_column_name():
    for header, cells in (
        ("timestamp_utc", "2024-03-11 13:30:00"),
        ("Time (UTC)", "2024-03-11 13:30:00"),
        ("Date,Time (UTC)", "2024-03-11,13:30:00"),
        ("Date (GMT),Time (GMT)", "2024-03-11,13:30:00"),
    ):
        text = f"{header},Open,High,Low,Close\n{cells},10,12,9,11\n"
        assert read(text).index[0].strftime("%H:%M") == "09:30"
    text = "Date,Time (EST),Open,High,Low,Close\n2024-07-11,09:30:00,10,12,9,11\n"
    assert read(text, **options_in(refusal(text))).index[0].strftime("%H:%M") == "09:30"


@pytest.mark.parametrize(
    ("winter", "summer"),
    [("EST", "EDT"), ("CST", "CDT"), ("MST", "MDT"), ("PST", "PDT"), ("CET", "CEST"), ("ET", "ET")],
)
def test_abbreviations_behind_the_times(winter, summer):
    zones = {"E": "America/New_York", "C": "America/Chicago", "M": "America/Denver"}
    zone = zones.get(winter[0], "America/Los_Angeles") if winter != "CET" else "Europe/Berlin"
    rows = f"2024-01-11 09:30:00 {winter},10,12,9,11\n2024-07-11 09:30:00 {summer},10,12,9,11\n"
    frame = read(f"Time,Open,High,Low,Close\n{rows}")
    expected = pd.DatetimeIndex(["2024-01-11 09:30", "2024-07-11 09:30"], tz=zone)
    assert list(frame.index) == list(expected)


def test_standard_time_in_summer_is_noted():
    rows = "2024-01-11 09:30:00 EST,10,12,9,11\n2024-07-11 09:30:00 EST,10,12,9,11\n"
    text = f"Time,Open,High,Low,Close\n{rows}"
    assert read(text).index[1].strftime("%H:%M") == "10:30"
    assert "every time says EST, in summer too" in notes(text)
    frame = read(text)
    exec(re.search(r"frame\.index = .*'\)", notes(text))[0])  # the note's own remedy
    assert frame.index.strftime("%H:%M").tolist() == ["09:30", "09:30"]
    right = text.replace("07-11 09:30:00 EST", "07-11 09:30:00 EDT")
    assert "in summer too" not in notes(right)


def test_a_late_row_in_a_daily_file():
    text = PLAIN + "2024-03-08 16:00:01,2410,2410,2410,2410\n"
    assert "1 of 3 rows not at midnight like the others" in notes(text)
    frame = read(text)
    kept = frame[frame.index == frame.index.normalize()]  # as the note says
    assert kept["close"].to_list() == [2082.75, 2066]
    assert "midnight" not in notes(PLAIN)


def test_sessions_labelled_by_the_evening_before():
    rows = "".join(f"{1710194400 + 86400 * day},10,12,9,11\n" for day in (0, 1, 2, 3))
    text = f"time,open,high,low,close\n{rows}"
    assert read(text).index[0].strftime("%m-%d %H") == "03-11 18"
    assert "every time is 18:00" in notes(text)
    assert "sessions.trade_date" in notes(text)


def minutes(start, rows, step, days=6):
    """Bars of some days, their labels `step` minutes apart."""
    index = pd.DatetimeIndex([], tz="America/New_York")
    for day in pd.bdate_range("2024-05-06", periods=days):
        first = pd.Timestamp(f"{day.date()} {start}", tz="America/New_York")
        index = index.append(pd.date_range(first, periods=rows, freq=f"{step}min"))
    lines = [f"{time.tz_localize(None)},10,12,9,11" for time in index]
    return "Datetime,Open,High,Low,Close\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("step", [1, 5, 30])
def test_bars_labelled_by_their_end(step):
    rows = 390 // step
    first_end = pd.Timestamp("09:30") + pd.Timedelta(minutes=step)
    ended = minutes(first_end.strftime("%H:%M"), rows, step)
    begun = minutes("09:30", rows, step)
    assert "pass label='end'" in notes(ended)
    assert "label=" not in notes(begun)
    frame = read(ended, label="end")
    assert frame.index.equals(read(begun).index)
    assert any("moved every time back by one bar" in r for r in frame.attrs["report"].repairs)
    assert "label=" not in "\n".join(frame.attrs["report"].notes)


def test_a_whole_electronic_session_labelled_by_its_ends():
    day = ["18:05", "09:30", "16:55", "17:00"]
    assert "label=" not in notes(minutes("18:00", 276, 5))
    assert "pass label='end'" in notes(minutes(day[0], 276, 5))
    assert read(minutes(day[0], 276, 5), label="end").index[-1].strftime("%H:%M") == "16:55"


def test_daily_bars_have_no_end():
    message = refusal(PLAIN, label="end")
    assert "label='end' is for bars within the day; leave it out" in message


# -------------------------------------------------------------------------------- volumes


def test_volume_zero_in_every_row_is_noted():
    text = PLAIN.replace("Close\n", "Close,Volume\n").replace("2082.75\n", "2082.75,0\n")
    text = text.replace("2066\n", "2066,0\n")
    assert "volume is 0 in every row (Volume)" in notes(text)
    assert "volume is 0" not in notes(text.replace("2066,0", "2066,5"))


def test_metatraders_tick_volume():
    names = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    rows = "2024.03.07\t10\t12\t9\t11\t412\t{}\t2\n2024.03.08\t10\t12\t9\t11\t99\t{}\t2\n"
    frame = read(names + rows.format(0, 0))
    assert frame["volume"].to_list() == [412, 99]
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert "volume is <TICKVOL>: price changes counted" in notes(names + rows.format(0, 0))
    frame = read(names + rows.format(7, 0))
    assert frame["volume"].to_list() == [7, 0]
    assert "TICKVOL" not in "\n".join(frame.attrs["report"].notes)
    only = names.replace("<VOL>\t", "") + rows.replace("{}\t", "")
    assert read(only)["volume"].to_list() == [412, 99]


def test_volume_minus_one_is_none():
    text = "date,open,high,low,close,volume\n2024-03-07,1,2,1,1,-1\n2024-03-08,1,2,1,1,{}\n"
    for last in (-1, 0):
        assert "volume" not in read(text.format(last))
        assert "never above 0: left out" in notes(text.format(last))
    message = refusal(text.format(5))
    assert "line 2, column volume: the volume is -1, below 0" in message
    assert "volume" not in read(text.format(5), **options_in(message))
    message = refusal(text.replace("-1\n", "-7\n").format(5))
    assert "the volume is -7" in message
    assert "volume" not in read(text.replace("-1\n", "-7\n").format(5), **options_in(message))


def test_a_column_can_be_left_out():
    text = PLAIN.replace("Close\n", "Close,Vol\n").replace("75\n", "75,many\n")
    text = text.replace("66\n", "66,x\n")
    frame = read(text, columns={"Vol": None})
    assert list(frame.columns) == ["open", "high", "low", "close"]
    assert frame.attrs["report"].unused_columns == ("Vol",)


# ------------------------------------------------------------- refusals followed literally


def test_a_settlement_outside_the_days_range():
    text = PLAIN.replace("2060,2066", "2060,2059.5")
    message = refusal(text)
    assert "the close 2059.5 is below the low 2060" in message
    assert options_in(message)["settlement"] is True
    frame = read(text, settlement=True)
    assert frame.iloc[1].to_list() == [2080, 2085, 2059.5, 2059.5]
    assert "widened the range of 1 row to a settlement outside it" in frame.attrs["report"].repairs
    assert read(PLAIN, settlement=True).equals(read(PLAIN))
    with pytest.raises(PriceFileError, match=r"24\.01 is below the low 2060"):
        read(text.replace("2059.5", "24.01"), settlement=True)
    close_only = {**options_in(message)}
    assert set(close_only["prices"]) == {"open", "close"}
    assert read(text, prices=close_only["prices"])["close"].to_list() == [2082.75, 2059.5]


NAMED = {
    "Bloomberg": ("Date,PX_LAST,PX_VOLUME\n3/13/2024,2082.75,41000\n", 2082.75),
    "CME": (
        "Trade Date,Prior Day Open Interest,Settlement Value,Total Volume\n3/13/2024,5,2082.75,7\n",
        2082.75,
    ),
    "Investing, Italian": ("Data,Ultimo,Var. %\n13.03.2024,2082.75,1\n", 2082.75),
    "time unknown": ("When,Open,High,Low,Close,Volume\n2024-03-13,1,2,1,1.5,7\n", 1.5),
    "nothing but values": ("x,Index value\n2024-03-13,2082.75\n", 2082.75),
    "adjusted alone": ("Date,Open,High,Low,Adj Close\n2024-03-13,1,2,1,1.5\n", 1.5),
    "Yahoo's page": (
        "Date\tOpen\tHigh\tLow\tClose Close price adjusted for splits.\tVolume\n"
        "Mar 13, 2024\t1\t2\t1\t1.5\t41000\n",
        1.5,
    ),
    "no open": ("Date,High,Low,Close\n2024-03-13,2,1,1.5\n", 1.5),
    "two closes": ("Date,Open,High,Low,Last,Settle\n2024-03-13,1,2,1,1.5,1.6\n", 1.5),
    "the same name twice": ("Date,Open,High,Low,Close,Close\n2024-03-13,1,2,1,1.5,1.6\n", 1.5),
}


@pytest.mark.parametrize("name", NAMED)
def test_names_that_need_a_word(name):
    """Follow the remedies until the file is read; never is a volume the close."""
    text, close = NAMED[name]
    options = {}
    for _ in range(3):
        message = refusal(text, **options) if not _read(text, options) else None
        if message is None:
            break
        proposed = options_in(message)
        for what in ("volume", "Var. %", "Interest"):
            assert not re.search(rf"{what}[^,]*': 'close'", message, re.IGNORECASE)
        assert proposed, message
        if isinstance(proposed.get("columns"), dict):
            proposed["columns"] = options.get("columns", {}) | proposed["columns"]
        options |= proposed
        if "dayfirst" in proposed:
            options["dayfirst"] = False
    assert read(text, **options)["close"].item() == close


def _read(text, options):
    try:
        return read(text, **options) is not None
    except PriceFileError:
        return False


def test_delimiters_that_are_unknown(tmp_path):
    for mark in ("|", "  ", "^"):
        text = PLAIN.replace(",", mark)
        message = refusal(text)
        code = re.search(r"pandas\.read_csv\(.*?index=False\)", message)[0]
        (tmp_path / "marks.csv").write_text(text)
        script = f"import pandas\npath = 'marks.csv'\n{code}\n"
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
        assert read_prices(tmp_path / "prices.csv")["close"].to_list() == [2082.75, 2066]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('{"ticker":"IWM","results":[{"o":1,"c":2}]}', "is JSON"),
        ('\n [{"date": "2024-03-07", "close": 1}]', "is JSON"),
        ("<table><tr><td>Date</td></tr></table>", "is a web page (HTML)"),
        ("\r\n\r\n<html><body>no</body></html>", "is a web page (HTML)"),
        ('\ufeff<?xml version="1.0"?><Workbook/>', "is XML"),
        ("%PDF-1.4 ...", "is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(60), "is an old Excel workbook"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "is a 7-Zip archive"),
        (b"Rar!\x1a\x07\x00" + bytes(60), "is a RAR archive"),
    ],
)
def test_what_is_no_text_of_prices_is_called_by_its_name(content, kind):
    message = refusal(content)
    assert kind in message
    assert re.search("CSV|unpack", message)


def test_json_becomes_a_table_as_the_message_says(tmp_path):
    rows = [{"date": "2024-03-07", "open": 1, "high": 2, "low": 1, "close": 1.5}]
    pd.DataFrame(rows).to_csv(tmp_path / "prices.csv")  # the remedy's frame.to_csv('prices.csv')
    assert read_prices(tmp_path / "prices.csv")["close"].item() == 1.5


def zipped(content):
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("prices.csv", content)
    return stored.getvalue()


PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}


@pytest.mark.parametrize("kind", PACK)
def test_packed_files(kind):
    packed = PACK[kind](PLAIN.encode())
    assert read(packed)["close"].to_list() == [2082.75, 2066]
    for damaged in (packed[: len(packed) // 2], packed[:45] + b"xxxx" + packed[49:]):
        assert "cannot be unpacked" in refusal(damaged)


def test_zstandard_with_and_without_its_package(monkeypatch):
    import pyarrow

    packed = pyarrow.compress(PLAIN.encode(), codec="zstd", asbytes=True)
    assert read(packed)["close"].to_list() == [2082.75, 2066]
    assert "cannot be unpacked" in refusal(packed[:-9])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "%pip install pyarrow" in refusal(packed)
    stored = io.BytesIO(b"PAR1" + bytes(20))
    with pytest.raises(PriceFileError, match="is a Parquet file, which needs .*install pyarrow"):
        read_prices(stored)


def test_the_courses_own_files_are_read():
    root = folder()
    bars = read_prices(root / "intraday" / "M2K.csv.bz2")
    same = data.load("intraday")["M2K"]
    np.testing.assert_array_equal(bars["close"], same["close"])
    assert (bars.index == same.index).all()


def test_text_is_read_without_pyarrow():
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import io; from m2k_lessons import data\n"
        f"frame = data.read_prices(io.StringIO({PLAIN!r}))\n"
        "assert frame['close'].to_list() == [2082.75, 2066.0]\n"
        "assert not any(name.startswith('pyarrow.') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=None)


REMEDIES = {
    "negative": (PLAIN.replace("2060,", "-2060,"), "Low"),
    "zero open": (PLAIN.replace("2080,", "0,"), "Open"),
    "open missing": (PLAIN.replace("2080,", ","), "Open"),
    "high below low": (PLAIN.replace("2085,", "2059,"), "High"),
    "open above high": (PLAIN.replace("2080,", "2090,"), "Open"),
}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_bad_price_can_be_left_out(name):
    text, column = REMEDIES[name]
    message = refusal(text)
    proposed = options_in(message)
    assert column.lower() not in proposed["prices"]
    frame = read(text, **proposed)
    assert frame["close"].to_list() == [2082.75, 2066]
    assert frame.attrs["report"].unused_columns == (column,)


FINAL = [
    "", "\n\n", NAMES, "a,b\n1,2\n", "Dear customer\nhow are you\n", PLAIN + "x\ny\n",
    PLAIN.replace("2066", "n.v."), PLAIN.replace("2066", "inf"),
    PLAIN.replace("2024-03-08", "soon"),
    PLAIN.replace("2024-03-08", "2024-02-30"), PLAIN.replace("2024-03-08", ""),
    PLAIN.replace("2024-03-08", "2024-03-07"), PLAIN.replace("2066", '"2066'),
    PLAIN.replace("2024-03-0", "03/0").replace(",2", "/2024,2", 1).replace("8,2080", "8/2024,2080"),
    "time,open,high,low,close\n2024-03-10 02:30:00,1,1,1,1\n",
    "time,open,high,low,close\n2024-11-03 01:30:00,1,1,1,1\n",
    "time,open,high,low,close\n1,1,1,1,1\n2,1,1,1,1\n",
]  # fmt: skip


@pytest.mark.parametrize("text", FINAL)
def test_every_refusal_ends_with_a_remedy(text):
    message = refusal(text)
    words = r"download it again|correct|delete|pass |columns=|save |prices=|name |use |ask |pandas"
    assert re.search(words, message.split(": ", 1)[-1]), message
