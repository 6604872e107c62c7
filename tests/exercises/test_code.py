"""Functions that learners give: run apart, compared, answered in words, and never harmful."""

import builtins
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from m2k_lessons.exercises import base, carry, child, worker
from m2k_lessons.exercises.base import Case, Mend, Mistake, Write, register
from m2k_lessons.exercises.outcomes import difference, plain, table


def _rise(close):
    """1 after a rise, else 0."""
    return (close.diff() > 0).astype(float)


def _rise_broken(close):
    """1 after a rise, else 0."""
    return (close.diff().shift(-1) > 0).astype(float)


def closes(*values):
    days = pd.date_range("2030-01-07", periods=len(values), freq="B")
    return pd.Series(values, index=days, dtype=float, name="close")


CASES = [
    Case("a quiet week", lambda: (closes(2400, 2401, 2399, 2399, 2403),)),
    Case("a single close", lambda: (closes(2400),)),
]
MISTAKES = [
    Mistake(lambda close: (close.diff() >= 0).astype(float), "Above, not equal."),
    Mistake(lambda close: (close.diff() > 0) * 1.0 + 0.0 * close.iloc[1], "Two closes needed."),
]


def question(kind=Write, **changes):
    settings = {"reference": _rise, "cases": CASES, "mistakes": MISTAKES, "hints": ["Compare."]}
    if kind is Mend:
        settings["broken"] = _rise_broken
    made = kind("Write `rise(close)`.", **{**settings, **changes})
    return register("97_code", {"q1": made})["q1"]


