"""`data.read_prices`: every dialect it takes, every fault it names, and what it never does.

All files are written by the tests. The expected frames are typed by hand or built by pandas from
the numbers that went into the file, never by the reader.
"""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import io
import json
import pickle
import re
import zipfile
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from m2k_lessons import data
from m2k_lessons.data import PriceFileError, ReadReport, read_prices

NEW_YORK = "America/New_York"
PRICES = ["open", "high", "low", "close"]

# Four days over the change of the clocks on 2024-03-10; the 13th tells day from month.
DAYS = ["2024-03-07", "2024-03-08", "2024-03-11", "2024-03-13"]
OPEN = [1998.5, 2092.4, 2078.3, 2066.1]
HIGH = [2085.4, 2099.5, 2085.1, 2082.9]
LOW = [1990.2, 2074.8, 2060.2, 2061.0]
CLOSE = [2084.7, 2082.7, 2066.0, 2071.7]
VOLUME = [1200, 13500, 980, 1234567]
ADJUSTED = [2004.7, 2002.7, 2066.0, 2071.7]


def daily(*columns: str, tz: str = NEW_YORK) -> pd.DataFrame:
    """Return the frame that every dialect of the four days must give."""
    index = pd.DatetimeIndex(DAYS, name="time").as_unit("us").tz_localize(tz)
    numbers = dict(open=OPEN, high=HIGH, low=LOW, close=CLOSE, volume=VOLUME, adj_close=ADJUSTED)
    return pd.DataFrame(numbers, index=index, dtype="float64")[[*PRICES, *columns]]


