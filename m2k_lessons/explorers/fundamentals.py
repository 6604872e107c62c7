"""Chapter 08: three economic figures and the quarter's premium; one industry and the index."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from m2k_lessons import fundamentals
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Choice, Explorer, Slider
from m2k_lessons.plots import BLUE, GREY, ORANGE, SKY, usd

PRICE = 2400.0
SECTORS = fundamentals.sector_weights()


@functools.cache
def record() -> tuple[pd.Series, fundamentals.Regression]:
    """The real quarterly premium, 1959 to 2009, and its regression on the three figures."""
    figures = fundamentals.macro().rename(columns={"unemployment_pct": "unemployment"})
    parts = figures.rename(columns={"tbill_pct": "rate"})[["unemployment", "rate"]].diff()
    parts["spending"] = fundamentals.growth_rate(figures["consumption"])
    premium = fundamentals.quarterly(fundamentals.small_cap_premium()["smb_pct"])
    fit = fundamentals.regress(premium, parts)
    return premium.loc[fit.first : fit.last], fit


def compute_macro(unemployment: float, rate: float, spending: float) -> dict:
    """Expected premium of such a quarter in %, its interval, and where single quarters lie."""
    fit, per_cent_usd = record()[1], M2K.notional(PRICE) / 100
    mean, low, high = fit.expected(unemployment=unemployment, rate=rate, spending=spending)
    wide = 2 * fit.residual_sd
    ends = {"low": low, "high": high, "quarter_low": mean - wide, "quarter_high": mean + wide}
    return ends | {"mean": mean, "usd": mean * per_cent_usd, "swing_usd": wide / 2 * per_cent_usd}


def draw_macro(figure) -> dict:
    premium, fit = record()
    axes = figure.add_subplot()
    axes.hist(premium, np.arange(-14, 17), color="#E3E3E3", edgecolor="white")
    axes.set_ylabel("number of quarters")
    axes.axvline(0, ymax=0.82, color=GREY, linewidth=0.8)  # the texts are above it
    axes.set(title=f"The {fit.n} real quarters {fit.first} to {fit.last}, and the one you describe")
    axes.set(xlabel="small minus large, % in the quarter", xlim=(-22, 24), ylim=(0, 36))
    return {
        "quarter": axes.plot([], [], color=SKY, linewidth=9, solid_capstyle="butt")[0],
        "interval": axes.plot([], [], "-", color=ORANGE, linewidth=4, solid_capstyle="butt")[0],
        "mean": axes.plot([], [], "D", color=ORANGE, markersize=9)[0],
        "text": axes.text(0.015, 0.93, "", transform=axes.transAxes, color=ORANGE),
        "quarter_text": axes.text(0.015, 0.86, "", transform=axes.transAxes, color=BLUE),
    }


def update_macro(artists: dict, result: dict) -> None:
    artists["quarter"].set_data([result["quarter_low"], result["quarter_high"]], [28, 28])
    artists["interval"].set_data([result["low"], result["high"]], [28, 28])
    artists["mean"].set_data([result["mean"]], [28])
    text = "expected: {mean:+.1f} % (diamond), interval {low:+.1f} to {high:+.1f} % (dark bar); "
    text = text.format(**result).replace("-", "−")
    artists["text"].set_text(f"{text}on one M2K {usd(result['usd'])}")
    text = "most single quarters: {quarter_low:+.1f} to {quarter_high:+.1f} % (pale bar)"
    artists["quarter_text"].set_text(text.format(**result).replace("-", "−"))


def describe_macro(state: dict, result: dict) -> str:
    text = (
        "Histogram of quarters, above it a diamond and two bars. Unemployment {unemployment:+.1f} "
        "points, bill rate {rate:+.2f}, spending {spending:+.1f} %: expected premium "
        "{mean:+.2f} %, interval {low:+.2f} to {high:+.2f} %; most quarters {quarter_low:+.1f} to "
        "{quarter_high:+.1f} %. "
    ).format(**state, **result)
    held = f"On one M2K: {usd(result['usd'])}, a quarter swings by {usd(result['swing_usd'])}."
    return text.replace("-", "−") + held


def explore_macro() -> Explorer:
    """What a quarter's economy goes with: the record 1959 to 2009, not a forecast."""
    controls = [
        Slider("unemployment", "Change in unemployment", "% points", 0.5, -1.0, 1.6, 0.1),
        Slider("rate", "Change in the bill rate", "% points", 0.0, -3.0, 3.0, 0.25),
        Slider("spending", "Growth of real spending", "% a quarter", 0.8, -2.0, 2.8, 0.1),
    ]
    return Explorer(controls, compute_macro, draw_macro, update_macro, describe_macro, (9.2, 4.1))


def compute_sector_shock(sector: str, shock_pct: int, follow_pct: int, contracts: int) -> dict:
    """Each sector's contribution in percentage points, and the index's move in three units."""
    moves = pd.Series(shock_pct * follow_pct / 100, index=SECTORS.index)
    moves[sector] = shock_pct
    arguments = (SECTORS, sector, shock_pct, PRICE, M2K, contracts)
    shock = fundamentals.sector_shock(*arguments, others_follow=follow_pct / 100)
    return shock._asdict() | {"contribution": (SECTORS * moves).to_numpy()}


def draw_sector_shock(figure) -> dict:
    axes = figure.subplots()
    axes.set(xlabel=f"percentage points of the index (weights of {SECTORS.attrs['as_of']})")
    axes.set_yticks(range(len(SECTORS)), [f"{n}  {100 * w:.2f} %" for n, w in SECTORS.items()])
    axes.set(ylim=(len(SECTORS) - 0.4, -0.6), xlim=(-6, 6), title="What each sector adds")
    axes.axvline(0, color=GREY, linewidth=0.8)
    bars = axes.barh(range(len(SECTORS)), 0, color=BLUE, hatch="//", edgecolor="w", linewidth=0)
    text = axes.text(1, 1.03, "", transform=axes.transAxes, color=ORANGE, ha="right")
    return {f"bar {n}": bar for n, bar in enumerate(bars)} | {"text": text}


def update_sector_shock(artists: dict, result: dict) -> None:
    for n, width in enumerate(result["contribution"]):
        artists[f"bar {n}"].set_width(width)
    text = "index {index_pct:+.2f} %, {index_points:+.1f} points, ".format(**result)
    artists["text"].set_text(text.replace("-", "−") + f"position {usd(result['usd'])}")


def describe_sector_shock(state: dict, result: dict) -> str:
    text = (
        "Bars, one for each sector. {sector} moves by {shock_pct} %, each of the others by "
        "{follow_pct} % of that: index {index_pct:+.2f} %, {index_points:+.1f} points from 2,400. "
        "A position of {contracts} M2K makes "
    ).format(**result | state)
    return text.replace("-", "−") + f"{usd(result['usd'])}."


def explore_sector_shock() -> Explorer:
    """One industry moves: how far does the index, and what does it cost?"""
    controls = [
        Choice("sector", "Industry", tuple(SECTORS.index), SECTORS.index[0]),
        Slider("shock_pct", "It moves by", "%", -10, -30, 30, 1),
        Slider("follow_pct", "The others follow by", "% of that", 0, 0, 100, 5),
        Slider("contracts", "Contracts held", "M2K at 2,400", 1, -10, 10, 1),
    ]
    functions = compute_sector_shock, draw_sector_shock, update_sector_shock, describe_sector_shock
    return Explorer(controls, *functions, size=(9.2, 3.8))