def from_notebook(*cells, name="rise"):
    """The function of that name as it is after running cells in a notebook's own kernel shell."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    for cell in cells:
        shell.run_cell(textwrap.dedent(cell), store_history=False).raise_error()
    return shell.user_ns[name]


# ---------------------------------------------------------------- verdicts


def test_the_reference_is_right_and_kept():
    reply = question(well_done="Good.").check(_rise)
    assert repr(reply) == "✓ Correct. Good."


def test_untouched_it_says_so():
    asked = question()
    for answer in (..., from_notebook("def rise(close):\n    ...")):
        assert asked.check(answer).state == base.NOT_ATTEMPTED
    described = from_notebook('def rise(close):\n    """1 after a rise."""\n    ...')
    assert asked.check(described).state == base.NOT_ATTEMPTED
    assert asked.cell() == "def rise(close):\n    ...\n\n\nq1.check(...)"
    assert question(Mend).cell().startswith('def rise(close):\n    """1 after a rise, else 0."""\n')
    assert question(Mend).cell().endswith("\n\n\nq1.check(...)")


def test_another_right_way_is_right():
    def by_hand(close):
        before = close.shift()
        return pd.Series(np.where(close > before, 1.0, 0.0), index=close.index)

    def truth_values(close):
        return close > close.shift()

    for function in (by_hand, truth_values):
        assert question().check(function).state == base.CORRECT


def test_a_wrong_one_is_shown_where_it_first_differs():
    def wrong(close):
        return (close.diff() < 0).astype(float)

    reply = question().check(wrong)
    assert reply.state == base.WRONG
    assert "On a quiet week it gives 0 where 1 is right." in reply.text
    assert reply.code.splitlines()[0].split() == ["close", "yours", "right"]
    (marked,) = [line for line in reply.code.splitlines() if line.endswith("<-")]
    assert marked.split() == ["2030-01-08", "2,401", "0", "1", "<-"]
    assert "<pre><code>" in reply._repr_html_()


def test_a_known_mistaken_version_gets_its_sentence():
    reply = question().check(from_notebook("def rise(close): return (close.diff() >= 0) * 1.0"))
    assert reply.text.startswith("Above, not equal. On a quiet week")
    reply = question().check(
        from_notebook("def rise(close): return (close.diff() > 0) * 1.0 + 0.0 * close.iloc[1]")
    )
    assert reply.text.startswith("Two closes needed. On a single close it stops in your line")


def test_a_mistake_that_only_shares_what_is_right_is_not_named():
    seven = from_notebook(
        "def rise(close):\n    return (close.diff() > 0) * 1.0 + 7 * (len(close) == 1)"
    )
    reply = question().check(seven)
    assert reply.text.startswith("On a single close it gives 7 where 0 is right.")


def test_what_was_to_be_mended_is_not_enough():
    reply = question(Mend).check(from_notebook(question(Mend).cell().split("\n\n\n")[0]))
    assert reply.text.startswith("That is still what was printed")
    with pytest.raises(TypeError, match="broken must be the function to be mended, got None"):
        Mend("x", reference=_rise, cases=CASES)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return 5", "it gives a number where a Series belongs"),
        ("close + 1", "None where a Series belongs: is a `return` missing?"),
        ("return 'up'", "a text where a Series belongs"),
        ("return (close.diff() > 0).to_numpy()", "come as an array. Give a Series"),
        ("return [0.0, 1.0, 0.0, 0.0, 1.0][:len(close)]", "come as a list. Give a Series"),
        ("return [1.0] * len(close)", "it gives 1 where 0 is right"),
        ("return (close.diff() > 0).iloc[1:]", "it gives 4 values where 5 belong"),
        ("return (close.diff() > 0).reset_index(drop=True)", "keep the index"),
        ("return close.to_frame()", "a DataFrame where a Series belongs"),
        ("return {'a': 1}", "a dict where a Series belongs"),
        ("return (x for x in close)", "a generator where a Series belongs"),
        ("return close.diff() * 0 + 1", "it gives nan where 0 is right"),
        ("return close[9]", "KeyError: 9. In words: a column or key"),
        ("return list(close)[9]", "IndexError"),
        ("return 1 / 0", "in your line `return 1 / 0`: ZeroDivisionError"),
        ("return closee", "NameError: name 'closee' is not defined. In words: a name is used"),
        ("return close.rise()", "AttributeError"),
        ("return rise(close)", "calls itself without end"),
        ("return input('?')", "can't ask for input"),
        ("raise SystemExit", "ends the program"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import nothing_of_that_name", "a module isn't there"),
        ("assert False, 'as I thought'", "AssertionError: as I thought."),
    ],
)
def test_what_goes_wrong_is_told_in_words(body, says):
    reply = question().check(from_notebook(f"def rise(close):\n    {body}"))
    assert reply.state == base.WRONG
    assert says in reply.text, reply.text
    assert "On a quiet week" in reply.text


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "That is None. Give the function itself"),
        (5, "That is an int."),
        ("rise", "without quotes: q1.check(rise)"),
        (closes(1, 2), "That is a Series."),
        (np.mean, "made with `def`"),
        (pd.Series, "made with `def`, not a type"),
        (lambda a, b: a, "called with 1 arguments, (close), and takes (a, b)"),
        (lambda: 0, "and takes ()"),
    ],
)
def test_what_is_no_function_of_a_learner(answer, says):
    reply = question()._reply(answer)
    assert reply.state == base.WRONG
    assert says in reply.text


def test_look_ahead_is_caught_by_the_engine():
    long = [Case("a long time", lambda: (closes(*2400 + np.arange(60) % 7),))]
    asked = question(cases=long, mistakes=[], bars=lambda: long[0].make()[0])
    assert asked.check(_rise).state == base.CORRECT
    reply = asked.check(_rise_broken)
    assert "It looks ahead: the target of bar" in reply.text

    def remembers(close):  # right on the data set, and only there
        right = (close.diff() > 0).astype(float)
        return right if len(close) == 60 and close.iloc[-1] == 2403 else right * 0

    assert asked.check(remembers).text.startswith("It looks ahead:")

    def gives_up(close):
        assert len(close) == 60
        return (close.diff() > 0).astype(float)

    assert "look-ahead check stopped: AssertionError" in asked.check(gives_up).text


# ---------------------------------------------------------------- what a function refers to


def test_what_the_notebook_knows_comes_along():
    function = from_notebook(
        """
        import numpy as np
        import pandas
        from math import sqrt as root
        LIMIT = 0.0
        table = pandas.DataFrame({"a": [1.0]})
        class Helper:
            one = 1.0
        def above(x, limit=LIMIT):
            return x > limit
        twice = lambda x: 2 * x
        """,
        """
        def rise(close):
            assert root(4) == 2 and table["a"][0] == Helper.one and twice(1) == 2
            return pandas.Series(np.where(above(close.diff()), 1.0, 0.0), close.index)
        """,
    )
    reply = question().check(function)
    # Python tells where a class of a cell was written only from 3.13 on.
    if sys.version_info >= (3, 13):
        assert reply.state == base.CORRECT
    else:
        assert "`Helper` is there in your notebook, but it couldn't be brought along" in reply.text


def test_other_functions_of_the_notebook_come_along():
    function = from_notebook(
        """
        LIMIT = 0.0
        twice = lambda x: 2 * x
        def inner(x):
            return twice(x) / 2
        def above(x, limit=LIMIT):
            return inner(x) > limit
        other_name = above
        """,
        """
        def rise(close):
            return above(close.diff()) * 1.0 * other_name(1.0)
        """,
    )
    assert question().check(function).state == base.CORRECT


def test_an_object_of_a_class_of_the_notebook_is_missed_only_when_it_is_needed():
    function = from_notebook(
        """
        class Helper:
            one = 1.0
        helper = Helper()
        def rise(close):
            return (close.diff() > 0) * (1.0 if len(close) > 1 else helper.one)
        """
    )
    reply = question().check(function)
    assert reply.text.startswith("On a single close it stops in your line")
    assert "`helper` is there in your notebook" in reply.text
    assert "made from a class of this notebook" in reply.text


def test_a_closure_a_default_and_a_lambda_come_along():
    def made(limit):
        def rise(close):
            return (close.diff() > limit).astype(float)

        return rise

    assert question().check(made(0.0)).state == base.CORRECT
    assert question().check(made(5.0)).state == base.WRONG
    short = from_notebook("rise = lambda close: (close.diff() > 0) * 1.0")
    assert question().check(short).state == base.CORRECT


def test_what_cannot_come_along_is_said_when_it_is_needed():
    function = from_notebook(
        """
        import threading
        guard = threading.Lock()
        def rise(close):
            with guard:
                return (close.diff() > 0) * 1.0
        """
    )
    reply = question().check(function)
    assert "`guard` is there in your notebook, but it couldn't be brought along" in reply.text
    assert "Make it inside the function" in reply.text
    unneeded = from_notebook(
        "def rise(close):\n    guard = 0\n    return (close.diff() > guard) * 1.0"
    )
    assert question().check(unneeded).state == base.CORRECT


def test_a_function_without_a_source_is_refused_in_words():
    names = {}
    exec("def rise(close):\n    return close", names)
    reply = question()._reply(names["rise"])
    assert "The text of the function can't be found" in reply.text
    with pytest.raises(carry.CannotCarryError, match="Give the function a name"):
        carry.pack([lambda x: x, lambda x: 2 * x][1])


# ---------------------------------------------------------------- nothing is hurt


def test_an_endless_loop_is_stopped_and_the_next_check_works():
    endless = from_notebook("def rise(close):\n    while True:\n        pass")
    started = time.monotonic()
    reply = question(seconds=0.5).check(endless)
    assert time.monotonic() - started < 10
    assert "No end after 0.5 seconds on a quiet week" in reply.text
    assert question().check(_rise).state == base.CORRECT


@pytest.mark.parametrize(
    "body", ["import os\n    os._exit(3)", "import ctypes\n    ctypes.string_at(0)"]
)
def test_a_function_that_ends_python_ends_only_its_own(body):
    reply = question().check(from_notebook(f"def rise(close):\n    {body}"))
    assert "ended Python itself on a quiet week" in reply.text
    assert question().check(_rise).state == base.CORRECT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a limit on memory")
def test_too_much_memory_is_refused():
    greedy = from_notebook("import numpy as np\ndef rise(close):\n    return np.ones(10**10)")
    assert "more memory was asked for than there is" in question().check(greedy).text
    slowly = from_notebook(
        """
        def rise(close):
            kept = []
            while True:
                kept.append(bytearray(10**7))
        """
    )
    reply = question(seconds=20.0).check(slowly)
    assert "MemoryError" in reply.text or "all its memory" in reply.text
    assert question().check(_rise).state == base.CORRECT


def test_the_session_is_as_before():
    from IPython.core.interactiveshell import InteractiveShell

    function = from_notebook(
        """
        import numpy as np, os, builtins
        kept = [1, 2, 3]
        def rise(close):
            global kept
            kept.append(4)
            del kept
            close.iloc[0] = -1.0
            np.pi = 3
            os.environ["M2K_SPOILT"] = "yes"
            os.chdir("/")
            builtins.len = None
            return close
        """
    )
    before = Path.cwd(), np.pi, builtins.len
    question().check(function)
    assert (Path.cwd(), np.pi, builtins.len) == before
    assert "M2K_SPOILT" not in os.environ
    assert InteractiveShell.instance().user_ns["kept"] == [1, 2, 3]


def test_prints_stay_apart_and_are_shown_with_a_wrong_result(capfd):
    noisy = from_notebook(
        """
        import os
        def rise(close):
            print("first", len(close))
            os.write(1, b"past Python")
            for _ in range(20_000):
                print("more")
            return close
        """
    )
    reply = question().check(noisy)
    assert "\nIt printed: first 5\nmore" in reply.text
    assert len(reply.text) < 1_000
    assert capfd.readouterr().out == ""
    quiet = from_notebook("def rise(close):\n    print(1)\n    return (close.diff() > 0) * 1.0")
    assert repr(question().check(quiet)) == "✓ Correct."


def test_a_check_is_quick_once_the_process_is_warm():
    question().check(_rise)
    started = time.monotonic()
    for _ in range(5):
        question().check(_rise)
    assert time.monotonic() - started < 5  # about 0.1 s; a second each would be 5


def test_what_one_check_leaves_behind_is_gone_for_the_next_process():
    question().check(_rise)
    first = worker._current.process.pid
    worker.stop()
    assert worker._current is None
    question().check(_rise)
    assert worker._current.process.pid != first


def test_a_process_that_died_in_between_is_replaced():
    question().check(_rise)
    worker._current.process.kill()
    worker._current.process.wait()
    assert question().check(_rise).state == base.CORRECT


def test_a_process_that_cannot_start_says_why(monkeypatch):
    worker.stop()
    monkeypatch.setattr(worker.child, "__name__", "m2k_lessons.nothing_there")
    with pytest.raises(RuntimeError, match="didn't start: .*nothing_there"):
        question().check(_rise)
    assert worker._current is None


def test_in_a_browser_it_runs_in_the_page_and_says_so(monkeypatch):
    worker.stop()
    monkeypatch.setattr(sys, "platform", "emscripten")
    noisy = from_notebook("def rise(close):\n    print(1)\n    return (close.diff() > 0) * 1.0")
    reply = question().check(noisy)
    assert reply.text.startswith("Correct. (In the browser a function runs in the page itself")
    reply = question().check(from_notebook("def rise(close):\n    return (close.diff() < 0) * 1.0"))
    assert "(In the browser" in reply.text
    assert reply.text.endswith(reply.code)
    assert worker._current is None


def test_results_come_back_as_data_and_not_as_code():
    """A result that would run code when unpickled is only named."""

    def sly(close):
        class Sly:
            def __reduce__(self):
                import os

                return os.putenv, ("M2K_SLY", "1")

        return Sly()

    assert "it gives a Sly where a Series belongs" in question().check(sly).text
    json.dumps(plain(closes(1, 2)))


def test_the_idle_process_ends_by_itself_and_so_does_one_whose_session_is_gone():
    code = "from m2k_lessons.exercises import child; child.IDLE_SECONDS = {}; child.main()"
    for seconds, closes_first in (("0.3", False), ("900", True)):
        with subprocess.Popen(
            [sys.executable, "-c", code.format(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert json.loads(child.receive(process.stdout)) == {"ready": True}
            if closes_first:
                process.stdin.close()
            assert process.wait(20) == 0


# ---------------------------------------------------------------- comparing results


SERIES = closes(1, 2, 3)


@pytest.mark.parametrize(
    ("mine", "right", "same"),
    [
        (1.0, 1, True),
        (1.0 + 1e-12, 1, True),
        (1.001, 1, False),
        (True, True, True),
        (True, 1, False),
        (float("nan"), float("nan"), True),
        (float("nan"), 0.0, False),
        (np.float64(3), 3, True),
        ([1, 2], (1.0, 2.0), True),
        ([1, 2], [2, 1], False),
        ([1, None], [1, None], True),
        (["a"], ["a"], True),
        (["a"], ["b"], False),
        ((SERIES, 1), (SERIES, 1), True),
        ((SERIES, 1), (SERIES * 2, 1), False),
        ((SERIES,), (SERIES, 1), False),
        (np.array([1.0, 2.0, 3.0]), [1, 2, 3], True),
        (np.array(5), 5, True),
        (SERIES, SERIES.astype(int), True),
        (SERIES.tz_localize("UTC"), SERIES, False),
        (SERIES.to_frame("a"), SERIES.to_frame("a"), True),
        (SERIES.to_frame("a"), SERIES.to_frame("b"), False),
        (SERIES.to_frame("a") * 2, SERIES.to_frame("a"), False),
        (pd.Series([pd.NA, 1], dtype="Int64"), pd.Series([np.nan, 1]), True),
        (10**400, float("inf"), True),
        (None, None, True),
        ("2030", "2030", True),
        (pd.Timestamp("2030-01-07"), pd.Timestamp("2030-01-07"), True),
        (pd.Timestamp("2030-01-07"), pd.Timestamp("2030-01-08"), False),
    ],
)
def test_the_same_and_not_the_same(mine, right, same):
    assert (difference(plain(mine), plain(right), 1e-9) is None) == same


def test_the_table_of_a_frame_and_of_a_list():
    right = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    wrong = right.copy()
    wrong.loc[1, "b"] = 9.0
    _, place = difference(plain(wrong), plain(right), 1e-9)
    lines = table(plain(wrong), plain(right), place).splitlines()
    assert [line.split() for line in lines] == [
        ["yours", "right"], ["0", "4", "4"], ["1", "9", "5", "<-"], ["2", "6", "6"]
    ]  # fmt: skip
    lines = table(plain([1.0, -0.0]), plain([1.0, 2.0]), 1).splitlines()
    assert lines[-1].split() == ["1", "0", "2", "<-"]
