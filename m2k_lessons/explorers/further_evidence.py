"""Chapter 15b: which labels train, test and are left out, in every combination of groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from m2k_lessons.evidence import combinatorial_purged_folds
from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.plots import BLUE, ORANGE, SKY

LABELS = 2_520  # ten years of days
SHOWN = (360, 630)  # rows and columns of the picture, whatever the number of splits
KINDS = {"train": SKY, "purged": ORANGE, "embargo": "black", "test": BLUE}


def compute(groups: int, tested: int, horizon: int, embargo_pct: float) -> dict:
    """What each label is in each split: 0 train, 1 purged, 2 embargo, 3 test; and shares in %."""
    ends = pd.Series(np.arange(LABELS) + horizon, np.arange(LABELS))
    folds = combinatorial_purged_folds(ends, groups, tested, embargo=embargo_pct / 100)
    without = combinatorial_purged_folds(ends, groups, tested, embargo=0)
    kinds = np.ones((folds.get_n_splits(), LABELS), np.int8)
    for row, (free, kept) in enumerate(zip(without.split(ends), folds.split(ends), strict=True)):
        kinds[row, free[0]] = 2
        kinds[row, kept[0]] = 0
        kinds[row, free[1]] = 3
    shares = {name: 100 * float((kinds == code).mean()) for code, name in enumerate(KINDS)}
    fewest = 100 * float((kinds == 0).mean(axis=1).min())
    return {"kinds": kinds, "splits": len(kinds), "paths": folds.n_paths, "fewest": fewest} | shares


def draw(figure) -> dict:
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.08, 0.15, 0.89, 0.62))
    axes.set(xlabel="label, from the first to the last", ylabel="split", yticks=[])
    axes.grid(False)
    colours = ListedColormap(list(KINDS.values()))
    picture = axes.imshow(
        np.zeros(SHOWN),
        cmap=colours,
        vmin=-0.5,
        vmax=3.5,
        aspect="auto",
        interpolation="nearest",
        extent=(0, LABELS, 1, 0),
    )
    handles = [Patch(facecolor=colour, label=name) for name, colour in KINDS.items()]
    figure.legend(handles=handles, loc="upper right", ncols=2, bbox_to_anchor=(0.97, 0.995))
    return {"picture": picture, "text": figure.text(0.08, 0.985, "", va="top")}


def update(artists: dict, result: dict) -> None:
    rows, columns = (
        np.arange(size) * length // size
        for size, length in zip(SHOWN, result["kinds"].shape, strict=True)
    )
    artists["picture"].set_data(result["kinds"][np.ix_(rows, columns)])
    artists["text"].set_text(_text(result))


def _text(result: dict) -> str:
    splits = result["splits"]
    paths = "1 path" if result["paths"] == 1 else f"{result['paths']} paths"
    return (
        f"{splits} splits, {paths}\ntrain {result['train']:.1f} % (fewest "
        f"{result['fewest']:.1f} %), test {result['test']:.1f} %,\npurged "
        f"{result['purged']:.1f} %, embargo {result['embargo']:.1f} %"
    )


def describe(state: dict, result: dict) -> str:
    return (
        f"A map of {LABELS:,} labels, each {state['horizon']} days long, in {state['groups']} "
        f"groups of which {state['tested']} are tested, embargo {state['embargo_pct']:g} %. "
        + _text(result).replace("\n", "; ").replace(",;", ";")
        + "."
    )


def explore() -> Explorer:
    """The explorer of chapter 15b."""
    controls = [
        Slider("groups", "Groups of time", "groups", 6, 4, 10, 1),
        Slider("tested", "Groups tested at once", "groups", 2, 1, 3, 1),
        Slider("horizon", "Length of a label", "days", 20, 1, 60, 1),
        Slider("embargo_pct", "Embargo", "% of all labels", 1.0, 0.0, 5.0, 0.5),
    ]
    return Explorer(controls, compute, draw, update, describe)
