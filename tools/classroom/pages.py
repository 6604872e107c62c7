"""A page for each learner and one for the teacher, from the marks; every text is escaped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from m2k_lessons.exercises.base import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Guess, Reflect
from m2k_lessons.exercises.calibration import Calibration
from m2k_lessons.exercises.progress import TITLES
from tools.classroom.marks import HELD, MISSED, STOPPED, Mark, Record, named, stopped
from tools.classroom.submissions import Learner, Submission

SYMBOLS = {CORRECT: "✓", HELD: "✓", WRONG: "✗", MISSED: "✗", NOT_ATTEMPTED: "○", STOPPED: "!",
           UNGRADED: "✎"}  # fmt: skip
ERRORS_SHOWN = 20


@dataclass
class Result:
    """What became of one notebook."""

    submission: Submission
    record: Record = field(default_factory=Record)
    marks: list[Mark] = field(default_factory=list)

    @property
    def chapter(self) -> str:
        return self.submission.chapter

    @property
    def title(self) -> str:
        number = self.chapter.split("_")[0]
        return f"{number} {TITLES.get(self.chapter, '')}".strip() or self.submission.path.name

    @property
    def reason(self) -> str:
        return self.submission.reason

    @property
    def stopped(self) -> str:
        return "" if self.reason else stopped(self.record)

    @property
    def errors(self) -> list[tuple[int, str]]:
        return sorted(self.record.errors.items())[:ERRORS_SHOWN]

    @property
    def counted(self) -> list[Mark]:
        """The marks of questions that can be solved: no free text, no guesses."""
        if not self.marks:
            return []
        questions = named(self.chapter)
        return [
            mark for mark in self.marks
            if not isinstance(questions[mark.question], (Guess, Reflect))
        ]  # fmt: skip

    @property
    def gradable(self) -> int:
        return len(self.counted)

    @property
    def solved(self) -> int:
        return sum(mark.state == CORRECT for mark in self.counted)


def shown(name: str) -> str:
    return name.upper() if name[1:].isdigit() else name


def _environment() -> Environment:
    folder = Path(__file__).with_name("html")
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    environment.filters["shown"] = shown
    environment.filters["symbol"] = lambda mark: (
        SYMBOLS[mark.state] + ("*" if mark.solution_seen else "")
    )
    return environment


def page(name: str, **what) -> str:
    """Fill one of the pages in html/."""
    return _environment().get_template(name).render(**what)


def learner_page(learner: Learner, results: Sequence[Result]) -> str:
    """All that a learner hears: questions, answers, replies."""
    return page(
        "learner.html", title=f"Marks: {learner.name}", learner=learner, results=results
    )  # fmt: skip


def teacher_page(
    results: Sequence[Result], missing: Sequence[str], protection: str, title: str = "The class"
) -> str:
    """Who has solved what, which mistakes were made how often, and how well ranges held."""
    fit = [result for result in results if not result.reason]
    by_chapter = defaultdict(list)
    for result in fit:
        by_chapter[result.chapter].append(result)
    ranges = [
        (result, mark) for result in fit for mark in result.marks if mark.state in (HELD, MISSED)
    ]
    return page(
        "teacher.html",
        title=title,
        learners={result.submission.learner.name for result in results},
        marked=len(fit),
        refused=[result for result in results if result.reason or result.stopped],
        missing=missing,
        protection=protection,
        chapters=[_chapter(chapter, by_chapter[chapter]) for chapter in sorted(by_chapter)],
        mistakes=_mistakes(fit),
        stuck=_stuck(fit),
        calibration=_calibration([mark for _, mark in ranges]),
        guesses=_guesses(ranges),
        each=_each(ranges),
        look=_look(fit),
        texts=_texts(fit),
    )  # fmt: skip


def _chapter(chapter: str, results: Sequence[Result]) -> dict:
    shares = []
    for marks in zip(*(result.marks for result in results), strict=True):
        tried = [mark for mark in marks if mark.state in (CORRECT, HELD, WRONG, MISSED)]
        right = sum(mark.state in (CORRECT, HELD) for mark in tried)
        shares.append(f"{100 * right / len(tried):.0f}" if tried else "")
    names = [mark.question for mark in results[0].marks]
    return {"title": results[0].title, "names": names, "results": results, "shares": shares}


def _mistakes(results: Sequence[Result]) -> list[dict]:
    who = defaultdict(list)
    for result in results:
        for mark in result.marks:
            if mark.mistake:
                key = result.chapter, mark.question, mark.mistake
                who[key].append(result.submission.learner.name)
    found = [
        {"chapter": chapter, "question": question, "says": says, "who": names}
        for (chapter, question, says), names in who.items()
    ]
    return sorted(found, key=lambda one: (-len(one["who"]), one["chapter"], one["question"]))


def _stuck(results: Sequence[Result]) -> list[dict]:
    wrong, waiting = defaultdict(list), defaultdict(list)
    for result in results:
        still_open = [mark for mark in result.counted if mark.state != CORRECT]
        tried = [mark for mark in still_open if mark.state == WRONG]
        if still_open:
            first = (tried or still_open)[0]
            place = wrong if first.state == WRONG else waiting
            place[result.chapter, first.question].append(result.submission.learner.name)
    found = [
        {"chapter": key[0], "question": key[1], "wrong": wrong[key], "waiting": waiting[key],
         "count": len(wrong[key]) + len(waiting[key])}
        for key in {*wrong, *waiting}
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one["count"], one["chapter"], one["question"]))


def _calibration(marks: Sequence[Mark]) -> Calibration:
    return Calibration(len(marks), sum(mark.state == HELD for mark in marks))


def _guesses(ranges: Sequence[tuple[Result, Mark]]) -> list[dict]:
    by_question = defaultdict(list)
    for result, mark in ranges:
        by_question[result.chapter, mark.question].append(mark)
    return [
        {"chapter": chapter, "question": question, "ranges": len(marks),
         "held": _calibration(marks).held, "width": median(mark.high - mark.low for mark in marks)}
        for (chapter, question), marks in sorted(by_question.items())
    ]  # fmt: skip


def _each(ranges: Sequence[tuple[Result, Mark]]) -> list[tuple[str, Calibration]]:
    by_learner = defaultdict(list)
    for result, mark in ranges:
        by_learner[result.submission.learner.name].append(mark)
    return [(name, _calibration(marks)) for name, marks in sorted(by_learner.items())]


def _look(results: Sequence[Result]) -> list[tuple[str, str, str]]:
    found = []
    for result in results:
        said = list(result.submission.notes)
        seen = [shown(mark.question) for mark in result.marks if mark.solution_seen]
        if seen:
            said.append(f"solution or reference looked at: {', '.join(seen)}")
        if result.record.unreadable:
            said.append(f"{result.record.unreadable} lines of the record made no sense")
        if result.record.too_many:
            said.append(f"very many answers: {', '.join(sorted(result.record.too_many))}")
        found += [(result.submission.learner.name, result.title, text) for text in said]
    return found


def _texts(results: Sequence[Result]) -> list[tuple[str, Mark, str]]:
    return [
        (result.chapter, mark, result.submission.learner.name)
        for result in results
        for mark in result.marks
        if mark.state == UNGRADED and mark.answer
        and isinstance(named(result.chapter)[mark.question], Reflect)
    ]  # fmt: skip
