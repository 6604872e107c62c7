"""Chapter 15: the best of many worthless strategies, and one that may be worth something."""

import functools

import numpy as np

from m2k_lessons.evidence import TrackRecord, deflated_sharpe, minimum_backtest_length
from m2k_lessons.explorers.base import Explorer, MovingScale, Slider, two_panels
from m2k_lessons.plots import BLUE, GREEN, GREY, ORANGE

MOST, DAYS = 1_000, 252
EDGES = np.arange(-4, 6.01, 0.2)
TALLEST = (6, 10, 20, 30, 60, 100, 150, 300, 600)
LEFT = (
    "{:.2f}: the best of {:,} over {} {}\n{:.2f}: what luck makes of so many\n"
    "strategy 1: {:.2f}, place {:,}"
)
RIGHT = "deflated Sharpe ratio {:.3f}\n{}\n{:.1f} years: luck's best is 1 on average"


@functools.lru_cache(maxsize=64)
def _luck(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(MOST), rng.standard_normal(MOST)


def compute(strategies, years, true_sharpe, seed) -> dict:
    """Sharpe ratios of strategies with normal daily returns; all worthless but the first."""
    n = DAYS * years
    of_mean, of_deviation = (draws[:strategies] for draws in _luck(seed))
    truth = np.zeros(strategies)
    truth[0] = true_sharpe
    # Mean and deviation of normal returns are independent, and for so many days the deviation
    # is normal itself: the same law as from n drawn returns, without drawing them.
    sharpe = (truth + of_mean / np.sqrt(years)) / (1 + of_deviation / np.sqrt(2 * (n - 1)))
    best = int(sharpe.argmax())
    found = deflated_sharpe(TrackRecord(sharpe=float(sharpe[best]), n=n), trials=sharpe)
    return {
        "strategies": strategies,
        "years": years,
        "sharpe": sharpe,
        "so_far": np.maximum.accumulate(sharpe),
        "best": float(sharpe[best]),
        "best_is_first": best == 0,
        "place_of_first": int((sharpe > sharpe[0]).sum()) + 1,
        "expected_best": found.expected_best,
        "deflated": found.probability,
        "years_needed": minimum_backtest_length(strategies).years,
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.085, right=0.97, bottom=0.135, top=0.755, wspace=0.24)
    left.set(title="All strategies", xlim=(-4, 6), ylim=(0, TALLEST[0]))
    left.set(xlabel="Sharpe ratio in the backtest", ylabel="strategies")
    right.set(title="The best so far", xlim=(1, MOST), ylim=(-2.5, 6), xscale="log")
    right.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    right.set(xlabel="strategies tried", ylabel="best Sharpe ratio")
    right.axhline(0, color=GREY, linewidth=0.8)
    zero = left.axvline(0, color=GREY, linewidth=0.8)
    for axes in (left, right):
        axes.minorticks_off()
    return {
        "scale": MovingScale(left, labelpad=32, above=[zero]),
        "bars": left.plot([], [], color=BLUE, drawstyle="steps-post")[0],
        "luck": left.plot([], [], color=ORANGE, linestyle="--")[0],
        "first": left.plot([], [], "^", color=GREEN, markersize=9)[0],
        "best": left.plot([], [], "o", color=BLUE, markersize=8, fillstyle="none")[0],
        "so_far": right.plot([], [], color=BLUE, drawstyle="steps-post")[0],
        "level": right.plot([], [], color=ORANGE, linestyle="--")[0],
        "left": figure.text(0.085, 0.985, "", va="top"),
        "right": figure.text(0.575, 0.985, "", va="top"),
    }


def update(artists: dict, result: dict) -> None:
    counts, _ = np.histogram(np.clip(result["sharpe"], -4, 5.99), EDGES)
    # By the hill to expect, not by this one: the same scale for every seed.
    hill = 4 + 0.12 * result["strategies"] * np.sqrt(result["years"])
    tall = next(height for height in TALLEST if height >= hill)
    artists["bars"].axes.set_ylim(0, tall)
    artists["bars"].set_data(EDGES, np.append(counts, 0))
    artists["luck"].set_data([result["expected_best"]] * 2, [0, tall])
    artists["first"].set_data([result["sharpe"][0]], [0.05 * tall])
    artists["best"].set_data([result["best"]], [0.05 * tall])
    tried = np.arange(1, result["strategies"] + 1)
    artists["so_far"].set_data(tried, result["so_far"])
    artists["level"].set_data([1, MOST], [result["expected_best"]] * 2)
    for name, text in zip(("left", "right"), _texts(result), strict=True):
        artists[name].set_text(text.replace("-", "−"))


def _texts(result: dict) -> tuple[str, str]:
    passes = "above 0.95: more than luck" if result["deflated"] > 0.95 else "not shown to be skill"
    best, luck, first = result["best"], result["expected_best"], float(result["sharpe"][0])
    years = result["years"]
    unit = "year" if years == 1 else "years"
    numbers = (result["strategies"], years, unit, luck, first, result["place_of_first"])
    return (
        LEFT.format(best, *numbers),
        RIGHT.format(result["deflated"], passes, result["years_needed"]),
    )


def describe(state: dict, result: dict) -> str:
    left, right = (text.replace("\n", "; ") for text in _texts(result))
    return (
        f"{state['strategies']:,} simulated strategies, all worthless but strategy 1 with a true "
        f"Sharpe ratio of {state['true_sharpe']:g}, seed {state['seed']}. {left}. {right}."
    )


def explore() -> Explorer:
    """The explorer of chapter 15."""
    controls = [
        Slider("strategies", "Strategies tried", "strategies", 200, 2, MOST, 1),
        Slider("years", "Length of the backtest", "years", 5, 1, 20, 1),
        Slider("true_sharpe", "Truth of strategy 1", "Sharpe ratio", 0.0, 0.0, 3.0, 0.1),
        Slider("seed", "Luck", "seed", 15, 1, 50, 1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.6, 3.9))
