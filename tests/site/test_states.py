"""The pictures behind the sliders of a page are the live explorers' own."""

import json
import random
import re

import numpy as np
import pytest
from PIL import Image

from tests.site.conftest import PHONE, ROOT
from tools.site import pages, pictures, states

KEYS = list(states.STRIPS)
WITHOUT_DESK = [key for key in KEYS if key[0] != "first_steps"]


@pytest.fixture(scope="module")
def drawn():
    return states.draw_all(ROOT / "build" / "site-states")


@pytest.mark.parametrize("key", WITHOUT_DESK, ids="-".join)
def test_a_state_is_what_the_live_explorer_shows(key, drawn):
    import importlib

    live = getattr(importlib.import_module(f"m2k_lessons.explorers.{key[0]}"), key[1])()
    folder = drawn / "-".join(key)
    alts = json.loads((folder / "about.json").read_text(encoding="utf-8"))["alts"]
    found = list(enumerate(states.combinations(states.STRIPS[key])))
    assert len(alts) == len(found) == len(list(folder.glob("*.png")))
    for number, values in random.Random(1).sample(found, 3):
        for name, value in values.items():
            live.controls[name].value = value
        assert alts[number] == live.alt
        picture = np.asarray(Image.open(folder / f"{number}.png").convert("RGB")).astype(int)
        off = np.abs(picture - live._pixels_now()).max(axis=2)
        assert (off > 100).mean() < 0.002, "colours were lost"


def test_the_desk_ends_with_what_its_exits_and_costs_make(drawn):
    key = ("first_steps", "explore")
    told = json.loads((drawn / "-".join(key) / "about.json").read_text(encoding="utf-8"))
    last = {
        (values["side"], values["stop_loss_points"]): alt
        for values, alt in zip(states.combinations(states.STRIPS[key]), told["alts"], strict=True)
        if values["clock"] == 360
    }
    equity = re.compile(r"Equity \$([\d,]+\.\d\d)")
    ends = {way: float(equity.search(alt)[1].replace(",", "")) for way, alt in last.items()}
    # Two fees of 0.85; a stop slips by a tick of 0.50, and a profit target doesn't.
    lost = {("buy", points): 5_000 - 5 * points - 1.70 - 0.50 for points in (8, 12, 16)}
    won = {("sell", points): 5_000 + 5 * 16 - 1.70 for points in (8, 12, 16)}
    assert ends == pytest.approx(lost | won)


def test_every_explorer_of_the_lessons_has_its_states():
    made = {
        found
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for found in pages.explorers(json.loads(path.read_text(encoding="utf-8"))).values()
    }
    assert made == set(KEYS)


def test_a_strip_that_does_not_fit_its_explorer_is_refused(tmp_path, monkeypatch):
    key = ("start_here", "explore")
    for strip, said in (
        ({"points": (-20, 20)}, "leave out how it starts"),
        ({"points": (12, 21)}, "takes −20 to 20"),
        ({"point": (12,)}, "point"),
    ):
        monkeypatch.setitem(states.STRIPS, key, strip)
        with pytest.raises((ValueError, KeyError), match=said):
            states.draw(key, tmp_path / "strip")


def test_a_picture_of_two_panels_is_cut_between_them_and_no_other():
    pixels = np.full((100, 960, 3), 255, dtype=np.uint8)
    pixels[:, 100:450] = pixels[:, 520:900] = 0
    two = Image.fromarray(pixels)
    assert pictures.split([two]) == pytest.approx(484.5 / 960)
    pixels[50, 470:500] = 0  # a title of the left panel that runs on
    assert pictures.split([two, Image.fromarray(pixels)]) == pytest.approx(460 / 960, abs=0.06)
    pixels[50, 300:700] = 0
    assert pictures.split([two, Image.fromarray(pixels)]) is None
    assert pictures.split([two.resize((760, 100))]) is None


@pytest.mark.browser
def test_arrow_keys_move_picture_text_and_what_a_screen_reader_hears(opened):
    page = opened("01_contract_basics", PHONE)
    box = page.locator(".m2k-explorer")
    slider = box.locator("input").first
    assert slider.get_attribute("aria-valuetext") == "2 M2K"
    slider.focus()
    for _ in range(7):
        page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "−5 M2K"
    assert box.locator("output").first.inner_text() == "−5 M2K"
    alt = box.locator("img").get_attribute("alt")
    assert alt.startswith("Left: −5 M2K from 2,400.0 to 2,388.0 make $300.00.")
    assert box.locator("[aria-live]").inner_text() == alt
    assert "/2.png" in box.locator(".m2k-half").first.get_attribute("style")
    # On a phone the halves are what is seen, and the whole picture need never be fetched.
    assert box.locator("img").bounding_box()["width"] <= 1
    assert box.locator(".m2k-half").first.bounding_box()["width"] > 300
    page.wait_for_load_state("networkidle")
    fetched = {answer.url.rsplit("/", 1)[1]: answer.status for answer in page.fetched}
    assert fetched["2.png"] == 200
    assert not page.problems


@pytest.mark.browser
def test_a_list_is_picked_and_its_pictures_are_there(opened):
    page = opened("06_sessions")
    box = page.locator(".m2k-explorer")
    box.locator("select").first.select_option("Tokyo")
    assert "Tokyo" in box.locator("img").get_attribute("alt")
    # A picture is fetched when it comes near the screen.
    box.locator("img").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.m2k-explorer img').naturalWidth > 800")
    assert not page.problems
