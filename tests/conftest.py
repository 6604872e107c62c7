import sys

import numpy as np
import pytest

from m2k_lessons.contracts import get_contract
from m2k_lessons.simulate import LABEL


@pytest.fixture(scope="session")
def assert_sound_bars():
    """What has to hold for every simulated price bar, whatever drew it."""

    def check(symbol, bars):
        prices = bars[["open", "high", "low", "close"]].to_numpy()
        assert np.isfinite(prices).all()
        assert (prices > 0).all()
        get_contract(symbol).ticks(prices)  # raises for a price off its tick
        assert (prices[:, 1] == prices.max(axis=1)).all(), "high is the highest"
        assert (prices[:, 2] == prices.min(axis=1)).all(), "low is the lowest"
        assert bars["volume"].dtype == np.int64
        assert (bars["volume"] > 0).all()
        assert bars.index.name == "time"
        assert str(bars.index.tz) == "America/New_York"
        assert bars.index.is_monotonic_increasing
        assert bars.index.is_unique
        assert bars.attrs["label"] == LABEL

    return check


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    """What one test draws is not the current figure of the next."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
