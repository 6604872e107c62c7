"""A learner's progress: what is solved, what comes next, and how well ranges held."""

from __future__ import annotations

import html
import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

from m2k_lessons.exercises.calibration import Calibration, calibration, draw
from m2k_lessons.exercises.store import home, path, read, record, reset, take_notice

__all__ = [
    "TITLES",
    "Calibration",
    "Page",
    "calibration",
    "chapter_line",
    "draw",
    "home",
    "page",
    "path",
    "read",
    "record",
    "reset",
]

# By the name of the notebook without its ending; a test holds them to the notebooks' first lines.
TITLES = {
    "00_start_here": "Start here",
    "00b_python_you_will_meet": "Python you will meet",
    "01_contract_basics": "Contract basics",
    "02_why_trade_m2k": "Why trade M2K?",
    "02b_further_estimates": "How sure is an estimate?",
    "03_micro_vs_standard": "Micro against standard",
    "03b_further_scaling_out": "Out in parts",
    "04_first_steps": "First steps",
    "05_strategies": "Strategies",
    "06_sessions": "Trading hours and sessions",
    "07_indicators": "Indicators",
    "08_fundamentals": "Fundamentals",
    "08b_further_fundamentals": "Further fundamentals",
    "09_risk_management": "Risk management",
    "10_reports_and_news": "Reports and news",
    "11_pair_trading": "Pair trading",
    "12_options_hedging": "Options hedging",
    "13_algorithmic_trading": "Algorithmic trading",
    "14_automated_risk": "Automated risk",
    "15_speculation_and_evidence": "Speculation and evidence",
    "15b_further_evidence": "Further evidence: labels, folds and more machines",
    "16_diversification": "Diversification",
    "17_capstone": "Capstone",
}


@dataclass(frozen=True)
class Page:
    """What has been solved, chapter by chapter; a notebook shows it with links and bars.

    Attributes
    ----------
    table : DataFrame
        One row for each chapter, with columns `title`, `exercises`, `solved` and `next`: the
        first question that is still open, empty when none is. Free text is not counted.
    ranges : Calibration
        How many of the learner's ranges held.
    notice : str
        What has to be said about the progress file; usually empty.
    """

    table: Any
    ranges: Calibration
    notice: str = ""

    def __repr__(self) -> str:
        lines = [
            f"{_label(chapter, row.title):<32}{_bar(row.solved, row.exercises)} "
            f"{row.solved:>2} of {row.exercises:>2}  {row.next}".rstrip()
            for chapter, row in self.table.iterrows()
        ]
        return "\n".join(filter(None, [self.notice, *lines, self._total(), self._held()]))

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left"><a href="{chapter}.ipynb">'
            f"{html.escape(_label(chapter, row.title))}</a></td>"
            f"<td>{_html_bar(row.solved, row.exercises)}</td>"
            f"<td>{row.solved} of {row.exercises}</td>"
            f'<td style="text-align:left">{row.next}</td></tr>'
            for chapter, row in self.table.iterrows()
        )
        head = "<th>chapter</th><th></th><th>solved</th><th>next</th>"
        below = "<br>".join(html.escape(text) for text in [self._total(), self._held()] if text)
        notice = f"<p>{html.escape(self.notice)}</p>" if self.notice else ""
        return f"{notice}<table><tr>{head}</tr>{rows}</table><p>{below}</p>"

    def _total(self) -> str:
        solved, exercises = self.table["solved"].sum(), self.table["exercises"].sum()
        still_open = self.table[self.table["next"] != ""]
        if still_open.empty:
            return f"All {exercises} exercises are solved."
        chapter = still_open.index[0]
        row = still_open.iloc[0]
        return (
            f"{solved} of {exercises} solved. Next: {_label(chapter, row['title'])}, {row['next']}."
        )

    def _held(self) -> str:
        return self.ranges.sentence if self.ranges.ranges else ""


def page() -> Page:
    """How many of each chapter's exercises are solved, and where to go on."""
    import pandas as pd

    answers = read()
    rows = {}
    for chapter, questions in _chapters().items():
        solved = [_is_solved(answers, chapter, name) for name in questions]
        following = [_shown(name) for name, done in zip(questions, solved, strict=True) if not done]
        rows[chapter] = {
            "title": TITLES.get(chapter, chapter),
            "exercises": len(questions),
            "solved": sum(solved),
            "next": following[0] if following else "",
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("chapter")
    return Page(table, calibration(), take_notice())


def chapter_line(chapter: str) -> str:
    """One line for the end of a chapter: how many are solved, and which is the next one open.

    Parameters
    ----------
    chapter : str
        The notebook's name without its ending, such as "06_sessions".

    Raises
    ------
    ValueError
        There is no such chapter.
    """
    chapters = _chapters()
    if chapter not in chapters:
        raise ValueError(f"chapter must be one of {', '.join(chapters)}; got {chapter!r}")
    answers, questions = read(), chapters[chapter]
    still_open = [name for name in questions if not _is_solved(answers, chapter, name)]
    count = f"{len(questions) - len(still_open)} of {len(questions)} solved"
    line = f"{count}, next {_shown(still_open[0])}" if still_open else f"all {count}"
    return " ".join(filter(None, [line, take_notice()]))


def _chapters() -> dict[str, list[str]]:
    """Chapters in reading order, each with the names of the questions that can be solved."""
    import m2k_lessons.exercises as package
    from m2k_lessons.exercises.choose import Reflect

    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(package.__path__):
        chapter = importlib.import_module(f"{package.__name__}.{module.name}")
        for name, question in getattr(chapter, "QUESTIONS", {}).items():
            if not isinstance(question, Reflect):  # nobody can say that it is solved
                found.setdefault(question.chapter, []).append(name)
    return dict(sorted(found.items()))


def _is_solved(answers: dict, chapter: str, name: str) -> bool:
    return bool(answers.get(chapter, {}).get(name, {}).get("correct", False))


def _shown(name: str) -> str:
    return name.upper() if name[1:].isdigit() else name


def _label(chapter: str, title: str) -> str:
    return f"{chapter.split('_')[0]} · {title}"


def _bar(solved: int, exercises: int) -> str:
    full = round(10 * solved / exercises)
    return "█" * full + "░" * (10 - full)


def _html_bar(solved: int, exercises: int) -> str:
    return (
        '<div aria-hidden="true" style="width:120px;height:10px;background:#DDDDDD">'
        f'<div style="width:{100 * solved / exercises:.0f}%;height:10px;background:#0072B2">'
        "</div></div>"
    )
