"""Chapter 11: trade a spread by its z-score, on a pair that reverts and on three that don't."""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons import data, pairs
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Choice, Explorer, MovingScale, Slider, doubled
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

PAIRS = ("cointegrated", "correlated", "spurious", "broken")
BETA, CAPITAL_USD = 1.15, 200_000  # the beta is taken as known: nothing here is fitted
LEG_USD = 100_000  # of M2K in each pair, as near as whole ratios come: their results compare
FIRST, BARS = 1_010, 1_510  # traded are the last six years; the bars before warm up the window


@functools.cache
def _pair(name: str):
    """Bars of both legs, the spread in % of M2K's price, and whole contracts."""
    market = data.load("pairs")
    bars = {symbol: market[f"{name}_{symbol}"] for symbol in ("M2K", "MES")}
    small, large = (np.log(leg["close"]) for leg in bars.values())
    spread = 100 * (small - BETA * large)
    traded = {symbol: leg.iloc[FIRST:] for symbol, leg in bars.items()}
    prices = [leg["close"].iloc[0] for leg in traded.values()]
    ratio = pairs.contract_ratio(BETA, *prices)
    times = max(1, round(LEG_USD / M2K.notional(prices[0], ratio.contracts_y)))
    return traded, spread, {"M2K": times * ratio.contracts_y, "MES": times * ratio.contracts_x}


def compute(pair: str, entry: float, exit: float, window: int) -> dict:
    """Spread in %, z-score, side held, equity after costs and costs so far, of the traded bars.

    Leaving must be nearer than entering: an `exit` that is not becomes `entry` less 0.1.
    """
    bars, spread, size = _pair(pair)
    exit = min(exit, round(entry - 0.1, 1))
    score = pairs.zscore(spread, window)
    target = pairs.pair_target(score, entry, exit).iloc[FIRST:]
    result = pairs.backtest_pair(bars, target, size, capital=CAPITAL_USD)
    shown = spread.to_numpy()[FIRST:]
    return {
        "spread": shown - shown[0],
        "score": score.to_numpy()[FIRST:],
        "entry": entry,
        "exit": exit,
        "side": target["M2K"].to_numpy(),
        "earned_usd": result.equity["Equity"].to_numpy() - CAPITAL_USD,
        "costs_usd": float(result.trades["Commission"].sum() + result.trades["Slippage"].sum()),
        "trips": int((target["M2K"].diff().fillna(target["M2K"]) * target["M2K"] > 0).sum()),
        "in_market": float((target["M2K"] != 0).mean()),
        "size": "{M2K} M2K against {MES} MES".format_map(size),
    }


def draw(figure) -> dict:
    figure.set_layout_engine("none")
    margins = {"left": 0.1, "right": 0.985, "bottom": 0.125, "top": 0.925, "hspace": 0.5}
    top, middle, low = figure.subplots(3, 1, sharex=True, gridspec_kw=margins)
    top.set(title="Spread since the first day (simulated)", ylabel="% of M2K")
    middle.set(title="z-score; bars: when the spread is held", ylabel="deviations", ylim=(-6, 6))
    low.set(title="Earned after costs", xlabel="trading day", ylabel="USD", xlim=(0, BARS))
    zero = low.axhline(0, color=GREY, linewidth=0.8)
    usd_axis(low)
    held = {"color": GREY, "linewidth": 4, "linestyle": "-", "solid_capstyle": "butt"}
    return {
        "spread_scale": MovingScale(top, 46),
        "earned_scale": MovingScale(low, 46, [zero]),
        "spread": top.plot([], [], color=BLUE, linewidth=1)[0],
        "score": middle.plot([], [], color=BLUE, linewidth=0.8)[0],
        "enter": middle.plot([], [], color=ORANGE, linestyle="--")[0],
        "leave": middle.plot([], [], color=ORANGE, linestyle=":")[0],
        "long": middle.plot([], [], **held)[0],
        "short": middle.plot([], [], **held)[0],
        "earned": low.plot([], [], color=BLUE)[0],
        "text": low.text(1, 1.06, "", transform=low.transAxes, color=ORANGE, ha="right"),
    }


def update(artists: dict, result: dict) -> None:
    days = np.arange(BARS)
    for name, key, smallest in (("spread", "spread", 5.0), ("earned", "earned_usd", 10_000)):
        artists[name].set_data(days, result[key])
        up, down = doubled(smallest, result[key].max()), doubled(smallest, -result[key].min())
        artists[name].axes.set_ylim(-down, up)
    artists["score"].set_data(days, result["score"])
    for name, level in (("enter", result["entry"]), ("leave", result["exit"])):
        levels = [level, level, np.nan, -level, -level]
        artists[name].set_data([0, BARS, np.nan, 0, BARS], levels)
    for name, side in (("long", 1), ("short", -1)):
        artists[name].set_data(days, np.where(result["side"] == side, -5.6 * side, np.nan))
    artists["text"].set_text(
        f"{result['size']}: {usd(result['earned_usd'][-1])} after {usd(result['costs_usd'])} "
        f"of costs, {result['trips']} round trips"
    )


def describe(state: dict, result: dict) -> str:
    return (
        f"Three panels for the {state['pair']} pair, entry at {state['entry']:g}, exit at "
        f"{result['exit']:g}, window of {state['window']} days. The spread ends "
        f"{result['spread'][-1]:+.1f} % from where it began. {result['size']}: "
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
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.9))
