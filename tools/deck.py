"""From a lesson to slides: what of each cell is shown, and what the speaker says instead.

The parts of a lesson (CONTRIBUTING.md) decide. A prediction, a question for a figure, a figure with
what it shows, code with what it prints, an exercise: each has a slide. Running prose becomes the
speaker's notes of the slide before it, so nothing of the lesson is lost. A cell's own
`slideshow.slide_type` goes first: "skip", "notes", "slide" (all of a text cell on one slide).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from tools import deck_blocks as blocks
from tools import lesson_plans, notebooks

LEAD, CASE, CAPTION, SHOWS, ITEM = 45, 80, 30, 45, 34  # words on a slide
LIST_WORDS, LIST_ITEMS, TABLE_WORDS = 105, 6, 150
SAID = 32  # words below code and its output
NOTE = 150  # words of the note on simulated results
CROWDED = 130  # words of code and output below which nothing more is put
ROOM = 110  # pixels that they take
FULL = 620  # pixels of code and output on one slide
SLIDE_TYPES = ("", "-", "slide", "subslide", "fragment", "notes", "skip")
LEFT_OUT = ("New words", "Sources")  # for the lesson's reader
TO_ANSWER = re.compile(r"\.\.\.$|\.check\(\.\.\.\)", re.MULTILINE)
GUESSING = re.compile(r"^g\d+\.(guess|compare)\(.*$", re.MULTILINE)
QUESTION = re.compile(r"\*\*(Q\d+|Quiz|Example)\.\*\* ")
OPTION = re.compile(r"^[a-e]\) ")
FIGURE = re.compile(r"\*Figure (\d+b?\.\d+)\. ")


@dataclass
class Slide:
    """A slide: its kind (a class of the style sheet), HTML from top to bottom, speaker's notes."""

    kind: str
    part: str = ""
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    room: int = 0  # pixels left for a sentence below code and its output


