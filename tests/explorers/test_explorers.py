"""Every explorer: pure numbers, a picture that moves, a text that moves with it."""

import base64
import html
import importlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2k_lessons import plots
from m2k_lessons.explorers.base import Choice, Explorer, Slider
from tests.explorers.made import CHAPTERS, FACTORIES


def picture(explorer) -> Image.Image:
    encoded = re.search(r"base64,([^\"]+)\"", explorer._picture.value)[1]
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


def shown_alt(explorer) -> str:
    return html.unescape(re.search(r'alt="([^"]*)"', explorer._picture.value)[1])


def positions(spec) -> list:
    """The ends of a control and a place between them."""
    if isinstance(spec, Choice):
        return list(spec.options)
    steps = round((spec.high - spec.low) / spec.step)
    return [spec.low, spec.low + (steps // 3) * spec.step, spec.high]


@pytest.mark.parametrize("explore", FACTORIES)
def test_the_text_always_says_what_the_picture_shows(explore):
    explorer = explore()
    assert shown_alt(explorer) == explorer.alt
    assert len(explorer.alt) > 40
    assert picture(explorer).size == tuple(explorer.figure.canvas.get_width_height())


@pytest.mark.parametrize("explore", FACTORIES)
def test_each_control_moves_the_picture_and_the_text(explore):
    explorer = explore()
    for spec in explorer._specs:
        control = explorer.controls[spec.name]
        start, before, said = control.value, picture(explorer), explorer.alt
        moved = spoke = False
        for value in positions(spec):
            control.value = value
            moved |= picture(explorer).tobytes() != before.tobytes()
            spoke |= explorer.alt != said
            assert shown_alt(explorer) == explorer.alt
        assert moved, f"{spec.name} moves nothing"
        assert spoke, f"{spec.name} is not in the text"
        control.value = start
        assert explorer.alt == said, f"{spec.name} does not come back"


@pytest.mark.parametrize("explore", FACTORIES)
def test_no_corner_of_the_controls_breaks_the_numbers(explore):
    explorer = explore()
    rng = np.random.default_rng(1)
    corners = [positions(spec) for spec in explorer._specs]
    for _ in range(25):
        state = {
            spec.name: values[rng.integers(len(values))]
            for spec, values in zip(explorer._specs, corners, strict=True)
        }
        result = explorer._compute(**state)
        for name, value in result.items():
            if isinstance(value, (float, np.ndarray)) and np.asarray(value).dtype.kind == "f":
                assert not np.any(np.isinf(value)), f"{name} is infinite at {state}"
        assert "nan" not in explorer._describe(state, result).lower().split()


@pytest.mark.parametrize("explore", FACTORIES)
def test_a_back_and_forth_leaves_no_trace(explore):
    explorer = explore()
    before = picture(explorer).tobytes()
    spec = explorer._specs[0]
    control = explorer.controls[spec.name]
    start = control.value
    for value in positions(spec):
        control.value = value
    control.value = start
    assert picture(explorer).tobytes() == before


@pytest.mark.parametrize("explore", FACTORIES)
def test_every_control_says_what_it_is(explore):
    explorer = explore()
    for spec in explorer._specs:
        assert explorer.controls[spec.name].description == spec.label
        if isinstance(spec, Slider):
            assert spec.unit
            assert spec.low <= spec.value <= spec.high


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_explorer_is_short(chapter):
    module = importlib.import_module(f"m2k_lessons.explorers.{chapter}")
    lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(("#", '"""'))]
    # The trading desk has a ticket and a clock beside its picture (tests/paper/).
    most = 250 if chapter == "first_steps" else 100
    assert len(code) <= most, f"{len(code)} lines of code"


# ---------------------------------------------------------------- the base itself


def small_explorer(high: float = 10.0, label: str = "Level"):
    def draw(figure):
        axes = figure.add_subplot()
        axes.set(xlim=(0, 1), ylim=(0, 10))
        return {"line": axes.plot([], [])[0], "text": axes.text(0.5, 5, "")}

    def update(artists, result):
        artists["line"].axes.set_ylim(0, max(10, result["top"]))
        artists["line"].set_data([0, 1], [0, result["top"]])
        artists["text"].set_text(f"<{result['top']}>")

    return Explorer(
        [
            Slider("level", label, "points", 2.0, 0.0, high, 0.1),
            Choice("colour", "Colour", ("blue", "red"), "blue"),
        ],
        compute=lambda level, colour: {"top": level},
        draw=draw,
        update=update,
        describe=lambda state, result: f"{state['colour']} line to <{result['top']}>",
    )


def test_float_sliders_say_what_they_mean():
    explorer = small_explorer()
    for tick in range(101):
        explorer.controls["level"].value = tick * 0.1
        assert explorer.state["level"] == tick / 10


def test_text_is_escaped_in_the_picture():
    explorer = small_explorer()
    assert "<2.0>" not in explorer._picture.value
    assert shown_alt(explorer) == "blue line to <2.0>"


def test_moved_limits_redraw_the_axes():
    explorer = small_explorer(high=100.0)
    explorer.controls["level"].value = 50.0
    tall = picture(explorer).tobytes()
    fresh = small_explorer(high=100.0)
    fresh.controls["level"].value = 50.0
    assert picture(fresh).tobytes() == tall
    explorer.controls["level"].value = 2.0
    assert picture(explorer).tobytes() == picture(small_explorer(high=100.0)).tobytes()


def test_slider_and_number_box_move_together():
    explorer = small_explorer()
    slider, box, unit = explorer._rows["level"].children
    box.value = "7.5"
    assert slider.value == 7.5
    assert shown_alt(explorer) == "blue line to <7.5>"
    slider.value = 1.5000000000000002  # what the browser makes of fifteen steps
    assert box.value == "1.5"
    assert (unit.value, box.description) == ("points", "Level, points")


@pytest.mark.parametrize("typed", ["7,5", " 7.5 ", "7.50", "+7.5"])
def test_a_box_understands_what_people_type(typed):
    explorer = small_explorer()
    explorer._rows["level"].children[1].value = typed
    assert explorer.state["level"] == 7.5
    assert explorer._rows["level"].children[1].value == "7.5"
    assert explorer.said == ""


@pytest.mark.parametrize("typed", ["999", "-3.7", "seven", "", "7.55", "1,2,3", "1e1", "nan"])
def test_a_box_refuses_with_a_word_and_keeps_the_number(typed):
    explorer = small_explorer()
    _, box, _ = explorer._rows["level"].children
    before = picture(explorer).tobytes()
    box.value = typed
    assert explorer.said == (f"Level takes 0.0 to 10.0 in steps of 0.1, not “{typed}”: 2.0 stays.")
    assert html.escape(explorer.said) in explorer._answer.value
    assert (box.value, explorer.state["level"]) == ("2.0", 2.0)
    assert picture(explorer).tobytes() == before
    box.value = "3"
    assert (explorer.said, explorer._answer.value, box.value) == ("", "", "3.0")


def test_thousands_and_decimals_are_told_apart_by_what_fits():
    account = Slider("account", "Account", "USD", 25_000, 1_000, 160_000, 500)
    assert account.parse("25,500") == account.parse("$25 500") == 25_500
    price = Slider("price", "Price", "points", 2400.0, 2280.0, 2520.0, 0.1)
    assert price.parse("2,388.5") == price.parse("2388,5") == 2388.5
    both = Slider("both", "Both", "points", 2.0, 0.0, 2_000.0, 0.001)
    with pytest.raises(ValueError, match="Both takes"):
        both.parse("1,250")  # 1.25 or 1250: nobody knows
    whole = Slider("moves", "Moves", "points", 12, -20, 20, 1)
    assert whole.parse("−7") == whole.parse("-7") == -7
    with pytest.raises(ValueError, match="−20 to 20 in whole numbers, not “-3.7”"):
        whole.parse("-3.7")


@pytest.mark.parametrize("explore", FACTORIES)
def test_reset_puts_everything_back(explore):
    explorer = explore()
    before, said = picture(explorer).tobytes(), explorer.alt
    for spec in explorer._specs:
        explorer.controls[spec.name].value = positions(spec)[-1]
    explorer.reset.click()
    assert explorer.state == {spec.name: spec.value for spec in explorer._specs}
    assert (picture(explorer).tobytes(), explorer.alt) == (before, said)
    for spec in explorer._specs:
        if isinstance(spec, Slider):
            _, box, unit = explorer._rows[spec.name].children
            assert box.value == spec.written(spec.value)
            assert unit.value == spec.unit_of(spec.value)


def test_a_unit_follows_its_value():
    from m2k_lessons.explorers.indicators import explore

    explorer = explore()
    unit = explorer._rows["distance"].children[2]
    for distance, said in ((5, "45 and 55"), (45, "5 and 95"), (20, "30 and 70")):
        explorer.controls["distance"].value = distance
        assert unit.value == said


def test_a_still_has_picture_and_text(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    explorer = small_explorer()
    explorer.still()
    assert shown[0]["text/plain"] == explorer.alt
    still = Image.open(io.BytesIO(base64.b64decode(shown[0]["image/png"])))
    assert still.size == picture(explorer).size
    assert plots.image_tag(shown[0]["image/png"], explorer.alt) == shown[0]["text/html"]
