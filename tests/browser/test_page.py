"""The page around the lessons: style, side bar, contents, dark theme; saved and opened again."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from m2k_lessons import plots
from tests.browser.lab import SCREEN, explorers_in, opened, run_all

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
START = "00_start_here.ipynb"
ASKS_TO_RUN = "This is how you left it. Run this cell (Shift+Enter), and it moves again."
AFTER = "node => getComputedStyle(node, '::after').content"


def no_broken_link_is_shown(explorer):
    return explorer.evaluate(
        """node => [node, ...node.querySelectorAll('.jupyter-widgets-disconnected')]
            .every(one => getComputedStyle(one, '::before').display === 'none')"""
    )


@pytest.mark.parametrize("folder", ["notebooks", "workbook"])
def test_saved_and_reopened_without_a_kernel_an_explorer_is_as_it_was_left(
    folder, browser, lab, tmp_path
):
    (lab.root / folder).mkdir(exist_ok=True)
    shutil.copy(ROOT / "notebooks" / START, lab.root / folder / START)
    with opened(browser, lab, f"{folder}/{START}", **SCREEN) as page:
        run_all(page)
        explorer = explorers_in(page)[0]
        explorer.locator(".noUi-handle").first.focus()
        page.keyboard.press("ArrowRight")
        explorer.locator("img[alt*='+13']").wait_for()
        left = explorer.locator("img").get_attribute("src")
        # Still on the handle: the arrow is the slider's, and Ctrl+S JupyterLab's.
        page.keyboard.press("Control+s")
        saved = lab.root / folder / START
        for _ in range(100):
            with contextlib.suppress(json.JSONDecodeError):  # half written
                if "widgets" in json.loads(saved.read_text(encoding="utf-8"))["metadata"]:
                    break
            page.wait_for_timeout(100)
        else:
            pytest.fail("Ctrl+S saved no explorer within 10 s")
    with opened(browser, lab, f"{folder}/{START}", **SCREEN) as page:
        explorer = page.locator(".m2k-explorer")
        explorer.wait_for()
        assert page.get_by_text("Error displaying widget").count() == 0
        assert explorer.locator("img").get_attribute("src") == left
        assert explorer.locator(".m2k-box input").first.input_value() == "13"
        assert explorer.locator(".noUi-handle").first.get_attribute("aria-valuenow") == "13.0"
        assert ASKS_TO_RUN in explorer.evaluate(AFTER)
        assert no_broken_link_is_shown(explorer)
    if folder == "workbook":
        return  # the same file
    # What it saved is compared cell by cell with what a fresh kernel says.
    shutil.copy(saved, tmp_path / START)
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-cell-timeout=60"]
    command += ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), str(tmp_path / START)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=ROOT, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_after_a_restart_a_sentence_and_no_broken_icons(browser, lab):
    with opened(browser, lab, f"notebooks/{START}", **SCREEN) as page:
        run_all(page)
        explorer = explorers_in(page)[0]
        assert explorer.evaluate(AFTER) == "none"
        page.click("text=Kernel >> nth=0")
        page.click("text='Restart Kernel…'")
        page.click(".jp-Dialog button:has-text('Restart')")
        page.wait_for_function(
            "node => getComputedStyle(node, '::after').content !== 'none'",
            arg=explorer.element_handle(),
        )
        assert ASKS_TO_RUN in explorer.evaluate(AFTER)
        assert no_broken_link_is_shown(explorer)
        assert explorer.locator("img").is_visible()
        page.wait_for_selector("text=/\\| Idle/")


def test_nonsense_typed_into_a_box_gets_a_word(browser, lab):
    with opened(browser, lab, f"notebooks/{START}", **SCREEN) as page:
        run_all(page)
        explorer = explorers_in(page)[0]
        box = explorer.locator(".m2k-box input").first
        box.fill("999")
        box.press("Enter")
        said = explorer.get_by_role("alert")
        said.wait_for()
        refusal = "Price move takes −20 to 20 in whole numbers, not “999”: 12 stays."
        assert said.inner_text() == refusal
        page.wait_for_function("box => box.value === '12'", arg=box.element_handle())
        box.fill("-7")
        box.press("Enter")
        said.wait_for(state="detached")
        page.wait_for_function("box => box.value === '−7'", arg=box.element_handle())
        assert "−7 points" in explorer.locator("img").get_attribute("alt")
        explorer.get_by_role("button", name="Reset").click()
        page.wait_for_function("box => box.value === '12'", arg=box.element_handle())


def test_contents_lead_to_the_map_at_the_first_click(browser, lab):
    with opened(browser, lab, "notebooks/05_strategies.ipynb", **SCREEN) as page:
        assert page.locator(".jp-TableOfContents").is_visible()
        assert not page.locator(".jp-FileBrowser").is_visible()
        page.locator(".jp-RenderedMarkdown a", has_text="Contents").first.click()
        page.wait_for_function(
            """() => {
                const headings = [...document.querySelectorAll('.jp-NotebookPanel h2')];
                const map = headings.find(one => one.textContent.startsWith('Map of the course'));
                const top = map?.getBoundingClientRect().top;
                return top > 60 && top < 400;
            }"""
        )
        # And it stays in sight: on a busy machine a picture above it may still come to its place.
        page.wait_for_timeout(1500)
        top = page.locator("h2", has_text="Map of the course").bounding_box()["y"]
        assert 60 < top < 600


@pytest.mark.parametrize("width", [1366, 1920])
def test_lines_of_prose_have_at_most_80_characters(width, browser, lab):
    with opened(browser, lab, "notebooks/12_options_hedging.ipynb", width, 900) as page:
        longest = page.evaluate(
            """() => Math.max(...[...document.querySelectorAll(
                '.jp-RenderedMarkdown > p'
            )].map(p => {
                const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
                const lines = new Map(), range = document.createRange();
                while (walker.nextNode()) {
                    const text = walker.currentNode;
                    for (let n = 0; n < text.length; n++) {
                        range.setStart(text, n);
                        range.setEnd(text, n + 1);
                        const box = range.getClientRects()[0];
                        if (box?.width) {
                            const line = Math.round(box.bottom / 8);
                            lines.set(line, (lines.get(line) ?? 0) + 1);
                        }
                    }
                }
                return Math.max(0, ...lines.values());
            }))"""
        )
        assert 60 < longest <= 80
        assert page.locator("p.m2k-question").count() >= 4
        assert page.locator("p.m2k-predict").count() >= 3


def luminance(colour):
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [value / 255 for value in colour]
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


PALETTE = ("BLUE", "ORANGE", "GREEN", "PURPLE", "SKY", "YELLOW", "GREY")


def test_figures_on_dark_ground_keep_their_contrast(browser, lab):
    with opened(browser, lab, f"notebooks/{START}", **SCREEN) as page:
        run_all(page)
        # A picture of the palette, put where figures are.
        colours = [tuple(bytes.fromhex(getattr(plots, name)[1:])) for name in PALETTE]
        colours += [(0, 0, 0), (255, 255, 255)]
        strip = Image.new("RGB", (10 * len(colours), 10))
        for n, colour in enumerate(colours):
            strip.paste(colour, (10 * n, 0, 10 * n + 10, 10))
        buffer = BytesIO()
        strip.save(buffer, "PNG")
        encoded = base64.b64encode(buffer.getvalue()).decode()
        page.evaluate(
            """encoded => {
                const picture = document.createElement('img');
                picture.id = 'strip';
                picture.style = 'align-self: flex-start; flex: none; image-rendering: pixelated';
                picture.src = `data:image/png;base64,${encoded}`;
                document.querySelector('.m2k-explorer').append(picture);
            }""",
            encoded,
        )
        strip_on_page = page.locator("#strip")
        strip_on_page.scroll_into_view_if_needed()

        def shown():
            picture = Image.open(BytesIO(strip_on_page.screenshot())).convert("RGB")
            return [picture.getpixel((10 * n + 5, 5)) for n in range(len(colours))]

        assert shown() == colours  # light theme: as in the file
        page.click("text=Settings >> nth=0")
        page.hover("text=Theme >> nth=0")
        page.click("text='JupyterLab Dark'")
        page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
        page.wait_for_timeout(500)
        dark = shown()
        assert luminance(dark[-1]) < 0.02, "a white slab"
        for name, before, after in zip((*PALETTE, "ink"), colours, dark, strict=False):
            # Black on white has 21; a dark page asks less of its text, and 7 is the strict limit.
            least = min(0.95 * contrast(before, colours[-1]), 15)
            assert contrast(after, dark[-1]) >= least, name
            if name not in ("ink", "GREY"):  # a blue line is still a blue line
                assert before.index(max(before)) == after.index(max(after)), (name, after)
        for picture in page.locator(".jp-OutputArea-output img").all():
            assert picture.evaluate("one => getComputedStyle(one).filter") != "none"
        page.click("text=Settings >> nth=0")
        page.hover("text=Theme >> nth=0")
        page.click("text='JupyterLab Light'")
        page.wait_for_selector("body[data-jp-theme-light=true]", state="attached")
