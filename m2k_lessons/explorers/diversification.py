"""Chapter 16: money against risk under four allocations, and how far a rule lets it drift."""

import functools

import numpy as np
import pandas as pd

from m2k_lessons import portfolio, simulate
from m2k_lessons.explorers.base import Choice, Explorer, Slider, two_panels
from m2k_lessons.plots import BLUE, GREY, ORANGE, usd

ASSETS = ("large_caps", "small_caps", "bonds")
FIRST_YEAR, HELD = 252, 6 * 252  # weights come from the first days, and are held on the next
METHODS = {name.replace("_", " "): name for name in portfolio.METHODS}
RULES = {"never": "never", "month": "calendar", "band": "band", "correlation": "correlation"}
ACCOUNT_USD = 100_000.0


@functools.cache
def _past_and_future() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Covariance of the first year's daily returns, and the returns of the six after it."""
    market = simulate.assets(years=10, seed=9)
    closes = pd.DataFrame({name: market[name]["close"] for name in ASSETS})
    returns = closes.pct_change().iloc[1:]
    return portfolio.covariance_matrix(returns.iloc[:FIRST_YEAR]), returns.iloc[FIRST_YEAR:][:HELD]


@functools.cache
def _allocation(method: str, small_pct: int) -> tuple[pd.Series, pd.Series, float]:
    """Weights from the first year, what each adds to the risk, and the diversification ratio."""
    covariance, _ = _past_and_future()
    least = pd.Series({name: small_pct / 100 * (name == "small_caps") for name in ASSETS})
    weights = portfolio.weights_from_covariance(covariance, METHODS[method], lower=least)
    parts = portfolio.risk_contribution(weights, covariance)
    return weights, parts, portfolio.diversification_ratio(weights, covariance)


def compute(method: str, small_pct: int, rule: str, band_pct: int) -> dict:
    """Weights, shares of risk, and what six simulated years of a rule did, in % and USD."""
    future, (weights, parts, ratio) = _past_and_future()[1], _allocation(method, small_pct)
    options: dict = {"band": band_pct / 100, "pair": ("large_caps", "bonds"), "change": 0.3}
    held = portfolio.rebalance(weights, future, RULES[rule], equity_usd=ACCOUNT_USD, **options)
    dollars = held.holdings_usd.to_numpy()
    total = dollars.sum(axis=1)
    return {
        "band_pct": band_pct if rule == "band" else np.nan,
        "least_pct": small_pct,
        "money_pct": 100 * weights.to_numpy(),
        "risk_pct": 100 * (parts / parts.sum()).to_numpy(),
        "ratio": ratio,
        "stocks_pct": 100 * (dollars[:, 0] + dollars[:, 1]) / total,
        "target_pct": 100 * float(weights.iloc[:2].sum()),
        "trades": len(held.rebalanced),
        "cost_usd": float(held.cost_usd.iloc[1:].sum()),
        "end_usd": float(total[-1]),
        "worst_fall_pct": 100 * float((total / np.maximum.accumulate(total) - 1).min()),
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.1, right=0.985, bottom=0.13, top=0.84, wspace=0.22)
    left.set(title="% of money (plain), % of risk (hatched)", xlim=(0, 118), ylim=(2.5, -0.5))
    left.set_yticks(range(3), ["large\ncaps", "small\ncaps", "bonds"])
    left.grid(axis="y", visible=False)
    money = left.barh(np.arange(3) - 0.19, 0, height=0.36, color=BLUE)
    risk = left.barh(np.arange(3) + 0.19, 0, 0.36, color=ORANGE, hatch="//", edgecolor="white")
    right.set(title="Stocks (large + small): weight less target", xlim=(0, HELD), ylim=(-12, 12))
    right.set(xlabel="trading days held (simulated)", ylabel="percentage points")
    right.axhline(0, color=GREY, linewidth=0.8)
    artists = {
        "stocks": right.plot(np.zeros(HELD), color=BLUE, linewidth=1.2)[0],
        # The band is one line, broken between its upper edge and its lower one.
        "band": right.plot([0, HELD] * 3, [0] * 6, "--", color=ORANGE, linewidth=1.2)[0],
        "least": left.plot([], [], color=GREY, linewidth=2)[0],
        "least text": left.text(0, 0.5, "", va="center", ha="center", color=GREY),
        "ratio": figure.text(0.1, 0.945, "", color=ORANGE),
        "trades": figure.text(0.565, 0.945, "", color=BLUE),
    }
    for n in range(3):
        artists |= {f"money {n}": money[n], f"risk {n}": risk[n]}
        artists |= {f"money text {n}": left.text(0, n - 0.19, "", va="center", color=BLUE)}
        artists |= {f"risk text {n}": left.text(0, n + 0.19, "", va="center", color=ORANGE)}
    return artists


def update(artists: dict, result: dict) -> None:
    for kind in ("money", "risk"):
        for n, width in enumerate(result[f"{kind}_pct"]):
            artists[f"{kind} {n}"].set_width(width)
            artists[f"{kind} text {n}"].set(x=width + 1.5, text=f"{width:.1f}")
    artists["least"].set_data(np.repeat(result["least_pct"], 2), [0.6, 1.0])
    artists["least text"].set(x=max(result["least_pct"], 10), text="at least")  # clear of the axis
    artists["stocks"].set_ydata(result["stocks_pct"] - result["target_pct"])
    artists["band"].set_ydata(np.repeat([1, np.nan, -1], 2) * result["band_pct"])
    artists["ratio"].set_text(f"diversification ratio {result['ratio']:.2f}")
    text = f"{result['trades']} trades, costs {usd(result['cost_usd'])}; at the end "
    artists["trades"].set_text(text + usd(result["end_usd"]))


def describe(state: dict, result: dict) -> str:
    shares = [
        f"{name.replace('_', ' ')} {money:.1f} % of the money and {risk:.1f} % of the risk"
        for name, money, risk in zip(ASSETS, result["money_pct"], result["risk_pct"], strict=True)
    ]
    low, high = result["stocks_pct"].min(), result["stocks_pct"].max()
    return (
        f"Left: {state['method']}, small caps at least {state['small_pct']} %: "
        f"{'; '.join(shares)}; diversification ratio {result['ratio']:.2f}. Right: rebalanced by "
        f"{state['rule']}, band {state['band_pct']} points: stocks, wanted at "
        f"{result['target_pct']:.1f} %, ran from {low:.1f} to {high:.1f} %; {result['trades']} "
        f"trades cost {usd(result['cost_usd'])}; {usd(ACCOUNT_USD)} became "
        f"{usd(result['end_usd'])}, worst fall {result['worst_fall_pct']:.1f} %."
    ).replace("-", "−")


def explore() -> Explorer:
    """The explorer of chapter 16."""
    controls = [
        Choice("method", "Allocation", tuple(METHODS), "equal"),
        Slider("small_pct", "Small caps at least", "% of the money", 10, 0, 60, 5),
        Choice("rule", "Rebalance by", tuple(RULES), "band"),
        Slider("band_pct", "Band", "points of weight", 3, 1, 10, 1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.9))
