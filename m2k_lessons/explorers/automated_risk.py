"""Chapter 14: the Kelly growth curve when the edge is only estimated, and what it does to luck."""

import functools

import numpy as np
from scipy.special import betaincinv

from m2k_lessons.explorers.base import Explorer, Slider, two_panels
from m2k_lessons.plots import BLUE, GREY, ORANGE, times_start
from m2k_lessons.risk import kelly_fraction

AHEAD, ACCOUNTS = 100, 1_000
WIDEST = (0.05, 0.1, 0.2, 0.5, 0.96)  # right ends of the growth curve, shares of the account
TOPS_PCT = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
LEFT = (
    "{:.1f} % of the account at risk on each trade\ngrowth at the high end, dotted: {:.2f} %\n"
    "growth as estimated, solid: {:.2f} %\ngrowth at the low end, dashed: {:.2f} %"
)
RIGHT = (
    "{:.0f} in 100 fell to half on the way\n{:.0f} in 100 end with less than they began\n"
    "half end below {} times their start\n5 in 100 end below {}, 5 in 100 above {}"
)
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@functools.lru_cache(maxsize=64)
def _futures(win_pct, trades) -> tuple[np.ndarray, np.ndarray]:
    """Chance of a win at both ends of the belief, and wins so far of each account."""
    # The luck is the same for every state: where the true edge lies, and the tosses.
    rng = np.random.default_rng(14)
    beliefs = np.append([0.05, 0.95], (rng.permutation(ACCOUNTS) + 0.5) / ACCOUNTS)
    # What the record says of the chance, if all chances were alike before it.
    wins = trades * win_pct / 100
    chances = betaincinv(wins + 1, trades - wins + 1, beliefs)
    return chances[:2], (rng.random((AHEAD, ACCOUNTS)) < chances[2:]).cumsum(axis=0)


def compute(win_pct, trades, odds, multiple) -> dict:
    """Growth at each fraction for edges that the record allows, and 1,000 accounts that bet."""
    full = kelly_fraction(win_pct / 100, odds)
    fraction = multiple * full
    edge = next((right_end for right_end in WIDEST if right_end >= 2.2 * full), WIDEST[-1])
    fractions = np.append(np.linspace(0, edge, 121), fraction)
    won, lost = np.log1p(odds * fractions), np.log1p(-fractions)
    ends_of_belief, wins = _futures(win_pct, trades)
    chances = np.append(ends_of_belief, win_pct / 100)[:, None]
    growth_pct = 100 * (chances * won + (1 - chances) * lost)
    traded = np.arange(1, AHEAD + 1)[:, None]
    doublings = (wins * (won[-1] - lost[-1]) + traded * lost[-1]) / np.log(2)
    ends = np.sort(doublings[-1])
    return {
        "fraction": fraction,
        "fractions": fractions[:-1],
        "band_pct": growth_pct[:, :-1],
        "growth_pct": growth_pct[:, -1],
        "doublings": ends,
        "smaller_pct": 100 * float((ends < -1e-9).mean()),
        "ends": 2 ** ends[[ACCOUNTS // 20, ACCOUNTS // 2, -ACCOUNTS // 20 - 1]],
        "halved_pct": 100 * float((doublings.min(axis=0) <= -1 + 1e-9).mean()),
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.1, right=0.985, bottom=0.155, top=0.675, wspace=0.24)
    left.set(title="Growth for each trade", xlim=(0, 1), ylim=(-1, 1), xticks=TICKS)
    left.set(yticks=np.linspace(-1, 1, 5), xticklabels=[], yticklabels=[])
    left.set_xlabel("at risk on each trade, % of the account", labelpad=17)
    left.set_ylabel("growth, % a trade", labelpad=36)
    left.axhline(0, color=GREY, linewidth=0.8)
    right.set_title(f"{ACCOUNTS:,} accounts after {AHEAD} simulated trades")
    right.set(xlim=(-7, 13), ylim=(0, 103))
    right.set_xticks(range(-4, 13, 4), ["1/16", "1", "16", "256", "4,096"])
    right.set(xlabel="account, multiple of its start", ylabel="accounts that end below, %")
    right.axvline(0, color=GREY, linewidth=0.9)
    artists: dict = {"ends": right.plot([], [], color=BLUE)[0]}
    for number, (colour, style) in enumerate(((ORANGE, "--"), (GREY, ":"), (BLUE, "-"))):
        artists[number] = left.plot([], [], color=colour, linestyle=style)[0]
    for at in TICKS:
        artists["y", at] = left.text(-0.02, 2 * at - 1, "", va="center", ha="right")
        artists["x", at] = left.text(at, -1.05, "", ha="center", va="top")
    artists["bet"] = left.plot([], [], "o", color=BLUE, markersize=8)[0]
    texts = {"left": figure.text(0.1, 0.98, "", va="top")}
    return artists | texts | {"right": figure.text(0.56, 0.98, "", va="top")}


def update(artists: dict, result: dict) -> None:
    edge, band = result["fractions"][-1], result["band_pct"]
    top = next((height for height in TOPS_PCT if height >= 1.1 * band.max()), TOPS_PCT[-1])
    for number, line in enumerate(band):
        artists[number].set_data(result["fractions"] / edge, line / top)
    for at in TICKS:
        artists["x", at].set_text(f"{100 * edge * at:.3g}")
        artists["y", at].set_text(f"{top * (2 * at - 1):.3g}".replace("-", "−"))
    artists["bet"].set_data([result["fraction"] / edge], [result["growth_pct"][2] / top])
    artists["ends"].set_data(result["doublings"], 100 * np.arange(1, ACCOUNTS + 1) / ACCOUNTS)
    for name, text in zip(("left", "right"), _texts(result), strict=True):
        artists[name].set_text(text)


def _texts(result: dict) -> tuple[str, str]:
    low, high, estimate = result["growth_pct"]
    left = LEFT.format(100 * result["fraction"], high, estimate, low).replace("-", "−")
    few, half, many = (times_start(end) for end in result["ends"])
    return left, RIGHT.format(result["halved_pct"], result["smaller_pct"], half, few, many)


def describe(state: dict, result: dict) -> str:
    left, right = (text.replace("\n", "; ") for text in _texts(result))
    return (
        f"{state['win_pct']} % of {state['trades']} trades won, odds {state['odds']:g} to 1, "
        f"{state['multiple']:g} times Kelly: {left}. {ACCOUNTS:,} simulated accounts "
        f"after {AHEAD} trades: {right}."
    )


def explore() -> Explorer:
    """The explorer of chapter 14."""
    controls = [
        Slider("win_pct", "Trades won so far", "%", 60, 45, 65, 1),
        Slider("trades", "Out of", "trades", 50, 20, 2_000, 10),
        Slider("odds", "Odds", "won for 1 lost", 1.0, 0.5, 2.0, 0.1),
        Slider("multiple", "Part of Kelly", "times full Kelly", 1.0, 0.0, 2.0, 0.05),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.9))
