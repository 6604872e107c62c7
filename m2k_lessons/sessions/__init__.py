"""The trading clock of M2K: when Globex is open, and which hours are regular hours.

Built on the `CME Globex Equity` calendar of pandas_market_calendars, with the days corrected on
which that calendar differs from the exchange's notices.

Words, as this module uses them
    *Session day*: the New York date on which a Globex session ends. Monday's session runs from
    Sunday 18:00 to Monday 17:00, so every weekday has one session or none.
    *Trade date*: the date to which the exchange counts a trade. It is the session day, except
    on a holiday with a 13:00 halt: trading stops at 13:00, resumes at 18:00, and all of it counts
    to the next trade date. Monday 20 January 2025 (Martin Luther King Jr. Day) belongs to
    Tuesday the 21st. An *early close*, unlike a halt, does end its trade date (announced so for
    9 January 2025, and taken to hold for Good Fridays with a payroll report).
    *RTH*, regular trading hours: while the stock market is open, 09:30 to 16:00, or to 13:00 on
    its short days (futures go on to 13:15, and that quarter of an hour is ETH). When the stock
    market stays shut the whole session is *ETH*, extended trading hours.

Boundaries
    Every interval is half-open, [open, close): the opening minute is open, the closing instant is
    closed. A bar is labelled by its start, so the bar that starts at 16:59 is the last of a day.

Three kinds of history
    From M2K's launch (6 May 2019) to the end of 2026 the calendar is the exchange's. Before the
    launch today's hours are laid over the holidays of the time and marked `hypothetical`;
    closings ordered at short notice (September 2001, Hurricane Sandy, days of mourning) are not
    in there. From 2027 on the holidays are projected by rule, and the `note` says so. Good Friday
    by rule: closed, unless the payroll report is due that day, which is taken to be so when it is
    the first Friday of the month; then trading stops at 09:15. That rule gives every known case
    since 2010, but the release date is the Bureau of Labor Statistics' to choose.

All arithmetic is done in America/New_York. Halts caused by prices (limits, circuit breakers)
are not part of a calendar.
"""

from m2k_lessons.sessions.calendar import (
    FIRST_DAY,
    LABELS,
    LAST_DAY,
    NEW_YORK,
    schedule,
    session_minutes,
    trading_days,
)
from m2k_lessons.sessions.times import (
    is_open,
    label_sessions,
    next_close,
    next_open,
    trade_date,
    trade_dates,
)
