"""The look of every figure, set when this module is imported, and `show`, which puts a figure
into a notebook.

Colours are Okabe and Ito's, told apart by colour-blind readers; each also comes with a line
style, so that no figure depends on colour alone.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#E69F00", "#6B6B6B"

# First series solid blue, second dashed orange, and so on.
SERIES_STYLES = (
    {"color": BLUE, "linestyle": "-"},
    {"color": ORANGE, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": PURPLE, "linestyle": ":"},
)

# Series drawn as points: hollow circles, so that squares inside them can be seen, triangles, dots.
POINT_STYLES = (
    {"marker": "o", "markersize": 7, "fillstyle": "none"},
    {"marker": "s", "markersize": 3.5},
    {"marker": "^", "markersize": 5.5},
    {"marker": ".", "markersize": 5},
)

STYLE = {
    "figure.figsize": (7.6, 3.8),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(  # type: ignore[attr-defined]
        color=[style["color"] for style in SERIES_STYLES],
        linestyle=[style["linestyle"] for style in SERIES_STYLES],
    ),
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "text.parse_math": False,  # a dollar sign is money here, never the start of a formula
}

# What `lines` and `bars` have to say about the figures they drew.
# A hyphen before a number is a minus; one within a word or a date stays.
_HYPHEN = re.compile(r"(?<![\w.−-])(?:-(\$?)|(\$)-)(?=\d|\.\d)")
_TEXTS: WeakKeyDictionary[Figure, str] = WeakKeyDictionary()

mpl.rcParams.update(STYLE)  # type: ignore[arg-type]


def show(alt: str | None = None, figure: Figure | None = None) -> None:
    """Put a figure into the notebook with a text that says what it shows.

    The text reaches screen readers, viewers without pictures, and nbval, which compares it
    (it never compares pictures).

    Parameters
    ----------
    alt : str, optional
        What a reader who can't see the picture should know, its key numbers included. When
        omitted, what `lines` or `bars` wrote about what they drew.
    figure : Figure, optional
        The current pyplot figure when omitted; it is closed after showing.
    """
    from IPython.display import display

    figure = figure if figure is not None else plt.gcf()
    alt = _TEXTS.get(figure, "") if alt is None else alt
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must be a sentence that says what the figure shows, got {alt!r}")
    png = figure_png(figure)
    plt.close(figure)
    display(picture_bundle(png, alt), raw=True)


def figure_png(figure: Figure) -> bytes:
    """Draw a figure and return it as a small PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi)
    return smaller_png(Image.open(buffer))


def picture_bundle(png: bytes, alt: str) -> dict[str, str]:
    """Notebook output for a picture.

    JupyterLab drops the alternative text of a plain PNG output, so the picture comes as HTML as
    well; other viewers take whichever they know.
    """
    alt = _HYPHEN.sub(r"−\1\2", alt)
    encoded = base64.b64encode(png).decode("ascii")
    return {"text/html": image_tag(encoded, alt), "image/png": encoded, "text/plain": alt}


def image_tag(encoded_png: str, alt: str) -> str:
    """An `<img>` that carries the picture inside itself."""
    return (
        f'<img alt="{html.escape(alt, quote=True)}" style="max-width:100%" '
        f'src="data:image/png;base64,{encoded_png}">'
    )


def smaller_png(picture: Image.Image) -> bytes:
    """A line chart needs few colours: a palette makes the committed notebooks a third as big."""
    buffer = io.BytesIO()
    few_colours = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few_colours.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def lines(
    series: Mapping[str, Any],
    x=None,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    dollars: str = "",
    step: bool = False,
    points: bool = False,
    axes=None,
):
    """Draw lines that carry their names at their right ends.

    Parameters
    ----------
    series : mapping of str to array or Series
        Name to values. Up to four; each gets its own colour and line style.
    x : array, optional
        Shared horizontal values; the index of the first Series when omitted.
    title, xlabel, ylabel : str
        With units in the labels.
    dollars : str
        "x", "y" or "xy": which axes count dollars.
    step : bool
        Draw stairs, for quantities that come whole.
    points : bool
        Draw separate points, for values with nothing between them.
    axes : Axes, optional
        A new figure when omitted.

    Returns
    -------
    Axes
    """
    if not 1 <= len(series) <= len(SERIES_STYLES):
        raise ValueError(f"series must hold 1 to {len(SERIES_STYLES)} lines, got {len(series)}")
    axes = axes if axes is not None else plt.figure().add_subplot()
    x = next(iter(series.values())).index if x is None else x
    ends = []
    for (name, values), style, point in zip(
        series.items(), SERIES_STYLES, POINT_STYLES, strict=False
    ):
        look = style | point | {"linestyle": ""} if points else style
        axes.plot(x, values, drawstyle="steps-post" if step else "default", **look)
        ends.append((float(np.asarray(values)[-1]), name, style["color"]))
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    for which in dollars:
        usd_axis(axes, which)
    if len(series) > 1:
        _name_ends(axes, ends)
    _describe(axes, title, (_line_text(*line, x, dollars) for line in series.items()))
    return axes


