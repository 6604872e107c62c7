"""Chapter 07: averages, RSI and bands at any setting, and what followed their signals."""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons import data
from m2k_lessons.explorers.base import Choice, Explorer, MovingScale, Slider, doubled
from m2k_lessons.indicators import bollinger, crossover, rsi, sma, sma_crossover
from m2k_lessons.plots import BLUE, GREEN, GREY, ORANGE, PURPLE

SHOWN = 120  # trading days in the picture
SIGNALS = ("averages cross up", "averages cross down", "RSI falls below", "RSI rises above")
SIGNALS += ("close below lower band", "close above upper band")
LOOKS = {"close": ("-", GREY), "fast": ("-", BLUE), "slow": ("--", ORANGE)}
LOOKS |= {"lower": (":", GREEN), "upper": (":", GREEN)}


@functools.cache
def course_bars():
    """M2K without roll gaps, and beside it the price really traded, which percentages need."""
    market = data.load("daily")
    return market["M2K_continuous"][["open", "close"]].assign(paid=market["M2K"]["open"])


def compute(signal, fast, slow, rsi_window, distance, band_window, width, days, first, bars=None):
    """Lines of the days shown, signals of all days, and the % change that followed the chosen."""
    bars = course_bars() if bars is None else bars
    close, opens, paid = (bars[name].to_numpy() for name in ("close", "open", "paid"))
    strength, bands = rsi(close, rsi_window), bollinger(close, band_window, width)
    cross, lower, upper = sma_crossover(close, fast, slow), bands[:, 0], bands[:, 2]
    low, high = (crossover(strength, 50 + side * distance) for side in (-1, 1))
    down, up = crossover(close, lower), crossover(close, upper)
    marks = (cross == 1, cross == -1, low == -1, high == 1, down == -1, up == 1)
    change = 100 * (opens[1 + days :] - opens[1:-days]) / paid[1:-days]
    chosen, apart = np.flatnonzero(marks[SIGNALS.index(signal)]), []
    for bar in chosen[chosen < len(change)]:
        if not apart or bar - apart[-1] >= days:
            apart.append(bar)
    span = slice(first, first + SHOWN)
    lines = zip(LOOKS, (close, sma(close, fast), sma(close, slow), lower, upper), strict=True)
    return {name: 100 + 100 * (line[span] - close[first]) / paid[first] for name, line in lines} | {
        "rsi": strength[span],
        "limits": 50 + distance * np.array([-1, -1, np.nan, 1, 1]),
        "spread": 100 * (upper - lower)[span] / paid[span],
        "seen": chosen[(chosen >= first) & (chosen < first + SHOWN)] - first,
        "dates": f"{bars.index[first]:%Y-%m-%d} to {bars.index[first + SHOWN - 1]:%Y-%m-%d}",
        "counts": [int(mark.sum()) for mark in marks],
        "after": change[apart],
        "all_days": float(change.mean()),
    }


def draw(figure) -> dict:
    figure.set_layout_engine("none")
    layout: dict = {"left": 0.085, "right": 0.985, "bottom": 0.12, "top": 0.93, "hspace": 0.16}
    layout["height_ratios"] = (3, 1.5, 1.2)
    price, strength, spread = figure.subplots(3, 1, sharex=True, gridspec_kw=layout)
    price.set(xlim=(0, SHOWN), ylabel="first close = 100")
    strength.set(ylim=(0, 100), ylabel="RSI")
    spread.set(ylim=(0, 40), ylabel="width, %", xlabel="trading days shown")
    artists = {name: price.plot([], [], look[0], color=look[1])[0] for name, look in LOOKS.items()}
    artists["seen"] = price.plot([], [], "D", color=PURPLE)[0]
    handles = [artists[name] for name in ("close", "fast", "slow", "upper", "seen")]
    names = ("close", "fast average", "slow average", "bands", "signal")
    legend = price.legend(handles, names, ncols=5, loc="lower left", fontsize=9)
    artists["scale"] = MovingScale(price, 34, [legend])
    artists["rsi"] = strength.plot([], [], color=BLUE, linestyle="-")[0]
    artists["limits"] = strength.plot([], [], "--", color=ORANGE, linewidth=1)[0]
    artists["spread"] = spread.plot([], [], color=GREEN, linestyle="-")[0]
    artists["found"] = figure.text(0.985, 0.945, "", ha="right")  # no line gets there
    return artists | {"dates": figure.text(0.085, 0.945, "")}


def _found(result: dict) -> str:
    """Such as: 27 counted, mean +0.06 % ± 1.17; all days +0.33 %."""
    after, found = result["after"], f"{len(result['after'])} counted"
    if len(after) > 1:  # one alone has no standard error
        found += f", mean {after.mean():+.2f} % ± {2 * after.std(ddof=1) / len(after) ** 0.5:.2f}"
    return f"{found}; all days {result['all_days']:+.2f} %".replace("-", "−")


def update(artists: dict, result: dict) -> None:
    for name in (*LOOKS, "rsi", "spread"):
        artists[name].set_data(np.arange(SHOWN), result[name])
    artists["limits"].set_data([0, SHOWN, np.nan, 0, SHOWN], result["limits"])
    artists["seen"].set_data(result["seen"], result["close"][result["seen"]])
    limit = doubled(12.5, 1.25 * np.abs(result["close"] - 100).max())
    artists["close"].axes.set_ylim(100 - limit, 100 + limit)
    artists["dates"].set_text(result["dates"])
    artists["found"].set_text(_found(result))


def describe(state: dict, result: dict) -> str:
    counts = (f"{name} {count}" for name, count in zip(SIGNALS, result["counts"], strict=True))
    return (
        f"Close with averages and bands, RSI, and band width, {result['dates']}; the close goes "
        f"from 100 to {result['close'][-1]:.1f}. Signals in all years: {', '.join(counts)}. "
        f"Change in the {state['days']} days after {state['signal']}, give or take two "
        f"standard errors: {_found(result)}."
    )


def explore(bars=None) -> Explorer:
    """The explorer of chapter 07; `bars` with open, close and paid shows other prices."""
    last = len(course_bars() if bars is None else bars) - SHOWN
    if last < 0:
        raise ValueError(f"bars must have at least {SHOWN} rows, got {last + SHOWN}")
    controls = [
        Choice("signal", "Signal to count", SIGNALS, SIGNALS[0]),
        Slider("fast", "Fast average", "days", 20, 2, 40, 1),
        Slider("slow", "Slow average", "days", 50, 45, 200, 5),
        Slider("rsi_window", "RSI window", "days", 14, 2, 40, 1),
        Slider("distance", "RSI lines from 50", lambda d: f"{50 - d} and {50 + d}", 20, 5, 45, 5),
        Slider("band_window", "Band window", "days", 20, 5, 60, 1),
        Slider("width", "Bands at", "deviations", 2.0, 0.5, 3.5, 0.1),
        Slider("days", "Days after it", "days", 10, 1, 40, 1),
        Slider("first", "First day shown", "day number", min(1100, last), 0, last, 1),
    ]
    own = functools.partial(compute, bars=bars)
    return Explorer(controls, own, draw, update, describe, size=(9.6, 3.9))
