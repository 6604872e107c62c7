"""From key press to new picture in JupyterLab: the course's explorer beside ipywidgets' interact.

Both draw three panels of 2,500 points; the explorer of chapter 07 is measured, too. Time runs in
the browser, from the keydown event to the moment at which the new picture is in the page. Then
the slider is dragged for a second, and the pictures are counted. `python course.py bench
explorer_latency [FOLDER]` measures the explorers of another edition of the course, in FOLDER, as
well; all take turns.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import find_chromium
from tests.browser.lab import CHROMIUM, opened, run_all, running_lab

PRESSES, ROUNDS = 25, 3
ROOT = Path(__file__).resolve().parents[1]

EXPLORER = """
import numpy as np
from m2k_lessons.explorers.base import Explorer, Slider
x = np.arange(2500)
walk = np.random.default_rng(1).normal(size=(3, 2500)).cumsum(axis=1)

def draw(figure):
    panels = figure.subplots(3, 1)
    for panel in panels:
        panel.set(xlim=(0, 2500), ylim=(-400, 400), xlabel="day", ylabel="points")
    return {f"line{n}": panel.plot([], [])[0] for n, panel in enumerate(panels)}

def update(artists, result):
    for n in range(3):
        artists[f"line{n}"].set_data(x, result["y"][n])

Explorer([Slider("scale", "Scale", "times", 1.0, 0.0, 3.0, 0.01)],
         lambda scale: {"y": scale * walk}, draw, update,
         lambda state, result: f"three lines, {state['scale']}", size=(8, 6))
"""

CHAPTER = """
from m2k_lessons.explorers.indicators import explore
explore()
"""

INTERACT = """
import numpy as np
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, interact
x = np.arange(2500)
walk = np.random.default_rng(1).normal(size=(3, 2500)).cumsum(axis=1)

def picture(scale):
    figure, panels = plt.subplots(3, 1, figsize=(8, 6), constrained_layout=True)
    for n, panel in enumerate(panels):
        panel.set(xlim=(0, 2500), ylim=(-400, 400), xlabel="day", ylabel="points")
        panel.plot(x, scale * walk[n])
    plt.show()

interact(picture, scale=FloatSlider(value=1.0, min=0.0, max=3.0, step=0.01));
"""

# Resolves with the milliseconds from the key press to the change of the picture.
MEASURE = """() => new Promise((resolve, reject) => {
    const area = document.querySelector('.jp-OutputArea');
    let start = null;
    const before = area.querySelector('img').src;
    addEventListener('keydown', () => { start = performance.now(); }, {capture: true, once: true});
    const observer = new MutationObserver(() => {
        const picture = area.querySelector('img');
        if (start !== null && picture && picture.src !== before) {
            observer.disconnect();
            resolve(performance.now() - start);
        }
    });
    observer.observe(area, {subtree: true, childList: true, attributes: true});
    setTimeout(() => reject(new Error('the picture did not change')), 10000);
})"""


def measure(page) -> list[float]:
    page.locator(".noUi-handle").first.focus()
    times = []
    for n in range(PRESSES):
        page.evaluate(f"void (window.result = ({MEASURE})())")  # listens; nobody waits yet
        page.keyboard.press("ArrowLeft" if n % 2 else "ArrowRight")  # meets no end
        times.append(page.evaluate("window.result"))
        page.wait_for_timeout(150)
    return times


# Counts the pictures that differ from the one before, until it is asked.
COUNT = """() => {
    const area = document.querySelector('.jp-OutputArea');
    let last = area.querySelector('img').src;
    window.pictures = 0;
    new MutationObserver(() => {
        const picture = area.querySelector('img');
        if (picture && picture.src !== last) {
            last = picture.src;
            window.pictures += 1;
        }
    }).observe(area, {subtree: true, childList: true, attributes: true});
}"""


def drag(page) -> int:
    """Pictures shown while the handle goes along its slider for a second, 60 moves in all."""
    slider = page.locator(".noUi-target").first.bounding_box()
    handle = page.locator(".noUi-handle").first.bounding_box()
    height = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, height)
    page.mouse.down()
    page.evaluate(COUNT)
    began = time.monotonic()
    for n in range(60):
        page.mouse.move(slider["x"] + slider["width"] * (0.05 + 0.9 * n / 60), height)
        page.wait_for_timeout(max(0, 1000 * (began + (n + 1) / 60 - time.monotonic())))
    shown = page.evaluate("window.pictures")
    page.mouse.up()
    return shown


def measure_in_lab(browser, home: Path, source: str, edition: Path) -> tuple[list[float], int]:
    """Run `source` as the only cell of a notebook and measure what it shows."""
    (home / "root").mkdir()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source.strip())],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, home / "root" / "panels.ipynb")
    os.environ["PYTHONPATH"] = str(edition)
    with running_lab(home) as lab, opened(browser, lab, "panels.ipynb", height=1000) as page:
        run_all(page)
        page.wait_for_timeout(1500)
        return measure(page), drag(page)


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("no Chromium, Chrome or Edge on this machine")
    subjects = {"explorer": (EXPLORER, ROOT), "interact": (INTERACT, ROOT)}
    subjects["chapter 07"] = (CHAPTER, ROOT)
    if sys.argv[1:]:
        other = Path(sys.argv[1]).resolve()
        subjects |= {"other explorer": (EXPLORER, other), "other 07": (CHAPTER, other)}
    times, pictures = ({name: [] for name in subjects} for _ in range(2))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        for _ in range(ROUNDS):
            for name, (source, edition) in subjects.items():
                with tempfile.TemporaryDirectory() as home:
                    pressed, dragged = measure_in_lab(browser, Path(home), source, edition)
                times[name] += pressed
                pictures[name].append(dragged)
        browser.close()
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        # The quickest tenth is what is left of a machine that has other work besides.
        quick, within = (sorted(values)[int(share * len(values))] for share in (0.1, 0.9))
        print(
            f"{name:14} median {medians[name]:6.1f} ms   10 % within {quick:6.1f} ms   "
            f"90 % within {within:6.1f} ms   "
            f"{medians[name] / medians['explorer']:5.2f} times the explorer's   "
            f"in a drag of a second {statistics.median(pictures[name]):.0f} pictures"
        )


if __name__ == "__main__":
    main()