class Deck:
    """The slides of one lesson."""

    def __init__(self, notebook: Path, plan: lesson_plans.Plan):
        self.plan = plan
        self.slides: list[Slide] = []
        self.part = ""
        self.lead = False  # whether the next paragraph is the first below a heading
        self.before = ""  # the last sentence of the paragraph before
        self.title = ""
        self.figures: list[str] = []
        self.questions = _questions(notebook)
        setup = True
        for cell in notebooks.read(notebook)["cells"]:
            kind = cell["metadata"].get("slideshow", {}).get("slide_type", "")
            if kind not in SLIDE_TYPES:
                expected = ", ".join(SLIDE_TYPES[2:])
                raise ValueError(f"{cell['id']}: slide_type must be one of {expected}, got {kind}")
            source = "".join(cell["source"])
            if kind == "skip":
                continue
            if kind == "notes":
                self._note(blocks.plain(source))
            elif cell["cell_type"] == "code":
                if not setup:
                    self._code(cell, source)
                setup = False
            elif kind in ("slide", "subslide"):
                self._add("text", blocks.rendered(blocks.plain(source)))
            else:
                for block in blocks.blocks(source):
                    self._text(block)
        self._finish()
        self._from_plan()

    def _add(self, kind: str, *body: str) -> Slide:
        self.slides.append(Slide(kind, self.part, list(body)))
        return self.slides[-1]

    def _note(self, text: str) -> None:
        if text and self.slides:
            self.slides[-1].notes.append(blocks.rendered(text))

    # Text, by what it begins with

    def _text(self, block: str) -> None:
        self._by_kind(block)
        last = blocks.sentences(block)[-1]
        self.before = last if block[0].isalpha() and blocks.words(last) <= LEAD else ""

    def _by_kind(self, block: str) -> None:
        name = QUESTION.match(block)
        if block.startswith("# "):
            self.title = block[2:]
            self._add("title", f"<h1>{blocks.rendered(self.title)}</h1>")
        elif block.startswith("## "):
            self._heading(block[3:])
        elif self.part in LEFT_OUT and not block.startswith(("#", "> **About")):
            return
        elif "Contents" in block and "·" in block and blocks.words(block) < 30:
            return  # the way to other chapters
        elif FIGURE.match(block):
            self._caption(block)
        elif name:
            self._exercise(name[1].lower(), block)
        elif OPTION.match(block) and self.slides[-1].kind == "exercise":
            self._option(block)
        elif block.startswith("**Predict before you run.**"):
            self._shown("predict", "Predict before you run", block.partition("run.**")[2])
        elif block.startswith("**Question for the figure:**"):
            self._shown("ask", "Before the figure", block.partition("figure:**")[2])
        elif block.startswith("**What it shows.**"):
            self._what_it_shows(block.partition("shows.**")[2])
        elif blocks.LIST.match(block):
            self._list(block)
        elif block.startswith("|"):
            self._table(block)
        elif blocks.FENCED.match(block):
            self._add("code", *self._announced(), blocks.code(block.split("\n", 1)[1].rstrip("~`")))
        elif block.startswith(">"):
            self._box(re.sub(r"^> ?", "", block, flags=re.MULTILINE))
        elif blocks.MATH.fullmatch(block):
            self._add("formula", *self._announced(), blocks.rendered(block))
        elif block.startswith("!["):
            return
        else:
            self._prose(block)

    def _heading(self, heading: str) -> None:
        self.part, self.lead = heading, True
        if heading in LEFT_OUT:
            return
        kind = "section" if re.match(r"(Loop|Step) ", heading) else "small section"
        self._add(kind, f"<h2>{blocks.rendered(heading)}</h2>")

    def _prose(self, block: str) -> None:
        if self.slides[-1].kind == "title":
            shown, rest = blocks.shortened(block, LEAD)
            self.slides[-1].body.append(blocks.rendered(shown))
            self._note(rest)
        elif self.part == "One question to begin with":
            # The case and the questions about it; what the course makes of it is said.
            if self.lead or "?" in block:
                shown, rest = blocks.shortened(block, CASE)
                before = blocks.words("".join(self.slides[-1].body))
                if before + blocks.words(shown) > LIST_WORDS:
                    self._add("text")
                self.slides[-1].body.append(blocks.rendered(shown))
                self._note(rest)
            else:
                self._note(block)
        elif self.lead:
            shown, rest = blocks.shortened(block, LEAD)
            self.slides[-1].body.append(blocks.rendered(shown))
            self._note(rest)
        elif self.slides[-1].room > ROOM:
            shown, rest = blocks.shortened(block, SAID)
            beside = blocks.words(re.sub(r"<[^>]+>", "", "".join(self.slides[-1].body)))
            if blocks.words(shown) <= SAID and beside < CROWDED:
                self.slides[-1].body.append(f'<div class="said">{blocks.rendered(shown)}</div>')
                block = rest
            self.slides[-1].room = 0
            self._note(block)
        else:
            self._note(block)
        self.lead = False

    def _shown(self, kind: str, title: str, text: str) -> None:
        shown, rest = blocks.shortened(text, CASE)
        shown = f"{shown[:1].upper()}{shown[1:]}"
        self._add(kind, f"<h3>{title}</h3>", blocks.rendered(shown))
        self._note(rest)

    def _list(self, block: str) -> None:
        shorten = self.part.startswith(("Where this breaks", "Recap"))
        pairs = [blocks.shortened(item, ITEM if shorten else CASE) for item in blocks.items(block)]
        below = self.slides[-1]
        if below.kind != "small section" or len(below.body) > 2:
            below = self._add("list", *self._announced())
        start, mark = 1, "ol" if block[0].isdigit() else "ul"
        for part in _shared_out(pairs):
            if start > 1:
                below = self._add("list")
            lines = "".join(f"<li>{blocks.rendered(shown)}</li>" for shown, _ in part)
            number = f' start="{start}"' if mark == "ol" else ""
            below.body.append(f"<{mark}{number}>{lines}</{mark}>")
            self._note("\n\n".join(rest for _, rest in part))
            start += len(part)
        self.lead = False

    def _announced(self) -> list[str]:
        """What a list or a formula is about: the sentence before it."""
        return [blocks.rendered(self.before)] if self.before else []

    def _table(self, block: str) -> None:
        if (
            block.count("\n") <= blocks.ROWS + 1
            and blocks.words(block.replace("|", " ")) <= TABLE_WORDS
        ):
            self._add("table", blocks.rendered(block))
        else:
            self._note(block)

    def _box(self, text: str) -> None:
        # The note on simulated results is never shortened.
        note = text.startswith("**About simulated results")
        shown, rest = blocks.shortened(text, NOTE if note else CASE)
        self._add("box", blocks.rendered(shown))
        if note:
            self.slides[-1].part = ""
        self._note(rest)

    # Exercises

    def _exercise(self, name: str, block: str) -> None:
        self._add("exercise", f"<h3>{name.capitalize()}</h3>")
        self.slides[-1].body.append(blocks.rendered(QUESTION.sub("", block, count=1)))
        question = self.questions.get(name)
        if question is not None:
            answer = blocks.html.escape(question.solution().text)
            self.slides[-1].notes.append(f"<p>The answer:</p><pre>{answer}</pre>")

    def _option(self, block: str) -> None:
        self.slides[-1].body.append(f'<div class="option">{blocks.rendered(block)}</div>')

    # Figures and code

    def _caption(self, block: str) -> None:
        number = FIGURE.match(block)[1]
        self.figures.append(number)
        text = FIGURE.sub("", block).strip().removesuffix("*").replace("*", "")
        shown, rest = blocks.shortened(text, CAPTION)
        last = self.slides[-1]
        if last.kind != "figure":
            raise ValueError(f"Figure {number} has a caption without a picture before it")
        last.body.append(
            f'<div class="caption">{blocks.rendered(f"**Figure {number}.** {shown}")}</div>'
        )
        self._note(rest)

    def _what_it_shows(self, text: str) -> None:
        shown, rest = blocks.shortened(text, SHOWS)
        page = f'<div class="shows fragment">{blocks.rendered(shown)}</div>'
        if self.slides[-1].kind == "figure":
            self.slides[-1].body.append(page)
        else:
            self._add("text", "<h3>What it shows</h3>", blocks.rendered(shown))
        self._note(rest)

    def _code(self, cell: dict, source: str) -> None:
        pictures = [
            output["data"] for output in cell["outputs"] if "image/png" in output.get("data", {})
        ]
        if pictures:
            for data in pictures:
                self._add("figure", blocks.figure(data))
            return
        source = GUESSING.sub("", source).strip()
        widget = re.fullmatch(r"\w+( *#.*)?", source)  # the live explorer
        if not source or widget or TO_ANSWER.search(source) or "progress." in source:
            return
        shown = [] if "hide-input" in cell["metadata"].get("tags", []) else [blocks.code(source)]
        out = blocks.outputs(cell)
        if not shown and not out:
            return
        if shown and out and sum(map(blocks.height, shown + out)) > FULL:
            self._add("code", *shown)
            shown = []
        slide = self._add("code" if shown else "out", *shown)
        slide.body += [f'<div class="output">{one}</div>' for one in out]
        slide.room = FULL - sum(map(blocks.height, shown + out))

    def _finish(self) -> None:
        """Answer the quiz at a click, and drop headings that have a slide of their own for nothing.

        The heading stands above the next slide, too.
        """
        quiz = self.questions.get("quiz")
        for slide in self.slides:
            if quiz is not None and slide.kind == "exercise" and ">Quiz<" in slide.body[0]:
                right = f"**{quiz.right})** {quiz.feedback[quiz.right]}"
                text = blocks.rendered(right, formulas=False)
                slide.body.append(f'<div class="shows fragment">{text}</div>')
        kept: list[Slide] = []
        for slide, after in zip(self.slides, [*self.slides[1:], None], strict=True):
            if slide.kind == "small section" and len(slide.body) == 1 and after is not None:
                after.notes = slide.notes + after.notes
            else:
                kept.append(slide)
        self.slides = kept

    # The plan

    def _from_plan(self) -> None:
        spent = 0
        for step in self.plan.steps:
            first = next((one for one in self.slides if one.part.startswith(step.heading)), None)
            until = spent + step.minutes
            if first is not None:
                said = f"**Minutes {spent} to {until}.** {step.does}"
                first.notes.insert(0, blocks.rendered(said, formulas=False))
            spent = until
        for before, slide in zip(self.slides, self.slides[1:], strict=False):
            for number in re.findall(r"<strong>Figure (\d+b?\.\d+)\.", "".join(slide.body)):
                if number in self.plan.figures:
                    said = f"**Before figure {number} is shown.** {self.plan.figures[number]}"
                    before.notes.insert(0, blocks.rendered(said, formulas=False))
        for place, heading, text in (
            (0, "On the board", self.plan.board),
            (-1, "Homework", self.plan.homework),
        ):
            if text:
                said = blocks.rendered(f"**{heading}**\n\n{text}", formulas=False)
                self.slides[place].notes.append(said)


def _shared_out(pairs: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The items of a list for one slide or for several, about the same number of words on each."""
    total = sum(blocks.words(shown) for shown, _ in pairs)
    slides = max(-(-total // LIST_WORDS), -(-len(pairs) // LIST_ITEMS))
    parts: list[list[tuple[str, str]]] = [[] for _ in range(slides)]
    before = 0
    for shown, rest in pairs:
        middle = before + blocks.words(shown) / 2
        parts[min(slides - 1, int(middle * slides / total))].append((shown, rest))
        before += blocks.words(shown)
    return [part for part in parts if part]


def _questions(notebook: Path) -> dict:
    name = f"m2k_lessons.exercises.{notebook.stem.split('_', 1)[1]}"
    if importlib.util.find_spec(name) is None:
        return {}
    os.environ.pop("M2K_STUDENT", None)
    return importlib.import_module(name).QUESTIONS