def bars(
    values: Mapping[str, float],
    *,
    title: str,
    ylabel: str,
    dollars: bool = False,
    level: tuple[str, float] | None = None,
    axes=None,
):
    """Draw bars with their values written on them; those below zero are hatched.

    Parameters
    ----------
    values : mapping of str to float, or Series
        Name to height.
    title, ylabel : str
    dollars : bool
        Whether heights are dollars.
    level : (str, float), optional
        A named height to compare the bars with, drawn as a dashed line.
    axes : Axes, optional
        A new figure when omitted.

    Returns
    -------
    Axes
    """
    axes = axes if axes is not None else plt.figure().add_subplot()
    values = dict(values)
    heights = [float(value) for value in values.values()]
    drawn = axes.bar(list(values), heights, color=[BLUE if h >= 0 else ORANGE for h in heights])
    for bar, height in zip(drawn, heights, strict=True):
        if height < 0:
            bar.set(hatch="//", edgecolor="white")
    written = [_amount(height, dollars) for height in heights]
    axes.bar_label(drawn, written, padding=2)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(title=title, ylabel=ylabel)
    axes.margins(y=0.12)
    axes.grid(axis="x", visible=False)
    if dollars:
        usd_axis(axes)
    texts = [f"{name}: {height}" for name, height in zip(values, written, strict=True)]
    if level:
        name, height = level
        axes.axhline(height, color=ORANGE, linestyle="--")
        _beside(axes, height, f"{name}\n{_amount(height, dollars)}", ORANGE)
        texts.append(f"dashed line, {name}: {_amount(height, dollars)}")
    _describe(axes, title, texts)
    return axes


def _amount(value: float, dollars: bool) -> str:
    return usd(value) if dollars else f"{value:,.4g}".replace("-", "−")


def _line_text(name: str, values, x, dollars: str) -> str:
    values, x = np.asarray(values), list(x)
    ends = [
        f"{_amount(value, 'y' in dollars)} at {_place(at, 'x' in dollars)}"
        for value, at in ((values[0], x[0]), (values[-1], x[-1]))
    ]
    return f"{name}: from {ends[0]} to {ends[1]}"


def _place(value, dollars: bool) -> str:
    return f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else _amount(value, dollars)


def _describe(axes, title: str, texts: Iterable[str]) -> None:
    before = _TEXTS.get(axes.figure, "")
    _TEXTS[axes.figure] = f"{before} {title}. {'; '.join(texts)}.".strip()


def _name_ends(axes, ends: list[tuple[float, str, str]]) -> None:
    """Write each line's name beside its last point, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    at_least_apart = 0.065 * (high - low)
    height = -np.inf
    for last, name, colour in sorted(ends):
        height = max(last, height + at_least_apart)
        _beside(axes, height, name, colour)


def _beside(axes, height: float, text: str, colour: str) -> None:
    """Write to the right of the axes, at a height in the axes' own units."""
    axes.annotate(
        text,
        (1, height),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        color=colour,
        va="center",
        annotation_clip=False,
    )


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as one would print it: whole numbers whole, days without a time.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of floats that all are whole (or missing) become whole numbers; an index or a
        column of times that all are midnight becomes text such as "2034-07-19".

    Returns
    -------
    pandas.DataFrame
        A new frame, to be shown and not to be calculated with.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2034-07-19", "2034-07-24"], tz="America/New_York")
    >>> print(table(pd.DataFrame({"votes": [1.0, -1.0], "share": [0.5, 1.0]}, days)))
                votes  share
    2034-07-19      1    0.5
    2034-07-24     -1    1.0
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a DataFrame, got {type(frame).__name__}")
    shown = frame.copy()
    for place, (_, column) in enumerate(frame.items()):
        if column.dtype == float and (column.dropna() % 1 == 0).all() and column.notna().any():
            shown.isetitem(place, column.astype("Int64"))
        elif isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
            shown.isetitem(place, _as_days(pd.DatetimeIndex(column)))
    if isinstance(frame.index, pd.DatetimeIndex):
        shown.index = _as_days(frame.index)
    return shown