def assert_same(frame: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(frame, expected, check_freq=False)


def lines(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def write(folder, content: str | bytes, name: str = "prices.csv"):
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def read_text(content: str | bytes, **options) -> pd.DataFrame:
    content = content.encode("utf-8") if isinstance(content, str) else content
    return read_prices(io.BytesIO(content), **options)


def report_of(content: str | bytes, **options) -> ReadReport:
    return read_text(content, **options).attrs["report"]


def rows(template: str, dates: list[str] = DAYS, number=str) -> list[str]:
    """Fill a template such as `{date},{o},{h},{l},{c},{v}` with the four days."""
    return [
        template.format(
            date=date, o=number(o), h=number(h), l=number(lo), c=number(c), v=v, a=number(a)
        )
        for date, o, h, lo, c, v, a in zip(
            dates, OPEN, HIGH, LOW, CLOSE, VOLUME, ADJUSTED, strict=True
        )
    ]


def dates(form: str) -> list[str]:
    return [dt.date.fromisoformat(day).strftime(form) for day in DAYS]


def english(number: float) -> str:
    return f"{number:,.2f}"


def german(number: float) -> str:
    return f"{number:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def swiss(number: float) -> str:
    return f"{number:,.2f}".replace(",", "'")


def french(number: float) -> str:
    return f"{number:,.2f}".replace(",", "\u202f").replace(".", ",")


ISO_ROWS = rows("{date},{o},{h},{l},{c},{v}")
PLAIN = lines("Date,Open,High,Low,Close,Volume", *ISO_ROWS)

DAILY_FILES = {
    "yahoo": (
        lines("Date,Open,High,Low,Close,Adj Close,Volume", *rows("{date},{o},{h},{l},{c},{a},{v}")),
        ("volume", "adj_close"),
    ),
    "yfinance, three header lines": (
        lines(
            "Price,Adj Close,Close,High,Low,Open,Volume",
            "Ticker,^RUT,^RUT,^RUT,^RUT,^RUT,^RUT",
            "Date,,,,,,",
            *rows("{date},{a},{c},{h},{l},{o},{v}"),
        ),
        ("volume", "adj_close"),
    ),
    "yfinance, ticker first": (
        lines(
            "Ticker,T,T,T,T,T",
            "Price,Open,High,Low,Close,Volume",
            "Date,,,,,",
            *ISO_ROWS,
        ),
        ("volume",),
    ),
    "yfinance, older header": (
        lines(
            ",Close,High,Low,Open", ",IWM,IWM,IWM,IWM", "Date,,,,", *rows("{date},{c},{h},{l},{o}")
        ),
        (),
    ),
    "yfinance history": (
        lines(
            "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
            *(
                row.replace(",", f" 00:00:00-0{5 if row < '2024-03-10' else 4}:00,", 1) + ",0.0,0.0"
                for row in ISO_ROWS
            ),
        ),
        ("volume",),
    ),
    "stooq, bulk": (
        lines(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
            *rows("IWM.US,D,{date},000000,{o},{h},{l},{c},{v},0", dates("%Y%m%d")),
        ),
        ("volume",),
    ),
    "stooq, web": (PLAIN, ("volume",)),
    "nasdaq.com": (
        lines(
            "Date,Close/Last,Volume,Open,High,Low",
            *reversed(rows("{date},{c},{v},{o},{h},{l}", dates("%m/%d/%Y"), "${}".format)),
        ),
        ("volume",),
    ),
    "investing.com": (
        "\ufeff"
        + lines(
            '"Date","Price","Open","High","Low","Vol.","Change %"',
            '"03/13/2024","2,071.70","2,066.10","2,082.90","2,061.00","1.234567M","0.50%"',
            '"03/11/2024","2,066.00","2,078.30","2,085.10","2,060.20","0.98K","-0.81%"',
            '"03/08/2024","2,082.70","2,092.40","2,099.50","2,074.80","13.5K","-0.10%"',
            '"03/07/2024","2,084.70","1,998.50","2,085.40","1,990.20","1.20K","0.81%"',
        ),
        ("volume",),
    ),
    "investing.com, older dates": (
        lines(
            '"Date","Price","Open","High","Low"',
            *rows('"{date}","{c}","{o}","{h}","{l}"', dates("%b %d, %Y"), english),
        ),
        (),
    ),
    "investing.com, German": (
        lines(
            '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"',
            '"13.03.2024","2.071,70","2.066,10","2.082,90","2.061,00","1,234567M","0,50%"',
            '"11.03.2024","2.066,00","2.078,30","2.085,10","2.060,20","0,98K","-0,81%"',
            '"08.03.2024","2.082,70","2.092,40","2.099,50","2.074,80","13,50K","-0,10%"',
            '"07.03.2024","2.084,70","1.998,50","2.085,40","1.990,20","1,20K","0,81%"',
        ),
        ("volume",),
    ),
    "barchart": (
        lines(
            'Time,Open,High,Low,Last,Change,%Chg,Volume,"Open Interest"',
            *reversed(rows("{date},{o},{h},{l},{c},1.2,0.05%,{v},99", dates("%m/%d/%Y"))),
            '"Downloaded from Barchart.com as of 03-14-2024 04:12pm CDT"',
        ),
        ("volume",),
    ),
    "alpha vantage": (
        lines(
            "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount",
            *reversed(rows("{date},{o},{h},{l},{c},{a},{v},0.0000")),
        ),
        ("volume", "adj_close"),
    ),
    "wsj": (
        lines(
            "Date, Open, High, Low, Close", *rows("{date}, {o}, {h}, {l}, {c}", dates("%m/%d/%y"))
        ),
        (),
    ),
    "euronext": (
        lines(
            "Date;Open;High;Low;Close;Number of Shares",
            *rows("{date};{o};{h};{l};{c};{v}", dates("%d/%m/%Y"), "{:.4f}".format),
        ),
        (),
    ),
    "german broker": (
        lines(
            "Datum;Erster;Hoch;Tief;Schlusskurs;Volumen",
            *rows("{date};{o};{h};{l};{c};{v}", dates("%d.%m.%Y"), german),
        ),
        ("volume",),
    ),
    "excel, sep line": (
        "sep=;\r\n"
        + "\r\n".join(["Date;Open;High;Low;Close;Volume", *rows("{date};{o};{h};{l};{c};{v}")]),
        ("volume",),
    ),
    "tab, decimal comma": (
        lines(
            "Date\tOpen\tHigh\tLow\tClose\tVolume",
            *rows(
                "{date}\t{o}\t{h}\t{l}\t{c}\t{v}",
                dates("%d.%m.%Y"),
                lambda x: str(x).replace(".", ","),
            ),
        ),
        ("volume",),
    ),
    "spaces as thousands": (
        lines("Date;Open;High;Low;Close", *rows("{date};{o};{h};{l};{c}", number=french)),
        (),
    ),
    "apostrophes as thousands": (
        lines("Date;Open;High;Low;Close", *rows("{date};{o};{h};{l};{c}", number=swiss)),
        (),
    ),
    "quoted, thousands": (
        lines(
            '"Date","Open","High","Low","Close"',
            *rows('"{date}","{o}","{h}","{l}","{c}"', number=english),
        ),
        (),
    ),
    "metatrader 4, no names": (
        lines(*rows("{date},00:00,{o},{h},{l},{c},{v}", dates("%Y.%m.%d"))),
        ("volume",),
    ),
    "metatrader 5": (
        lines(
            "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
            *rows("{date}\t{o}\t{h}\t{l}\t{c}\t7\t{v}\t2", dates("%Y.%m.%d")),
        ),
        ("volume",),
    ),
    "forex terminal": (
        lines(
            "<DTYYYYMMDD>,<OPEN>,<HIGH>,<LOW>,<CLOSE>",
            *rows("{date},{o},{h},{l},{c}", dates("%Y%m%d")),
        ),
        (),
    ),
    "comment lines": ("# source: a vendor, adjusted\n#\n" + PLAIN, ("volume",)),
    "names in a comment": ("#" + PLAIN, ("volume",)),
    "names in a comment and again": ("# date,open,high,low,close,adjclose\n" + PLAIN, ("volume",)),
    "title line": ("Russell 2000 index\n\n" + PLAIN, ("volume",)),
    "pandas index without a name": (PLAIN.replace("Date", "", 1), ("volume",)),
    "row numbers before the date": (
        lines(",Date,Open,High,Low,Close", *rows("0,{date},{o},{h},{l},{c}")),
        (),
    ),
    "day and month name": (
        lines("Date,Open,High,Low,Close", *rows("{date},{o},{h},{l},{c}", dates("%d-%b-%y"))),
        (),
    ),
    "month in full": (
        lines("Date;Open;High;Low;Close", *rows("{date};{o};{h};{l};{c}", dates("%B %d, %Y"))),
        (),
    ),
    "slashes, year first": (
        lines("Date,Open,High,Low,Close", *rows("{date},{o},{h},{l},{c}", dates("%Y/%m/%d"))),
        (),
    ),
    "dashes, day first": (
        lines("Date,Open,High,Low,Close", *rows("{date},{o},{h},{l},{c}", dates("%d-%m-%Y"))),
        (),
    ),
    "trailing delimiter on the rows alone": (
        lines("Date,Open,High,Low,Close", *rows("{date},{o},{h},{l},{c},")),
        (),
    ),
    "trailing delimiter everywhere": (
        lines("Date,Open,High,Low,Close,", *rows("{date},{o},{h},{l},{c},")),
        (),
    ),
    "excel, footer padded": (
        lines("Date,Open,High,Low,Close", *rows("{date},{o},{h},{l},{c}"), "Source: a vendor,,,,"),
        (),
    ),
    "numbered names": (
        lines("date,1. open,2. high,3. low,4. close,5. volume", *ISO_ROWS),
        ("volume",),
    ),
    "date, and time at midnight": (
        lines("Date,Time,Open,High,Low,Close", *rows("{date} 00:00:00,0:00,{o},{h},{l},{c}")),
        (),
    ),
}


@pytest.mark.parametrize("name", DAILY_FILES)
def test_daily_dialects_give_the_same_frame(name, tmp_path):
    content, columns = DAILY_FILES[name]
    assert_same(read_prices(write(tmp_path, content)), daily(*columns))


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_and_line_ends(encoding, ending, tmp_path):
    text = lines(
        "Datum;Eröffnung;Hoch;Tief;Schluss", *rows("{date};{o};{h};{l};{c}", number=german)
    )
    text += "\n  \n\n"
    path = write(tmp_path, text.replace("\n", ending).encode(encoding))
    assert_same(read_prices(path), daily())


@pytest.mark.parametrize("text", [PLAIN, PLAIN.rstrip("\n")], ids=["ended", "not ended"])
def test_a_last_line_needs_no_end(text):
    assert_same(read_text(text), daily("volume"))


def test_path_may_be_text_path_or_open_file(tmp_path):
    path = write(tmp_path, PLAIN)
    with path.open("rb") as binary, path.open(encoding="utf-8") as text:
        for source in (path, str(path), binary, text):
            frame = read_prices(source)
            assert_same(frame, daily("volume"))
            assert frame.attrs["report"].file == "prices.csv"


def test_gzip_and_zip_are_told_by_content(tmp_path):
    packed = write(tmp_path, gzip.compress(PLAIN.encode()), "packed.csv")
    assert_same(read_prices(packed), daily("volume"))
    with zipfile.ZipFile(tmp_path / "one.csv", "w") as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/prices.csv", PLAIN)
        archive.writestr("__MACOSX/._prices.csv", "x")
    assert_same(read_prices(tmp_path / "one.csv"), daily("volume"))


# ---------------------------------------------------------------------------------------- Parquet


def parquet(frame: pd.DataFrame, **options) -> bytes:
    stored = io.BytesIO()
    frame.to_parquet(stored, **options)
    return stored.getvalue()


def test_parquet_gives_the_same_frame_whatever_stores_the_time():
    expected = daily("volume", "adj_close")
    named = expected.rename(columns=str.title).rename(columns={"Adj_Close": "Adj Close"})
    naive = named.tz_localize(None)
    date = pd.Series(named.index.date, index=named.index)
    variants = {
        "aware index": named,
        "naive index": naive,
        "seconds": naive.set_axis(naive.index.as_unit("s")),
        "nameless index": naive.rename_axis(None),
        "date column": named.assign(Date=date.to_numpy()).reset_index(drop=True),
        "text": named.assign(Date=date.astype(str).to_numpy()).reset_index(drop=True),
        "categories": named.assign(Date=date.astype(str).astype("category").to_numpy()).reset_index(
            drop=True
        ),
        "epoch": named.assign(
            timestamp=named.index.as_unit("s").asi8  # a file may hold both
        ).reset_index(drop=True),
        "newest first": named[::-1],
        "32-bit volume": named.astype({"Volume": "int32"}),
        "decimals as text": named.astype({"Close": "str"}),
    }
    for name, variant in variants.items():
        frame = read_text(parquet(variant))
        try:
            assert_same(frame, expected)
        except AssertionError as error:
            raise AssertionError(name) from error
        assert frame.attrs["report"].delimiter == "none (Parquet)"


def test_parquet_faults_name_row_and_column():
    frame = daily("volume").reset_index()
    for column, value, message in (
        ("close", np.nan, "row 3, column close: the close is missing"),
        ("low", 3000.0, "row 3, column high: the high 2085.1 is below the low 3000"),
        ("open", -1.0, "row 3, column open: the open is -1"),
        ("time", pd.NaT, "row 3, column time: the time is missing"),
    ):
        bad = frame.copy()
        bad.loc[2, column] = value
        with pytest.raises(PriceFileError, match=re.escape(message)):
            read_text(parquet(bad))
    whole = parquet(frame)
    for damaged in (whole[:200], whole[:-9] + b"123456789", b"PAR1" + whole[4:-20]):
        with pytest.raises(PriceFileError, match="damaged Parquet"):
            read_text(damaged)
    with pytest.raises(PriceFileError, match="column close: holds bool"):
        read_text(parquet(frame.assign(close=True)))
    with pytest.raises(PriceFileError, match="column time: holds timedelta"):
        read_text(parquet(frame.assign(time=pd.Timedelta("1D"))))
    with pytest.raises(PriceFileError, match="no rows"):
        read_text(parquet(frame[:0]))
    with pytest.raises(PriceFileError, match="no column for close"):
        read_text(parquet(frame.drop(columns="close")))


def test_parquet_columns_can_be_named():
    frame = daily().reset_index().rename(columns={"time": "when", "close": "fixing"})
    with pytest.raises(PriceFileError, match="no column is recognised as time"):
        read_text(parquet(frame))
    assert_same(read_text(parquet(frame), columns={"when": "time", "fixing": "close"}), daily())
    assert_same(read_text(parquet(frame), columns=["time", *PRICES]), daily())
    with pytest.raises(PriceFileError, match="has 5 columns, columns= names 2"):
        read_text(parquet(frame), columns=["time", "close"])


# ------------------------------------------------------------------------------------------ times

# Three minutes, the last after the clocks changed.
WALL = ["2024-03-08 09:30:00", "2024-03-08 15:59:00", "2024-03-11 09:30:00"]
INSTANTS = ["2024-03-08 14:30:00", "2024-03-08 20:59:00", "2024-03-11 13:30:00"]


def minutes_file(times: list[str], header: str = "Datetime", delimiter: str = ",") -> str:
    return lines(
        delimiter.join([header, "open", "high", "low", "close"]),
        *(delimiter.join([time, "10", "99999", "9", str(10 + i)]) for i, time in enumerate(times)),
    )


def reformatted(form: str, times: list[str] = WALL) -> list[str]:
    return [dt.datetime.fromisoformat(time).strftime(form) for time in times]


def epochs(unit: int) -> list[str]:
    return [str(int(pd.Timestamp(time, tz="UTC").timestamp()) * unit) for time in INSTANTS]


INTRADAY = {
    "naive": WALL,
    "minutes alone": reformatted("%Y-%m-%d %H:%M"),
    "T": reformatted("%Y-%m-%dT%H:%M:%S"),
    "fractions": [time + ".000000" for time in WALL],
    "one digit": [
        "2024/3/8 9:30",
        "2024/3/8 15:59",
        "2024/3/11 9:30",
    ],
    "offsets that change": [
        "2024-03-08 09:30:00-05:00",
        "2024-03-08 15:59:00-05:00",
        "2024-03-11 09:30:00-04:00",
    ],
    "offsets, hours alone": [
        "2024-03-08 09:30:00-05",
        "2024-03-08 15:59:00-05",
        "2024-03-11 09:30:00-04",
    ],
    "offsets without colon": [
        "20240308 09:30:00 -0500",
        "20240308 15:59:00 -0500",
        "20240311 09:30:00 -0400",
    ],
    "Z": [time.replace(" ", "T") + "Z" for time in INSTANTS],
    "UTC": [time + " UTC" for time in INSTANTS],
    "milliseconds and Z": [time + ".000Z" for time in INSTANTS],
    "Frankfurt offsets": [
        "08.03.2024 15:30:00.000 GMT+0100",
        "08.03.2024 21:59:00.000 GMT+0100",
        "11.03.2024 14:30:00.000 GMT+0100",
    ],
    "zone named": [time + " US/Eastern" for time in reformatted("%Y%m%d %H:%M:%S")],
    "other zone named": [
        time + " America/Chicago"
        for time in ("20240308 08:30:00", "20240308 14:59:00", "20240311 08:30:00")
    ],
    "seconds": epochs(1),
    "milliseconds since 1970": epochs(1_000),
    "microseconds since 1970": epochs(1_000_000),
    "nanoseconds since 1970": epochs(1_000_000_000),
    "seconds with decimals": [time + ".0" for time in epochs(1)],
    "digits": reformatted("%Y%m%d%H%M%S"),
    "digits, minutes": reformatted("%Y%m%d%H%M"),
    "digits in two groups": reformatted("%Y%m%d %H%M%S"),
    "two blanks": reformatted("%Y%m%d  %H:%M:%S"),
    "afternoon": ["3/8/2024 9:30:00 AM", "3/8/2024 3:59:00 PM", "3/11/2024 9:30:00 AM"],
}


@pytest.mark.parametrize("name", INTRADAY)
def test_intraday_times(name):
    options = {"dayfirst": False} if name == "afternoon" else {}
    frame = read_text(minutes_file(INTRADAY[name]), **options)
    expected = pd.DatetimeIndex(INSTANTS, tz="UTC", name="time").tz_convert(NEW_YORK)
    pd.testing.assert_index_equal(frame.index, expected.as_unit("us"))
    assert frame["close"].to_list() == [10, 11, 12]


@pytest.mark.parametrize(
    ("date_form", "time_form"),
    [
        ("%Y-%m-%d", "%H:%M:%S"),
        ("%Y-%m-%d", "%H:%M"),
        ("%Y%m%d", "%H%M%S"),
        ("%Y%m%d", "%H%M"),
        ("%d.%m.%Y", "%H:%M:%S.%f"),
        ("%b %d %Y", "%I:%M %p"),
        ("%Y-%m-%d 00:00:00", "%H:%M:%S"),
    ],
)
def test_date_and_time_in_two_columns(date_form, time_form):
    text = lines(
        "Time;Date;Open;High;Low;Close",
        *(
            f"{time};{date};10;12;9;11"
            for date, time in zip(reformatted(date_form), reformatted(time_form), strict=True)
        ),
    )
    expected = pd.DatetimeIndex(WALL, tz=NEW_YORK, name="time").as_unit("us")
    pd.testing.assert_index_equal(read_text(text).index, expected)


def test_time_of_day_that_lost_its_zeros():
    text = "Date,Time,Open,High,Low,Close\n" + "".join(
        f"20240308,{time},10,12,9,11\n" for time in ("0", "930", "93000", "163000")
    )
    stamps = ["00:00:00", "00:09:30", "09:30:00", "16:30:00"]
    assert read_text(text).index.strftime("%H:%M:%S").to_list() == stamps
    short = text.replace("93000", "935").replace("163000", "1630")
    stamps = ["00:00:00", "09:30:00", "09:35:00", "16:30:00"]
    assert read_text(short).index.strftime("%H:%M:%S").to_list() == stamps


def test_empty_rows_in_a_file_with_date_and_time():
    text = "Date,Time,Open,High,Low,Close\n20240308,930,10,12,9,11\n,,,,,\n20240311,931,,,,\n"
    report = report_of(text)
    assert report.rows == 1
    assert report.repairs == (
        "skipped 1 empty row",
        "left out 1 row without any number: 2024-03-11 09:31:00",
    )


def test_column_that_says_utc():
    for name in ("Gmt time", "time (UTC)", "Datetime_UTC"):
        frame = read_text(minutes_file(INSTANTS, name), columns={name: "time"})
        assert frame.index.equals(pd.DatetimeIndex(WALL, tz=NEW_YORK).as_unit("us"))
        assert any("times are in UTC" in note for note in frame.attrs["report"].notes)


def test_tz_places_naive_times_and_shows_the_others():
    frame = read_text(PLAIN, tz="Europe/Berlin")
    assert_same(frame, daily("volume", tz="Europe/Berlin"))
    assert frame.attrs["report"].timezone == "Europe/Berlin"
    shown = read_text(minutes_file(INTRADAY["Z"]), tz="Europe/Berlin")
    assert str(shown.index[0]) == "2024-03-08 15:30:00+01:00"
    assert read_text(PLAIN, tz=ZoneInfo("Asia/Tokyo")).index.tz == ZoneInfo("Asia/Tokyo")
    assert str(read_text(PLAIN, tz="UTC").index[0]) == "2024-03-07 00:00:00+00:00"


def test_nanoseconds_are_kept_where_there_are_some():
    times = ["1709908200000000001", "1709908200000000002"]
    index = read_text(minutes_file(times)).index
    assert index.unit == "ns"
    assert index.asi8.tolist() == [int(time) for time in times]
    text = ["2024-03-08 09:30:00.123456789", "2024-03-08 09:30:00.12345679"]
    assert read_text(minutes_file(text)).index.nanosecond.to_list() == [789, 790]


def test_old_epochs_and_dates_before_1970():
    frame = read_text(minutes_file(["-315619200", "0", "1000000000"]), tz="UTC")
    assert frame.index.strftime("%Y-%m-%d").to_list() == ["1960-01-01", "1970-01-01", "2001-09-09"]
    frame = read_text(PLAIN.replace("2024-03-07", "1792-05-17"))
    assert str(frame.index[0].date()) == "1792-05-17"


def test_midnight_utc_is_pointed_out():
    times = [day + "T00:00:00.000Z" for day in DAYS]
    report = report_of(minutes_file(times))
    assert "every time is midnight UTC; pass tz='UTC' to keep the dates" in report.notes
    frame = read_text(minutes_file(times), tz="UTC")
    assert frame.index.strftime("%Y-%m-%d").to_list() == DAYS
    assert not any("midnight" in note for note in frame.attrs["report"].notes)


def test_two_digit_years_turn_at_1969():
    text = lines("Date,Open,High,Low,Close", "12/31/68,1,1,1,1", "12/31/69,1,1,1,1")
    assert sorted(read_text(text).index.year) == [1969, 2068]


@pytest.mark.parametrize("mark", ["/", "-"])
def test_day_and_month_that_nothing_tells_apart(mark, tmp_path):
    days = ["03/08/2024", "04/08/2024", "05/08/2024"]
    path = write(tmp_path, minutes_file([day.replace("/", mark) for day in days]))
    with pytest.raises(PriceFileError) as caught:
        read_prices(path)
    for part in ("prices.csv", "column Datetime", f"03{mark}08{mark}2024", "dayfirst=True"):
        assert part in str(caught.value)
    august = read_prices(path, dayfirst=True)
    assert august.index.month.to_list() == [8, 8, 8]
    assert "dates are day/month/year" in august.attrs["report"].notes
    march = read_prices(path, dayfirst=False)
    assert march.index.month.to_list() == [3, 4, 5]
    assert "dates are month/day/year" in march.attrs["report"].notes


def test_the_date_that_tells_may_stand_anywhere():
    many = [f"{1 + i % 12:02}/{1 + i // 12 % 12:02}/{1900 + i // 144}" for i in range(144 * 120)]
    text = minutes_file([*many, "01/25/2024", "02/01/2024"])
    assert read_text(text).index[-2].month == 1
    text = minutes_file([*many, "25/01/2024", "02/01/2024"])
    assert read_text(text).index[-1] == pd.Timestamp("2024-01-25", tz=NEW_YORK)


def test_two_digit_years_need_evidence_of_the_month():
    # 15/03/24 may be the 15th of March 2024 or the 24th of March 2015.
    text = minutes_file(["15/03/24", "18/03/24"])
    with pytest.raises(PriceFileError, match="dayfirst"):
        read_text(text)
    assert read_text(text, dayfirst=True).index[0] == pd.Timestamp("2024-03-15", tz=NEW_YORK)


BAD_TIMES = {
    "2024-02-30": "no such date",
    "2024-13-01": "no such date",
    "2024-03-08 24:00:00": "no such time of day",
    "2024-03-08 09:60:00": "no such time of day",
    "2024-03-08 13:00 PM": "no such time of day",
    "0024-03-08": "outside the years 1700 to 2200",
    "1650-03-08": "outside the years 1700 to 2200",
    "2250-03-08": "outside the years 1700 to 2200",
    "9999-12-31": "outside the years 1700 to 2200",
    "03/08/2024": "date written as numbers, year last, those above as year-month-day",
    "yesterday": "not understood as a date",
    "2024-03": "not understood as a date",
    "": "the time is missing",
    "45359": "not understood as a date",
    "2024-03-08 09:30:00 Mars/Olympus": "names no known time zone",
    "2024-03-08 09:30:00-05:00": "has a UTC offset, the rows above have none",
    "2024-03-08 09:30:00 US/Eastern": "names another time zone",
    "nan": "not understood as a date",
}


@pytest.mark.parametrize("time", BAD_TIMES)
def test_a_bad_time_names_line_and_column(time):
    text = minutes_file(["2024-03-05", "2024-03-06", time, "2024-03-09"])
    with pytest.raises(PriceFileError) as caught:
        read_text(text)
    assert "line 4, column Datetime" in str(caught.value)
    assert BAD_TIMES[time] in str(caught.value)
    assert repr(time) in str(caught.value) or not time


def test_a_time_without_offset_among_times_with_one():
    text = minutes_file(["2024-03-08 09:30:00Z", "2024-03-08 09:31:00"])
    with pytest.raises(PriceFileError, match="line 3, column Datetime: .* has no UTC offset"):
        read_text(text)


@pytest.mark.parametrize("times", [["1", "2", "3"], ["45358", "45359"], ["1e400", "2"]])
def test_small_numbers_are_no_times(times):
    with pytest.raises(PriceFileError, match="line 2, column Datetime"):
        read_text(minutes_file(times))


@pytest.mark.parametrize(
    ("times", "line"),
    [
        (["1709908200", "17099082000000000000000", "1709908260"], 3),
        (["1709908200", "1709908260", "x"], 4),
        (["1709908200.5", "1709908260.5", "1709908260,5"], 4),
        (["20240308", "20240231", "20240311"], 3),
        (["20240308", "20241399", "20240311"], 3),
        (["1709908200", "1709908260", "-9223372036854775808"], 4),
        (["1709908200", "1709908260", "9223372036854775807"], 4),
    ],
)
def test_a_bad_number_among_numeric_times(times, line):
    with pytest.raises(PriceFileError, match=f"line {line}"):
        read_text(minutes_file(times, delimiter=";"))


# --------------------------------------------------------------------- nights when clocks are set


def hourly(first: str, number: int, tz: str = NEW_YORK) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=number, freq="h", tz="UTC", name="time").tz_convert(tz)


def naive_text(index: pd.DatetimeIndex) -> list[str]:
    return index.strftime("%Y-%m-%d %H:%M:%S").to_list()


@pytest.mark.parametrize("freq", ["30min", "1h", "1min"])
@pytest.mark.parametrize("step", [1, -1], ids=["ascending", "newest first"])
def test_an_hour_shown_twice_is_placed_by_the_order(step, freq):
    night = pd.date_range("2024-11-03 04:00", "2024-11-03 08:00", freq=freq, tz="UTC", name="time")
    night = night.tz_convert(NEW_YORK).as_unit("us")
    text = minutes_file(naive_text(night)[::step])
    pd.testing.assert_index_equal(read_text(text).index, night, check_names=False, check_freq=False)


def test_two_such_nights_in_one_file():
    nights = hourly("2023-11-05 04:00", 5).append(hourly("2024-11-03 04:00", 5))
    pd.testing.assert_index_equal(
        read_text(minutes_file(naive_text(nights))).index, nights.as_unit("us"), check_names=False
    )


def test_an_hour_shown_twice_and_given_once_is_refused():
    times = ["2024-11-03 00:30:00", "2024-11-03 01:30:00", "2024-11-03 02:30:00"]
    with pytest.raises(PriceFileError) as caught:
        read_text(minutes_file(times))
    assert "line 3, column Datetime" in str(caught.value)
    assert "shown twice" in str(caught.value)


def test_a_repeated_row_is_no_second_hour():
    rows_ = ["2024-11-03 01:00:00,10,12,9,10", "2024-11-03 01:30:00,10,12,9,11"]
    text = lines("time,open,high,low,close", *rows_, rows_[1], "2024-11-03 02:00:00,10,12,9,12")
    with pytest.raises(PriceFileError, match="line 2, column time"):
        read_text(text)


def test_a_shuffled_night_is_refused():
    times = naive_text(hourly("2024-11-03 04:00", 5))
    times[0], times[2] = times[2], times[0]
    with pytest.raises(PriceFileError, match="shown twice"):
        read_text(minutes_file(times))


def test_a_time_the_clocks_skip_is_refused():
    times = ["2024-03-10 01:59:00", "2024-03-10 02:30:00", "2024-03-10 03:00:00"]
    with pytest.raises(PriceFileError) as caught:
        read_text(minutes_file(times))
    assert "line 3, column Datetime" in str(caught.value)
    assert "2024-03-10 02:30:00 does not exist in America/New_York" in str(caught.value)
    assert len(read_text(minutes_file(times), tz="UTC")) == 3


def test_daily_dates_whose_midnight_is_skipped_or_shown_twice():
    # Midnight of 2018-11-04 does not exist in Sao Paulo; that of 2018-02-18 comes twice.
    text = minutes_file(["2018-02-17", "2018-02-18", "2018-11-03", "2018-11-04"])
    index = read_text(text, tz="America/Sao_Paulo").index
    assert index.strftime("%Y-%m-%d %H:%M").to_list() == [
        "2018-02-17 00:00",
        "2018-02-18 00:00",
        "2018-11-03 00:00",
        "2018-11-04 01:00",
    ]
    assert len(read_text(minutes_file(["2018-11-03", "2018-11-04"]), tz="America/Havana")) == 2


# ---------------------------------------------------------------------------------------- numbers


def one_row(*cells: str, header: str = "Date;Open;High;Low;Close;Volume") -> str:
    return lines(header, ";".join(["2024-03-08", *cells]))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("10", "12", "9", "11", "5"), (10, 12, 9, 11, 5)),
        (("10.5", "12.25", "9.125", "11", "5"), (10.5, 12.25, 9.125, 11, 5)),
        (("10,5", "12,25", "9,125", "11", "5"), (10.5, 12.25, 9.125, 11, 5)),
        (
            ("1.010,5", "1.012,25", "1.009", "1.011", "1.234.567"),
            (1010.5, 1012.25, 1009, 1011, 1234567),
        ),
        (
            ("1,010.5", "1,012.25", "1,009", "1,011", "12,34,567"),
            (1010.5, 1012.25, 1009, 1011, 1234567),
        ),
        (("1 010,5", "1\u00a0012,25", "1 009", "1011", "5"), (1010.5, 1012.25, 1009, 1011, 5)),
        (("0,875", "0,900", "0,800", "0,850", "5"), (0.875, 0.9, 0.8, 0.85, 5)),
        (("1e1", "1.2E1", ".9e+1", "11.", "+5"), (10, 12, 9, 11, 5)),
        (("$10", "€12", "£9", "¥11", "1.5K"), (10, 12, 9, 11, 1500)),
        (("10.0", "12", "9", "11", "2.5m"), (10, 12, 9, 11, 2.5e6)),
        (("10.0", "12", "9", "11", "1.25 B"), (10, 12, 9, 11, 1.25e9)),
        (("  10.0 ", "12 ", " 9", "11", " 5"), (10, 12, 9, 11, 5)),
        (("10.1", "12", "9", "11", ""), (10.1, 12, 9, 11, np.nan)),
        (("10.1", "12", "9", "11", "-"), (10.1, 12, 9, 11, np.nan)),
        (("10.1", "12", "9", "11", "N/A"), (10.1, 12, 9, 11, np.nan)),
    ],
)
def test_numbers(cells, expected):
    frame = read_text(one_row(*cells))
    np.testing.assert_array_equal(frame.to_numpy()[0], expected)


