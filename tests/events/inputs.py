"""Times and bars that the tests of events share."""

import pandas as pd

from m2k_lessons.sessions import NEW_YORK


def ny(*texts):
    return pd.DatetimeIndex(texts).as_unit("us").tz_localize(NEW_YORK)


def minutes(start="2030-02-04 08:00", count=200, step="min"):
    return pd.date_range(start, periods=count, freq=step, tz=NEW_YORK).as_unit("us")


TWO = ny("2030-02-04 10:00", "2030-02-05 10:00")
