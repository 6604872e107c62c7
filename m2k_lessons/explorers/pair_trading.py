"""Chapter 11: trade a spread by its z-score, on a pair that reverts and on three that don't."""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons import data, pairs
from m2k_lessons.explorers.base import Choice, Explorer, Slider
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

PAIRS = ("cointegrated", "correlated", "spurious", "broken")
BETA, CAPITAL_USD = 1.15, 200_000  # the beta is taken as known: nothing here is fitted
FIRST, BARS = 1_010, 1_510  # traded are the last six years; the bars before warm up the window


@functools.cache
def _pair(name: str):
    """Bars of both legs, the spread in % of M2K's price, and whole contracts."""
    market = data.load("pairs")
    bars = {symbol: market[f"{name}_{symbol}"] for symbol in ("M2K", "MES")}
    small, large = (np.log(one["close"]) for one in bars.values())
    spread = 100 * (small - BETA * large)
    traded = {symbol: one.iloc[FIRST:] for symbol, one in bars.items()}
    ratio = pairs.contract_ratio(BETA, *(one["close"].iloc[0] for one in traded.values()))
    return traded, spread, ratio


def compute(pair: str, entry: float, exit: float, window: int) -> dict:
    """Spread in %, z-score, equity after costs and costs so far, of the traded bars."""
    bars, spread, ratio = _pair(pair)
    score = pairs.zscore(spread, window)
    target = pairs.pair_target(score, entry, min(exit, entry - 0.1)).iloc[FIRST:]
    result = pairs.backtest_pair(bars, target, ratio, capital=CAPITAL_USD)
    shown = spread.to_numpy()[FIRST:]
    return {
        "spread": shown - shown[0],
        "score": score.to_numpy()[FIRST:],
        "entry": entry,
        "earned_usd": result.equity["Equity"].to_numpy() - CAPITAL_USD,
        "costs_usd": float(result.trades["Commission"].sum() + result.trades["Slippage"].sum()),
        "trips": int((target["M2K"].diff().fillna(target["M2K"]) * target["M2K"] > 0).sum()),
        "in_market": float((target["M2K"] != 0).mean()),
        "ratio": f"{ratio.contracts_y} M2K against {ratio.contracts_x} MES",
    }


def draw(figure) -> dict:
    figure.set_layout_engine("none")  # limits change with the pair, nothing else may move
    margins = {"left": 0.1, "right": 0.985, "bottom": 0.09, "top": 0.945, "hspace": 0.42}
    top, middle, low = figure.subplots(3, 1, sharex=True, gridspec_kw=margins)
    top.set(title="Spread since the first day (simulated)", ylabel="% of M2K")
    middle.set(title="z-score, with entry levels", ylabel="deviations", ylim=(-6, 6))
    low.set(title="Earned after costs", xlabel="trading day", ylabel="USD", xlim=(0, BARS))
    low.axhline(0, color=GREY, linewidth=0.8)
    usd_axis(low)
    return {
        "spread": top.plot([], [], color=BLUE, linewidth=1)[0],
        "score": middle.plot([], [], color=BLUE, linewidth=0.8)[0],
        "above": middle.plot([], [], color=ORANGE, linestyle="--")[0],
        "below": middle.plot([], [], color=ORANGE, linestyle="--")[0],
        "earned": low.plot([], [], color=BLUE)[0],
        "text": low.text(0.015, 0.06, "", transform=low.transAxes, color=ORANGE),
    }


def update(artists: dict, result: dict) -> None:
    days = np.arange(BARS)
    for name, key, smallest in (("spread", "spread", 5.0), ("earned", "earned_usd", 10_000)):
        artists[name].set_data(days, result[key])
        # Few limits to choose from, so that the axes seldom have to be drawn again.
        reach = smallest * 2 ** np.ceil(np.log2(max(np.abs(result[key]).max() / smallest, 1)))
        artists[name].axes.set_ylim(-reach, reach)
    artists["score"].set_data(days, result["score"])
    for name, sign in (("above", 1), ("below", -1)):
        artists[name].set_data([0, BARS], [sign * result["entry"]] * 2)
    artists["text"].set_text(
        f"{result['ratio']}: {usd(result['earned_usd'][-1])} after {usd(result['costs_usd'])} "
        f"of costs, {result['trips']} round trips"
    )


def describe(state: dict, result: dict) -> str:
    return (
        f"Three panels for the {state['pair']} pair, entry at {state['entry']:g}, exit at "
        f"{state['exit']:g}, window of {state['window']} days. The spread ends at "
        f"{result['spread'][-1]:.1f} % of where it began. {result['ratio']}: "
        f"{result['trips']} round trips, in the market on {100 * result['in_market']:.1f} % of "
        f"the days, earned {usd(result['earned_usd'][-1])} after {usd(result['costs_usd'])} of "
        f"costs, at worst {usd(result['earned_usd'].min())}."
    )


def explore() -> Explorer:
    """The explorer of chapter 11."""
    controls = [
        Choice("pair", "Pair", PAIRS, "cointegrated"),
        Slider("entry", "Enter at", "deviations", 1.5, 0.5, 3.0, 0.1),
        Slider("exit", "Leave at", "deviations", 0.0, 0.0, 1.0, 0.1),
        Slider("window", "Window", "days", 60, 10, 250, 10),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(8.2, 5.6))
