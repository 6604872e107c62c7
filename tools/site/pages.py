"""A committed notebook as a page of the site: a notebook that Sphinx reads.

Questions become cards with a form, explorers become pictures with sliders, and figures become
files beside the page. Every word of the lesson stays; its hidden number tags and the line of links
below the title, which the site has in its margins, go.
"""

from __future__ import annotations

import base64
import functools
import html
import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from m2k_lessons.exercises.question import Named
from tools.site import answers, pictures

LIVE_ONLY = "the live explorer comes here"
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
TAG = re.compile(r"<!--(?:=|fact|given).*?-->", re.DOTALL)
NAVIGATION = re.compile(r"^\[(?:←|Contents).*\n+", re.MULTILINE)
PLACE = re.compile(r"\]\((\w*\.ipynb)?#([^)]+)\)")
PICTURE = re.compile(r'<img alt="(?P<alt>[^"]*)"[^>]*src="data:image/png;base64,(?P<png>[^"]+)">')
ANSWERED = re.compile(r"^(?P<name>[a-z]\w*)\.(?P<what>check|guess|compare|ask)\(", re.MULTILINE)
PREDICT = re.compile(r"^\*\*Predict before you run\.\*\* .+$", re.MULTILINE)
STILL = re.compile(r"^(?P<name>\w+)\.still\(\)$", re.MULTILINE)
MADE = re.compile(r"\b(explore\w*)\(")
IT_IS = re.compile(r"It is (?P<value>−?-?[\d,.e+-]*\d)")


@functools.cache
def questions(page: str) -> dict[str, Named]:
    """All that a learner of this page can answer, by name."""
    module = importlib.import_module(f"m2k_lessons.exercises.{page.split('_', 1)[1]}")
    named = {name: one for name, one in vars(module).items() if isinstance(one, Named)}
    return {name: one for name, one in named.items() if name != "example"}


