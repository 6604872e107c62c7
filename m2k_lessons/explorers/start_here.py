"""Chapter 00: the smallest explorer, to see how explorers work."""

from __future__ import annotations

from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis


def compute(points: int, contracts: int) -> dict:
    """Dollars that a move of `points` makes on `contracts`."""
    return {"points": points, "usd": points * M2K.multiplier * contracts, "slope": contracts}


def draw(figure) -> dict:
    axes = figure.add_subplot()
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(title="Points become dollars", xlabel="price move, points", xlim=(-20, 20))
    axes.set(ylabel="profit or loss, USD", ylim=(-550, 550))
    usd_axis(axes)
    return {
        "line": axes.plot([], [], color=BLUE)[0],
        "dot": axes.plot([], [], "o", color=ORANGE, markersize=10, clip_on=False)[0],
        "text": axes.text(0.03, 0.92, "", transform=axes.transAxes, color=ORANGE),
    }


def update(artists: dict, result: dict) -> None:
    slope_usd = M2K.multiplier * result["slope"]
    artists["line"].set_data([-20, 20], [-20 * slope_usd, 20 * slope_usd])
    artists["dot"].set_data([result["points"]], [result["usd"]])
    artists["text"].set_text(f"{moved(result)}: {usd(result['usd'])}")


def moved(where: dict) -> str:
    return f"{where['points']:+d} points".replace("-", "−")


def describe(state: dict, result: dict) -> str:
    return (
        f"A straight line through zero. A move of {moved(state)} on "
        f"{state['contracts']} M2K makes {usd(result['usd'])}."
    )


def explore() -> Explorer:
    """The explorer of chapter 00."""
    controls = [
        Slider("points", "Price move", "points", 12, -20, 20, 1),
        Slider("contracts", "Contracts", "M2K", 2, 1, 5, 1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(7.6, 3.4))
