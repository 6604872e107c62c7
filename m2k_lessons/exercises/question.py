"""What all kinds of question share: a name, hints, and the way into a chapter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from m2k_lessons.exercises import store
from m2k_lessons.exercises.reply import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Reply


def student() -> str:
    """Whose numbers are used: `M2K_STUDENT` in the environment, empty for everyone's."""
    return os.environ.get("M2K_STUDENT", "")


@dataclass
class Named:
    """Anything of a chapter's module that learners call by the name it has there."""

    ask_text: str

    # Filled in by the module's `register`.
    chapter: str = field(default="", init=False)
    name: str = field(default="", init=False)

    def ask(self) -> Reply:
        """Show the question with the learner's own numbers."""
        return Reply(NOT_ATTEMPTED, f"{self.name.upper()}. {self._asked()}")

    def _asked(self) -> str:
        return self.ask_text

    def markdown(self) -> str:
        """The question as it stands in the notebook, before its answer cell."""
        title = self.name.upper() if self.name[1:].isdigit() else self.name.capitalize()
        return f"**{title}.** {self._as_markdown()}"

    def _as_markdown(self) -> str:
        return self._asked()


@dataclass
class _Question(Named):
    def _no_more_hints(self) -> Reply:
        return Reply(UNGRADED, f"There are no more hints. {self.name}.solution() shows it all.")

    def _record(self, reply: Reply) -> Reply:
        if self.chapter and reply.state in (CORRECT, WRONG):
            store.record(self.chapter, self.name, reply.state == CORRECT)
            if notice := store.take_notice():
                return replace(reply, text=f"{reply.text}\n{notice}", code="")
        return reply


def register(chapter: str, module: Mapping[str, Any]) -> dict[str, _Question]:
    """Tell each question of a chapter its name; returns them in the order written.

    Called once at the end of a chapter's module: ``QUESTIONS = register("01_contract_basics",
    globals())``, with the notebook's name, so that chapters sort in reading order. Guesses get
    their names too, but are no questions: they are scored, not solved.
    """
    named = {name: value for name, value in module.items() if isinstance(value, Named)}
    for name, value in named.items():
        value.name = name
        # A question called `example` is answered by the page itself, and counts for nobody.
        value.chapter = "" if name == "example" else chapter
    return {
        name: value
        for name, value in named.items()
        if isinstance(value, _Question) and name != "example"
    }
