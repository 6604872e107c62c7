"""Chapter 01: a profit-and-loss ladder, and the same position marked to market for a week."""

from __future__ import annotations

import numpy as np

from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.facts import fact
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

ENTRY = 2400.0
WEEK_MOVES = np.array([-12.4, 6.1, -31.7, -18.9, 4.3])  # points a day; made up for this picture
DAYS = ("start", "Mon", "Tue", "Wed", "Thu", "Fri")
INITIAL_USD = fact("margin.initial.M2K").value
MAINTENANCE_USD = fact("margin.maintenance.M2K").value
BEYOND = 120.0  # points shown on either side of the entry


def compute(contracts: int, exit_price: float, deposit_usd: int) -> dict:
    """P&L over a ladder of exit prices, and the account's balance through the week."""
    ladder = np.array([ENTRY - BEYOND, ENTRY + BEYOND])
    balances = deposit_usd + M2K.multiplier * contracts * np.r_[0.0, WEEK_MOVES.cumsum()]
    needed, to_open = abs(contracts) * MAINTENANCE_USD, abs(contracts) * INITIAL_USD
    return {
        "contracts": contracts,
        "exit_price": exit_price,
        "ladder": ladder,
        "ladder_usd": M2K.pnl(ENTRY, ladder, contracts),
        "pnl_usd": M2K.pnl(ENTRY, exit_price, contracts),
        "balances_usd": balances,
        "needed_usd": needed,
        "to_open_usd": to_open,
        "opens": deposit_usd >= to_open,
        "first_call": next((DAYS[i] for i in range(6) if balances[i] < needed), None),
    }


def draw(figure) -> dict:
    left, right = figure.subplots(1, 2)
    left.axhline(0, color=GREY, linewidth=0.8)
    left.axvline(ENTRY, color=GREY, linewidth=0.8, linestyle=":")
    left.set_title(f"Profit or loss of a position entered at {ENTRY:,.1f}")
    left.set(xlabel="exit price, points", xlim=(ENTRY - BEYOND, ENTRY + BEYOND))
    left.set(ylabel="profit or loss, USD", ylim=(-3900, 3900))
    right.set(title="Balance, marked to market each day", ylabel="account, USD")
    moves = ["", *(f"\n{move:+.1f}".replace("-", "−") for move in WEEK_MOVES)]
    right.set_xticks(range(6), [day + move for day, move in zip(DAYS, moves, strict=True)])
    right.set_xlabel("day, and its move in points")
    right.set(ylim=(-1000, 10_400), xlim=(-0.3, 5.3))
    for axes in (left, right):
        usd_axis(axes)
    return {
        "ladder": left.plot([], [], color=BLUE)[0],
        "exit": left.plot([], [], "o", color=ORANGE, markersize=9, clip_on=False)[0],
        "exit_text": left.text(0.03, 0.93, "", transform=left.transAxes, color=ORANGE),
        "balance": right.plot([], [], "o-", color=BLUE)[0],
        "needed": right.plot([], [], color=ORANGE, linestyle="--")[0],
        "verdict": right.text(0.03, 0.93, "", transform=right.transAxes, color=ORANGE),
        "needed_text": right.text(0, 0, "", color=ORANGE, ha="right", va="top"),
    }


def update(artists: dict, result: dict) -> None:
    artists["ladder"].set_data(result["ladder"], result["ladder_usd"])
    artists["exit"].set_data([result["exit_price"]], [result["pnl_usd"]])
    artists["exit_text"].set_text(f"{signed(result['contracts'])} M2K: {usd(result['pnl_usd'])}")
    artists["verdict"].set_text(verdict(result))
    artists["balance"].set_data(range(6), result["balances_usd"])
    artists["needed"].set_data([-0.3, 5.3], [result["needed_usd"]] * 2)
    above = result["balances_usd"][-1] < result["needed_usd"]  # keep clear of the balance
    artists["needed_text"].set_position((5.25, result["needed_usd"] + (600 if above else -150)))
    artists["needed_text"].set_text(f"maintenance margin {usd(result['needed_usd'])}")


def signed(contracts: int) -> str:
    return f"{contracts:+d}".replace("-", "−") if contracts else "0"


def verdict(result: dict) -> str:
    if not result["contracts"]:
        return "no position"
    if not result["opens"]:
        return f"can't be opened: initial margin {usd(result['to_open_usd'])}"
    return f"margin call on {result['first_call']}" if result["first_call"] else "no margin call"


def describe(state: dict, result: dict) -> str:
    return (
        f"Left: {signed(state['contracts'])} M2K from {ENTRY:,.1f} to {state['exit_price']:,.1f} "
        f"make {usd(result['pnl_usd'], 2)}. Right: the balance goes from "
        f"{usd(state['deposit_usd'])} to {usd(result['balances_usd'][-1])}; "
        f"maintenance margin is {usd(result['needed_usd'])}: {verdict(result)}. Made-up prices."
    )


def explore() -> Explorer:
    """The explorer of chapter 01."""
    controls = [
        Slider("contracts", "Contracts (− is short)", "M2K", 2, -5, 5, 1),
        Slider("exit_price", "Exit price", "points", 2388.0, 2280.0, 2520.0, 0.1),
        Slider("deposit_usd", "Money in the account", "USD", 3000, 1000, 8000, 250),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 4.0))
