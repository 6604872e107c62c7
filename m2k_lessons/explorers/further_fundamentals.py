"""Page 08b: how often two tests find a figure that forecasts, in 500 artificial records."""

from __future__ import annotations

import functools

import numpy as np
from scipy.special import ndtri, stdtrit

from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.explorers.figure import two_panels
from m2k_lessons.plots import BLUE, GREY, ORANGE, SKY

RECORDS, LONGEST = 500, 400
EDGES_PCT = np.arange(-30, 31, 2.0)


@functools.cache
def _luck() -> np.ndarray:
    """The same draws for every state, so that a moved slider shows the slider, not the luck."""
    return np.random.default_rng(8).normal(size=(2, RECORDS, LONGEST))


def forecasts(y: np.ndarray, x: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts of y by the line and by the plain average of all earlier values, from `first` on.

    y and x hold a record in each row, x known before y is. Sums that run along the record give
    every line at once: its slope is covariance over variance of what came before.
    """
    n = np.arange(first, y.shape[1])
    sum_x, sum_y, sum_xx, sum_xy = (
        each.cumsum(axis=1)[:, first - 1 : -1] for each in (x, y, x * x, x * y)
    )
    slope = (sum_xy - sum_x * sum_y / n) / (sum_xx - sum_x**2 / n)
    mean = sum_y / n
    return mean + slope * (x[:, first:] - sum_x / n), mean


def t_value(gain: np.ndarray) -> np.ndarray:
    """Mean of each row over its HAC standard error, with the lags that `regress` would take."""
    n = gain.shape[1]
    lags = int(4 * (n / 100) ** (2 / 9))
    off = gain - gain.mean(axis=1, keepdims=True)
    total = (off * off).sum(axis=1)
    for lag in range(1, lags + 1):
        neighbours = (off[:, lag:] * off[:, :-lag]).sum(axis=1)
        total += 2 * (1 - lag / (lags + 1)) * neighbours
    return gain.mean(axis=1) / np.sqrt(total / (n * (n - 1)))


def compute(explained_pct, quarters, first) -> dict:
    """Out-of-sample R² of each record in %, and in how many of a hundred each test finds it."""
    luck = _luck()[:, :, :quarters]
    share = explained_pct / 100
    y = np.sqrt(share) * luck[0] + np.sqrt(1 - share) * luck[1]
    model, mean = forecasts(y, luck[0], first)
    actual = y[:, first:]
    won = (actual - mean) ** 2 - (actual - model) ** 2
    # The limits of the two tests: a 95 % interval above zero, a one-sided p-value below 0.05.
    interval = t_value(won) > stdtrit(won.shape[1] - 1, 0.975)
    clark_west = t_value(won + (mean - model) ** 2) > ndtri(0.95)
    return {
        "r2_pct": 100 * won.sum(axis=1) / ((actual - mean) ** 2).sum(axis=1),
        "found": (100 * interval.mean(), 100 * clark_west.mean()),
        "forecasts": quarters - first,
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.08, right=0.985, bottom=0.14, top=0.84, wspace=0.22)
    left.set(title="Out-of-sample R² (simulated)", xlabel="R², %", ylabel="records, %")
    left.set(xlim=(EDGES_PCT[0], EDGES_PCT[-1]), ylim=(0, 100))
    left.axvline(0, color=GREY, linewidth=0.8)
    right.set(title="Records in which the test reports something", ylabel="of a hundred")
    right.set(xlim=(-0.6, 1.6), ylim=(0, 112))
    right.set_xticks((0, 1), ("interval above zero", "Clark and West"))
    middles = EDGES_PCT[:-1] + 1
    hills = left.bar(middles, 0, width=2, color=SKY, edgecolor="white")
    tests = right.bar((0, 1), 0, width=0.6, color=(BLUE, ORANGE))
    tests[1].set(hatch="//", edgecolor="white")
    return (
        {f"hill {n}": bar for n, bar in enumerate(hills)}
        | {f"test {n}": bar for n, bar in enumerate(tests)}
        | {f"share {n}": right.text(n, 0, "", ha="center", va="bottom") for n in (0, 1)}
        | {"text": left.text(0.02, 0.95, "", transform=left.transAxes, va="top")}
    )


def update(artists: dict, result: dict) -> None:
    inside = np.clip(result["r2_pct"], EDGES_PCT[0], EDGES_PCT[-1] - 1e-9)
    for n, count in enumerate(np.histogram(inside, EDGES_PCT)[0]):
        artists[f"hill {n}"].set_height(100 * count / RECORDS)
    for n, share in enumerate(result["found"]):
        artists[f"test {n}"].set_height(share)
        artists[f"share {n}"].set(text=f"{share:.0f}", y=share + 1)
    text = f"mean {result['r2_pct'].mean():+.1f} %,\n{result['forecasts']} forecasts each"
    artists["text"].set_text(text.replace("-", "−"))


def describe(state: dict, result: dict) -> str:
    mean = f"{result['r2_pct'].mean():+.1f}".replace("-", "−")
    return (
        "Left a histogram of out-of-sample R², right two bars. A figure that explains "
        f"{state['explained_pct']:g} %, {state['quarters']} quarters, the first {state['first']} "
        f"only to learn from: R² is {mean} % on average; of a hundred records the interval reports "
        f"something in {result['found'][0]:.0f}, Clark and West in {result['found'][1]:.0f}."
    )


def explore() -> Explorer:
    """How much a figure must explain, and how long a record must be, until a test finds it."""
    controls = [
        Slider("explained_pct", "The figure explains", "% of the variance", 5.0, 0.0, 20.0, 0.5),
        Slider("quarters", "Length of the record", "quarters", 202, 80, LONGEST, 2),
        Slider("first", "Of them to learn from first", "quarters", 60, 10, 70, 5),
    ]
    return Explorer(controls, compute, draw, update, describe, (9.2, 3.6))
