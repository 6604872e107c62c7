"""Contract codes, last trading days, and the day to roll."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import NamedTuple

from m2k_lessons._util import checks
from m2k_lessons.contracts.contract import CONTRACTS, MONTH_LETTERS, get_contract

_ALL_MONTH_LETTERS = "FGHJKMNQUVXZ"  # January to December, as every futures exchange has them
_NO_HOLIDAY_BEFORE_JUNETEENTH = 2022  # first year in which the exchange observed 19 June


class ContractMonth(NamedTuple):
    """What a code such as "M2KZ26" says: the root symbol, the year and the month."""

    symbol: str
    year: int
    month: int


def contract_code(symbol: str, year: int, month: int) -> str:
    """Code of one quarterly contract: root symbol, month letter, two digits of the year.

    Raises ValueError for a month that is not listed or a contract that expired before its
    symbol was launched.

    >>> contract_code("M2K", 2026, 12)
    'M2KZ26'
    """
    contract = get_contract(symbol)
    year = checks.whole("year", year, at_least=1970, at_most=2069)
    month = checks.whole("month", month)
    if month not in MONTH_LETTERS:
        raise ValueError(f"month must be 3, 6, 9 or 12 (H, M, U, Z), got {month}")
    code = f"{symbol}{MONTH_LETTERS[month]}{year % 100:02d}"
    if contract.launch and _last_trading_day(year, month) < contract.launch:
        raise ValueError(
            f"year and month must be those of a contract that traded: {symbol} began on "
            f"{contract.launch}, so there never was a {code}"
        )
    return code


def parse_code(code: str) -> ContractMonth:
    """Take a contract code apart.

    Two-digit years 70 to 99 are read as 19xx, 00 to 69 as 20xx.

    >>> parse_code("M2KZ26")
    ContractMonth(symbol='M2K', year=2026, month=12)
    """
    accepted = "code must be a root symbol, H, M, U or Z, and two digits, such as 'M2KZ26'"
    if not isinstance(code, str):
        raise TypeError(f"{accepted}; got {code!r}")
    parts = re.fullmatch(rf"([A-Z0-9]+)([{_ALL_MONTH_LETTERS}])([0-9]{{2}})", code)
    if not parts or parts[1] not in CONTRACTS:
        raise ValueError(f"{accepted}; known symbols are {', '.join(CONTRACTS)}; got {code!r}")
    symbol, letter, digits = parts.groups()
    month = _ALL_MONTH_LETTERS.index(letter) + 1
    if month not in MONTH_LETTERS:
        raise ValueError(
            f"{accepted}; {letter} is {calendar.month_name[month]}, which {symbol} does not "
            f"list; got {code!r}"
        )
    short_year = int(digits)
    year = short_year + (1900 if short_year >= 70 else 2000)
    contract_code(symbol, year, month)  # refuses contracts older than their symbol
    return ContractMonth(symbol, year, month)


def last_trading_day(code: str) -> dt.date:
    """Day on whose morning the contract expires: third Friday, or the business day before.

    CME Rulebook, chapter 363: trading ends at 09:30 New York time on the third Friday of the
    month; if the stock market is closed that day (Good Friday, Juneteenth), on the business
    day before it.

    >>> last_trading_day("M2KZ26"), last_trading_day("M2KM26")
    (datetime.date(2026, 12, 18), datetime.date(2026, 6, 18))
    """
    _, year, month = parse_code(code)
    return _last_trading_day(year, month)


def roll_day(code: str, convention: str = "monday") -> dt.date:
    """Day from which traders and data vendors hold the next contract instead of this one.

    Neither convention is an exchange rule. Both count from the third Friday, also when that is
    a holiday.

    Parameters
    ----------
    code : str
        The expiring contract, such as "M2KZ26".
    convention : {"monday", "thursday"}
        "monday": Monday of expiry week, as data vendors now do. "thursday": the old floor's
        Thursday, eight days before the third Friday.

    Examples
    --------
    >>> roll_day("M2KZ26"), roll_day("M2KZ26", "thursday")
    (datetime.date(2026, 12, 14), datetime.date(2026, 12, 10))
    """
    _, year, month = parse_code(code)
    days_before = {"monday": 4, "thursday": 8}
    convention = checks.choice("convention", convention, days_before)
    return _third_friday(year, month) - dt.timedelta(days=days_before[convention])


def front_contract(symbol: str, date, convention: str = "monday") -> str:
    """Code of the contract held on a day; from the roll day on, it is the next quarter's.

    >>> front_contract("M2K", "2026-12-11"), front_contract("M2K", "2026-12-14")
    ('M2KZ26', 'M2KH27')
    """
    contract = get_contract(symbol)
    day = checks.date("date", date)
    if contract.launch and day < contract.launch:
        raise ValueError(f"date must be {contract.launch} or later, when {symbol} began; got {day}")
    quarters = [(year, month) for year in (day.year, day.year + 1) for month in MONTH_LETTERS]
    codes = (
        contract_code(symbol, year, month)
        for year, month in quarters
        if not contract.launch or _last_trading_day(year, month) >= contract.launch
    )
    return next(code for code in codes if day < roll_day(code, convention))


def _third_friday(year: int, month: int) -> dt.date:
    first_weekday = dt.date(year, month, 1).weekday()
    return dt.date(year, month, 15 + (calendar.FRIDAY - first_weekday) % 7)


def _last_trading_day(year: int, month: int) -> dt.date:
    day = _third_friday(year, month)
    return day - dt.timedelta(days=1) if _stock_market_closed(day) else day


def _stock_market_closed(friday: dt.date) -> bool:
    """Only two holidays can fall on a third Friday of March, June, September or December.

    `sessions` has them too, from 1980 to 2068, and a test holds the two together. Its calendar
    takes a second to import: the first line of chapter 01 need not wait for two Fridays.
    """
    from dateutil.easter import easter

    if friday == easter(friday.year) - dt.timedelta(days=2):
        return True
    if friday.year < _NO_HOLIDAY_BEFORE_JUNETEENTH:
        return False
    # Juneteenth itself, or the Friday on which it is kept when it falls on a Saturday.
    return (friday.month, friday.day) == (6, 19) or (friday.month, friday.day) == (6, 18)
