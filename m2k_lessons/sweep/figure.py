"""The heat map of a sweep."""

from __future__ import annotations

import numpy as np

_MOST_LABELS = 12


def draw(cells, x: str, y: str, value: str, label: str, axes=None):
    import matplotlib.pyplot as plt

    from m2k_lessons import plots

    if axes is None:
        _, axes = plt.subplots()
    numbers = cells.to_numpy(dtype=float)
    rows, columns = numbers.shape
    # Cividis is read alike by readers with and without colour vision.
    picture = axes.imshow(
        np.ma.masked_invalid(numbers), origin="lower", aspect="auto", cmap="cividis"
    )
    axes.patch.set(facecolor="white", hatch="///", edgecolor=plots.GREY)
    axes.figure.colorbar(picture, ax=axes, label=value)
    for axis, labels in ((axes.xaxis, cells.columns), (axes.yaxis, cells.index)):
        shown = np.arange(0, len(labels), -(-len(labels) // _MOST_LABELS))
        axis.set_ticks(shown, [f"{labels[index]}" for index in shown])
    axes.grid(visible=False)
    title = f"{value} by {x} and {y}"
    axes.set(title=f"{title} ({label})" if label else title, xlabel=x, ylabel=y)
    known = np.isfinite(numbers)
    empty = int(np.count_nonzero(~known))
    texts = [label] if label else []
    texts.append(f"{np.count_nonzero(known):,} combinations")
    if known.any():
        highest = np.argmax(np.where(known, numbers, -np.inf))
        row, column = np.unravel_index(highest, numbers.shape)
        axes.plot(column, row, marker="*", markersize=15, color="white", markeredgecolor="black")
        low, high = numbers[known].min(), numbers[known].max()
        texts.append(f"{value} from {low:.4g} to {high:.4g}".replace("-", "−"))
        texts.append(
            f"a star marks the highest, at {x} {cells.columns[column]} and {y} {cells.index[row]}"
        )
    if empty:
        cells_are = "1 cell is" if empty == 1 else f"{empty:,} cells are"
        texts.append(f"{cells_are} empty and hatched: left out, or without a value")
        axes.set_xlabel(f"{x} (hatched: left out, or without a value)")
    plots._describe(axes, title, texts)
    return axes
