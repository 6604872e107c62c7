"""The explorer: controls → one pure function → a picture that follows within a blink.

Drawing axes and text is what makes a figure slow. So they are drawn once and kept as a
background; a moved slider only redraws the lines, markers and labels that can change, on top of
it. The picture travels as an `<img>` in a `widgets.HTML`: it never flickers, it is saved with
the notebook, and its alternative text is rewritten with each state's numbers.

A chapter gives four functions (see `explorers/contract_basics.py`):

    compute(**state) -> mapping      pure: numbers in, numbers out; tested without a screen
    draw(figure) -> dict of artists  axes, titles, fixed lines; returns what can move
    update(artists, result)          moves the artists to a result
    describe(state, result) -> str   the alternative text

New limits would mean to draw all axes again. With a `MovingScale` among the artists, the limits of
a y axis may change in `update`: drawn again are its grid and its labels only.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import YTick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from m2k_lessons import plots
from m2k_lessons._util import png


def two_panels(figure: Figure, **margins: float) -> tuple[Axes, Axes]:
    """Two axes side by side; `margins` (left, right, bottom, top, wspace) hold in every state."""
    figure.set_layout_engine("none")
    return figure.subplots(1, 2, gridspec_kw=margins)


def doubled(least: float, reach: float) -> float:
    """`least`, doubled until it holds `reach`: few limits, so that the picture seldom jumps."""
    return least * 2 ** np.ceil(np.log2(max(reach / least, 1)))


def moving_labels(axes: Axes, x: float, heights: Sequence[float]) -> dict[float, Artist]:
    """Texts in place of a y axis' labels: new limits would mean to draw all the axes again."""
    axes.set_yticks(heights, [""] * len(heights))
    return {height: axes.text(x, height, "", ha="right", va="center") for height in heights}


def labelled(label: str, wide: int = 12, box: int = 15) -> dict[str, Any]:
    """A control's label, and the width of both in em."""
    width = {"description_width": f"{wide}em"}
    return {"description": label, "style": width, "layout": {"width": f"{wide + box}em"}}


@dataclass(frozen=True)
class Slider:
    """A number moved by mouse, arrow keys or typing. Whole if `step` is an int."""

    name: str
    label: str
    unit: str
    value: float
    low: float
    high: float
    step: float

    def build(self) -> tuple[widgets.Widget, widgets.Widget]:
        whole = isinstance(self.step, int)
        limits = {"value": self.value, "min": self.low, "max": self.high, "step": self.step}
        kind = widgets.IntSlider if whole else widgets.FloatSlider
        slider = kind(readout=False, **labelled(self.label), **limits)
        box = (widgets.BoundedIntText if whole else widgets.BoundedFloatText)(
            tooltip=f"{self.label}, {self.unit}", layout={"width": "7em"}, **limits
        )
        widgets.link((slider, "value"), (box, "value"), transform=(self.read, self.read))
        return slider, widgets.HBox([slider, box, widgets.Label(self.unit)])

    def read(self, value: float) -> float:
        """A float slider says 2400.1000000000004; its step says how many digits are meant."""
        if isinstance(self.step, int):
            return value
        decimals = len(f"{self.step:.10f}".rstrip("0").split(".")[1])
        return round(value, decimals)


@dataclass(frozen=True)
class Choice:
    """One of a few words, picked from a list."""

    name: str
    label: str
    options: tuple[str, ...]
    value: str

    def build(self) -> tuple[widgets.Widget, widgets.Widget]:
        picker = widgets.Dropdown(options=self.options, value=self.value, **labelled(self.label))
        return picker, picker

    def read(self, value: str) -> str:
        return value


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
        ticks = [tick for tick in axis.get_majorticklocs() if low <= tick <= high]
        labels = axis.get_major_formatter().format_ticks(ticks)
        for tick, label in zip(ticks, labels, strict=True):
            self._tick.update_position(tick)
            self._tick.label1.set_text(label)
            self._tick.draw(renderer)
        for artist in self._above:
            artist.draw(renderer)


class Explorer(widgets.VBox):
    """Controls above a picture; the widget that `explore()` returns.

    Attributes
    ----------
    controls : dict of str to Widget
        The sliders and pickers by name; setting `.value` moves the picture.
    state : dict
        What the controls say now.
    result : mapping
        What `compute` makes of the state.
    alt : str
        The picture's alternative text now.
    """

    def __init__(
        self,
        controls: list[Slider | Choice],
        compute: Callable[..., Mapping[str, Any]],
        draw: Callable[[Figure], dict[str, Any]],
        update: Callable[[dict[str, Any], Mapping[str, Any]], None],
        describe: Callable[[Mapping[str, Any], Mapping[str, Any]], str],
        size: tuple[float, float] = (7.6, 4.2),
    ) -> None:
        self._specs = controls
        self._compute, self._update, self._describe = compute, update, describe
        with mpl.rc_context(plots.STYLE):
            self.figure = Figure(figsize=size, dpi=100)
            self._canvas = FigureCanvasAgg(self.figure)
            self._artists = draw(self.figure)
        for artist in self._artists.values():
            artist.set_animated(True)
        in_order = sorted(self._artists.values(), key=lambda artist: artist.get_zorder())
        self._scales = [artist for artist in in_order if isinstance(artist, MovingScale)]
        self._movers = [artist for artist in in_order if artist not in self._scales]
        self._still_limits = self._limits = None  # of what has been drawn so far: nothing
        self.controls = {}
        rows = []
        for spec in controls:
            self.controls[spec.name], row = spec.build()
            rows.append(row)
        self._picture = widgets.HTML()
        super().__init__([*rows, self._picture])
        self._redraw()
        for control in self.controls.values():
            control.observe(self._redraw, "value")

    @property
    def state(self) -> dict[str, Any]:
        return {spec.name: spec.read(self.controls[spec.name].value) for spec in self._specs}

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget; where there is no kernel, a sentence instead of Python's view of it."""
        still = "Run this cell (Shift+Enter): the live explorer comes here."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": still}

    def still(self) -> None:
        """Show the picture as it is now, as a plain figure that needs no kernel."""
        from IPython.display import display

        picture = Image.fromarray(self._pixels_now())
        display(plots.picture_bundle(plots.smaller_png(picture), self.alt), raw=True)

    def _redraw(self, _change=None) -> None:
        state = self.state
        self.result = self._compute(**state)
        self._update(self._artists, self.result)
        self.alt = self._describe(state, self.result)
        encoded = base64.b64encode(png.encode(self._pixels_now())).decode("ascii")
        self._picture.value = plots.image_tag(encoded, self.alt)

    def _pixels_now(self) -> np.ndarray:
        scaled = [scale.axes for scale in self._scales]
        limits = [(axes.get_xlim(), axes.get_ylim()) for axes in self.figure.axes]
        if limits != self._limits:
            every = self.figure.axes
            still = [(axes.get_xlim(), axes in scaled or axes.get_ylim()) for axes in every]
            if still != self._still_limits:
                self._canvas.draw()  # leaves animated artists out
                self._still = self._canvas.copy_from_bbox(self.figure.bbox)
                self._still_limits = still
            self._draw_over(self._still, self._scales)
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._limits = limits
        self._draw_over(self._background, self._movers)
        return np.asarray(self._canvas.buffer_rgba())[:, :, :3]  # nothing is transparent

    def _draw_over(self, background, artists: list[Artist]) -> None:
        self._canvas.restore_region(background)
        for artist in artists:
            self.figure.draw_artist(artist)