@pytest.mark.parametrize(
    "cell",
    [
        "abc",
        "1.2.3",
        "12,34.5",
        "1,23",
        "0x10",
        "1_000",
        "10%",
        "(10)",
        "1e",
        "--1",
        "1 2",
        "10M",
        "10 USD",
        "１０",
        "=A1",
        "inf",
        "-inf",
        "1e999",
        "NaN",
        "null",
        "",
    ],
)
@pytest.mark.parametrize("column", ["Open", "Close"])
def test_what_is_no_price(cell, column):
    cells = {"Open": "10.5", "High": "99.5", "Low": "0.5", "Close": "11.5"} | {column: cell}
    text = lines(
        "Date;Open;High;Low;Close",
        "2024-03-07;10.5;12.5;9.5;11.5",
        "",
        ";".join(["2024-03-08", *cells.values()]),
    )
    with pytest.raises(PriceFileError) as caught:
        read_text(text)
    assert f"line 4, column {column}: " in str(caught.value)


def test_a_thousand_or_a_little_more_than_one():
    quoted = lines("Date,Open,High,Low,Close", '2024-03-08,"1,234","1,250","1,200","1,240"')
    with pytest.raises(PriceFileError) as caught:
        read_text(quoted)
    for part in ("column Open", "1234 or 1.234", "decimal='.'", "decimal=','"):
        assert part in str(caught.value)
    assert read_text(quoted, decimal=".")["open"].item() == 1234
    assert read_text(quoted, decimal=",")["open"].item() == 1.234
    # A volume elsewhere in the file tells.
    told = quoted.replace("Close", "Close,Volume").replace('0"\n', '0","1,000,000"\n')
    assert read_text(told)["open"].item() == 1234


