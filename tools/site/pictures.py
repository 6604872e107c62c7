"""Pictures on a page: their size known before they come, legible on a phone.

A picture of two panels side by side is cut between them on a narrow screen, one panel below the
other; a picture of one panel stays wide enough to be read and scrolls sideways.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from PIL import Image

WHITE = 250  # what counts as blank, of 255
WIDE = 840  # pixels; narrower pictures have one panel
LEAST_GUTTER = 6


def palette(pictures: Sequence[Image.Image], colours: int) -> Image.Image:
    """A palette for pictures that differ little: found in four of them, at half their size."""
    places = np.linspace(0, len(pictures) - 1, 4).astype(int)
    some = [np.asarray(pictures[place].convert("RGB"))[::2, ::2] for place in places]
    return Image.fromarray(np.concatenate(some)).quantize(colours, dither=Image.Dither.NONE)


def split(pictures: Sequence[Image.Image]) -> float | None:
    """Where to cut: the middle of a blank strip from top to bottom, as a fraction of the width."""
    width = pictures[0].width
    if width < WIDE:
        return None
    ink = np.zeros(width, dtype=bool)
    for picture in pictures:
        ink |= (np.asarray(picture.convert("L")) < WHITE).any(axis=0)
    low, high = int(0.35 * width), int(0.65 * width)
    blank = [place for place in range(low, high) if not ink[place]]
    runs = np.split(blank, np.flatnonzero(np.diff(blank) != 1) + 1) if blank else []
    widest = max(runs, key=len, default=())
    return float(np.mean(widest) / width) if len(widest) >= LEAST_GUTTER else None


def markup(address: str, alt: str, size: tuple[int, int], cut: float | None) -> str:
    """The HTML of a picture, with its two halves if it can be cut."""
    width, height = size
    picture = (
        f'<img src="{address}" alt="{html.escape(alt, quote=True)}" width="{width}" '
        f'height="{height}" loading="lazy" decoding="async">'
    )
    if cut is None:
        return f'<div class="m2k-figure" style="--width:{width}px">{picture}</div>'
    halves = "".join(
        '<span class="m2k-half" aria-hidden="true" style="'
        f"aspect-ratio:{part * width:.0f}/{height};"
        f"background-size:{100 / part:.2f}% 100%;background-position:{side};"
        f"background-image:url('{address}')\"></span>"
        for part, side in ((cut, "left"), (1 - cut, "right"))
    )
    return f'<div class="m2k-figure m2k-two">{picture}{halves}</div>'
