"""Chapter 06."""

import numpy as np
import pandas as pd


def hours_between(times):
    local = times.tz_convert("America/New_York")
    clock = local.hour + local.minute / 60
    return (clock >= 9.5) & (clock < 16) & (local.day_of_week <= 4)


def hours_one_by_one(times):
    found = []
    for time in times.tz_convert("America/New_York"):
        found.append(time.weekday() < 5 and "09:30" <= time.strftime("%H:%M") < "16:00")
    return np.array(found)


def hours_of_winter(times):
    local = times - pd.Timedelta("5h")
    minutes = local.hour * 60 + local.minute
    return (local.day_of_week < 5) & (minutes >= 570) & (minutes < 960)


def hours_with_the_close(times):
    local = times.tz_convert("America/New_York")
    minutes = local.hour * 60 + local.minute
    return (local.day_of_week < 5) & (minutes >= 570) & (minutes <= 960)


def hours_every_day(times):
    local = times.tz_convert("America/New_York")
    minutes = local.hour * 60 + local.minute
    return (minutes >= 570) & (minutes < 960)


def gap_by_shift(bars, number):
    return bars["open"].sub(bars["close"].shift(1)).mul(5 * number)


def gap_by_loop(bars, number):
    found = [np.nan]
    for day in range(1, len(bars)):
        found.append((bars["open"].iloc[day] - bars["close"].iloc[day - 1]) * 5 * number)
    return pd.Series(found, index=bars.index)


def gap_of_the_day(bars, number):
    return (bars["close"] - bars["open"]) * 5 * number


def gap_early(bars, number):
    return (bars["open"].shift(-1) - bars["close"]) * 5 * number


def gap_turned(bars, number):
    return (bars["close"].shift() - bars["open"]) * 5 * number


SOLUTIONS = {
    "q7": (
        [hours_between, hours_one_by_one],
        {
            hours_of_winter: "in winter only",
            hours_with_the_close: "*before* 16:00",
            hours_every_day: "Saturday and Sunday",
        },
    ),
    "q8": (
        [gap_by_shift, gap_by_loop],
        {
            gap_of_the_day: "from open to close",
            gap_early: "a day early",
            gap_turned: "The sign is turned round",
        },
    ),
}
