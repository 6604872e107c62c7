"""Each code exercise is solved in two different right ways and failed in three typical ones."""

import ast
import builtins
import importlib
import inspect
import pkgutil

import pytest

from m2k_lessons.exercises import base
from m2k_lessons.exercises.base import Write
from m2k_lessons.exercises.code import _outcomes
from m2k_lessons.exercises.outcomes import difference
from tests.exercises import checks
from tests.exercises import solutions as all_solutions
from tests.notebooks.lessons import PAGES, code_cells, source

SOLUTIONS = {
    (module.name, name): solutions
    for module in pkgutil.iter_modules(all_solutions.__path__)
    for name, solutions in importlib.import_module(
        f"{all_solutions.__name__}.{module.name}"
    ).SOLUTIONS.items()
}
CODE = {
    (chapter, name): question
    for chapter, questions in checks.chapters().items()
    for name, question in questions.items()
    if isinstance(question, Write)
}
every_code_question = pytest.mark.parametrize("key", CODE, ids="-".join)


def test_each_code_question_has_its_solutions_here():
    assert set(SOLUTIONS) == set(CODE)
    for right, wrong in SOLUTIONS.values():
        assert len(right) >= 2
        assert len(wrong) >= 3


def problems(question, right, wrong) -> list[str]:
    """What is wrong with the verdicts of a code question; an empty list when nothing is."""
    found = []
    for function in [question.reference, *right]:
        reply = question._reply(function)
        if reply.state != base.CORRECT:
            found.append(f"{function.__name__}: {reply}")
    for function, says in wrong.items():
        reply = question._reply(function)
        if reply.state != base.WRONG or says not in reply.text:
            found.append(f"{function.__name__}: {reply}")
    return found


@every_code_question
def test_right_solutions_are_right_and_wrong_ones_are_told_why(key):
    assert not problems(CODE[key], *SOLUTIONS[key])


@every_code_question
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("_apart", lambda self, mine, right: None),
        ("_apart", lambda self, mine, right: ("it differs", None)),
        ("_known", lambda self, outcomes, expected, wrong: ""),
    ],
    ids=["all functions right", "no function right", "no mistake known"],
)
def test_these_tests_notice_a_broken_checker(key, name, broken, monkeypatch):
    monkeypatch.setattr(Write, name, broken)
    assert problems(CODE[key], *SOLUTIONS[key])


@every_code_question
def test_every_known_mistake_is_told_its_own_sentence(key):
    """The versions are run here; how a learner's own function is run is tested in test_code."""
    question = CODE[key]
    right = _outcomes(question.reference, question.cases)
    for mistake in question.mistakes:
        version = _outcomes(mistake.answer, question.cases)
        wrong = [
            number
            for number, (mine, theirs) in enumerate(zip(version, right, strict=True))
            if difference(mine, theirs, question.tolerance)
        ]
        assert wrong, f"{mistake.says!r} is right"
        found = {"outcomes": version, "printed": "", "lookahead": ""}
        assert mistake.says in question._verdict(found, {}).text


@every_code_question
def test_the_printed_solution_is_the_reference_under_the_learners_name(key):
    question = CODE[key]
    code = question.solution().code
    assert code.startswith(f"def {question.called}(")
    names = dict(question.reference.__globals__)
    exec(code, names)
    right = _outcomes(question.reference, question.cases)
    for mine, theirs in zip(_outcomes(names[question.called], question.cases), right, strict=True):
        assert difference(mine, theirs, 0.0) is None
    assert (
        f"`{question.called}({', '.join(inspect.signature(question.reference).parameters)})`"
        in (question.ask_text)
    )
    assert len(question.cases) >= 3, "an ordinary data set and edge cases"
    hints = {question.hint(n + 1).text for n in range(len(question.hints))}
    assert len(hints) == len(question.hints) >= 2
    assert "no more hints" in question.hint(len(question.hints) + 1).text


@every_code_question
def test_the_cell_stands_untouched_in_the_notebook(key):
    chapter, _ = key
    (path,) = [path for path in PAGES if path.stem.split("_", 1)[1] == chapter]
    assert CODE[key].cell() in [source(cell) for cell in code_cells(path)]


@every_code_question
def test_the_printed_solution_uses_what_the_notebook_has(key):
    chapter, _ = key
    (path,) = [path for path in PAGES if path.stem.split("_", 1)[1] == chapter]
    known = set(dir(builtins))
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                known |= {name.asname or name.name for name in node.names}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.add(node.id)
    tree = ast.parse(CODE[key].solution().code)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert {node.id for node in names} - made <= known
