"""Every number in the prose is computed, dated or given; every question is the module's own."""

import importlib
import inspect
import re

import pytest

from m2k_lessons.exercises.base import CORRECT, Compute
from tests.notebooks.lessons import PAGES, chapter, markdown_cells, source
from tools import notebooks, prose_numbers


@pytest.fixture
def quiet(monkeypatch):
    """Run a notebook's cells in this process without pictures on the terminal."""
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: None)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_tagged_numbers_agree(path, quiet):
    checked, wrong = 0, []
    for cell, text, names in notebooks.namespaces(notebooks.read(path)):
        for shown in prose_numbers.check(text, names):
            checked += 1
            if not shown.agrees:
                wrong.append(f"{cell['id']}: {shown.tag} should show {shown.expected}")
    assert not wrong, "\n".join(wrong)
    assert checked or path.name.startswith("00")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_number_goes_unchecked(path):
    questions = _questions(path)
    for cell in markdown_cells(path):
        text = source(cell)
        for question in questions.values():
            text = text.replace(question.markdown(), "")  # held by the test below
        missing = prose_numbers.untagged(text)
        assert not missing, f"{cell['id']}: {missing} carry no tag (see CONTRIBUTING.md)"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_questions_read_as_the_module_asks_them(path):
    text = "\n\n".join(source(cell) for cell in markdown_cells(path))
    for name, question in _questions(path).items():
        assert question.markdown() in text, f"{name} must stand in the notebook word for word"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_solutions_run_where_the_learner_is(path, quiet):
    """In the notebook's own names, after its last cell, and without spoiling any of them."""
    *_, (_, _, names) = notebooks.namespaces(notebooks.read(path))
    for name, question in _questions(path).items():
        if not isinstance(question, Compute):
            continue
        code = question.solution().text.split("\n", 1)[1]
        after = dict(names)
        exec(code, after)
        assert question._reply(after["answer"]).state == CORRECT, name
        spoilt = [
            one for one in names if inspect.ismodule(names[one]) and after[one] is not names[one]
        ]
        assert not spoilt, f"the solution of {name} takes the name of {spoilt}"


def _questions(path) -> dict:
    module = importlib.import_module(f"m2k_lessons.exercises.{chapter(path)}")
    return module.QUESTIONS


# ---------------------------------------------------------------- the checker itself


NAMES = {"loss": 60.0, "share": 12.345}


@pytest.mark.parametrize(
    ("text", "agrees"),
    [
        ("it costs 60<!--= loss--> dollars", True),
        ("it costs 61<!--= loss--> dollars", False),
        ("it makes −60<!--= -loss--> dollars", True),
        ("it makes 60<!--= -loss--> dollars", False),
        ("that is 12.3 %<!--= share-->", True),
        ("that is 12.4 %<!--= share-->", False),
        ("about 12 %<!--= share--> of it", True),
        ("391 dollars<!--fact margin.initial.M2K on=2019-05-03--> in 2019", True),
        ("392 dollars<!--fact margin.initial.M2K on=2019-05-03--> in 2019", False),
    ],
)
def test_a_tag_is_compared_to_the_digits_shown(text, agrees):
    (shown,) = prose_numbers.check(text, dict(NAMES))
    assert shown.agrees is agrees


def test_an_unknown_key_fails():
    with pytest.raises(ValueError, match="nearest"):
        prose_numbers.check("950<!--fact margin.nitial.M2K--> dollars", {})


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("it costs 60 dollars", ["60 dollars"]),
        ("it costs 60<!--= loss--> dollars or 70 dollars", ["70 dollars"]),
        ("a share of 12 % is much", ["12 %"]),
        ("the initial margin is 950 for each", ["950"]),
        ("the fee was 0.37 in 2026", ["0.37"]),
        ("a fee of 2,400 or 12", ["2,400", "12"]),
        ("an account of 10,000<!--given--> dollars", []),
        ("`margin = 950` in code", []),
        ("the margin table of 2026-02-20 at 18:00", []),
        ("two contracts, three days", []),
    ],
)
def test_what_needs_a_tag(text, missing):
    assert prose_numbers.untagged(text) == missing


def test_numbers_can_be_refreshed():
    stale = "costs 59<!--= loss--> or −1.00<!--= -loss-->, 11.1 %<!--= share-->, 7<!--given-->"
    fresh = "costs 60<!--= loss--> or −60.00<!--= -loss-->, 12.3 %<!--= share-->, 7<!--given-->"
    assert prose_numbers.update(stale, dict(NAMES)) == fresh


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_dollar_sign_outside_a_formula(path):
    formula = re.compile(r"\$\$[^$]+\$\$|\$[^$\d][^$]*\$")
    for cell in markdown_cells(path):
        rest = formula.sub("", re.sub(r"`[^`]*`", "", source(cell)))
        assert "$" not in rest, f"{cell['id']}: JupyterLab would take amounts for a formula"
