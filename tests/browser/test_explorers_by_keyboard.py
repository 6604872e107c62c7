"""Every lesson runs in JupyterLab, and each of its explorers moves by keyboard."""

import pytest

from tests.browser.lab import opened, run_all
from tests.notebooks.lessons import LESSONS, code_cells, source

pytestmark = pytest.mark.browser

# Chapter 01 has a longer test of its own.
WITH_EXPLORERS = [
    path
    for path in LESSONS
    if path.stem[:2] != "01"
    and any("m2k_lessons.explorers." in source(cell) for cell in code_cells(path))
]


@pytest.mark.parametrize("path", WITH_EXPLORERS, ids=lambda path: path.stem)
def test_each_explorer_answers_the_keyboard(path, browser, lab):
    with opened(browser, lab, f"notebooks/{path.name}") as page:
        run_all(page)
        wrong = ".jp-mod-error, .jp-RenderedText[data-mime-type*=stderr], .jp-Dialog"
        assert page.locator(wrong).count() == 0
        explorers = page.locator(".jp-OutputArea-output .jupyter-widgets:has(img)").filter(
            has=page.locator(".noUi-handle")
        )
        outermost = [
            one
            for one in explorers.all()
            if one.evaluate("node => !node.parentElement.closest('.jupyter-widgets')")
        ]
        assert outermost, "no explorer was drawn"
        for explorer in outermost:
            # The widget writes its picture anew: ask the box, not the picture.
            box = explorer.element_handle()
            handle = explorer.locator(".noUi-handle").first
            handle.scroll_into_view_if_needed()
            alt, shown = box.eval_on_selector("img", "picture => [picture.alt, picture.src]")
            low, now = (handle.get_attribute(f"aria-value{which}") for which in ("min", "now"))
            handle.focus()
            page.keyboard.press("ArrowRight" if now == low else "ArrowLeft")
            moved = "([box, old]) => box.querySelector('img').alt !== old"
            page.wait_for_function(moved, arg=[box, alt])
            assert box.eval_on_selector("img", "picture => picture.src") != shown
