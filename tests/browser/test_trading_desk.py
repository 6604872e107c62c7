"""The trading desk of chapter 04 in JupyterLab, by keyboard: an order, its fill, two hours."""

import time

import pytest

from tests.browser.lab import opened, run_all

pytestmark = pytest.mark.browser


def test_a_trade_and_two_hours_by_keyboard(browser, lab):
    with opened(browser, lab, "notebooks/04_first_steps.ipynb", 1400, 1000) as page:
        run_all(page)
        desk = page.locator(".jp-OutputArea-output .jupyter-widgets:has(img)").first
        box = desk.element_handle()

        def press(label):
            desk.get_by_role("button", name=label, exact=True).focus()
            page.keyboard.press("Enter")

        def wait_for(text):
            page.wait_for_function(
                "([box, text]) => box.querySelector('img').alt.includes(text)", arg=[box, text]
            )

        for labelled in ("Side", "Contracts", "Order type", "Limit price", "Stop price"):
            assert desk.get_by_label(labelled, exact=True).count() >= 1, labelled
        # Far enough away that no exit stops the clock.
        stop = desk.get_by_label("Stop loss (points)", exact=True)
        stop.focus()
        page.keyboard.press("Control+A")
        page.keyboard.type("60")
        page.keyboard.press("Tab")
        press("Send order")
        press("1 minute")
        wait_for("10:01 New York")
        wait_for("+1 from 2,362.3")
        desk.get_by_role("status").get_by_text("bought 1 at 2362.3").wait_for()
        working = desk.get_by_label("Working order", exact=True)
        chosen = working.evaluate("one => one.selectedOptions[0].text").replace("\xa0", " ")
        assert "sell 1 stop 2,302.3" in chosen
        began = time.monotonic()
        press("Play")
        wait_for("12:01 New York")
        assert time.monotonic() - began < 60
        press("Pause")
        page.wait_for_timeout(1500)
        paused = box.eval_on_selector("img", "picture => picture.alt")
        page.wait_for_timeout(1500)
        assert box.eval_on_selector("img", "picture => picture.alt") == paused
        press("Start again")
        wait_for("10:00 New York")
        wait_for("Position: none. Orders in the chart: none. Purchases marked: 0")
