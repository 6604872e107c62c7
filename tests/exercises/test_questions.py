"""Every chapter's questions: right is right, wrong is wrong, for everybody's numbers."""

import builtins
import re

import pytest

from m2k_lessons.exercises import base, progress
from m2k_lessons.exercises.base import Choose, Compute
from tests.exercises import checks

CHAPTERS = checks.chapters()
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)

# Whose subject has fewer than 30 right answers, and why.
FEW_ANSWERS = {
    "10_reports_and_news.q1": "an hour of the day at which reports come out",
    "01_contract_basics.q3": "a day of the week",
    "06_sessions.q1": "weeks with a holiday come in a few lengths",
    "06_sessions.q2": "clocks differ by whole hours, rarely by a half or a quarter",
    "02_why_trade_m2k.q2": "an average that luck explains lies less than two errors above zero",
    "16_diversification.q6": "holdings that move almost as one have a ratio just above 1",
    "15_speculation_and_evidence.q5": "how many of four p-values are kept",
}
# A right answer that any rounding by habit would give, or a reading of a clock.
NO_PRECISION_NEEDED = {
    "06_sessions.q2": "8.5 for 08:30 says it",
    "10_reports_and_news.q6": "a fraction of a decision may stay",
}
# Where two wrong ways may arrive at the same number, and get the sentence of the first.
SAME_WRONG_NUMBER = {
    "04_first_steps.q4": "to leave the cost out is to buy one too many",
}


def compute(chapter):
    return [question for question in CHAPTERS[chapter].values() if isinstance(question, Compute)]


def label(question):
    return f"{question.chapter}.{question.name}"


@every_chapter
def test_an_untouched_question_says_so_and_records_nothing(chapter):
    for question in CHAPTERS[chapter].values():
        assert question.check().state == base.NOT_ATTEMPTED
        assert question.check(...).state == base.NOT_ATTEMPTED
    assert not progress.path().exists()


@every_chapter
def test_right_is_right_and_wrong_is_wrong_with_all_numbers(chapter):
    found = {
        label(question): problems
        for question in CHAPTERS[chapter].values()
        if (problems := checks.problems(question))
    }
    assert not found


@every_chapter
def test_two_hundred_learners_get_numbers_that_keep_right_and_wrong_apart(chapter, monkeypatch):
    for question in compute(chapter):
        answers = set()
        for student in checks.STUDENTS:
            monkeypatch.setenv("M2K_STUDENT", student)
            numbers = question.numbers
            assert question.numbers == numbers
            serious, slight = question.collisions(numbers)
            assert not serious, (label(question), student)
            assert not slight or label(question) in SAME_WRONG_NUMBER, (label(question), slight)
            right = float(question.reference(**numbers))
            answers.add(round(right, question.decimals))
            reply = question._reply(right)
            assert reply.state == base.CORRECT, (label(question), student)
            if not slight and student in checks.STUDENTS[:40]:
                for mistake in question.mistakes:
                    wrong = float(mistake.answer(**numbers))
                    if abs(wrong - right) > 4 * checks.half_unit(question) + 1e-6 * abs(right):
                        says = question._filled(mistake.says, right, numbers)
                        assert question._reply(wrong).text == says, (label(question), student)
            printed = float(question.reference(**question._printed))
            if abs(printed - right) > 4 * checks.half_unit(question) + 1e-6 * abs(right):
                reply = question._reply(printed)
                assert reply.state == base.WRONG
                assert "right for the printed numbers" in reply.text, (label(question), student)
                assert question._filled(question.ask_text) in reply.text
        if label(question) in FEW_ANSWERS:
            assert len(answers) < 30, f"{label(question)} has enough answers now"
        else:
            assert len(answers) >= 30, f"{label(question)} has {len(answers)} answers"


@every_chapter
def test_two_typical_mistakes_get_their_own_sentence(chapter):
    for question in compute(chapter):
        right = float(question.reference(**question.numbers))
        replies = {
            question._reply(mistake.answer(**question.numbers)).text
            for mistake in question.mistakes
            if abs(float(mistake.answer(**question.numbers)) - right) > 0.011
        }
        assert len(replies) >= 2, label(question)
        slight = question.collisions(question._printed)[1]
        assert not slight or label(question) in SAME_WRONG_NUMBER, (label(question), slight)


@every_chapter
def test_the_precision_is_in_the_question_where_it_matters(chapter, monkeypatch):
    stated = re.compile(
        r"to the cent|to the nearest|the nearest \w+ or better|to (one|two|three) decimals?"
        r"|(one|two|three) decimals?( or better)?[.,]",
        re.IGNORECASE,
    )
    words = {0: "nearest", 1: "one decimal", 2: "two decimals|cent", 3: "three decimals"}
    for question in compute(chapter):
        if question.whole or label(question) in NO_PRECISION_NEEDED:
            continue
        rights = [float(question.reference(**numbers)) for numbers in checks.combinations(question)]
        if any(abs(right - round(right)) > 1e-9 for right in rights):
            found = stated.search(question.ask_text)
            assert found, f"{label(question)}: {question.ask_text}"
            assert re.search(words[question.decimals], found[0], re.IGNORECASE), label(question)