def _as_days(times: pd.DatetimeIndex) -> pd.Index:
    if not (times.dropna() == times.dropna().normalize()).all():
        return times
    return pd.Index(times.strftime("%Y-%m-%d"), name=times.name)


def usd_axis(axes, which: str = "y") -> None:
    """Ticks such as −$300 and, from ten thousand on, $20k."""
    axis = axes.yaxis if which == "y" else axes.xaxis

    def tick(value: float, _position: int) -> str:
        if max(map(abs, axis.get_view_interval())) < 10_000:
            return usd(value)
        thousands = value / 1_000
        return usd(thousands, 0 if thousands == round(thousands) else 1) + ("k" if value else "")

    axis.set_major_formatter(tick)


def usd(value: float, decimals: int = 0) -> str:
    """Dollars as text, with a true minus sign.

    >>> usd(-1250), usd(0.5, 2)
    ('−$1,250', '$0.50')
    """
    rounded = round(float(value), decimals) + 0.0  # −0.0 becomes 0.0
    return f"{'−' if rounded < 0 else ''}${abs(rounded):,.{decimals}f}"


def times_start(ratio: float) -> str:
    """A multiple of what an account began with as text, where digits would pretend to be known.

    >>> times_start(7.49), times_start(1_458), times_start(2e6), times_start(1e-5)
    ('7.49', '1,458', 'over 10,000', 'under 0.01')
    """
    if ratio >= 9_999.5:
        return "over 10,000"
    if ratio < 0.005:
        return "under 0.01"
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2f}"


# ---------------------------------------------------------------- figures of the chapters


def granularity(
    equity_usd,
    *,
    stop_points: float,
    risk_fraction: float,
    marked: Mapping[str, float] | None = None,
    figure: Figure | None = None,
):
    """What accounts of each size really risk when contracts come whole.

    Parameters
    ----------
    equity_usd : array of float
        Account sizes, in USD.
    stop_points : float
        Distance of the stop, in points.
    risk_fraction : float
        Of the account, that may be lost on one trade: 0.01 for 1 %.
    marked : mapping of str to float, optional
        Names and sizes of accounts, in USD, to mark with an upright line.

    Returns
    -------
    dict of str to array
        "asked", "micro" and "standard": USD at risk for each account.
    """
    from m2k_lessons.contracts import M2K, RTY

    equity_usd = np.asarray(equity_usd, dtype=float)
    asked = risk_fraction * equity_usd
    at_risk = {"asked": asked}
    for name, contract in (("micro", M2K), ("standard", RTY)):
        loss_usd = stop_points * contract.multiplier
        # A hundredth of a cent keeps 0.01 * 60_000 // 600 from losing its contract to rounding.
        at_risk[name] = np.floor((asked + 1e-4) / loss_usd) * loss_usd
    figure = figure if figure is not None else plt.figure()
    axes = figure.add_subplot()
    looks = {"asked": (GREY, ":", "default", "asked for")}
    looks |= {"micro": (BLUE, "--", "steps-post", "M2K")}
    looks |= {"standard": (ORANGE, "-", "steps-post", "RTY")}
    ends, texts = [], []
    for name, (colour, style, drawn, label) in looks.items():
        line = at_risk[name]
        axes.plot(equity_usd, line, color=colour, linestyle=style, drawstyle=drawn)
        ends.append((float(line[-1]), label, colour))
        texts.append(_line_text(label, line, equity_usd, "xy"))
    axes.set(
        title="Dollars at risk when contracts come whole",
        xlabel="account, USD",
        ylabel=f"loss at the stop ({stop_points:g} points), USD",
    )
    usd_axis(axes, "x")
    usd_axis(axes)
    for name, account_usd in (marked or {}).items():
        axes.axvline(account_usd, color=GREY, linewidth=0.9, linestyle="--")
        axes.text(account_usd, 0.98, f"{name} ", transform=axes.get_xaxis_transform(), ha="right")
    _name_ends(axes, ends)
    _describe(axes, axes.get_title(loc="left"), texts)
    return at_risk
