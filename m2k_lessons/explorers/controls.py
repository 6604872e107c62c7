"""What a reader moves: a slider with a box to type into, and a list of a few words.

Each control is one row of at most half the notebook's width: its name, the slider, the box, the
unit. The box understands what people type (a decimal comma, a thousands comma, either minus
sign) and refuses with a word what is no number between the slider's ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import ipywidgets as widgets
from ipywidgets.widgets.widget_float import CFloat
from ipywidgets.widgets.widget_int import CInt

LABEL_WIDTH = "13.2em"
ROW = {"width": "100%", "min_width": "0", "align_items": "center"}


class _IntSlider(widgets.IntSlider):
    # The browser knows what it has just sent; an echo of it would only delay the picture.
    value = CInt(0).tag(sync=True, echo_update=False)


class _FloatSlider(widgets.FloatSlider):
    value = CFloat(0.0).tag(sync=True, echo_update=False)


@dataclass(frozen=True)
class Slider:
    """A number moved by mouse, arrow keys or typing. Whole if `step` is an int.

    A `unit` that depends on the value is a function from the value to a text.
    """

    name: str
    label: str
    unit: str | Callable[[float], str]
    value: float
    low: float
    high: float
    step: float

    def build(self, say: Callable[[str], None]) -> tuple[widgets.Widget, widgets.Widget]:
        """The slider, and its row with box and unit; `say` shows what is wrong with a number."""
        slider = (_IntSlider if isinstance(self.step, int) else _FloatSlider)(
            description=self.label,
            readout=False,
            style={"description_width": LABEL_WIDTH},
            layout={"flex": "1 1 auto", "width": "auto", "min_width": "0"},
            **{"value": self.value, "min": self.low, "max": self.high, "step": self.step},
        )
        # A description without width: the box has a name, and the row says it only once.
        box = widgets.Text(
            value=self.written(self.value),
            description=self.label if callable(self.unit) else f"{self.label}, {self.unit}",
            continuous_update=False,
            style={"description_width": "0px"},
            layout={"flex": "0 0 5.6em", "width": "5.6em"},
        )
        box.add_class("m2k-box")
        unit = widgets.Label(self.unit_of(self.value))
        unit.add_class("m2k-unit")
        row = widgets.HBox([slider, box, unit], layout=ROW)
        row.add_class("m2k-control")

        def typed(change) -> None:
            text = change["new"]
            if text == self.written(self.read(slider.value)):
                return
            try:
                slider.value = self.parse(text)
                say("")
            except ValueError as error:
                kept = self.written(self.read(slider.value))
                say(f"{error}: {kept} stays.")
            box.value = self.written(self.read(slider.value))

        box.observe(typed, "value")
        return slider, row

    def follow(self, slider: widgets.Widget, row: widgets.Widget) -> None:
        """Write what the slider says into its box and its unit."""
        value = self.read(slider.value)
        row.children[1].value = self.written(value)
        row.children[2].value = self.unit_of(value)

    def unit_of(self, value: float) -> str:
        return self.unit(value) if callable(self.unit) else self.unit

    def read(self, value: float) -> float:
        """A float slider says 2400.1000000000004; its step says how many digits are meant."""
        return value if isinstance(self.step, int) else round(value, self._decimals)

    @property
    def _decimals(self) -> int:
        return len(f"{self.step:.10f}".rstrip("0").partition(".")[2])

    def written(self, value: float) -> str:
        """The value as its box shows it.

        >>> Slider("move", "Move", "points", 0.0, -20.0, 20.0, 0.25).written(-2.5)
        '−2.50'
        """
        decimals = 0 if isinstance(self.step, int) else self._decimals
        return f"{value:.{decimals}f}".replace("-", "−")

    def parse(self, text: str) -> float:
        """The number that a reader means by `text`.

        A comma is a decimal comma or parts thousands, whichever gives a number that the slider
        can take.

        Raises
        ------
        ValueError
            No number, one beyond the ends or between two steps, or one with two meanings.

        Examples
        --------
        >>> price = Slider("price", "Price", "points", 2400.0, 2280.0, 2520.0, 0.1)
        >>> price.parse("2388,5"), price.parse("2,388")
        (2388.5, 2388.0)
        >>> price.parse("−1")
        Traceback (most recent call last):
        ...
        ValueError: Price takes 2280.0 to 2520.0 in steps of 0.1, not “−1”
        """
        plain = re.sub(r"[\s_$%]", "", text).replace("−", "-").replace("–", "-")
        readings = [plain] if "," not in plain else [plain.replace(",", ".")]
        if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d*)?", plain):
            readings.append(plain.replace(",", ""))
        fitting = [number for number in map(self._number, readings) if number is not None]
        numbers = {self.read(number) for number in fitting}
        if len(numbers) == 1:
            return numbers.pop()
        step = "whole numbers" if self.step == 1 else f"steps of {self.step:g}"
        low, high = self.written(self.low), self.written(self.high)
        raise ValueError(f"{self.label} takes {low} to {high} in {step}, not “{text.strip()}”")

    def _number(self, text: str) -> float | None:
        """The number in `text` if the slider has a place for it."""
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", text):
            return None
        number = float(text)
        steps = (number - self.low) / self.step
        fits = self.low - 1e-9 <= number <= self.high + 1e-9 and abs(steps - round(steps)) < 1e-6
        if not fits:
            return None
        return round(number) if isinstance(self.step, int) else number


def align(rows: Iterable[widgets.Widget]) -> None:
    """Give all units the room that the longest needs: sliders then end below each other."""
    units = [row.children[2] for row in rows if isinstance(row, widgets.HBox)]
    widest = max((len(unit.value) for unit in units), default=0)
    for unit in units:
        unit.layout.flex = f"0 0 {max(0.64 * widest, 3):.1f}em"


@dataclass(frozen=True)
class Choice:
    """One of a few words, picked from a list."""

    name: str
    label: str
    options: tuple[str, ...]
    value: str

    def build(self, say: Callable[[str], None]) -> tuple[widgets.Widget, widgets.Widget]:
        """The list, which is its own row; it has nothing to `say`."""
        picker = widgets.Dropdown(
            description=self.label,
            options=self.options,
            value=self.value,
            style={"description_width": LABEL_WIDTH},
            layout={"width": "100%", "max_width": "27em", "min_width": "0"},
        )
        return picker, picker

    def follow(self, picker: widgets.Widget, row: widgets.Widget) -> None:
        """A list shows its own value."""

    def read(self, value: str) -> str:
        return value


def number(text: str) -> float | str:
    """The number that is meant, whole where it is; else the text, for the order to refuse.

    >>> number("2461,5"), number(" 2,461.5 "), number("3"), number("three")
    (2461.5, 2461.5, 3, 'three')
    """
    plain = text.strip().replace("−", "-")
    thousands = re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", plain)
    plain = plain.replace(",", "" if thousands else ".")
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", plain):
        return text.strip()
    return float(plain) if "." in plain else int(plain)


def field(kind, label: str, wide: int = 6, box: int = 7, **settings) -> widgets.Widget:
    """A labelled box or list; `wide` and `box` are the widths of its label and itself, in em."""
    look = {"style": {"description_width": f"{wide}em"}, "layout": {"width": f"{wide + box}em"}}
    return kind(description=label, **look, **settings)


def button(label: str, act, style: str = "") -> widgets.Button:
    """A button that is as wide as its words."""
    made = widgets.Button(
        description=label, button_style=style, layout={"width": "auto", "flex": "0 0 auto"}
    )
    made.on_click(lambda _: act())
    return made
