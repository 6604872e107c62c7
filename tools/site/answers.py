"""A question as a form that the page checks by itself.

Python says here, for a `Compute`, which numbers get which reply: rules in the order in which
`Compute._mended` tries them. The page's script knows four kinds of rule and no formula of the
course; `tests/site/test_answers.py` holds its replies against Python's, question by question.
"""

from __future__ import annotations

import html
import itertools
import json
import math
import re
from typing import Any

from m2k_lessons.exercises.base import UNGRADED, Choose, Compute, Guess, Reflect, Reply
from m2k_lessons.exercises.compute import _MORE

NOT_YET = "Not yet. The first hint below may help."
LIVE = "live/lab/index.html?path={page}.ipynb"


def rules(question: Compute) -> list[dict[str, Any]]:
    """What to say to which number; the first rule that fits is the reply."""
    numbers = question.numbers
    answer = question.reference(**numbers)
    right = float(answer)
    within = question._within(right)
    well_done = question._filled(question.well_done, answer, numbers)
    said = " ".join(filter(None, ["Correct.", well_done]))
    found = [_near(right, within, said) | {"correct": True}]
    found += _mistakes(question, right, [one for one in question.mistakes if one.sometimes_right])
    found.append({"kind": "shortened", "right": right})
    found += _mistakes(question, right, question.mistakes)
    if question.whole:
        of_unit = f" of {question.unit}" if question.unit else ""
        found.append({"kind": "fraction", "says": f"The answer is a whole number{of_unit}."})
    if right != 0:
        found.append(_near(-right, within, "The size is right, the sign is not."))
        for factor in (10, 100, 1000):
            digits = "The digits are right, but it"
            more = f"{digits} is {factor:,} times as much as it should be."
            less = f"{digits} should be {factor:,} times as much."
            found.append(_near(factor * right, within, more))
            found.append(_near(right, within, less) | {"times": factor})
    return found


def _near(value: float, within: float, says: str) -> dict[str, Any]:
    if not (math.isfinite(value) and math.isfinite(within)):
        raise ValueError(f"a rule needs a finite number, got {value!r} within {within!r}")
    return {"kind": "near", "value": value, "within": within, "says": says}


def _mistakes(question: Compute, right: float, mistakes) -> list[dict[str, Any]]:
    wrong = ((float(one.answer(**question.numbers)), one.says) for one in mistakes)
    return [
        _near(value, question._within(value, value), question._filled(says, right))
        for value, says in wrong
        if not question._same(value, right)
    ]


def data(question) -> dict[str, Any]:
    """All that the page needs to answer: no formula, only numbers and sentences."""
    named = {"page": question.chapter, "name": question.name}
    if isinstance(question, Choose):
        says = {letter: question._reply(letter).text for letter in question.options}
        return named | {"kind": "choose", "right": question.right, "says": says}
    if isinstance(question, Compute):
        about = {"whole": question.whole, "decimals": question.decimals, "more": _MORE}
        return named | {"kind": "compute", "rules": rules(question), "else": NOT_YET} | about
    if isinstance(question, Guess):
        return named | {"kind": "guess"}
    raise TypeError(f"{question.name}: the page can't check a {type(question).__name__}")


def card(question, live: bool) -> str:
    """MyST text of a question: its words, and what answers it; of a prediction only the boxes."""
    kind = "m2k-predict" if isinstance(question, Guess) else "m2k-question"
    asked = "" if isinstance(question, Guess) else question.markdown()
    if isinstance(question, Choose):
        asked = asked.split("\n\na) ")[0]  # the options become buttons
    # Five colons and seven backticks, since a question may hold fences of its own.
    body = [asked, "", "```````{raw} html", _form(question, live), "```````"]
    return "\n".join([f":::::{{container}} {kind}", *body, ":::::"])


def _form(question, live: bool) -> str:
    made = {Choose: _options, Compute: _box, Guess: _range}.get(type(question))
    if made:
        about = html.escape(json.dumps(data(question), ensure_ascii=False), quote=True)
        form = f'<form class="m2k-answer" data-question="{about}">{made(question)}'
        parts = [
            f'{form}<p class="m2k-reply" role="status"></p></form>',
            "<noscript><p>This browser runs no scripts, so the page can't answer.</p></noscript>",
        ]
    else:
        parts = [_elsewhere(question, live)]
    return "\n".join(parts + ([] if isinstance(question, Guess) else _help(question)))


def _elsewhere(question, live: bool) -> str:
    if isinstance(question, Reflect):
        return "<p>Free text: write it down, then compare.</p>"
    where = "in the lesson itself, on a computer with the course"
    if live:
        where = f'in the <a href="{LIVE.format(page=question.chapter)}">live lesson</a>'
    return f"<p>This answer is code, which a page can't run. Write it {where}.</p>"


def _label(question) -> str:
    name = question.name
    return name.upper() if name[1:].isdigit() else name.capitalize()


def _options(question: Choose) -> str:
    name = f"{question.chapter}-{question.name}"
    rows = (
        f'<label><input type="radio" name="{name}" value="{letter}"> '
        f"<span>{letter}) {inline(text)}</span></label>"
        for letter, text in question.options.items()
    )
    legend = f'<legend class="m2k-unseen">{_label(question)}, options</legend>'
    return f'<fieldset>{legend}{"".join(rows)}</fieldset><button type="submit">Check</button>'


def _box(question: Compute) -> str:
    name = f"{_label(question)}, your answer" + (f", {question.unit}" if question.unit else "")
    return _number(name, "answer", "Your answer") + _unit(question) + _button("Check")


def _range(question: Guess) -> str:
    ends = _number("Low end of your range", "low", "from")
    ends += _number("High end of your range", "high", "to")
    return ends + _unit(question) + _button("Enter")


def _unit(question) -> str:
    return f'<span class="m2k-unit">{html.escape(question.unit)}</span>' if question.unit else ""


def _button(shown: str) -> str:
    return f'<button type="submit">{shown}</button>'


def _number(label: str, name: str, shown: str) -> str:
    return (
        f'<label>{shown} <input type="text" autocomplete="off" name="{name}" '
        f'aria-label="{html.escape(label, quote=True)}" size="9"></label>'
    )


def _help(question) -> list[str]:
    """Hints, one after the other, and the solution; each is folded."""
    answer = question.solution()
    if isinstance(question, Reflect):
        return [_folded("A model answer", Reply(UNGRADED, answer.text.partition(": ")[2]))]
    folded = []
    for n in itertools.count(1):
        reply = question.hint(n)
        if reply == question._no_more_hints():
            break
        title, colon, text = reply.text.partition(": ")
        if not title.startswith("Hint"):
            title, text = "Hint", reply.text
        folded.append(_folded(title, Reply(UNGRADED, text, reply.code)))
    return [*folded, _folded("Solution", answer)]


def _folded(title: str, reply: Reply) -> str:
    text = reply.text.removesuffix(reply.code).rstrip("\n")
    block = f"<pre><code>{html.escape(reply.code)}</code></pre>" if reply.code else ""
    said = inline(text).replace("\n", "<br>")
    return f"<details><summary>{title}</summary><p>{said}</p>{block}</details>"


def inline(text: str) -> str:
    """A sentence of a question as HTML: code between backticks, emphasis between stars.

    >>> inline("the *first* `close` < 3")
    'the <em>first</em> <code>close</code> &lt; 3'
    """
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"<code>{html.escape(part[1:-1])}</code>"
        if part.startswith("`")
        else re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", html.escape(part))
        for part in parts
    )
