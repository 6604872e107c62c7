"""What lesson 03b tells in words, without a number that a tag could hold."""

import numpy as np
import pytest

from m2k_lessons import data


@pytest.fixture(scope="module")
def market():
    return data.load("daily")


def test_every_days_expected_gain_is_positive(market):
    """The mean of the log return is the same on each day, and a gain's mean is above it."""
    assert market.truth.futures_drift > 0


def test_the_squares_of_ten_and_then_five():
    held = np.array([10, 5])
    assert (held.mean(), (held**2).mean(), held.mean() ** 2) == (7.5, 62.5, 56.25)


def test_more_of_the_trades_that_reached_the_target_ran_on_than_came_back(market):
    start = market["M2K"]["close"].to_numpy()
    moves = np.diff(market["M2K_continuous"]["close"].to_numpy())
    trades = len(moves) // 10
    gained = moves[: 10 * trades].reshape(trades, 10).cumsum(axis=1)
    gained *= 2400 / start[: 10 * trades : 10, None]
    hit = (gained >= 40).any(axis=1)
    sold = gained[hit, (gained[hit] >= 40).argmax(axis=1)]
    came_back = (sold > gained[hit, -1]).mean()
    assert 0.4 < came_back < 0.5


def test_a_constant_size_swings_least_in_such_a_market():
    """The plan of the lesson on a market with constant volatility, against its average size."""
    rng = np.random.default_rng(11)
    moves = 2400 * (0.044 / 252 + 0.2 / np.sqrt(252) * rng.standard_normal((200_000, 10)))
    gained = moves.cumsum(axis=1)
    reached = gained >= 40
    sold_before = np.cumsum(reached, axis=1) - reached > 0
    held = np.where(sold_before, 5, 10)
    in_parts = (held * moves).sum(axis=1)
    constant = held.mean() * gained[:, -1]
    assert in_parts.std() > 1.01 * constant.std()
    assert (in_parts > 0).mean() > (gained[:, -1] > 0).mean()  # "wins more often"
    assert in_parts.mean() < 10 * gained[:, -1].mean()  # "its true average is lower"


@pytest.mark.parametrize("name", ["M2K_continuous", "sp500", "nasdaq"])
def test_before_costs_the_plan_in_parts_wins_every_trade_that_the_whole_wins(market, name):
    """ "Before costs it could not fail": and a few losers more become winners."""
    frame = market[name] if name == "M2K_continuous" else data.load(name)
    close = frame["close"].to_numpy()
    whole, parts = [], []
    for first in range(0, len(close) - 10, 10):
        path = 2400 * (close[first + 1 : first + 11] / close[first] - 1)
        sold = next((points for points in path if points >= 40), path[-1])
        whole.append(path[-1] > 0)
        parts.append(sold + path[-1] > 0)
    assert all(won for won, before in zip(parts, whole, strict=True) if before)
    assert sum(parts) > sum(whole)


def test_the_reals_agree_with_neither_sign():
    """ "An advantage of 50 dollars a trade could hide behind such errors." """
    for name, error_usd in {"sp500": 43, "nasdaq": 76}.items():
        close = data.load(name)["close"].to_numpy()
        trades = (len(close) - 1) // 10
        ahead = close[1 : 10 * trades + 1].reshape(trades, 10) / close[: 10 * trades : 10, None] - 1
        difference_usd = []
        for path in 2400 * ahead:
            sold = next((points for points in path if points >= 40), path[-1])
            difference_usd.append(25 * (sold - path[-1]))
        assert np.std(difference_usd, ddof=1) / trades**0.5 == pytest.approx(error_usd, abs=0.5)
        assert abs(np.mean(difference_usd)) < error_usd < 76.1
        assert 50 - abs(np.mean(difference_usd)) < 2 * error_usd