def made(path: Path, folder: Path, show: Callable[[str, str], str], live: bool) -> dict:
    """The page of the notebook at `path`; its figures are written into `folder`.

    Parameters
    ----------
    show : function of (module, function)
        The HTML of an explorer, such as ("contract_basics", "explore").
    live : bool
        Whether the site has a browser edition to link to.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    page, cells, made_by = path.stem, [], explorers(notebook)
    # A prediction is printed in the words of its paragraph: its form takes the place of its cell.
    unasked = {
        name: one for name, one in questions(page).items() if not isinstance(one, answers.Guess)
    }
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cells.append(_markdown(_text(source, page, unasked, live, first=number == 0)))
        else:
            stem = folder / f"{page}-{number}"
            cells += _code(cell, source, page, stem, made_by, show, live)
    if unasked:
        raise ValueError(f"{path.name} asks these questions in other words: {', '.join(unasked)}")
    named = [cell | {"id": f"cell-{n}"} for n, cell in enumerate(cells)]
    return notebook | {"cells": named, "nbformat_minor": 5}


def _markdown(text: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _html(text: str) -> dict:
    """An output; a `{raw}` block of Markdown would do, but an output needs no fence."""
    data = {"text/html": text}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def _text(source: str, page: str, unasked: dict[str, Named], live: bool, first: bool) -> str:
    text = TAG.sub("", source)
    if first:
        text = NAVIGATION.sub("", text, count=1)
        if live:
            address = answers.LIVE.format(page=page)
            title, _, rest = text.partition("\n")
            link = f'<p class="m2k-live"><a href="{address}">Open this lesson live</a></p>'
            text = f"{title}\n\n{link}\n{rest}"
    text = PLACE.sub(lambda found: f"]({found[1] or ''}#{found[2].lower()})", text)
    text = PREDICT.sub(r"::::{container} m2k-predict\n\g<0>\n::::", text)
    for name, question in list(unasked.items()):
        asked = question.markdown()
        if asked in text:
            text = text.replace(asked, "\n" + answers.card(question, live) + "\n", 1)
            del unasked[name]
    return text


def _code(cell: dict, source: str, page: str, stem: Path, made_by, show, live) -> list:
    cell = cell | {"outputs": [one for one in cell["outputs"]]}
    if stills := STILL.findall(source):
        return [_explorers(cell, stills, made_by, show)]
    # The live widget: the pictures above it move instead.
    cell["outputs"] = [one for one in cell["outputs"] if LIVE_ONLY not in json.dumps(one)]
    if source.split("#")[0].strip() in made_by:
        return []
    if "progress" in source and re.search(r"progress\.\w+\(", source):
        return [_progress(page, source)]
    names = {(found["name"], found["what"]) for found in ANSWERED.finditer(source)}
    named = {(name, what) for name, what in names if name in questions(page)}
    for name, what in named:
        question = questions(page)[name]
        if what == "compare":
            cell["outputs"] = [_compared(one, page, name) for one in cell["outputs"]]
        elif what == "check" and not isinstance(question, ANSWERED_HERE):
            cell["outputs"] = [one for one in cell["outputs"] if not _is_reply(one)]
        elif what == "guess":
            return [_markdown(answers.card(question, live))]
        elif what == "check":
            if len(source.strip().splitlines()) <= 2:
                return []
            cell["outputs"] = [one for one in cell["outputs"] if not _is_reply(one)]
    cell["outputs"] = [_output(one, f"{stem}-{n}") for n, one in enumerate(cell["outputs"])]
    return [cell]


ANSWERED_HERE = (answers.Choose, answers.Compute, answers.Guess, answers.Reflect)


def _is_reply(output: dict) -> bool:
    return 'class="mathjax_ignore"' in "".join(output.get("data", {}).get("text/html", ""))


def _explorers(cell: dict, stills: list[str], made_by: dict[str, tuple[str, str]], show) -> dict:
    """The cell that makes explorers, folded, with their pictures and sliders below it."""
    outputs = [_html(show(*made_by[name])) for name in stills]
    return cell | {"outputs": outputs, "metadata": {"tags": ["hide-input"]}}


def explorers(notebook: dict) -> dict[str, tuple[str, str]]:
    """The explorers that a notebook makes: their names there, and module and function."""
    code = "\n".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    module_of = {
        function: module
        for module, names in re.findall(r"m2k_lessons\.explorers\.(\w+) import (.+)", code)
        for function in re.findall(r"explore\w*", names)
    }
    return {
        name: (module_of[function], function)
        for names, calls in re.findall(r"^([\w, ]+) = (explore\w*\(.*\))$", code, re.MULTILINE)
        for name, function in zip(names.split(", "), MADE.findall(calls), strict=True)
    }


def _progress(page: str, source: str) -> dict:
    """What this browser has kept; the page's script fills it in."""
    whole = "progress.page()" in source
    told = [
        [one.stem, f"{one.stem.partition('_')[0]}: " if whole else "", _answered_here(one.stem)]
        for one in ([*sorted(NOTEBOOKS.glob("*.ipynb"))] if whole else [Path(page)])
    ]
    listed = html.escape(json.dumps([one for one in told if one[2]]), quote=True)
    text = f'<p class="m2k-progress" data-pages="{listed}"></p>'
    if "calibration" in source:
        text += '<p class="m2k-progress" data-guesses=""></p>'
    return _markdown(text)


def _answered_here(page: str) -> list[str]:
    """The questions of a page that are checked on the site."""
    kinds = (answers.Choose, answers.Compute)
    return [name for name, one in questions(page).items() if isinstance(one, kinds)]


def _compared(output: dict, page: str, name: str) -> dict:
    """The value of a prediction, beside which the page's script puts the reader's range."""
    if not _is_reply(output):
        return output
    said = "".join(output["data"]["text/plain"]).removeprefix("○ ")
    shown = said.partition(" No range was entered")[0]
    value = IT_IS.match(said)
    if not value:
        raise ValueError(f"{page}, {name}: no value in the committed reply {said!r}")
    number = float(value["value"].replace(",", "").replace("−", "-"))
    data = html.escape(json.dumps({"page": page, "name": name, "value": number}), quote=True)
    return _html(
        f'<p class="m2k-compared" data-guess="{data}">{html.escape(shown)} <span></span></p>'
    )


def _output(output: dict, stem: str) -> dict:
    """An output whose picture is a file of its own, and whose table can be scrolled."""
    markup = "".join(output.get("data", {}).get("text/html", ""))
    if picture := PICTURE.search(markup):
        path = Path(f"{stem}.png")
        png = base64.b64decode(picture["png"])
        path.write_bytes(png)
        alt, address = html.unescape(picture["alt"]), f"{path.parent.name}/{path.name}"
        with Image.open(path) as drawn:
            return _html(pictures.markup(address, alt, drawn.size, pictures.split([drawn])))
    if "<table" in markup:
        table = re.sub(r"<style.*?</style>", "", markup, flags=re.DOTALL).replace(' border="1"', "")
        return _html(f'<div class="m2k-table">{table}</div>')
    return output
