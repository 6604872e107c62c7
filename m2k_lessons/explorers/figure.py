"""A figure whose axes are drawn once: only what moves is drawn again, over a kept background."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import YTick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from m2k_lessons import plots


def two_panels(figure: Figure, **margins: float) -> tuple[Axes, Axes]:
    """Two axes side by side; `margins` (left, right, bottom, top, wspace) hold in every state."""
    figure.set_layout_engine("none")
    return figure.subplots(1, 2, gridspec_kw=margins)


class MovingScale(Artist):
    """Grid and labels of a y axis whose limits change, without the cost of drawing the axes.

    They look like the axis' own, and its locator and formatter choose them.

    Parameters
    ----------
    axes : Axes
        The axes, in a figure without a layout engine: nothing makes room for longer labels.
    labelpad : float
        Distance of the axis' name from the axis, in points, with room for the longest label.
    above : iterable of Artist
        What else `draw` leaves on these axes and `update` never touches, such as a legend or a
        line at zero: it belongs above the grid, and goes with the limits.
    """

    def __init__(self, axes: Axes, labelpad: float, above: Iterable[Artist] = ()) -> None:
        super().__init__()
        self.axes = axes
        self._tick = YTick(axes, 0)
        self._tick.tick2line.set_visible(False)
        self._above = [*above, *axes.spines.values()]
        for artist in self._above:
            artist.set_animated(True)
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0, labelleft=False)
        axes.yaxis.labelpad = labelpad

    def draw(self, renderer) -> None:
        axis, (low, high) = self.axes.yaxis, self.axes.get_ylim()
        places = [place for place in axis.get_majorticklocs() if low <= place <= high]
        labels = axis.get_major_formatter().format_ticks(places)
        for place, label in zip(places, labels, strict=True):
            self._tick.update_position(place)
            self._tick.label1.set_text(label)
            self._tick.draw(renderer)
        for artist in self._above:
            artist.draw(renderer)


class MovingFigure:
    """Draws axes once and what `draw` returned again and again.

    Attributes
    ----------
    figure : Figure
    artists : dict of str to Artist
        What can move.
    """

    def __init__(self, draw: Callable[[Figure], dict], size: tuple[float, float]) -> None:
        with mpl.rc_context(plots.STYLE):  # type: ignore[arg-type]
            self.figure = Figure(figsize=size, dpi=100)
            self._canvas = FigureCanvasAgg(self.figure)
            self.artists = draw(self.figure)
        for artist in self.artists.values():
            artist.set_animated(True)
        in_order = sorted(self.artists.values(), key=lambda artist: artist.get_zorder())
        self._scales = [artist for artist in in_order if isinstance(artist, MovingScale)]
        self._movers = [artist for artist in in_order if artist not in self._scales]
        self._still_limits: Any = None
        self._limits: Any = None  # of what has been drawn so far: nothing

    def pixels(self) -> np.ndarray:
        """The picture as it is now, height × width × 3 of uint8."""
        scaled = [scale.axes for scale in self._scales]
        limits = [(axes.get_xlim(), axes.get_ylim()) for axes in self.figure.axes]
        if limits != self._limits:
            still = [(one.get_xlim(), one in scaled or one.get_ylim()) for one in self.figure.axes]
            if still != self._still_limits:
                self._canvas.draw()  # leaves animated artists out
                self._still = self._canvas.copy_from_bbox(self.figure.bbox)
                self._still_limits = still
            self._draw_over(self._still, self._scales)
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._limits = limits
        self._draw_over(self._background, self._movers)
        return np.asarray(self._canvas.buffer_rgba())[:, :, :3]  # nothing is transparent

    def _draw_over(self, background, artists: Iterable[Artist]) -> None:
        self._canvas.restore_region(background)
        for artist in artists:
            self.figure.draw_artist(artist)


def short_usd(value: float, least: float = 1e6) -> str:
    """Dollars, whole below `least`; beyond it no more digits than a reader can compare.

    >>> short_usd(96_000), short_usd(96_000, 1e3), short_usd(-2_500_000), short_usd(1.93e14)
    ('$96,000', '$96k', '−$2.5m', '$193tn')
    """
    for size, name in ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= max(size, least):
            digits = 0 if abs(value) >= 100 * size else 3
            number = f"{abs(value) / size:,.{digits}{'g' if digits else 'f'}}"
            return f"{'−' if value < 0 else ''}${number}{name}"
    return plots.usd(value)


def doubled(least: float, reach: float) -> float:
    """`least`, doubled until it holds `reach`: few limits, so that the picture seldom jumps."""
    return least * 2 ** np.ceil(np.log2(max(reach / least, 1)))


def moving_labels(axes: Axes, x: float, heights: Sequence[float]) -> dict[Any, Artist]:
    """Texts in place of a y axis' labels: new limits would mean to draw all the axes again."""
    axes.set_yticks(heights, [""] * len(heights))
    return {height: axes.text(x, height, "", ha="right", va="center") for height in heights}
