"""Chapter 05: two rules on three markets whose truth is known, with costs and luck."""

from __future__ import annotations

import functools
import math

import numpy as np
import pandas as pd

from m2k_lessons import data
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Choice, Explorer, Slider, two_panels
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

RULES = ("trend following", "mean reversion")
MARKETS = ("trend", "reversion", "random walk")
SHOWN = slice(1008, 1512)  # two years of prices; ten would be too dense to see the turns
PATHS = ("profit", "expected", "lucky", "unlucky")
EVERY = 5  # days between two points of a drawn profit


_regimes = functools.cache(lambda: data.load("regimes"))


def target(strategy: str, close: pd.Series, lookback: int) -> np.ndarray:
    """The rule's position at each close: 1, -1, or 0 where there is not enough past."""
    if strategy == RULES[0]:
        return np.sign(close - close.shift(lookback)).fillna(0).to_numpy()
    # Rounded, so that a close exactly on its average counts as on it.
    return -np.sign((close - close.rolling(lookback).mean()).round(6)).fillna(0).to_numpy()


@functools.cache
def expected_share(strategy: str, market: str, lookback: int) -> float:
    """What the truth says a day earns on average before costs, as a share of the market held."""
    # Both rules are the sign of a weighted sum of past log returns (to a very good approximation
    # where prices are averaged), and returns are jointly normal. Then the mean of that sign times
    # the next return is sqrt(2 / pi) times their covariance over the deviation of the sum.
    truth = getattr(_regimes().truth, market.replace(" ", "_"))
    past = np.arange(lookback)
    weights = np.ones(lookback) if strategy == RULES[0] else (past + 1) / lookback - 1
    correlation = np.array([1.0, *(truth.autocorrelation(lag) for lag in past + 1)])
    between = correlation[np.abs(past[:, None] - past)]
    share = weights @ correlation[1:] / math.sqrt(weights @ between @ weights)
    return math.sqrt(2 / math.pi) * share * truth.daily_volatility_pct / 100


def compute(strategy: str, market: str, lookback: int, cost_ticks: float) -> dict:
    """Profit so far of one M2K in USD, what the truth expects, and where luck alone ends up."""
    close = _regimes()[market.replace(" ", "_")]["close"]
    held, closes = target(strategy, close, lookback), close.to_numpy()
    gross = np.r_[0, held[:-1] * np.diff(closes)] * M2K.multiplier
    sides = np.abs(np.diff(held, prepend=0))
    paid = np.cumsum(sides) * cost_ticks * M2K.tick_value
    begun = np.arange(len(closes)) > np.flatnonzero(held)[0]
    share = expected_share(strategy, market, lookback)
    expected = np.cumsum(begun * np.r_[0, closes[:-1]]) * share * M2K.multiplier
    luck = 2 * gross[begun].std() * np.sqrt(np.cumsum(begun))
    return {
        "closes": closes,
        "held": held,
        "profit_usd": np.cumsum(gross) - paid,
        "expected_usd": expected - paid,
        "lucky_usd": luck - paid,
        "unlucky_usd": -luck - paid,
        "sides": int(sides.sum()),
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.07, right=0.975, bottom=0.13, top=0.91, wspace=0.24)
    left.set(title="Two of the ten years: price and position", xlabel="trading day")
    left.set(ylabel="M2K (simulated), first day shown = 100", xlim=(1008, 1511), ylim=(60, 180))
    right.axhline(0, color=GREY, linewidth=0.8)
    right.set(title="Ten years: profit of one M2K after costs", xlim=(0, 2520))
    # The same limits for every state: axes are drawn once, and states can be compared.
    right.set(xlabel="trading day", ylabel="USD", ylim=(-60_000, 60_000))
    usd_axis(right)
    left.text(0.02, 0.94, "solid: long, dashed: short", transform=left.transAxes)
    return {
        "long": left.plot([], [], color=BLUE, linewidth=2.4)[0],
        "short": left.plot([], [], "--", color=ORANGE, linewidth=1.2)[0],
        "lucky": right.plot([], [], ":", color=GREY, linewidth=1.1)[0],
        "unlucky": right.plot([], [], ":", color=GREY, linewidth=1.1)[0],
        "expected": right.plot([], [], "--", color=ORANGE)[0],
        "profit": right.plot([], [], color=BLUE)[0],
        "profit_text": right.text(0.02, 0.94, "", color=BLUE, transform=right.transAxes),
        "expected_text": right.text(0.02, 0.88, "", color=ORANGE, transform=right.transAxes),
        "luck_text": right.text(0.02, 0.03, "", color=GREY, transform=right.transAxes),
    }


def update(artists: dict, result: dict) -> None:
    days = np.arange(len(result["closes"]))
    shown = 100 * result["closes"][SHOWN] / result["closes"][SHOWN.start]
    held = result["held"][SHOWN]
    for name, side in (("long", 1), ("short", -1)):
        # A line reaches from the close at which it begins to the close at which it ends.
        mine = (held == side) | (np.r_[0, held[:-1]] == side)
        artists[name].set_data(days[SHOWN], np.where(mine, shown, np.nan))
    ends = {}
    for name in PATHS:
        artists[name].set_data(days[::EVERY], result[f"{name}_usd"][::EVERY])
        ends[name] = usd(result[f"{name}_usd"][-1])
    artists["profit_text"].set_text(f"solid: {ends['profit']}, {result['sides']:,} sides")
    artists["expected_text"].set_text(f"dashed, the truth expects: {ends['expected']}")
    artists["luck_text"].set_text(f"dotted, luck alone: {ends['unlucky']} to {ends['lucky']}")


def describe(state: dict, result: dict) -> str:
    profit, expected, lucky, unlucky = (usd(result[f"{name}_usd"][-1]) for name in PATHS)
    return (
        f"Left: simulated prices, long and short stretches of {state['strategy']} over "
        f"{state['lookback']} days. Right, {state['market']} market: it ends at {profit} after "
        f"{result['sides']:,} sides at {state['cost_ticks']:g} ticks each. The truth expects "
        f"{expected}; luck alone ends between {unlucky} and {lucky}."
    )


def explore() -> Explorer:
    """The explorer of chapter 05."""
    controls = [
        Choice("strategy", "Strategy", RULES, "trend following"),
        Choice("market", "Market", MARKETS, "trend"),
        Slider("lookback", "Look back", "days", 50, 5, 150, 1),
        Slider("cost_ticks", "Cost", "ticks a side", 2.2, 0.0, 20.0, 0.2),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.9))
