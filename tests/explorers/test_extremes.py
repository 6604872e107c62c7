"""Every explorer at the ends of its controls: pictures to page through, and what a program can
see in them by itself: no text on another, over the edge, or crossed by a line."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from m2k_lessons.explorers.base import Choice
from tests.explorers.made import FACTORIES

# One folder, so that a person can page through them; see CONTRIBUTING.md.
FOLDER = Path(__file__).resolve().parents[2] / "build" / "extremes"


def extreme_states(explorer):
    """All controls at minimum, at maximum, and mixed both ways."""
    ends = [
        (spec.options[0], spec.options[-1]) if isinstance(spec, Choice) else (spec.low, spec.high)
        for spec in explorer._specs
    ]
    names = [spec.name for spec in explorer._specs]
    return {
        "minimum": {name: low for name, (low, _) in zip(names, ends, strict=True)},
        "maximum": {name: high for name, (_, high) in zip(names, ends, strict=True)},
        "mixed": {name: ends[n][n % 2] for n, name in enumerate(names)},
        "mixed otherwise": {name: ends[n][1 - n % 2] for n, name in enumerate(names)},
    }


def put(explorer, state):
    for name, value in state.items():
        explorer.controls[name].value = value


def texts_on(figure):
    """Texts that show something, and where: pixel boxes without the empty room of their font."""
    renderer = figure.canvas.get_renderer()
    found = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            if box.width and box.height and np.isfinite(box.extents).all():
                found.append((text, box.padded(-1)))
    return found


def tick_labels(figure):
    """Texts of the axes' own ticks that are not shown, or stand for others to be drawn."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                outside = not low - 1e-9 <= tick.get_loc() <= high + 1e-9
                for label in (tick.label1, tick.label2):
                    if outside or not label.get_visible():
                        hidden.add(label)
    return hidden


def crossing_lines(figure, text, box):
    """Lines that run through a text; those of its own axes only, and only inside the frame."""
    for line in figure.findobj(Line2D):
        axes = line.axes
        if axes is None or not line.get_visible() or line.get_linestyle() in ("None", "", " "):
            continue
        if not any(line is one for one in axes.lines):
            continue  # ticks and grid
        path = line.get_transform().transform_path(line.get_path())
        inside = axes.bbox if line.get_clip_on() else figure.bbox
        shown = box.intersection(inside, box)
        if shown is None or shown.width < 2 or shown.height < 2 or not len(path.vertices):
            continue
        for part in path.to_polygons(closed_only=False):
            if type(path)(part).intersects_bbox(shown, filled=False):
                yield line
                break


@pytest.mark.parametrize("explore", FACTORIES)
def test_extremes_are_legible(explore, request):
    explorer = explore()
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = []
    chapter = re.search(r"\[(.*)\]", request.node.name)[1].replace(".explore", "")
    for name, state in extreme_states(explorer).items():
        put(explorer, state)
        Image.fromarray(explorer._pixels_now()).save(FOLDER / f"{chapter} {name}.png")
        hidden = tick_labels(explorer.figure)
        texts = [(text, box) for text, box in texts_on(explorer.figure) if text not in hidden]
        width, height = explorer.figure.bbox.size
        for text, box in texts:
            if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height:
                wrong.append(f"{name}: {text.get_text()!r} leaves the picture")
            for line in crossing_lines(explorer.figure, text, box):
                wrong.append(f"{name}: {text.get_text()!r} is crossed by {line.get_color()}")
        for (one, box), (other, other_box) in combinations(texts, 2):
            if box.overlaps(other_box):
                wrong.append(f"{name}: {one.get_text()!r} lies on {other.get_text()!r}")
        for text, _ in texts:
            if re.search(r"(^|[\s($])-[\d.$]", text.get_text()):
                wrong.append(f"{name}: {text.get_text()!r} has a hyphen for a minus")
        if re.search(r"(^|[\s($])-[\d.$]", explorer.alt):
            wrong.append(f"{name}: hyphen for a minus in the alternative text: {explorer.alt}")
    assert not wrong, "\n".join(sorted(set(wrong)))
