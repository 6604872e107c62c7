"""Every lesson runs in JupyterLab at 1366 × 768; its explorers fit, have names, and answer keys."""

import re
from pathlib import Path

import pytest

from tests.browser.lab import SCREEN, explorers_in, opened, run_all
from tests.notebooks.lessons import LESSONS, code_cells, source

pytestmark = pytest.mark.browser

# axe-core 4.14.1 as npm has it, for these tests only; its licence lies beside it.
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
WITH_EXPLORERS = [
    path
    for path in LESSONS
    if any("m2k_lessons.explorers." in source(cell) for cell in code_cells(path))
]
# Controls and picture together, in pixels: three panels, and a desk with a ticket and a clock.
HIGHEST = {"07": 560, "04": 560}
CONTROLS = "input:enabled, select:enabled, button:enabled, .noUi-handle"
TABBABLE = f"""node => [...node.querySelectorAll('{CONTROLS}')].filter(one => one.offsetParent)"""


@pytest.fixture(params=WITH_EXPLORERS, ids=lambda path: path.stem)
def lesson(request, browser, lab):
    path = request.param
    with opened(browser, lab, f"notebooks/{path.name}", **SCREEN) as page:
        run_all(page)
        wrong = ".jp-mod-error, .jp-RenderedText[data-mime-type*=stderr], .jp-Dialog"
        assert page.locator(wrong).count() == 0
        yield path.stem[:2], page


def test_each_explorer_fits_is_named_and_answers_keys(lesson):
    """One test, because opening and running a lesson takes most of its time."""
    number, page = lesson
    assert page.locator(".jp-TableOfContents").is_visible(), "the side bar is part of the screen"
    page.evaluate(AXE)
    explorers = explorers_in(page)
    assert explorers, "no explorer was drawn"
    for explorer in explorers:
        explorer.scroll_into_view_if_needed()
        controls_fit(explorer, HIGHEST.get(number, 500))
        nothing_serious(page, explorer)
        handles_have_names(explorer)
        keyboard_reaches_everything(page, explorer)
        a_key_moves_the_picture(page, explorer)


def controls_fit(explorer, highest):
    """From the upper edge to the lower end of the last control or of the picture."""
    box = explorer.bounding_box()
    ends = explorer.evaluate(
        """node => Math.max(...[...node.querySelectorAll('img, input, select, button')]
            .map(one => one.getBoundingClientRect().bottom))"""
    )
    assert ends - box["y"] <= highest, f"{ends - box['y']:.0f} pixels high"
    overflow = explorer.evaluate("node => node.scrollWidth - node.clientWidth")
    assert overflow <= 1, "wider than the notebook"
    cut = explorer.evaluate(
        """node => [...node.querySelectorAll('.widget-label, .m2k-unit, button')]
            .filter(one => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
            .map(one => one.textContent)"""
    )
    assert cut == [], "words are cut off"


def nothing_serious(page, explorer):
    found = page.evaluate("node => axe.run(node)", explorer.element_handle())
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []
    assert len(found["passes"]) > 5, "axe has looked at nothing"


def handles_have_names(explorer):
    for handle in explorer.locator(".noUi-handle").all():
        row = handle.locator("xpath=ancestor::*[contains(@class, 'm2k-control')]")
        label = row.locator(".widget-label").first.inner_text()
        assert handle.get_attribute("aria-label") == label
        value = row.locator(".m2k-box input").input_value()
        unit = row.locator(".m2k-unit").inner_text()
        assert unit
        number, _, rest = handle.get_attribute("aria-valuetext").partition(" ")
        assert rest == unit.replace("\xa0", " ")
        assert float(number.replace("−", "-")) == float(value.replace("−", "-"))
        name = row.locator(".m2k-box label").text_content()
        assert name.startswith(label)


def keyboard_reaches_everything(page, explorer):
    """Tab goes through all controls in the order of reading, and each shows that it is focused."""
    number = explorer.evaluate(f"node => ({TABBABLE})(node).length")
    explorer.evaluate(f"node => ({TABBABLE})(node)[0].focus()")
    page.keyboard.press("Shift")  # from here on by keyboard: only then is focus shown
    places = []
    for _ in range(number):
        places.append(
            explorer.evaluate(
                f"""node => {{
                    const here = document.activeElement;
                    const look = getComputedStyle(here);
                    const seen = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2;
                    return [({TABBABLE})(node).indexOf(here), seen];
                }}"""
            )
        )
        page.keyboard.press("Tab")
    assert [place for place, _ in places] == list(range(number))
    assert all(seen for _, seen in places), places


def a_key_moves_the_picture(page, explorer):
    # The widget writes its picture anew: ask the box, not the picture.
    box = explorer.element_handle()
    handle = explorer.locator(".noUi-handle").first
    alt, shown = box.eval_on_selector("img", "picture => [picture.alt, picture.src]")
    low, now = (handle.get_attribute(f"aria-value{which}") for which in ("min", "now"))
    handle.focus()
    page.keyboard.press("ArrowRight" if now == low else "ArrowLeft")
    moved = "([box, old]) => box.querySelector('img').alt !== old"
    page.wait_for_function(moved, arg=[box, alt])
    assert box.eval_on_selector("img", "picture => picture.src") != shown
    row = handle.locator("xpath=ancestor::*[contains(@class, 'm2k-control')]").element_handle()
    page.wait_for_function(
        """row => {
            const read = text => parseFloat(text.replace('−', '-'));
            const said = row.querySelector('.noUi-handle').getAttribute('aria-valuetext');
            const unit = row.querySelector('.m2k-unit').textContent.trim();
            const typed = row.querySelector('.m2k-box input').value;
            return said.endsWith(unit) && read(said) === read(typed);
        }""",
        arg=row,
    )
    assert re.search(r"\d", handle.get_attribute("aria-valuetext"))
