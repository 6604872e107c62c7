"""Chapter 12: value and Greeks of one option, by price, time and volatility."""

from __future__ import annotations

import numpy as np

from m2k_lessons.explorers.base import Choice, Explorer, Slider, doubled
from m2k_lessons.options import M2K_PER_OPTION, OPTION, greeks
from m2k_lessons.plots import BLUE, ORANGE, usd

STRIKE, RATE = 2400.0, 0.04
PRICES = np.linspace(2000.0, 2800.0, 161)
# Title and unit of each panel, and its least height.
PANELS = {
    "value": ("Value, USD", 1_000),
    "delta": ("Delta, M2K", 10),
    "gamma": ("Gamma, M2K for 10 points", 0.1),
    "vega": ("Vega, USD for 1 point of volatility", 50),
    "melt": ("Melting, USD a day (−theta)", 10),
}


def compute_greeks(kind: str, price: float, days: int, vol: int) -> dict:
    """Value and Greeks of one option struck at 2,400, for every price of the future and for one."""
    prices = np.append(PRICES, price)
    of = greeks(prices, STRIKE, days / 365, RATE, vol / 100, kind)
    size = OPTION.multiplier
    lines = {
        "value": of.price * size,
        "delta": of.delta * M2K_PER_OPTION,
        "gamma": of.gamma * M2K_PER_OPTION * 10,
        "vega": of.vega * size,
        "melt": -of.theta * size,
    }
    return {"price": price} | lines


def draw_greeks(figure) -> dict:
    figure.set_layout_engine("none")
    margins = {"left": 0.075, "right": 0.975, "bottom": 0.12, "top": 0.93}
    panels = figure.subplots(2, 3, gridspec_kw=margins | {"wspace": 0.28, "hspace": 0.42}).ravel()
    artists = {}
    for axes, (name, (title, _)) in zip(panels, PANELS.items(), strict=False):
        axes.set_title(title, fontsize=10)
        axes.set(xlim=(2000, 2800), xticks=[2000, 2400, 2800])
        artists[name] = axes.plot([], [], color=BLUE)[0]
        (dot,) = axes.plot([], [], "o", color=ORANGE, markersize=8, clip_on=False)
        artists[f"{name}_dot"] = dot
        if name == "delta":
            axes.set(ylim=(-10.8, 10.8), yticks=[-10, -5, 0, 5, 10])
            continue
        # Scales change with the sliders. Their labels are texts that change, because new limits
        # would mean to draw all the axes again.
        axes.set(ylim=(-0.25 if name == "melt" else -0.05, 1.08), yticks=[0, 0.5, 1])
        axes.set_yticklabels(["0", "", ""])
        for part, height in (("half", 0.5), ("top", 1)):
            artists[f"{name}_{part}"] = axes.text(1985, height, "", ha="right", va="center")
    for axes in panels[:5]:
        axes.set_xlabel("price of the future, points" if axes in panels[2:5] else "")
    panels[5].axis("off")
    return artists | {"text": panels[5].text(0, 0.5, "", va="center", fontsize=10)}


def update_greeks(artists: dict, result: dict) -> None:
    for name, (_, least) in PANELS.items():
        line, top = result[name], 1
        if name != "delta":
            top = doubled(least, line.max())
            artists[f"{name}_half"].set_text(f"{top / 2:,g}")
            artists[f"{name}_top"].set_text(f"{top:,g}")
        artists[name].set_data(PRICES, line[:-1] / top)
        artists[f"{name}_dot"].set_data([result["price"]], [line[-1] / top])
    artists["text"].set_text("\n".join(["At the dot:", *_greek_texts(result)]))


def _greek_texts(result: dict) -> list[str]:
    value, delta, gamma, vega, melt = (result[name][-1] for name in PANELS)
    return [
        f"future at {result['price']:,.0f}",
        f"value {usd(value)}",
        f"moves like {round(delta, 1) + 0.0:.1f} M2K".replace("-", "−"),
        f"{gamma:.2f} M2K more for 10 points",
        f"{usd(vega)} for a point of volatility",
        f"{'melts' if round(melt) >= 0 else 'grows'} by {usd(abs(melt))} a day",
    ]


def describe_greeks(state: dict, result: dict) -> str:
    return (
        f"One {state['kind']} struck at 2,400 with {state['days']} "
        f"day{'s' if state['days'] > 1 else ''} left and a volatility of "
        f"{state['vol']} %, five curves over the future's price. At the dot: "
        f"{'; '.join(_greek_texts(result))}."
    )


def explore_greeks() -> Explorer:
    """The Greeks of chapter 12, with price, time and volatility."""
    controls = [
        Choice("kind", "Option, struck at 2,400", ("put", "call"), "put"),
        Slider("price", "Price of the future", "points", 2400.0, 2000.0, 2800.0, 5.0),
        Slider("days", "Days left", "days", 60, 1, 180, 1),
        Slider("vol", "Implied volatility", "% a year", 22, 5, 60, 1),
    ]
    parts = (compute_greeks, draw_greeks, update_greeks, describe_greeks)
    return Explorer(controls, *parts, size=(9.0, 3.8))
