"""Chapter 03: ten micros against one standard contract, in fit and in cost."""

from __future__ import annotations

import numpy as np

from m2k_lessons.contracts import M2K, RTY
from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.facts import fact
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

ACCOUNTS_USD = np.arange(0, 150_001, 250)
SIZES = np.arange(1, 41)  # exposure, in M2K


def held(equity_usd, risk_pct: float, stop_points: float, contract) -> np.ndarray:
    """Whole contracts whose loss at the stop stays within the budget."""
    loss_usd = stop_points * contract.multiplier
    # A hundredth of a cent keeps a budget of exactly one loss from being rounded away.
    return np.floor((np.asarray(equity_usd) * risk_pct / 100 + 1e-4) / loss_usd)


def compute(
    equity_usd: int, risk_pct: float, stop_points: float, micro_fee: float, standard_fee: float
) -> dict:
    """Risk held for each account, and the round-turn cost of each exposure."""
    micros, standards = (
        held(ACCOUNTS_USD, risk_pct, stop_points, contract) for contract in (M2K, RTY)
    )
    whole, rest = SIZES // 10, SIZES % 10
    return {
        "asked_usd": ACCOUNTS_USD * risk_pct / 100,
        "micro_usd": micros * stop_points * M2K.multiplier,
        "standard_usd": standards * stop_points * RTY.multiplier,
        "my_micros": int(held(equity_usd, risk_pct, stop_points, M2K)),
        "my_standards": int(held(equity_usd, risk_pct, stop_points, RTY)),
        "equity_usd": equity_usd,
        "top_usd": ACCOUNTS_USD[-1] * risk_pct / 100,
        "only_micros_usd": SIZES * 2 * micro_fee,
        "mixed_usd": whole * 2 * standard_fee + rest * 2 * micro_fee,
    }


def draw(figure) -> dict:
    left, right = figure.subplots(1, 2)
    left.set(title="What the account really risks", xlabel="account, USD", xlim=(0, 150_000))
    left.set(ylabel="loss at the stop, USD", ylim=(0, 1500))
    right.set(title="Fees to get in and out", xlabel="exposure, in M2K", xlim=(0, 41))
    right.set(ylabel="round turn, USD", ylim=(0, 90))
    usd_axis(left, "x")
    for axes in (left, right):
        usd_axis(axes)
    return {
        "asked": left.plot([], [], color=GREY, linewidth=1.2, linestyle="-")[0],
        "standard": left.plot([], [], color=ORANGE, linestyle="-")[0],
        "micro": left.plot([], [], color=BLUE, linestyle="--")[0],
        "mine": left.axvline(0, color="black", linewidth=1.0, linestyle=":"),
        "mine_text": left.text(0.03, 0.88, "", transform=left.transAxes),
        "only_micros": right.plot([], [], color=BLUE, linestyle="--")[0],
        "mixed": right.plot([], [], color=ORANGE, linestyle="-")[0],
        "only_text": right.text(0, 0, "micros only", color=BLUE, ha="right", va="bottom"),
        "mixed_text": right.text(0, 0, "standards first", color=ORANGE, ha="right", va="top"),
    }


def update(artists: dict, result: dict) -> None:
    artists["mine"].axes.set_ylim(0, result["top_usd"])
    for name in ("asked", "standard", "micro"):
        artists[name].set_data(ACCOUNTS_USD, result[f"{name}_usd"])
    artists["mine"].set_xdata([result["equity_usd"]] * 2)
    artists["mine_text"].set_text(
        f"yours: {result['my_micros']} M2K (dashed)\nor {result['my_standards']} RTY (solid)"
    )
    for name in ("only_micros", "mixed"):
        artists[name].set_data(SIZES, result[f"{name}_usd"])
    artists["only_text"].set_position((37, result["only_micros_usd"][-1]))
    artists["mixed_text"].set_position((39, result["mixed_usd"][9] - 2))


def describe(state: dict, result: dict) -> str:
    return (
        f"Left: with {usd(state['equity_usd'])}, {state['risk_pct']:g} % at risk and a stop "
        f"{state['stop_points']:g} points away you may hold {result['my_micros']} M2K, or "
        f"{result['my_standards']} RTY. Right: a round turn of 40 M2K costs "
        f"{usd(result['only_micros_usd'][-1], 2)} in micros and {usd(result['mixed_usd'][-1], 2)} "
        f"as four RTY."
    )


def explore() -> Explorer:
    """The explorer of chapter 03."""
    micro_fee, standard_fee = (fact(f"course.commission.{s}").value for s in ("M2K", "RTY"))
    controls = [
        Slider("equity_usd", "Account", "USD", 25_000, 1_000, 150_000, 500),
        Slider("risk_pct", "Risk for each trade", "% of account", 1.0, 0.25, 5.0, 0.25),
        Slider("stop_points", "Distance of the stop", "points", 12.0, 1.0, 60.0, 0.5),
        Slider("micro_fee", "Fee for one M2K, a side", "USD", micro_fee, 0.25, 1.1, 0.05),
        Slider("standard_fee", "Fee for one RTY, a side", "USD", standard_fee, 1.0, 8.0, 0.1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 4.0))
