"""Chapter 12: a position built from futures and options, at expiry and before."""

from __future__ import annotations

import numpy as np

from m2k_lessons.explorers.base import Explorer, Slider, doubled, moving_labels
from m2k_lessons.options import Leg, black76, premium_usd, profit
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd

PRICE, RATE, TERM_DAYS = 2400.0, 0.04, 60
PRICES = np.arange(1900.0, 2901.0, 5.0)
HEIGHTS = (-1.0, -0.5, 0.0, 0.5, 1.0)
LEAST_USD = 8_000  # the scale's smallest top


def compute_payoff(
    futures: int, put_strike: float, puts: int, call_strike: float, calls: int, days: int, vol: int
) -> dict:
    """P&L of futures and options in USD, at expiry and with `days` left; premiums of 60 days."""
    terms, legs = (TERM_DAYS / 365, RATE, vol / 100), []
    if futures:
        legs.append(Leg("future", futures, PRICE))
    for kind, strike, number in (("put", put_strike, puts), ("call", call_strike, calls)):
        if number:
            legs.append(Leg(kind, number, black76(PRICE, strike, *terms, kind), strike))
    if not legs:
        return {"premium_usd": 0.0, "expiry_usd": 0 * PRICES, "now_usd": 0 * PRICES, "days": days}
    return {
        "premium_usd": premium_usd(legs),
        "expiry_usd": profit(legs, PRICES),
        "now_usd": profit(legs, PRICES, days / 365, RATE, vol / 100),
        "days": days,
    }


def draw_payoff(figure) -> dict:
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.125, 0.13, 0.855, 0.7))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axvline(PRICE, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel="price of the future, points", xlim=(1900, 2900))
    axes.set_ylim(-1.03, 1.03)
    axes.set_ylabel("profit or loss, USD", labelpad=46)
    return moving_labels(axes, 1888, HEIGHTS) | {
        "now": axes.plot([], [], color=ORANGE, linestyle="--")[0],
        "expiry": axes.plot([], [], color=BLUE)[0],
        "text": figure.text(0.125, 0.92, "", fontsize=11.5),
        "ends": figure.text(0.125, 0.86, "", fontsize=9.5),
    }


def update_payoff(artists: dict, result: dict) -> None:
    reach = np.abs([result["expiry_usd"], result["now_usd"]]).max()
    top = doubled(LEAST_USD, 1.03 * reach)
    for height in HEIGHTS:
        artists[height].set_text(usd(height * top / 1_000) + ("k" if height else ""))
    artists["expiry"].set_data(PRICES, result["expiry_usd"] / top)
    artists["now"].set_data(PRICES, result["now_usd"] / top)
    artists["text"].set_text(_payoff_title(result))
    artists["ends"].set_text(_payoff_ends(result))


def _payoff_title(result: dict) -> str:
    word = "paid" if result["premium_usd"] >= 0 else "received"
    paid = f"Premiums {word}: {usd(abs(result['premium_usd']))}"
    return f"{paid}. Solid: at expiry. Dashed: {result['days']} days left"


def _payoff_ends(result: dict) -> str:
    at = np.searchsorted(PRICES, [2100, 2300, PRICE, 2500, 2700])
    ends = (f"{PRICES[i]:,.0f}: {usd(result['expiry_usd'][i])}" for i in at)
    return "At expiry at " + ", ".join(ends)


def describe_payoff(state: dict, result: dict) -> str:
    held = [f"{state['futures']} M2K from 2,400".replace("-", "−")]
    for kind in ("put", "call"):
        number, strike = state[f"{kind}s"], state[f"{kind}_strike"]
        done = "bought" if number > 0 else "sold"
        if number:
            plural = "s" if abs(number) > 1 else ""
            held.append(f"{abs(number)} {kind}{plural} {done} at a strike of {strike:,.0f}")
    return (
        f"{', '.join(held)}, volatility {state['vol']} %. "
        f"{_payoff_title(result)}. {_payoff_ends(result)}. The dashed line: "
        f"{usd(result['now_usd'][40])} at 2,100 and {usd(result['now_usd'][160])} at 2,700."
    )


def explore_payoff() -> Explorer:
    """The payoff builder of chapter 12."""
    controls = [
        Slider("futures", "Futures held", "M2K from 2,400", 10, -20, 20, 5),
        Slider("put_strike", "Strike of the puts", "points", 2300.0, 2000.0, 2600.0, 10.0),
        Slider("puts", "Puts (below 0: sold)", "on RTY", 1, -2, 2, 1),
        Slider("call_strike", "Strike of the calls", "points", 2500.0, 2200.0, 2800.0, 10.0),
        Slider("calls", "Calls (below 0: sold)", "on RTY", -1, -2, 2, 1),
        Slider("days", "Days left, dashed line", "of 60", 30, 0, TERM_DAYS, 1),
        Slider("vol", "Implied volatility", "% a year", 22, 5, 60, 1),
    ]
    parts = (compute_payoff, draw_payoff, update_payoff, describe_payoff)
    return Explorer(controls, *parts, size=(8.4, 3.5))
