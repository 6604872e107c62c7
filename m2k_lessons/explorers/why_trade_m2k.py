"""Chapter 02: how many M2K to sell against small-cap shares, and what the hedge leaves over."""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons import data
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Explorer, MovingScale, Slider, doubled, two_panels
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd, usd_axis

YEAR = "2031"
CONTRACT_USD = M2K.notional(2400.0)
SOLD = np.arange(41)


@functools.cache
def _year() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Daily returns of index, future, and the portfolio's own part at 100 % a year."""
    market = data.load("daily")
    future = market["M2K_continuous"]["close"].diff() / market["M2K"]["close"].shift()
    returns = [market[name]["close"].pct_change() for name in ("small_caps", "portfolio")]
    index, stocks, future = (returned.loc[YEAR].to_numpy() for returned in (*returns, future))
    # What a regression on the index leaves, so that the slider's beta is all the beta there is.
    own = stocks - np.cov(stocks, index)[0, 1] / index.var(ddof=1) * index
    return index, future, own / (own.std(ddof=1) * np.sqrt(252))


def compute(portfolio_usd: int, beta: float, own_pct: int, contracts: int) -> dict:
    """Standard deviation of a day's P&L for each number sold, and the year's P&L, in USD."""
    index, future, own = _year()
    shares = portfolio_usd * (beta * index + own_pct / 100 * own)
    every_hedge = shares[:, None] - CONTRACT_USD * np.outer(future, SOLD)
    return {
        "contracts": contracts,
        "risk_usd": every_hedge.std(axis=0, ddof=1),
        "alone_usd": np.r_[0, shares.cumsum()],
        "hedged_usd": np.r_[0, every_hedge[:, contracts].cumsum()],
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.1, right=0.985, bottom=0.13, top=0.92, wspace=0.36)
    left.set(title="How far an ordinary day swings", xlabel="M2K sold", xlim=(-0.5, 40.5))
    top_usd = SOLD[-1] * CONTRACT_USD * _year()[1].std()  # the largest short position by itself
    left.set(ylabel="standard deviation of a day, USD", ylim=(0, 1.25 * top_usd))
    zero = right.axhline(0, color=GREY, linewidth=0.8)
    right.set(title=f"One year of simulated days ({YEAR})", xlabel="trading day", xlim=(0, 253))
    right.set(ylabel="profit or loss so far, USD")
    usd_axis(left)
    usd_axis(right)
    return {
        "scale": MovingScale(right, 56, [zero]),
        "risk": left.plot(SOLD, 0 * SOLD, color=BLUE)[0],
        "chosen": left.plot([], [], "o", color=ORANGE, markersize=9)[0],
        "chosen_text": left.text(
            0.97, 0.93, "", ha="right", transform=left.transAxes, color=ORANGE
        ),
        "alone": right.plot([], [], color=BLUE)[0],
        "hedged": right.plot([], [], color=ORANGE, linestyle="--")[0],
        "alone_text": right.text(0.03, 0.93, "", transform=right.transAxes, color=BLUE),
        "hedged_text": right.text(0.03, 0.04, "", transform=right.transAxes, color=ORANGE),
    }


def update(artists: dict, result: dict) -> None:
    chosen, risk = result["contracts"], result["risk_usd"]
    artists["risk"].set_ydata(risk)
    artists["chosen"].set_data([chosen], [risk[chosen]])
    artists["chosen_text"].set_text(f"{chosen} sold: {usd(risk[chosen])} a day")
    reach = np.abs([result["alone_usd"], result["hedged_usd"]]).max()
    limit = doubled(15_000, 1.2 * reach)
    artists["alone"].axes.set_ylim(-limit, limit)
    for name, label in (("alone", "shares alone (solid)"), ("hedged", "with the hedge (dashed)")):
        path = result[f"{name}_usd"]
        artists[name].set_data(np.arange(len(path)), path)
        artists[f"{name}_text"].set_text(f"{label}: {usd(path[-1])}")


def describe(state: dict, result: dict) -> str:
    sold, risk = state["contracts"], result["risk_usd"]
    return (
        f"Left, a U: against {usd(state['portfolio_usd'])} of shares with beta {state['beta']:g}, "
        f"the standard deviation of a day's profit or loss is {usd(risk[sold])} with {sold} M2K "
        f"sold, {usd(risk[0])} with none, and least, {usd(risk.min())}, with {risk.argmin()}. "
        f"Right: a simulated year ends at {usd(result['alone_usd'][-1])} without the hedge and at "
        f"{usd(result['hedged_usd'][-1])} with it."
    )


def explore() -> Explorer:
    """The explorer of chapter 02."""
    controls = [
        Slider("portfolio_usd", "Shares held", "USD", 150_000, 50_000, 250_000, 10_000),
        Slider("beta", "Their beta", "to the index", 1.15, 0.50, 1.60, 0.05),
        Slider("own_pct", "Volatility of their own", "% a year", 7, 0, 20, 1),
        Slider("contracts", "Contracts sold", "M2K at 2,400", 8, 0, 40, 1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.9))
