"""Chapter 10: an event study with a size of surprise, a window and a placebo."""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons import data, events
from m2k_lessons.explorers.base import Choice, Explorer, Slider, two_panels
from m2k_lessons.plots import BLUE, GREY, ORANGE

KINDS = ("employment", "CPI", "retail sales", "rate decision")
# With payrolls on Good Friday the market closes 45 minutes after the release.
BEFORE, AFTER = 20, 44
DRAWS = 500
EDGES = np.arange(-10, 40.1, 0.5)  # the few releases with a large surprise have wild placebos


_market = functools.cache(lambda: data.load("releases"))  # read once, not once for each kind


@functools.cache
def _moves(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Surprises and which way they should push; moves in % since the release, and on quiet days."""
    market = _market()
    returns = events.bar_returns(market["M2K"]["close"])
    paths = []
    # Quiet mornings are alike, so all controls of the same time of day are one pool.
    early = market["controls"]["release"] != "rate decision"
    quiet = market["controls"][early == (kind != "rate decision")]
    mine = market["releases"][market["releases"]["release"] == kind]
    for times in (mine, quiet):
        study = events.event_study(returns, times, (-BEFORE, AFTER))
        summed = study.abnormal_pct.to_numpy().cumsum(axis=1)
        paths.append(summed - summed[:, [BEFORE - 1]])
    surprise = mine["surprise"].to_numpy()
    effect = next(each.small_cap_pct for each in market.truth.releases if each.name == kind)
    return surprise, np.sign(effect) * np.sign(surprise), *paths


def _t(moves: np.ndarray) -> np.ndarray:
    return moves.mean(axis=-1) * np.sqrt(moves.shape[-1]) / moves.std(axis=-1, ddof=1)


def compute(kind: str, at_least: float, minutes: int, drawn: int) -> dict:
    """Mean move in the direction of the news, its band, and the same for drawn quiet days."""
    surprise, direction, paths, quiet = _moves(kind)
    chosen = (np.abs(surprise) >= at_least) & (surprise != 0)
    signed = paths[chosen] * direction[chosen, None]
    n = len(signed)
    days = np.random.default_rng(n).integers(len(quiet), size=(DRAWS, n))
    end = BEFORE + minutes - 1  # the bar that ends so many minutes after the release
    pseudo, real = _t(quiet[days, end] * direction[chosen]), float(_t(signed[:, end]))
    return {
        "mean_pct": signed.mean(axis=0),
        "reach_pct": 2 * signed.std(axis=0, ddof=1) / np.sqrt(n),
        "placebo_pct": (quiet[days[drawn - 1]] * direction[chosen, None]).mean(axis=0),
        "placebo_t": float(pseudo[drawn - 1]),
        "draws": pseudo,
        "t": real,
        "n": n,
        "end": end,
        "share": float((np.abs(pseudo) >= abs(real)).mean()),
        "wrong_pct": 100 * float((signed[:, end] < 0).mean()),
    }


def draw(figure) -> dict:
    left, right = two_panels(figure, left=0.09, right=0.985, bottom=0.13, top=0.92, wspace=0.22)
    left.set(title="Move in the direction of the news (simulated)", xlim=(-BEFORE, AFTER))
    left.set(xlabel="minutes from the release", ylabel="% since the release", ylim=(-0.6, 1.3))
    cross = [-BEFORE, AFTER, np.nan, 0, 0], [0, 0, np.nan, -1, 1.1]  # no higher: there is text
    left.plot(*cross, "-", color=GREY, linewidth=0.8)
    right.set(title=f"Over its standard error, and {DRAWS} placebos", xlim=(-10, 40), ylim=(0, 0.5))
    right.set(xlabel="standard errors from 0", ylabel="share of placebos")
    minutes = np.arange(-BEFORE, AFTER + 1) + 1.0  # a bar's close is known a minute later
    return {
        "band": left.fill_between(minutes, 0 * minutes, 0 * minutes, color=BLUE, alpha=0.2),
        "placebo": left.plot(minutes, 0 * minutes, "--", color=ORANGE)[0],
        "mean": left.plot(minutes, 0 * minutes, "-", color=BLUE)[0],
        "end": left.plot([], [], "o", color=BLUE, markersize=8)[0],
        "left_text": left.text(0.03, 0.93, "", transform=left.transAxes, color=BLUE),
        "bars": right.stairs(0 * EDGES[1:], EDGES, color=ORANGE, fill=True, alpha=0.5),
        "real": right.axvline(0, 0, 0.85, color=BLUE),
        "drawn": right.axvline(0, 0, 0.5, linestyle="--", color=ORANGE),
        "right_text": right.text(0.97, 0.97, "", ha="right", va="top", transform=right.transAxes),
    }


def update(artists: dict, result: dict) -> None:
    mean, reach, end = result["mean_pct"], result["reach_pct"], result["end"]
    edge = np.c_[artists["mean"].get_xdata(), mean - reach, mean + reach]
    artists["band"].set_verts([np.r_[edge[:, :2], edge[::-1, ::2]]])
    artists["mean"].set_ydata(mean)
    artists["placebo"].set_ydata(result["placebo_pct"])
    artists["end"].set_data([end + 1 - BEFORE], [mean[end]])
    artists["left_text"].set_text(f"{result['n']} releases: {mean[end]:+.2f} %")
    artists["bars"].set_data(np.histogram(result["draws"], EDGES)[0] / DRAWS)
    artists["real"].set_xdata([result["t"]] * 2)
    artists["drawn"].set_xdata([result["placebo_t"]] * 2)
    text = f"releases: {result['t']:.1f}; placebo shown: {result['placebo_t']:+.1f}"
    text = f"{text}\nplacebos as far: {100 * result['share']:.1f} %"
    artists["right_text"].set_text(text.replace("-", "−"))


def describe(state: dict, result: dict) -> str:
    end = result["end"]
    return (
        f"{result['n']} simulated releases ({state['kind']}), surprise {state['at_least']:g} or "
        f"more, 0 itself left out: {state['minutes']} minutes later the price has moved "
        f"{result['mean_pct'][end]:+.3f} ± {result['reach_pct'][end]:.3f} % the way of the news "
        f"(the other way in {result['wrong_pct']:.0f} % of them), {result['t']:.1f} standard "
        f"errors, as far as {100 * result['share']:.1f} % of {DRAWS} placebos. Placebo "
        f"{state['drawn']}: {result['placebo_pct'][end]:+.3f} %, {result['placebo_t']:.1f} errors."
    ).replace("-", "−")


def explore() -> Explorer:
    """The explorer of chapter 10."""
    controls = [
        Choice("kind", "Release", KINDS, "employment"),
        Slider("at_least", "Surprise of at least", "up or down", 0.0, 0.0, 1.5, 0.1),
        Slider("minutes", "Window", "minutes after it", 30, 1, 40, 1),
        Slider("drawn", "Placebo shown", "of 500", 1, 1, 40, 1),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.2, 3.8))
