"""Chapter 13: four hundred pairs of averages, chosen in one part and judged in the other."""

from __future__ import annotations

import functools
import math

import matplotlib as mpl
import numpy as np
import pandas as pd

from m2k_lessons import data, strategies, sweep
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Choice, Explorer, Slider
from m2k_lessons.plots import usd

FAST, SLOW = tuple(range(1, 21)), tuple(range(22, 102, 4))
MARKETS = ("course market", "trend", "reversion", "random walk")
LIMIT = 1.2  # of the colours; a ratio beyond it has the last colour
COLOURS = mpl.colormaps["cividis"].resampled(24)  # few enough for a small still picture
YEAR = 252
PARTS = ("in_sample", "out_of_sample")


@functools.cache
def _bars(market: str) -> tuple[pd.DataFrame, pd.Series | None]:
    if market != "course market":
        return data.load("regimes")[market.replace(" ", "_")], None
    course = data.load("daily")
    rolls = course["rolls"]
    return course["M2K"], rolls.loc[rolls["symbol"] == "M2K", "gap_points"]


def compute(market: str, years: int, cost_ticks: float) -> dict:
    """Sharpe ratios in dollars of every pair in both parts, and the pair chosen in the first."""
    bars, gaps = _bars(market)
    tables = []
    for part in (bars.iloc[: years * YEAR], bars.iloc[years * YEAR :]):
        # Rich and without margin: the dollars of one contract are the same, and no run is cut.
        fee = cost_ticks * M2K.tick_value
        account = {"capital": 1_000_000, "margin": 0, "commission_usd": fee, "slippage_ticks": 0}
        ready = sweep.prepare(part, roll_gap_points=gaps, **account)
        tables.append(ready.sweep(strategies.trend_following, {"fast": FAST, "slow": SLOW}))
    ratios = [table["Sharpe Ratio [$]"].to_numpy() for table in tables]
    best = int(ratios[0].argmax())
    lengths = (years, len(bars) / YEAR - years)
    return {
        "maps": [ratio.reshape(len(FAST), len(SLOW)).T for ratio in ratios],
        "best": (FAST[best // len(SLOW)], SLOW[best % len(SLOW)]),
        "ratios": [float(ratio[best]) for ratio in ratios],
        "errors": [1 / math.sqrt(length) for length in lengths],
        "profits_usd": [float(table["Return [$]"].iloc[best]) for table in tables],
        "better_later": int((ratios[1] > ratios[1][best]).sum()),
    }


def draw(figure) -> dict:
    figure.set_layout_engine("none")
    margins = {"left": 0.07, "right": 0.89, "bottom": 0.13, "top": 0.82, "wspace": 0.14}
    artists = {}
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw=margins)
    titles = ("In sample: here the star is chosen", "Out of sample: the same star")
    for name, axes, title in zip(PARTS, panels, titles, strict=True):
        axes.grid(visible=False)
        axes.set(xlabel="fast average, days", xlim=(0.5, 20.5), xticks=(1, 5, 10, 15, 20))
        axes.set_ylim(20, 100)
        axes.set_title(title, pad=24)
        look = {"origin": "lower", "aspect": "auto", "vmin": -LIMIT, "vmax": LIMIT}
        look |= {"extent": (0.5, 20.5, 20, 100), "cmap": COLOURS}
        artists[name] = axes.imshow(np.zeros((len(SLOW), len(FAST))), **look)
        star = {"marker": "*", "markersize": 15, "color": "white", "markeredgecolor": "black"}
        artists[f"{name}_star"] = axes.plot([], [], linestyle="", zorder=3, **star)[0]
        artists[f"{name}_text"] = axes.text(0, 1.03, "", transform=axes.transAxes)
    panels[0].set_ylabel("slow average, days")
    scale = figure.add_axes((0.91, 0.13, 0.015, 0.69))
    figure.colorbar(artists[PARTS[0]], cax=scale, label="Sharpe ratio", extend="both")
    return artists


def update(artists: dict, result: dict) -> None:
    for number, name in enumerate(PARTS):
        artists[name].set_data(result["maps"][number])
        artists[f"{name}_star"].set_data([[result["best"][0]], [result["best"][1]]])
        ratio = f"{result['ratios'][number]:.2f} ± {result['errors'][number]:.2f}"
        profit = usd(result["profits_usd"][number])
        artists[f"{name}_text"].set_text(f"star: {ratio}, {profit}".replace("-", "−"))


def describe(state: dict, result: dict) -> str:
    first, later = (f"{ratio:.2f}".replace("-", "−") for ratio in result["ratios"])
    fast, slow = result["best"]
    earned, earned_later = map(usd, result["profits_usd"])
    return (
        f"Two heat maps of Sharpe ratios after costs, {state['market']} (simulated), "
        f"{state['cost_ticks']:g} ticks a side. In the first {state['years']} years the best of "
        f"{len(FAST) * len(SLOW)} pairs is {fast} and {slow} days: {first} ± "
        f"{result['errors'][0]:.2f}, {earned}. In the years after it reaches {later} ± "
        f"{result['errors'][1]:.2f}, {earned_later}; {result['better_later']} pairs do better."
    )


def explore() -> Explorer:
    """The explorer of chapter 13."""
    controls = [
        Choice("market", "Market", MARKETS, "random walk"),
        Slider("years", "Years in sample", "years of ten", 5, 2, 8, 1),
        Slider("cost_ticks", "Cost", "ticks a side", 2.7, 0.0, 40.0, 0.1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 4.2))
