import numpy as np
import pandas as pd
import pytest

from m2k_lessons import data, events
from m2k_lessons.sessions import NEW_YORK


@pytest.fixture(scope="module")
def windows():
    return data.load("releases")


@pytest.fixture(scope="module")
def window_returns(windows):
    return {symbol: events.bar_returns(windows[symbol]["close"]) for symbol in ("M2K", "MES")}


@pytest.fixture(scope="module")
def quiet_mornings():
    """Fat-tailed minutes from 08:00 to 09:30 on 250 days, without any event."""
    days = pd.bdate_range("2030-01-02", periods=250)
    wall = (days.to_numpy()[:, None] + np.arange(90) * np.timedelta64(1, "m")).ravel()
    index = pd.DatetimeIndex(wall + np.timedelta64(8, "h")).as_unit("us").tz_localize(NEW_YORK)

    def draw(seed):
        return pd.Series(np.random.default_rng(seed).standard_t(4, len(index)) * 2e-4, index)

    return draw