def test_decimal_is_taken_at_its_word():
    text = one_row("10,5", "12,5", "9,5", "11,5", "5")
    with pytest.raises(PriceFileError, match="line 2, column Open: '10,5' where a number"):
        read_text(text, decimal=".")
    assert (
        read_text(one_row("1.234", "1.250", "1.200", "1.240", "5"), decimal=",")["open"].item()
        == 1234
    )


def test_adjusted_close_stands_beside_the_raw_one():
    frame = read_text(DAILY_FILES["yahoo"][0])
    assert frame["close"].to_list() == CLOSE
    assert frame["adj_close"].to_list() == ADJUSTED
    for name in ("Adj Close**", "adjClose", "Adjusted Close", "adj_close", "<ADJ.CLOSE>"):
        text = DAILY_FILES["yahoo"][0].replace("Adj Close", name)
        assert read_text(text)["adj_close"].to_list() == ADJUSTED
    only = lines("Date,Open,High,Low,Adj Close", *rows("{date},{o},{h},{l},{c}"))
    with pytest.raises(PriceFileError, match="no column for close"):
        read_text(only)


# ---------------------------------------------------------------------------- what can be no price


def edited(line: int, old: str, new: str) -> str:
    """Return the plain file with one line changed; lines count from 1."""
    text = PLAIN.split("\n")
    assert old in text[line - 1]
    text[line - 1] = text[line - 1].replace(old, new)
    return "\n".join(text)