@every_chapter
def test_coarse_rounding_is_named(chapter):
    for question in compute(chapter):
        right = float(question.reference(**question.numbers))
        known = [float(mistake.answer(**question.numbers)) for mistake in question.mistakes]
        for kept in range(question.decimals):
            rounded = round(right, kept)
            if abs(rounded - right) <= checks.half_unit(question) or rounded in known:
                continue
            reply = question._reply(rounded)
            assert reply.state == base.WRONG
            typed = len(f"{rounded:.9f}".rstrip("0").split(".")[1])  # 1.0 has none
            more = {1: "one decimal more", 2: "two decimals more", 3: "three decimals more"}
            expected = f"Right, but rounded: give {more[question.decimals - typed]}."
            assert reply.text == expected, (label(question), rounded)


@every_chapter
def test_the_printed_solution_runs_and_is_right(chapter, monkeypatch):
    taken = [*dir(builtins), "contracts", "data", "facts", "plots", "sessions", "np", "pd"]
    for question in compute(chapter):
        assert not set(question.given) & set(taken), "a solution takes no name that others need"
        for student in ("", *checks.STUDENTS[:5]):
            monkeypatch.setenv("M2K_STUDENT", student)
            printed = question.solution()
            assert printed.text == f"One way to do it:\n{printed.code}"
            assert f"<pre><code>{printed.code[:5]}" in printed._repr_html_()
            names = dict(question.reference.__globals__)
            exec(printed.code, names)
            right = float(question.reference(**question.numbers))
            assert abs(float(names["answer"]) - right) <= 1e-9 * max(1.0, abs(right))


@every_chapter
def test_hints_ask_and_markdown_can_be_shown(chapter, monkeypatch):
    monkeypatch.setenv("M2K_STUDENT", "Ada")
    for question in CHAPTERS[chapter].values():
        for reply in (question.ask(), question.solution(), question.hint(1), question.check()):
            if isinstance(question, (Compute, Choose)):  # code may hold braces
                assert "{" not in reply.text.replace("{'", "")
            assert reply._repr_html_().startswith('<div class="mathjax_ignore"')
        assert question.markdown().startswith("**Q")
        if isinstance(question, Choose):
            assert "\n- " not in question.markdown()
            assert "no more hints" in question.hint(2).text
        if isinstance(question, Compute):
            assert question._filled(question.ask_text) in question.check().text
            hints = [question.hint(n + 1).text for n in range(len(question.hints))]
            assert len(set(hints)) == len(hints) >= 1
            assert "no more hints" in question.hint(len(question.hints) + 1).text
            with pytest.raises(ValueError, match="n must be a whole number at least 1, got 0"):
                question.hint(0)


@every_chapter
def test_a_checked_answer_is_kept(chapter):
    for question in CHAPTERS[chapter].values():
        if isinstance(question, Compute):
            question.check(float(question.reference(**question.numbers)) + 17.3)
            question.check(question.reference(**question.numbers))
        elif isinstance(question, Choose):
            question.check(next(letter for letter in question.options if letter != question.right))
            question.check(question.right)
        else:
            continue
        assert progress.read()[question.chapter][question.name] == {"attempts": 2, "correct": True}


# ---------------------------------------------------------------- a checker that is broken


BROKEN = {
    "all numbers right": (Compute, "_same", lambda self, found, right: True),
    "no number right": (Compute, "_same", lambda self, found, right: False),
    "any distance allowed": (Compute, "_within", lambda self, right, wrong=None: 1e9),
    "no mistake known": (Compute, "_known", lambda self, mistakes, found, right, numbers: ""),
    "all letters right": (Choose, "_is_right", lambda self, letter: True),
    "the next letter right": (Choose, "_is_right", lambda self, letter: letter != self.right),
    "no letter right": (Choose, "_is_right", lambda self, letter: False),
}


# Page 00b has nothing but code to write; its checkers are broken in test_code_questions.py.
ASKING = [chapter for chapter in CHAPTERS if chapter != "python_you_will_meet"]


@pytest.mark.parametrize("chapter", ASKING)
@pytest.mark.parametrize("fault", BROKEN)
def test_these_tests_notice_a_broken_checker(chapter, fault, monkeypatch):
    kind, name, broken = BROKEN[fault]
    questions = [question for question in CHAPTERS[chapter].values() if isinstance(question, kind)]
    monkeypatch.setattr(kind, name, broken)
    # Which numbers a learner can get is looked up with the comparison that was just broken.
    monkeypatch.setattr(Compute, "collisions", lambda self, numbers: ([], []))
    silent = [label(question) for question in questions if not checks.problems(question, most=30)]
    assert questions
    assert not silent, f"{fault}: unnoticed in {silent}"
