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
import functools
import gc
import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from m2k_lessons import plots
from m2k_lessons._util import png
from m2k_lessons.explorers.controls import Choice, Slider, align, button
from m2k_lessons.explorers.figure import (
    MovingFigure,
    MovingScale,
    doubled,
    moving_labels,
    short_usd,
    two_panels,
)

__all__ = ["Choice", "Explorer", "MovingScale", "Slider", "doubled", "moving_labels", "short_usd"]
__all__ += ["two_panels"]

# Two columns where there is room for them, never three, and one on a narrow page.
GRID = {
    "grid_template_columns": "repeat(auto-fit, minmax(27em, 1fr))",
    "grid_gap": "0 1.5em",
    "max_width": "76em",
}


@functools.cache
def _settle_memory() -> None:
    """Once: take what is loaded by now out of the garbage collector's rounds.

    Whatever redraw a full round met waited 60 to 140 ms for it, nearly all of it spent on
    modules, which are never garbage.
    """
    gc.collect()
    gc.freeze()


class Explorer(widgets.VBox):
    """Controls above a picture; the widget that `explore()` returns.

    Attributes
    ----------
    controls : dict of str to Widget
        The sliders and pickers by name; setting `.value` moves the picture.
    reset : Button
        Puts every control back to where it began.
    state : dict
        What the controls say now.
    result : mapping
        What `compute` makes of the state.
    alt : str
        The picture's alternative text now.
    said : str
        What the last number typed was refused with, or nothing.
    """

    def __init__(
        self,
        controls: Sequence[Any],
        compute: Callable[..., dict],
        draw: Callable[[Figure], dict],
        update: Callable[[dict, dict], None],
        describe: Callable[[dict, dict], str],
        size: tuple[float, float] = (7.6, 3.6),
    ) -> None:
        self._specs = controls
        self._compute, self._update, self._describe = compute, update, describe
        self._screen = MovingFigure(draw, size)
        self.figure, self._artists = self._screen.figure, self._screen.artists
        self.controls, self._rows, self._resetting = {}, {}, False
        self.said, self._answer = "", widgets.HTML(layout={"margin": "0 0 0 1em"})
        for spec in controls:
            self.controls[spec.name], self._rows[spec.name] = spec.build(self._say)
        align(self._rows.values())
        self.reset = button("Reset", self._put_back)
        self.reset.tooltip = "put every control back to where it began"
        foot = widgets.HBox([self.reset, self._answer], layout={"align_items": "center"})
        self._grid = widgets.GridBox([*self._rows.values(), foot], layout=GRID)
        self._picture = widgets.HTML()
        super().__init__([self._grid, self._picture])
        self.add_class("m2k-explorer")
        self._redraw()
        for spec in controls:
            self.controls[spec.name].observe(self._moved, "value")
        _settle_memory()

    @property
    def state(self) -> dict[str, Any]:
        return {spec.name: spec.read(self.controls[spec.name].value) for spec in self._specs}

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget; where there is no kernel, a sentence instead of Python's view of it."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {
            **bundle,
            "text/plain": "Run this cell (Shift+Enter): the live explorer comes here.",
        }

    def still(self) -> None:
        """Show the picture as it is now, as a plain figure that needs no kernel."""
        from IPython.display import display

        picture = Image.fromarray(self._pixels_now())
        display(plots.picture_bundle(plots.smaller_png(picture), self.alt), raw=True)

    def _moved(self, _change) -> None:
        if self._resetting:
            return
        self._redraw()  # first: the reader waits for the picture
        self._follow()

    def _follow(self) -> None:
        for spec in self._specs:
            spec.follow(self.controls[spec.name], self._rows[spec.name])

    def _put_back(self) -> None:
        self._resetting = True
        try:
            for spec in self._specs:
                self.controls[spec.name].value = spec.value
        finally:
            self._resetting = False
        self._say("")
        self._moved(None)

    def _say(self, text: str) -> None:
        self.said = text
        self._answer.value = f'<span role="alert">{html.escape(text)}</span>' if text else ""

    def _redraw(self) -> None:
        state = self.state
        self.result = self._compute(**state)
        self._update(self._artists, self.result)
        self.alt = self._describe(state, self.result)
        encoded = base64.b64encode(png.encode(self._pixels_now())).decode("ascii")
        self._picture.value = plots.image_tag(encoded, self.alt)

    def _pixels_now(self) -> np.ndarray:
        return self._screen.pixels()
