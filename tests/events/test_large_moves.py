import numpy as np
import pandas as pd
import pytest

from m2k_lessons import events
from m2k_lessons.sessions import NEW_YORK
from tests.events.inputs import minutes, ny


def diffusion(seed, count=4_000):
    """Normal minutes of which each hour has its own volatility."""
    index = pd.date_range("2030-01-07", periods=count, freq="min", tz=NEW_YORK).as_unit("us")
    loud = 1 + 2 * (index.hour == 9)
    return pd.Series(np.random.default_rng(seed).normal(0, 1e-4, count) * loud, index)


def test_jumps_are_seldom_seen_where_there_are_none():
    """alpha bounds the chance of any false jump in a sample: 1 % here, 0 to 3 of 60."""
    seen = sum(len(events.jumps(diffusion(seed), alpha=0.01)) > 0 for seed in range(60))
    assert seen <= 3


def test_jumps_are_found_where_they_are():
    moves = diffusion(1)
    at = moves.index[[1500, 2500, 3500]]
    moves[at] += [0.003, -0.003, 0.004]
    found = events.jumps(moves)
    assert found.index.tolist() == at.tolist()
    assert np.sign(found["return_pct"]).tolist() == [1, -1, 1]
    assert (found["statistic"].abs() > found["threshold"]).all()


def test_a_loud_hour_is_no_jump():
    """Without taking out the time of day, the loud hour is full of false jumps."""
    flat, usual = (
        sum(len(events.jumps(diffusion(seed), bucket_minutes=bucket)) for seed in range(10))
        for bucket in (1440, 60)
    )
    assert flat > 10
    assert usual <= 2


def test_a_small_jump_in_a_quiet_hour_is_found():
    moves = diffusion(5)
    quiet = moves.index.hour == 10
    moves[quiet] /= 10
    at = pd.Timestamp("2030-01-08 10:30", tz=NEW_YORK)
    moves[at] = 1.5e-4  # 15 times the hour's size, and nothing special in any other hour
    assert events.jumps(moves, bucket_minutes=60).index.tolist() == [at]


def test_the_statistic_by_hand():
    moves = diffusion(4, 500)
    moves.iloc[450] = 0.01
    found = events.jumps(moves, window=100, bucket_minutes=1440)
    size = moves.abs().to_numpy()
    # Lee and Mykland, definition 1 with i = 450 and K = 100: j from i - K + 2 to i - 1.
    bipower = sum(size[j] * size[j - 1] for j in range(352, 450)) / 98
    assert found.index.tolist() == [moves.index[450]]
    assert np.isclose(found["statistic"].iloc[0], 0.01 / np.sqrt(bipower))
    # Their definition 2, with n = 400 bars that are tested and alpha = 1 %.
    c, log_n = np.sqrt(2 / np.pi), np.log(400)
    scale = 1 / (c * np.sqrt(2 * log_n))
    center = np.sqrt(2 * log_n) / c - (np.log(np.pi) + np.log(log_n)) / (2 * c * np.sqrt(2 * log_n))
    assert np.isclose(found["threshold"].iloc[0], center + scale * 4.6001, atol=1e-4)


def test_times_that_concern_no_bar_change_nothing():
    target = pd.Series(0.5, minutes())
    after = events.reduce_around(target, ny("2031-01-01 08:30"), 5, 5)
    assert after.equals(target)


def test_the_gap_over_a_pause_is_no_jump():
    moves = diffusion(2)
    moves.iloc[2000] = np.nan
    assert len(events.jumps(moves)) == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"window": 10}, "window must be a whole number at least 30"),
        ({"alpha": 0}, "alpha must be"),
        ({"bucket_minutes": 0}, "bucket_minutes must be"),
        ({"window": 5_000}, "returns must have at least window"),
    ],
)
def test_jumps_refuse(changes, says):
    with pytest.raises(ValueError, match=says):
        events.jumps(diffusion(1), **changes)
