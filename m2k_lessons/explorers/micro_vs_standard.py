"""Chapter 03: what an account can hold, and what getting in and out of it costs."""

from __future__ import annotations

import numpy as np

from m2k_lessons.contracts import M2K, RTY
from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.facts import fact
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

ACCOUNTS_USD = np.arange(1_000, 160_001, 250)
PRICE = 2400.0


def compute(equity_usd, risk_pct, stop_points, micro_fee, micro_ticks, standard_fee) -> dict:
    """Share of the plan held and round-turn cost: all accounts drawn, and the learner's last."""
    accounts = np.append(ACCOUNTS_USD, equity_usd)
    # One percent of a dollar is a cent. Whole cents keep // from losing a contract to rounding.
    budget_cents = np.rint(accounts * risk_pct).astype(np.int64)
    asked = budget_cents // round(100 * stop_points * M2K.multiplier)
    # An RTY counts as ten M2K: its own newest margin on the list is older, and belongs to its day.
    micros = np.minimum(asked, accounts // fact("margin.initial.M2K").value)
    standards = micros // 10
    micro_turn = 2 * micro_fee + micro_ticks * M2K.tick_value
    standard_turn = 2 * standard_fee + fact("spread.RTY.rth_ticks").value * RTY.tick_value
    micro_usd = micros * stop_points * M2K.multiplier
    standard_usd = standards * stop_points * RTY.multiplier
    mixed_usd = standards * standard_turn + micros % 10 * micro_turn
    some = np.where(micros > 0, micros, np.nan)  # no contract has no cost: the lines begin later
    return {
        "micro": 1e4 * micro_usd / budget_cents,
        "standard": 1e4 * standard_usd / budget_cents,
        "only": 1e4 * some / some * micro_turn / M2K.notional(PRICE),
        "mixed": 1e4 * mixed_usd / (some * M2K.notional(PRICE)),
        "held": (int(micros[-1]), int(standards[-1])),
        "limit": " (margin's limit)" if micros[-1] < asked[-1] else "",
        "risk_usd": (float(micro_usd[-1]), float(standard_usd[-1])),
        "cost_usd": (float(micros[-1] * micro_turn), float(mixed_usd[-1])),
        "budget_usd": budget_cents[-1] / 100,
        "equity_usd": equity_usd,
    }


def draw(figure) -> dict:
    left, right = figure.subplots(1, 2)
    left.set(title="Does the position fit the plan?", ylim=(0, 140), yticks=range(0, 101, 25))
    left.set_ylabel("loss at the stop, % of what was asked for")
    left.axhline(100, color=GREY, linewidth=1.0, linestyle=":")
    right.set(title="What does a round turn cost?", ylim=(0, 5))
    right.set_ylabel("basis points of the market held")
    artists = {}
    for axes, dashed, solid in ((left, "micro", "standard"), (right, "only", "mixed")):
        axes.set(xlabel="account, USD", xlim=(0, 160_000), xticks=range(0, 160_001, 40_000))
        usd_axis(axes, "x")
        for name, colour, style, y in ((dashed, BLUE, "--", 0.93), (solid, ORANGE, "-", 0.84)):
            artists[name] = axes.plot([], [], color=colour, linestyle=style, linewidth=1.5)[0]
            artists[f"{name}_dot"] = axes.plot([], [], "o", color=colour, markersize=8)[0]
            artists[f"{name}_text"] = axes.text(0.03, y, "", color=colour, transform=axes.transAxes)
    return artists


def update(artists: dict, result: dict) -> None:
    (micros, standards), risk, cost = result["held"], result["risk_usd"], result["cost_usd"]
    limit = result["limit"]
    labels = {
        "micro": f"dashed: {micros} M2K{limit}, {usd(risk[0])} of {usd(result['budget_usd'])}",
        "standard": f"solid: {standards} RTY, {usd(risk[1])} of {usd(result['budget_usd'])}",
        "only": f"dashed: {micros} M2K, {usd(cost[0], 2)}",
        "mixed": f"solid: {standards} RTY + {micros % 10} M2K, {usd(cost[1], 2)}",
    }
    for name, label in labels.items():
        artists[name].set_data(ACCOUNTS_USD, result[name][:-1])
        artists[f"{name}_dot"].set_data([result["equity_usd"]], [result[name][-1]])
        artists[f"{name}_text"].set_text(label)


def describe(state: dict, result: dict) -> str:
    (micros, standards), risk, cost = result["held"], result["risk_usd"], result["cost_usd"]
    return (
        f"Left: {usd(state['equity_usd'])} with {state['risk_pct']:g} % at risk and a stop "
        f"{state['stop_points']:g} points away may lose {usd(result['budget_usd'], 2)}: {micros} "
        f"M2K{result['limit']} risk {usd(risk[0], 2)} of it, {standards} RTY {usd(risk[1], 2)}. "
        f"Right: a round turn "
        f"costs {usd(cost[0], 2)} in micros, and {usd(cost[1], 2)} as {standards} RTY and "
        f"{micros % 10} M2K. With {usd(ACCOUNTS_USD[-1])} the two ways cost "
        f"{result['only'][-2]:.2f} and {result['mixed'][-2]:.2f} basis points."
    )


def explore() -> Explorer:
    """The explorer of chapter 03."""
    micro_fee, standard_fee = (fact(f"course.commission.{s}").value for s in ("M2K", "RTY"))
    controls = [
        Slider("equity_usd", "Account", "USD", 25_000, 1_000, 160_000, 500),
        Slider("risk_pct", "Risk for each trade", "% of account", 1.0, 0.25, 5.0, 0.25),
        Slider("stop_points", "Distance of the stop", "points", 15.0, 1.0, 60.0, 0.5),
        Slider("micro_fee", "Fee for one M2K, a side", "USD", micro_fee, 0.2, 1.2, 0.01),
        Slider("micro_ticks", "Spread of M2K", "ticks", 1, 1, 4, 1),
        Slider("standard_fee", "Fee for one RTY, a side", "USD", standard_fee, 1.0, 8.0, 0.05),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.6))