FAULTS = {
    "missing close": (edited(3, "2082.7", ""), 3, "Close", "the close is missing"),
    "missing open": (edited(4, "2078.3", "null"), 4, "Open", "the open is missing"),
    "text": (edited(3, "2099.5", "n.v."), 3, "High", "'n.v.' where a number is expected"),
    "dividend row": (edited(3, "2092.4", "0.22 Dividend"), 3, "Open", "'0.22 Dividend'"),
    "negative": (edited(5, "2061.0", "-2061.0"), 5, "Low", "the low is -2061"),
    "zero": (edited(2, "1998.5", "0"), 2, "Open", "prices= can leave the column out"),
    "zero close": (edited(2, "2084.7", "0.0"), 2, "Close", "the close is 0"),
    "high below low": (
        edited(3, "2099.5", "2000"),
        3,
        "High",
        "the high 2000 is below the low 2074.8",
    ),
    "open above high": (
        edited(3, "2092.4", "2100"),
        3,
        "Open",
        "the high 2099.5 is below the open 2100",
    ),
    "close below low": (
        edited(3, "2082.7", "2070"),
        3,
        "Close",
        "the close 2070 is below the low 2074.8",
    ),
    "negative volume": (edited(3, "13500", "-1"), 3, "Volume", "the volume is -1, below 0"),
    "volume in words": (edited(3, "13500", "many"), 3, "Volume", "'many' where a number"),
    "infinite": (edited(5, "2082.9", "inf"), 5, "High", "infinite"),
    "too few fields": (edited(4, ",980", ""), 4, None, "5 fields where the column names have 6"),
    "too many fields": (
        edited(4, ",980", ",980,1"),
        4,
        None,
        "7 fields where the column names have 6",
    ),
    "decimal comma between commas": (edited(4, "2078.3", "2078,3"), 4, None, "7 fields"),
    "text line in the middle": (edited(4, ISO_ROWS[2], "--- roll ---"), 4, None, "1 field where"),
    "padded text in the middle": (edited(4, ISO_ROWS[2], "roll,,,,,"), 4, "Date", "'roll' is not"),
    "open quote": (
        edited(3, "2092.4", '"2092.4'),
        3,
        None,
        "a quotation mark is opened and not closed",
    ),
    "two rows disagree": (edited(4, "2024-03-11", "2024-03-08"), 4, "Open", "disagree"),
    "names again": (edited(4, ISO_ROWS[2], "Date,Open,High,Low,Close,Volume"), 4, "Open", "'Open'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_name_file_line_and_column(name, tmp_path):
    text, line, column, message = FAULTS[name]
    path = write(tmp_path, text, "my prices.csv")
    with pytest.raises(PriceFileError) as caught:
        read_prices(path)
    place = f"my prices.csv, line {line}" + (f", column {column}: " if column else ": ")
    assert str(caught.value).startswith(place)
    assert message in str(caught.value)
    assert caught.value.file == "my prices.csv"
    assert caught.value.place == f"line {line}"
    assert caught.value.column == column
    assert isinstance(caught.value, ValueError)


def test_a_fault_survives_pickling():
    error = PriceFileError("is bad", "a.csv", "line 3", "Close")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "a.csv, line 3, column Close: is bad"


def test_lines_count_as_an_editor_counts():
    head = "# one\n\n# three\n"
    text = head + PLAIN.replace("2024-03-11,", "\n \n2024-03-11,").replace("2060.2", "x")
    with pytest.raises(PriceFileError, match="line 9, column Low"):
        read_text(text)
    with pytest.raises(PriceFileError, match="line 9, column Low"):
        read_text(text.replace("\n", "\r\n"))
    with pytest.raises(PriceFileError, match="line 9, column Low"):
        read_text(text.replace("\n", "\r").encode("utf-16"))


def test_the_first_fault_of_the_file_is_named():
    text = edited(2, "2084.7", "x").replace("2074.8", "y").replace("2078.3", "0")
    with pytest.raises(PriceFileError, match="line 2, column Close"):
        read_text(text)
    with pytest.raises(PriceFileError, match="line 3, column Low"):
        read_text(edited(3, "2074.8", "y").replace("2078.3", "0"))
    # A line that falls apart comes before a bad number further down.
    with pytest.raises(PriceFileError, match="line 3: 5 fields"):
        read_text(edited(3, ",13500", "").replace("2078.3", "0"))


def long_file(number: int = 20_000) -> list[str]:
    """Return lines of a file of several blocks."""
    times = pd.date_range("2024-01-02", periods=number, freq="min").strftime("%Y-%m-%d %H:%M:%S")
    return ["time,open,high,low,close,volume", *(f"{t},10.5,12.25,9.75,11.125,100" for t in times)]


def test_lines_are_right_beyond_the_first_block():
    text = long_file()
    for line, cell, message in (
        (19_000, "2024-01-15 04:38:00,10.5,12.25,9.75,,100", "column close: the close is missing"),
        (19_000, "2024-01-15 04:38:00,10.5,12.25,9.75", "4 fields where"),
        (19_000, "2024-01-15 04:38:00,10.5,12.25,9.75,x,100", "column close: 'x'"),
        (19_000, "2024-01-15,10.5,12.25,9.75,11.125,100", "column open: open 10.5"),
        (15_000, "29.01.2024 23:18:00,10.5,12.25,9.75,11,100", "column time: '29.01.2024"),
    ):
        bad = text.copy()
        bad[line - 1] = cell
        if message.startswith("column open"):
            bad[line - 1] = bad[line - 2].replace("10.5", "10.75")
            message = "column open: open 10.75 and 10.5 in line 18999 disagree"
        for blank in (0, 3):  # blank lines above must not shift the count
            with pytest.raises(PriceFileError) as caught:
                read_text("\n".join(bad[:1000] + [""] * blank + bad[1000:]), tz="UTC")
            if message.startswith("column open") and blank:
                message = message.replace("18999", "19002")
            assert f"line {line + blank}" in str(caught.value)
            assert message in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_long_files_in_all_encodings(encoding, ending):
    text = ending.join(["# Größe", *long_file(30_000)])
    frame = read_text(text.encode(encoding), tz="UTC")
    expected = pd.date_range("2024-01-02", periods=30_000, freq="min", tz="UTC", name="time")
    pd.testing.assert_index_equal(frame.index, expected.as_unit("us"), check_freq=False)
    assert (frame == [10.5, 12.25, 9.75, 11.125, 100]).all(axis=None)


def test_a_line_end_between_two_chunks_counts_once():
    text = "\r\n".join(long_file(40_000))
    megabyte = 1 << 20
    row_end = text.rindex("\r\n", 0, megabyte - 100)
    comment = "#" * (megabyte - 1 - row_end - 2) + "\r\n"
    assert (comment + text)[megabyte - 1 : megabyte + 1] == "\r\n"
    report = report_of(comment + text, tz="UTC")
    assert report.rows == 40_000
    assert len(report.repairs) == 1  # the comment, and no blank line


def test_a_quote_that_swallows_lines_is_found():
    text = long_file(200)
    text[0] += ",note"
    text[1:] = [line + ",ok" for line in text[1:]]
    text[50] = text[50].replace("ok", '"lost')
    text[60] = text[60].replace("ok", 'found"')
    with pytest.raises(PriceFileError, match="line 51: a quotation mark"):
        read_text("\n".join(text), tz="UTC")


def test_rounding_is_tolerated_and_reported():
    text = edited(3, "2082.7", "2099.5001")  # 5e-8 above the high
    frame = read_text(text)
    assert frame["close"].iloc[1] == 2099.5001
    assert "open, close, high or low cross by a rounding in 1 row" in frame.attrs["report"].notes
    with pytest.raises(PriceFileError, match="line 3, column Close"):
        read_text(edited(3, "2082.7", "2099.51"))


WHOLE_FILES = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n\t\n", "is empty"),
    "a mark of UTF-8 alone": (b"\xef\xbb\xbf", "is empty"),
    "names alone": (b"Date,Open,High,Low,Close,Volume\n", "column names and no rows"),
    "names and blank lines": (b"Date,Open,High,Low,Close\n\n\n", "column names and no rows"),
    "names and a remark": (b"Date,Open,High,Low,Close\nDownloaded today\n", "line 2"),
    "no close": (
        b"Date,Open,High,Low\n2024-03-08,1,2,1\n",
        "line 1: no column for close; the columns are",
    ),
    "date and value": (
        b"DATE,SP500\n2024-03-08,5123.69\n",
        "columns={'SP500': 'close'}, prices=('close',)",
    ),
    "pipes": (PLAIN.replace(",", "|").encode(), "line 1: unknown delimiter: found '|'"),
    "spaces": (PLAIN.replace(",", " ").encode(), "unknown delimiter"),
    "prose": (b"Dear customer\nyour prices are ready\n", "unknown delimiter"),
    "garbage": (bytes(range(256)) * 20, "not a text file: control"),
    "garbage without zeros": (bytes(range(1, 256)) * 20, "not a text file: control"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(200), "not a text file"),
    "web page": (b"<!DOCTYPE html><html>Too many requests</html>", "is a web page"),
    "JSON": (b'{"Error Message": "Invalid API call", "a": 1}', "is JSON, not a text of prices"),
    "PDF": (b"%PDF-1.7 ...", "is a PDF"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "is an old Excel workbook"),
    "broken UTF-16": (b"\xff\xfe" + PLAIN.encode("utf-16-le")[:-1], "UTF-16 is broken"),
    "broken gzip": (gzip.compress(PLAIN.encode())[:-12], "cannot be unpacked"),
    "damaged gzip": (gzip.compress(PLAIN.encode())[:20] + b"x" * 40, "cannot be unpacked"),
    "broken zip": (b"PK\x03\x04" + b"x" * 50, "cannot be unpacked"),
    "every row empty": (b"Date,Open,High,Low,Close\n2024-03-08,,,,\n", "no row with a price"),
    "two closes": (
        b"Date,Open,High,Low,Last,Settle\n2024-03-08,1,2,1,1,1\n",
        "'Last' and 'Settle'",
    ),
    "the same name twice": (
        b"Date,Open,High,Low,Close,Close\n2024-03-08,1,2,1,1,1\n",
        "'Close' and 'Close'",
    ),
    "data above the names": (
        b"2024-03-07,1,2,1,1\nDate,Open,High,Low,Close\n2024-03-08,1,2,1,1\n",
        "data stand above",
    ),
    "two symbols": (
        b"Symbol,Date,Open,High,Low,Close\nA,2024-03-08,1,2,1,1\nB,2024-03-11,1,2,1,1\n",
        "line 3, column Symbol: 'B' after 'A'",
    ),
    "two symbols of yfinance": (
        b"Price,Close,Close,Open\nTicker,IWM,SPY,IWM\nDate,,,\n2024-03-08,1,1,1\n",
        "holds 2 symbols (IWM, SPY)",
    ),
    "no names, too many numbers": (
        b"2024-03-08,1,2,1,1,1,1\n",
        "line 1: no line names the columns",
    ),
    "one long line": (b"a" * 300_000, "unknown delimiter"),
}


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_files_that_are_no_price_files(name, tmp_path):
    content, message = WHOLE_FILES[name]
    path = write(tmp_path, content, "some.csv")
    with pytest.raises(PriceFileError) as caught:
        read_prices(path)
    assert str(caught.value).startswith("some.csv")
    assert message in str(caught.value)


def test_workbooks_and_archives(tmp_path):
    for names, message in (
        (["[Content_Types].xml", "xl/workbook.xml"], "is an Excel workbook"),
        (["a.csv", "b.csv"], "must hold one file, this zip archive holds 2: a.csv, b.csv"),
        ([], "must hold one file|cannot be unpacked|unknown delimiter|not a text file"),
    ):
        with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
            for name in names:
                archive.writestr(name, PLAIN)
        with pytest.raises(PriceFileError, match=message.replace("[", r"\[")):
            read_prices(tmp_path / "some.zip")


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv"):
        read_prices(tmp_path / "nowhere.csv")
    with pytest.raises(PriceFileError, match="is a folder"):
        read_prices(tmp_path)


# --------------------------------------------------------------------------- repairs and the report


def test_newest_first_is_turned_round():
    text = lines("Date,Open,High,Low,Close,Volume", *reversed(ISO_ROWS))
    frame = read_text(text)
    assert_same(frame, daily("volume"))
    assert frame.attrs["report"].repairs == ("rows were newest first: turned round",)


def test_shuffled_rows_are_sorted():
    text = lines("Date,Open,High,Low,Close,Volume", *(ISO_ROWS[i] for i in (2, 0, 3, 1)))
    frame = read_text(text)
    assert_same(frame, daily("volume"))
    assert frame.attrs["report"].repairs == ("rows were out of order in 2 places: sorted by time",)


def test_repeated_rows_that_agree_are_removed_and_counted():
    text = lines(
        "Date,Open,High,Low,Close,Volume", *ISO_ROWS, ISO_ROWS[0], ISO_ROWS[0], ISO_ROWS[2]
    )
    frame = read_text(text)
    assert_same(frame, daily("volume"))
    assert "removed 3 repeated rows" in frame.attrs["report"].repairs
    once = read_text(lines("Date,Open,High,Low,Close,Volume", ISO_ROWS[0], *ISO_ROWS))
    assert once.attrs["report"].repairs == ("removed 1 repeated row",)
    without_volume = ISO_ROWS[3].replace("1234567", "")
    twice = lines("Date,Open,High,Low,Close,Volume", without_volume, without_volume)
    assert report_of(twice).repairs == ("removed 1 repeated row",)


def test_repeated_times_that_disagree_name_both_lines():
    other = ISO_ROWS[1].replace("2082.7", "2082.8")
    text = lines("Date,Open,High,Low,Close,Volume", *ISO_ROWS, other)
    with pytest.raises(PriceFileError) as caught:
        read_text(text)
    message = "line 6, column Close: close 2082.8 and 2082.7 in line 3 disagree: both rows are of"
    assert message in str(caught.value)
    # So they do where the same instant is written in two ways, and where only one has a volume.
    twice = minutes_file(["2024-03-08 09:30:00-05:00", "2024-03-08 14:30:00+00:00"])
    with pytest.raises(PriceFileError, match="line 3, column close: close 11 and 10 in line 2"):
        read_text(twice)
    without = ISO_ROWS[1].replace("13500", "")
    with pytest.raises(PriceFileError, match="line 6, column Volume"):
        read_text(lines("Date,Open,High,Low,Close,Volume", *ISO_ROWS, without))


def test_rows_without_any_number_are_left_out_and_listed():
    nulls = "2024-03-12,null,null,null,null,null,null"
    text = lines(
        "Date,Open,High,Low,Close,Adj Close,Volume",
        nulls,
        *rows("{date},{o},{h},{l},{c},{a},{v}"),
        "2024-03-14,,,,,,",
        ",,,,,,",
    )
    frame = read_text(text)
    assert_same(frame, daily("volume", "adj_close"))
    repairs = frame.attrs["report"].repairs
    assert "left out 2 rows without any number: 2024-03-12, 2024-03-14" in repairs
    assert "skipped 1 empty row" in repairs
    # A volume, be it zero, is a number.
    with pytest.raises(PriceFileError, match="line 2, column Open: the open is missing"):
        read_text(text.replace(nulls, nulls[:-4] + "0"))
    # Faults behind such rows keep their lines.
    with pytest.raises(PriceFileError, match="line 5, column Date"):
        read_text(text.replace(nulls, ",,,,,,").replace("2024-03-11", "soon"))
    with pytest.raises(PriceFileError, match="line 4, column Low"):
        read_text(text.replace("2074.8", "-2"))
    with pytest.raises(PriceFileError, match=r"line 6, column Open: .* in line 3 disagree"):
        read_text(text.replace("2024-03-13", "2024-03-07"))


def test_many_dates_are_listed_in_short():
    nulls = [
        f"{day.date()},null,null,null,null" for day in pd.date_range("2020-01-01", periods=500)
    ]
    text = lines("Date,Open,High,Low,Close", *nulls, "2024-03-08,1,2,1,1")
    (repair,) = report_of(text).repairs
    assert repair.startswith("left out 500 rows without any number: 2020-01-01, 2020-01-02,")
    assert repair.endswith("and 480 more")


def test_missing_volumes_stay_missing_and_are_counted():
    frame = read_text(edited(3, "13500", ""))
    np.testing.assert_array_equal(frame["volume"], [1200, np.nan, 980, 1234567])
    assert "volume is missing in 1 row, left as NaN" in frame.attrs["report"].notes


def test_unused_columns_and_a_missing_volume_are_reported():
    report = report_of(DAILY_FILES["yfinance history"][0])
    assert report.unused_columns == ("Dividends", "Stock Splits")
    assert "the file has no volume" in report_of(DAILY_FILES["wsj"][0]).notes
    assert report_of(DAILY_FILES["trailing delimiter everywhere"][0]).unused_columns == (
        "6 (without a name)",
    )


def test_other_repairs_are_reported():
    repairs = report_of(DAILY_FILES["barchart"][0]).repairs
    assert repairs[0].startswith("left out the last line, which is text: 'Downloaded from Barchart")
    repairs = report_of(DAILY_FILES["german broker"][0]).repairs
    assert "read the decimal comma as a decimal point" in repairs
    assert "took out the thousands separators of Erster, Hoch, Tief, Schlusskurs" in repairs
    (repair,) = report_of(DAILY_FILES["comment lines"][0]).repairs
    assert repair == "skipped 2 lines above the data, the first '# source: a vendor, adjusted'"
    (repair,) = report_of(DAILY_FILES["metatrader 4, no names"][0]).repairs
    assert repair == (
        "no line names the columns: taken as date, time, open, high, low, close, volume"
    )
    (repair,) = report_of(PLAIN.replace("2024-03-11", "\n\n2024-03-11")).repairs
    assert repair == "skipped 2 blank lines"
    assert report_of(PLAIN).repairs == ()


def test_two_text_lines_at_the_end_are_no_footer():
    with pytest.raises(PriceFileError, match="line 6: 1 field where"):
        read_text(PLAIN + "Downloaded today\nAll rights reserved\n")


def test_the_report_reads_well():
    assert str(report_of(DAILY_FILES["barchart"][0])).splitlines() == [
        "<file>: 4 rows from 2024-03-07 to 2024-03-13",
        "  time zone America/New_York; delimiter comma",
        "  columns not used: Change, %Chg, Open Interest",
        "  repaired: left out the last line, which is text: "
        "'Downloaded from Barchart.com as of 03-14…'",
        "  repaired: rows were newest first: turned round",
        "  note: times have no zone, taken as America/New_York",
        "  note: dates are month/day/year",
        "  note: the close is the column Last",
    ]
    assert "  nothing to repair" in str(report_of(PLAIN)).splitlines()
    assert report_of(minutes_file(INTRADAY["Z"])).first == "2024-03-08 09:30:00-05:00"


def test_the_report_survives_pandas(tmp_path):
    frame = read_text(PLAIN)
    report = frame.attrs["report"]
    assert frame.copy().attrs["report"] == report
    assert frame["close"].shift().attrs == frame.attrs
    assert copy.deepcopy(report) is report
    assert pickle.loads(pickle.dumps(frame)).attrs["report"] == report
    assert report == report_of(PLAIN)
    assert report != report_of(edited(3, "13500", ""))
    assert hash(report) == hash(report_of(PLAIN))
    both = pd.concat([frame, read_text(PLAIN)])
    assert len(both) == 8
    assert both.attrs["report"] == report
    assert len(pd.concat([frame, read_text(DAILY_FILES["wsj"][0])], axis=1)) == 4
    assert frame.equals(read_text(PLAIN))
    assert (frame == read_text(PLAIN)).all(axis=None)
    frame.to_parquet(tmp_path / "again.parquet")  # writes attrs as JSON
    assert_same(read_prices(tmp_path / "again.parquet"), frame)
    assert json.loads(json.dumps(frame.attrs))["report"][1] == 4
    with pytest.raises(AttributeError):
        report.rows = 5


def test_the_frame_is_the_callers_own():
    frame = read_text(PLAIN)
    frame.loc[frame.index[0], "close"] = 1.0
    frame["range"] = frame["high"] - frame["low"]
    assert read_text(PLAIN)["close"].to_list() == CLOSE
    assert frame.loc["2024-03-08", "close"].item() == 2082.7


# -------------------------------------------------------------------------------------- arguments


def test_prices_chooses_what_must_be_there():
    fred = lines("observation_date,SP500", "2024-03-07,5157.36", "2024-03-08,5123.69")
    frame = read_text(fred, columns={"SP500": "close"}, prices=("close",))
    assert frame.columns.to_list() == ["close"]
    assert frame["close"].to_list() == [5157.36, 5123.69]
    zero_opens = edited(2, "1998.5", "0")
    frame = read_text(zero_opens, prices=("close", "low", "high"))
    assert_same(frame, daily("volume").drop(columns="open"))
    assert frame.attrs["report"].unused_columns == ("Open",)


def test_columns_names_what_the_file_does_not_tell():
    settle = lines("Date,Open,High,Low,Last,Settle", *rows("{date},{o},{h},{l},1,{c}"))
    assert_same(read_text(settle, columns={"Settle": "close"}), daily())
    strange = lines("When,A,B,C,D", *rows("{date},{o},{h},{l},{c}"))
    named = {"When": "time", "A": "open", "B": "high", "C": "low", "D": "close"}
    assert_same(read_text(strange, columns=named), daily())
    nameless = lines(*rows("x,{date},{o},{h},{l},{c},{a},{v}"))
    order = [None, "time", *PRICES, "adj_close", "volume"]
    assert_same(
        read_text(nameless, columns=order),
        daily("adj_close", "volume")[[*PRICES, "volume", "adj_close"]],
    )
    with pytest.raises(PriceFileError, match="has 8 fields, columns= names 2"):
        read_text(nameless, columns=["time", "close"])
    with pytest.raises(PriceFileError, match="columns= names 'Fixing', the columns are Date, Open"):
        read_text(PLAIN, columns={"Fixing": "close"})
    two = lines("D;T;O;H;L;C", *rows("{date};00:00;{o};{h};{l};{c}"))
    assert_same(read_text(two, columns={"D": "date", "T": "time"}), daily())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tz": "Mars/Olympus"}, ValueError, "tz must be a time zone .* got 'Mars/Olympus'"),
        ({"tz": 5}, TypeError, "tz must be a time zone .* got 5"),
        ({"tz": None}, TypeError, "tz must be a time zone .* got None"),
        ({"prices": "close"}, TypeError, "prices must be some of open, .* got 'close'"),
        ({"prices": 5}, TypeError, "prices must be .* got 5"),
        ({"prices": ()}, ValueError, "prices must be"),
        ({"prices": ("volume",)}, ValueError, "prices must be .* got .'volume',"),
        ({"columns": "close"}, TypeError, "columns must be a mapping or a list, got 'close'"),
        ({"columns": {"A": "shut"}}, ValueError, "columns must use time, .* got 'shut'"),
        ({"label": "close"}, ValueError, "label must be one of .* got 'close'"),
        ({"settlement": 1}, ValueError, "settlement must be one of .* got 1"),
        ({"columns": ["time", "close", "close"]}, ValueError, "got 'close' twice"),
        ({"dayfirst": "yes"}, ValueError, "dayfirst must be one of .* got 'yes'"),
        ({"dayfirst": 1}, ValueError, "dayfirst must be one of .* got 1"),
        ({"decimal": ";"}, ValueError, "decimal must be one of .* got ';'"),
    ],
)
def test_bad_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message) as caught:
        read_text(PLAIN, **options)
    assert not isinstance(caught.value, PriceFileError)


