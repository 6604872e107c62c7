"""Make a deck of slides of each chapter: one file that needs no network, and a PDF of it.

    python course.py slides                    all chapters, into build/slides/
    python course.py slides 01 05 --pdf        two of them, and a PDF beside each (needs Chromium,
                                               Chrome or Edge)
    python course.py slides 01 --to FOLDER

Open a deck in any browser. S opens the speaker's view: the notes, the next slide, a clock. The
notes hold the answers to the exercises, so give learners the PDF, which has none.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import deck, deck_blocks, lesson_plans, notebooks  # noqa: E402

PARTS = ROOT / "teaching" / "slides"
SLIDES = ROOT / "build" / "slides"


def page(notebook: Path) -> str:
    """The deck of a lesson as one HTML file."""
    plan = lesson_plans.path_of(notebook)
    held = lesson_plans.read(plan.read_text(encoding="utf-8")) if plan.exists() else None
    made = deck.Deck(notebook, held or lesson_plans.Plan())
    sections = []
    for slide in made.slides:
        head = f"<header>{html.escape(slide.part)}</header>" if "section" not in slide.kind else ""
        head = "" if slide.kind == "title" else head
        notes = f'<aside class="notes">{"".join(slide.notes)}</aside>' if slide.notes else ""
        body = "\n".join(slide.body)
        sections.append(
            f'<section class="{slide.kind}">{head}<div class="body"><div class="fit">{body}'
            f"</div></div>{notes}</section>"
        )
    values = {
        "title": html.escape(made.title),
        "reveal_css": part("reveal/reveal.css"),
        "style": part("deck.css") + deck_blocks.code_style(),
        "sections": "\n".join(sections),
        "reveal_js": part("reveal/reveal.js"),
        "notes_js": part("reveal/notes.js"),
        "script": part("deck.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], part("deck.html"))


def part(name: str) -> str:
    # A closing tag within a script would end it.
    text = (PARTS / name).read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script") if name.endswith(".js") else text


def print_pdf(decks: list[Path], browser) -> None:
    """Print decks, a page for each slide, with all on it that appears by a click."""
    for path in decks:
        window = browser.new_page(viewport={"width": 1280, "height": 720})
        window.goto(f"{path.as_uri()}?print-pdf")
        window.wait_for_selector("html.ready")
        target = path.with_suffix(".pdf")
        window.pdf(path=target, prefer_css_page_size=True, print_background=True)
        window.close()
        print(target)


def print_all(decks: list[Path]) -> None:
    from playwright.sync_api import sync_playwright

    import conftest

    path = conftest.find_chromium()
    if path is None:
        sys.exit("--pdf needs Chromium, Chrome or Edge, and none was found; the decks are made")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        print_pdf(decks, browser)
        browser.close()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help="such as 01 04; all when omitted")
    parser.add_argument("--to", type=Path, default=SLIDES, help="folder; build/slides when omitted")
    parser.add_argument("--pdf", action="store_true", help="print each deck to a PDF, too")
    options = parser.parse_args(arguments)
    folder = options.to.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    decks = []
    for notebook in notebooks.find(options.chapters):
        target = folder / f"{notebook.stem}.html"
        target.write_text(page(notebook), encoding="utf-8", newline="\n")
        decks.append(target)
        print(target)
    if options.pdf:
        print_all(decks)


if __name__ == "__main__":
    main()
