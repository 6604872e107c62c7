"""Chapter 09: whole contracts from account and stop, and what a year of trades may make of it."""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Explorer, Slider, moving_labels, short_usd
from m2k_lessons.facts import fact
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd

TRADES, PATHS, DRAWN_EVERY = 250, 1_000, 5
# Fees of both sides and one tick, per contract. Whole cents keep // from losing a contract.
COST_CENTS = round(200 * fact("course.commission.M2K").value + 100 * M2K.tick_value)
MARGIN_CENTS = 100 * fact("margin.initial.M2K").value
DEPTHS_PCT = np.arange(101)
HEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@functools.cache
def _luck() -> np.ndarray:
    """The same tosses for every state, so that a moved slider shows the slider, not the luck."""
    return 100 * np.random.default_rng(9).random((TRADES, PATHS))


def compute(equity_usd, risk_pct, stop_points, win_pct, payoff, depth_pct) -> dict:
    """Contracts now, the fan of the account over the trades, and the chance of each drawdown."""
    # Whole cents and whole hundredths of a percent, or rounding down would lose contracts.
    planned = round(100 * stop_points * M2K.multiplier)
    loss, gain = planned + COST_CENTS, round(payoff * planned) - COST_CENTS
    share, of = round(100 * risk_pct), 10_000 * loss
    first = int(min(100 * equity_usd * share // of, 100 * equity_usd // MARGIN_CENTS))
    one_trade = np.where(_luck() < win_pct, gain, -loss)
    cents = np.full((TRADES + 1, PATHS), 100.0 * equity_usd)
    peak, depth = cents[0], np.zeros(PATHS)
    for number, result in enumerate(one_trade):
        equity = cents[number]
        held = np.floor(np.minimum(equity * share / of, equity / MARGIN_CENTS))
        equity = np.add(equity, held * result, out=cents[number + 1])
        peak = np.maximum(peak, equity)
        depth = np.maximum(depth, 1 - equity / peak)
    fan = np.sort(cents[::DRAWN_EVERY], axis=1)[:, [PATHS // 20, PATHS // 2, -PATHS // 20 - 1]]
    deeper = 100 * (PATHS - np.searchsorted(np.sort(100 * depth), DEPTHS_PCT, "right")) / PATHS
    return {
        "contracts": first,
        "at_risk_usd": first * loss / 100,
        "leverage": first * M2K.notional(2400.0) / equity_usd,
        "fan_usd": fan / 100,
        "deeper_pct": deeper,
        "depth": (depth_pct, float(deeper[depth_pct])),
    }


def draw(figure) -> dict:
    figure.set_layout_engine("none")
    margins = {"left": 0.105, "right": 0.985, "bottom": 0.13, "top": 0.81, "wspace": 0.2}
    left, right = figure.subplots(1, 2, gridspec_kw=margins, width_ratios=(3, 2))
    left.set(title="The account over 250 simulated trades", xlabel="trade", xlim=(0, TRADES))
    left.set_ylim(0, 1)
    left.set_ylabel("account, USD", labelpad=42)
    right.set(title="How deep it falls on the way", xlim=(0, 100), ylim=(0, 103))
    right.set(xlabel="drawdown of more than, %", ylabel="accounts that had one, %")
    artists: dict = moving_labels(left, -4, HEIGHTS)
    for name, colour, style in (("low", ORANGE, "--"), ("middle", BLUE, "-"), ("high", GREY, ":")):
        artists[name] = left.plot([], [], color=colour, linestyle=style)[0]
    return artists | {
        "fan_text": left.text(0.03, 0.95, "", transform=left.transAxes, va="top", fontsize=9.5),
        "curve": right.plot(DEPTHS_PCT, 0 * DEPTHS_PCT, color=BLUE)[0],
        "dot": right.plot([], [], "o", color=ORANGE, markersize=9)[0],
        "dot_text": figure.text(0.66, 0.93, "", fontsize=11.5, color=ORANGE),
        "size_text": figure.text(0.105, 0.93, "", fontsize=11.5),
    }


def update(artists: dict, result: dict) -> None:
    fan, (depth_pct, chance_pct) = result["fan_usd"], result["depth"]
    top = 1_000 * 2 ** np.ceil(np.log2(1.35 * fan.max() / 1_000))
    for height in HEIGHTS:
        artists[height].set_text(short_usd(height * top, 1e3))
    for name, line in zip(("low", "middle", "high"), fan.T, strict=True):
        artists[name].set_data(np.arange(0, TRADES + 1, DRAWN_EVERY), line / top)
    words = ("dashed: 5 in 100 end below", "solid: half end below", "dotted: 5 in 100 end above")
    texts = [f"{word} {short_usd(end)}" for word, end in zip(words, fan[-1], strict=True)]
    artists["fan_text"].set_text("\n".join(reversed(texts)))
    artists["curve"].set_ydata(result["deeper_pct"])
    artists["dot"].set_data([depth_pct], [chance_pct])
    artists["dot_text"].set_text(f"over {depth_pct} %: {chance_pct:.0f} in 100 accounts")
    artists["size_text"].set_text(
        f"{result['contracts']} M2K now: {usd(result['at_risk_usd'], 2)} at risk, "
        f"{result['leverage']:.2f} times the account held"
    )


def describe(state: dict, result: dict) -> str:
    low, middle, high = (short_usd(end) for end in result["fan_usd"][-1])
    return (
        f"{usd(state['equity_usd'])} with {state['risk_pct']:g} % at risk and a stop "
        f"{state['stop_points']:g} points away: {result['contracts']} M2K, "
        f"{usd(result['at_risk_usd'], 2)} at risk, {result['leverage']:.2f} times the account "
        f"held at 2,400. {TRADES} simulated trades, {state['win_pct']} % of them wins of "
        f"{state['payoff']:g} planned losses: 5 % of the accounts end below {low}, half below "
        f"{middle}, 5 % above {high}; {result['depth'][1]:.0f} % had a drawdown of more than "
        f"{state['depth_pct']} %."
    )


def explore() -> Explorer:
    """The explorer of chapter 09."""
    controls = [
        Slider("equity_usd", "Account", "USD", 25_000, 2_000, 100_000, 500),
        Slider("risk_pct", "Risk for each trade", "% of account", 1.0, 0.25, 6.0, 0.25),
        Slider("stop_points", "Distance of the stop", "points", 20.0, 2.0, 80.0, 0.5),
        Slider("win_pct", "Trades that win", "%", 40, 30, 60, 1),
        Slider("payoff", "A win, measured in", "planned losses", 1.8, 0.5, 3.0, 0.1),
        Slider("depth_pct", "Drawdown you fear", "%", 20, 1, 90, 1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.65))