@pytest.mark.parametrize("path", [None, 5, ["a.csv"], b"a.csv"])
def test_a_path_must_be_a_path(path):
    with pytest.raises(TypeError, match="path must be a path or an open file, got"):
        read_prices(path)


def test_public_names():
    assert set(dir(data)) >= {"PriceFileError", "ReadReport", "read_prices"}


# ------------------------------------------------------------------------------------- properties


def tried(content: str | bytes, **options) -> tuple[pd.DataFrame | None, str]:
    """Return the frame, or None and what `PriceFileError` says; no other error is caught."""
    try:
        return read_text(content, **options), ""
    except PriceFileError as error:
        return None, str(error)


CENTS = st.integers(1, 10**8)


@st.composite
def frames(draw) -> pd.DataFrame:
    """Draw a tidy frame with prices in cents."""
    number = draw(st.integers(1, 12))
    days = draw(st.lists(st.integers(0, 40_000), min_size=number, max_size=number, unique=True))
    cents = np.array([sorted(draw(st.tuples(CENTS, CENTS, CENTS, CENTS))) for _ in range(number)])
    swap = np.array(draw(st.lists(st.booleans(), min_size=number, max_size=number)))
    opening, closing = np.where(swap, cents[:, 1:3].T, cents[:, 2:0:-1].T)
    index = pd.DatetimeIndex(pd.to_datetime(sorted(days), unit="D", origin="1950-01-01"))
    columns = {
        "open": opening / 100,
        "high": cents[:, 3] / 100,
        "low": cents[:, 0] / 100,
        "close": closing / 100,
        "volume": draw(st.lists(st.integers(0, 10**10), min_size=number, max_size=number)),
    }
    frame = pd.DataFrame(columns, index=index.rename("time").as_unit("us"), dtype="float64")
    return frame.tz_localize(NEW_YORK)


