"""What an exercise says: a state and a sentence, shown as text and as a coloured line."""

from __future__ import annotations

import html
from dataclasses import dataclass

NOT_ATTEMPTED, CORRECT, WRONG, UNGRADED = "not attempted", "correct", "wrong", "not graded"
_MARKS = {NOT_ATTEMPTED: "○", CORRECT: "✓", WRONG: "✗", UNGRADED: "✎"}
_COLOURS = {NOT_ATTEMPTED: "#6B6B6B", CORRECT: "#0072B2", WRONG: "#D55E00", UNGRADED: "#6B6B6B"}


@dataclass(frozen=True)
class Reply:
    """A state and a sentence.

    Parameters
    ----------
    state : str
        One of the four constants of this module.
    text : str
        All that is said.
    code : str
        The end of `text` that is code or a table, shown in a monospaced block.
    """

    state: str
    text: str
    code: str = ""

    def __repr__(self) -> str:
        return f"{_MARKS[self.state]} {self.text}"

    def _repr_html_(self) -> str:
        sentence = html.escape(repr(self).removesuffix(self.code).rstrip("\n"))
        block = f"<pre><code>{html.escape(self.code)}</code></pre>" if self.code else ""
        # mathjax_ignore: two dollar amounts in a sentence are not a formula.
        return (
            f'<div class="mathjax_ignore" style="border-left:4px solid {_COLOURS[self.state]};'
            f'padding:2px 10px;white-space:pre-wrap">{sentence}{block}</div>'
        )


def with_code(state: str, sentence: str, code: str) -> Reply:
    """A reply whose last lines are code or a table."""
    return Reply(state, f"{sentence}\n{code}", code)