DATE_FORMS = {
    "%Y-%m-%d": {},
    "%Y%m%d": {},
    "%Y/%m/%d": {},
    "%d.%m.%Y": {},
    "%m/%d/%Y": {"dayfirst": False},
    "%d/%m/%Y": {"dayfirst": True},
    "%d-%b-%Y": {},
    "%b %d %Y": {},
    "%Y-%m-%d 00:00:00": {},
}
HEADERS = [
    ["Date", "Open", "High", "Low", "Close", "Volume"],
    ["time", "open", "high", "low", "close", "volume"],
    ["<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
    ["timestamp", "1. open", "2. high", "3. low", "4. close", "5. volume"],
    ["Datum", "Eröffnung", "Hoch", "Tief", "Zuletzt", "Volumen"],
]


@st.composite
def dialects(draw) -> tuple[dict, bytes, dict]:
    """Draw a frame, and the bytes of a file in a dialect that holds it, with the options."""
    frame = draw(frames())
    delimiter = draw(st.sampled_from(",;\t"))
    decimal = draw(st.sampled_from(".," if delimiter != "," else "."))
    group = draw(st.sampled_from(["", " ", "'", "," if decimal == "." else "."]))
    form, options = draw(st.sampled_from(sorted(DATE_FORMS.items(), key=str)))
    order = draw(st.permutations(range(len(frame))))
    places = draw(st.permutations(range(6)))
    header = draw(st.sampled_from(HEADERS))
    quote = draw(st.booleans()) or delimiter == ","

    def number(value: float, decimals: int) -> str:
        text = f"{value:,.{decimals}f}".replace(",", "_").replace(".", decimal)
        return text.replace("_", group)

    def line(fields: list[str]) -> str:
        fields = [fields[place] for place in places]
        return delimiter.join(f'"{field}"' if quote else field for field in fields)

    text = [line(header)]
    for row in order:
        values = frame.iloc[row]
        cells = [frame.index[row].strftime(form)]
        cells += [number(values[name], 2) for name in PRICES]
        cells.append(number(values["volume"], 0))
        text.append(line(cells))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    content = (ending.join(text) + draw(st.sampled_from(["", ending, ending * 3]))).encode(encoding)
    return frame, content, options


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(dialects())
def test_every_dialect_reads_back_equal(drawn):
    frame, content, options = drawn
    assert_same(read_text(content, **options), frame)


@given(
    start=st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2037, 1, 1)),
    steps=st.lists(st.integers(1, 10_000), min_size=1, max_size=60),
    zone=st.sampled_from([NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Tokyo", "UTC"]),
    newest_first=st.booleans(),
)
@example(start=dt.datetime(2024, 11, 3, 4), steps=[30] * 10, zone=NEW_YORK, newest_first=True)
@example(start=dt.datetime(2024, 3, 10, 5), steps=[30] * 10, zone=NEW_YORK, newest_first=False)
def test_instants_come_back_through_every_way_of_writing_them(start, steps, zone, newest_first):
    minutes = pd.to_timedelta(np.cumsum([0, *steps]), unit="min")
    index = (pd.Timestamp(start).floor("min") + minutes).tz_localize("UTC").tz_convert(zone)
    index = index.as_unit("us").rename("time")
    step = -1 if newest_first else 1
    instants = index.as_unit("s").asi8
    assume(abs(instants).max() > 1e8)
    for times in (
        [time.isoformat() for time in index],
        [time.strftime("%d.%m.%Y %H:%M:%S%z") for time in index],
        [str(second) for second in instants],
        [str(second * 1000) for second in instants],
    ):
        frame = read_text(minutes_file(times[::step]), tz=zone)
        pd.testing.assert_index_equal(frame.index, index)
    frame, refusal = tried(minutes_file(naive_text(index)[::step]), tz=zone)
    if frame is not None:
        pd.testing.assert_index_equal(frame.index, index)
    else:  # only where a clock showed a time twice may it be refused
        assert "shown twice" in refusal
        assert index.tz_localize(None).tz_localize(zone, ambiguous="NaT").hasnans


def check_honest(content: bytes) -> None:
    """Read bytes; either they are refused, or the frame keeps every promise."""
    frame, refusal = tried(content, tz="UTC")
    if frame is None:
        assert refusal.startswith("<file>")
        return
    assert frame.columns.to_list()[:4] == PRICES
    assert len(frame) > 0
    assert (frame.dtypes == "float64").all()
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique
    assert np.isfinite(frame[PRICES]).all(axis=None)
    assert (frame[PRICES] > 0).all(axis=None)
    assert (frame["high"] * (1 + 2e-6) >= frame[PRICES].max(axis=1)).all()
    assert (frame["low"] * (1 - 2e-6) <= frame[PRICES].min(axis=1)).all()
    assert frame.attrs["report"].rows == len(frame)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8")))
def test_random_bytes_and_text_are_refused_politely(content):
    check_honest(content)


@given(st.text(alphabet="Date,Open;High\tLow\nClose\r\"'0123456789.-/:#Z \x00é", max_size=300))
def test_random_text_of_likely_characters(text):
    check_honest(("Date,Open,High,Low,Close\n" + text).encode())
    check_honest(text.encode())


@given(
    name=st.sampled_from(sorted(DAILY_FILES)),
    encoding=st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    cuts=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 8), st.binary(max_size=4)), max_size=3
    ),
)
def test_damaged_files_are_refused_or_read_honestly(name, encoding, cuts):
    content = DAILY_FILES[name][0].encode(encoding, errors="replace")
    for at, removed, inserted in cuts:
        content = content[:at] + inserted + content[at + removed :]
    check_honest(content)


@given(st.integers(0, 3000), st.integers(1, 30), st.binary(max_size=30), st.integers(0, 3))
def test_damaged_packed_files_are_refused_or_read_honestly(at, removed, inserted, kind):
    content = {
        0: lambda: gzip.compress(PLAIN.encode(), mtime=0),
        1: lambda: parquet(daily("volume")),
        2: lambda: parquet(daily("volume").tz_localize(None), compression=None),
        3: zipped,
    }[kind]()
    at %= len(content)
    check_honest(content[:at] + inserted + content[at + removed :])


def zipped() -> bytes:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("prices.csv", PLAIN)
    return stored.getvalue()
