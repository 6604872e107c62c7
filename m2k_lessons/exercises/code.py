"""Questions whose answer is a function: written from nothing, or mended."""

from __future__ import annotations

import ast
import inspect
import pickle
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple

from m2k_lessons._util import checks
from m2k_lessons.exercises import carry, worker
from m2k_lessons.exercises.compute import Mistake
from m2k_lessons.exercises.outcomes import difference, plain, table, with_article
from m2k_lessons.exercises.question import _Question
from m2k_lessons.exercises.reply import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Reply, with_code

IN_WORDS = {
    "AttributeError": "something is asked for that this kind of object doesn't have",
    "EOFError": "a function can't ask for input here; all it needs comes as arguments",
    "ImportError": "a module isn't there",
    "IndexError": "a place is asked for beyond the end",
    "KeyError": "a column or key is asked for that isn't there",
    "MemoryError": "more memory was asked for than there is",
    "ModuleNotFoundError": "a module isn't there",
    "NameError": "a name is used that has no value",
    "RecursionError": "it calls itself without end",
    "SystemExit": "it ends the program instead of returning a result",
    "TypeError": "an operation or a call doesn't fit the kind of object",
    "UnboundLocalError": "a name is used before it has a value",
    "ValueError": "a value doesn't fit",
    "ZeroDivisionError": "something is divided by zero",
}


class Case(NamedTuple):
    """A data set: how it is called in a reply ("a week that rises"), and how it is made."""

    says: str
    make: Callable[[], tuple]


@dataclass
class Write(_Question):
    """A question whose answer is a function; it is run beside the reference on several data sets.

    Parameters
    ----------
    ask_text : str
        What the function takes and returns, with units.
    reference : function
        The solution, a function of the module called as learners call theirs with an underscore
        before it. Its source is what `.solution()` shows.
    cases : list of Case
        The first is an ordinary one; the edge cases come after it.
    mistakes : list of Mistake
        Wrong versions, taking the same arguments, each with the sentence that mends it.
    hints : list of str
    well_done : str
        Said with "Correct."
    tolerance : float
        How far off a value may be, relative to 1 or to a larger right value.
    bars : function, optional
        Makes bars or closes for the engine's look-ahead check; for functions that take them as
        their only argument and return target positions.
    seconds : float
        Time limit for each data set.
    """

    reference: Callable[..., Any]
    cases: Sequence[Case]
    mistakes: Sequence[Mistake] = ()
    hints: Sequence[str] = ()
    well_done: str = ""
    tolerance: float = 1e-9
    bars: Callable[[], Any] | None = None
    seconds: float = 5.0

    @property
    def called(self) -> str:
        """What the function is called in the learner's cell."""
        return self.reference.__name__.lstrip("_")

    def cell(self) -> str:
        """The code cell as it stands in the notebook, untouched."""
        return f"{self._start()}\n\n\n{self.name}.check(...)"

    def _start(self) -> str:
        names = ", ".join(inspect.signature(self.reference).parameters)
        return f"def {self.called}({names}):\n    ..."

    def check(self, answer: Any = ...) -> Reply:
        """Run the function on the data sets and say where it first goes wrong."""
        return self._record(self._reply(answer))

    def _reply(self, answer: Any) -> Reply:
        if answer is ... or _is_empty(answer):
            return Reply(
                NOT_ATTEMPTED,
                f"Not attempted yet. Write the function, then {self.name}.check({self.called}).",
            )
        if unfit := self._unfit(answer):
            return Reply(WRONG, unfit)
        try:
            job = carry.pack(answer)
        except carry.CannotCarryError as sentence:
            return Reply(WRONG, str(sentence))
        reply = self.judged(job, worker.run)
        return _in_browser(reply) if worker.in_this_process() else reply

    def judged(self, job: dict[str, Any], run: Callable[[dict, float], dict]) -> Reply:
        """Say what is wrong with a packed function, given what `run` finds in another process.

        Parameters
        ----------
        job : dict
            What `carry.pack` made.
        run : function of (job, seconds)
            As `worker.run`: it gets the job with `cases` and `bars`, and raises what that raises.
        """
        # Pickled one by one: a function that changes what it was given spoils one case only.
        job["cases"] = [pickle.dumps(case.make()) for case in self.cases]
        job["bars"] = None if self.bars is None else pickle.dumps(self.bars())
        try:
            found = run(job, self.seconds)
        except worker.TimeUpError as late:
            return Reply(
                WRONG,
                f"No end after {self.seconds:g} seconds on {self._on(late.case)}, so it was "
                "stopped; your notebook is as before. Is there a loop whose condition stays true?",
            )
        except worker.EndedError as ended:
            return Reply(
                WRONG,
                f"The function ended Python itself on {self._on(ended.case)}, or took all its "
                "memory; your notebook is as before. A result is handed back with `return`.",
            )
        return self._verdict(found, job["left_behind"])

    def _on(self, case: int) -> str:
        return self.cases[case].says if case < len(self.cases) else "the look-ahead check"

    def _unfit(self, answer: Any) -> str:
        call = f"{self.name}.check({self.called})"
        if isinstance(answer, str):
            return f"Give the function itself, without quotes: {call}."
        if answer is None or not callable(answer):
            kind = with_article("None" if answer is None else type(answer).__name__)
            return f"That is {kind}. Give the function itself, without calling it: {call}."
        if not isinstance(answer, FunctionType):
            kind = with_article(type(answer).__name__)
            return f"Give a function made with `def`, not {kind}: {call}."
        wanted = list(inspect.signature(self.reference).parameters)
        try:
            inspect.signature(answer).bind(*wanted)
        except TypeError:
            yours = ", ".join(inspect.signature(answer).parameters)
            return (
                f"Your function is called with {len(wanted)} arguments, ({', '.join(wanted)}), "
                f"and takes ({yours})."
            )
        return ""

    def _verdict(self, found: dict[str, Any], left_behind: dict[str, str]) -> Reply:
        expected = _outcomes(self.reference, self.cases)
        wrong = [
            number
            for number, (mine, right) in enumerate(zip(found["outcomes"], expected, strict=True))
            if self._apart(mine, right)
        ]
        if not wrong and not found["lookahead"]:
            return Reply(CORRECT, f"Correct. {self.well_done}".strip())
        printed = f"\nIt printed: {found['printed'].strip()[:300]}" if found["printed"] else ""
        if not wrong:
            return Reply(WRONG, f"{found['lookahead']}{printed}")
        first = wrong[0]
        mine, right = found["outcomes"][first], expected[first]
        says = [known] if (known := self._known(found["outcomes"], expected, wrong)) else []
        if mine["kind"] == "error":
            says.append(self._about_error(mine, self.cases[first].says, left_behind))
            return Reply(WRONG, " ".join(says) + printed)
        if found["lookahead"] and not says:
            says = [found["lookahead"]]
        sentence, place = self._apart(mine, right)
        says.append(f"On {self.cases[first].says} {sentence}{'' if sentence[-1] == '?' else '.'}")
        if place is None or mine["kind"] not in ("Series", "array", "list", "DataFrame"):
            return Reply(WRONG, " ".join(says) + printed)
        given = self.cases[first].make()
        rows = table(mine, right, place, given[0] if given else None)
        return with_code(WRONG, " ".join(says) + printed, rows)

    def _apart(self, mine: dict, right: dict) -> tuple[str, int | None] | None:
        return difference(mine, right, self.tolerance)

    def _known(self, outcomes: list[dict], expected: list[dict], wrong: list[int]) -> str:
        """The sentence of the mistaken version that gives the same results; empty for none."""
        for mistake in self._mistakes():
            version = _outcomes(mistake.answer, self.cases)
            if all(
                difference(mine, theirs, self.tolerance) is None
                for mine, theirs in zip(outcomes, version, strict=True)
            ):
                return mistake.says
        if wrong[0] == 0:  # the edge cases may differ, the ordinary one is enough to know it by
            for mistake in self._mistakes():
                version = _outcomes(mistake.answer, self.cases[:1])
                if difference(outcomes[0], version[0], self.tolerance) is None:
                    return mistake.says
        return ""

    def _mistakes(self) -> Sequence[Mistake]:
        return self.mistakes

    def _about_error(self, error: dict, says: str, left_behind: dict[str, str]) -> str:
        line = f" in your line `{error['line']}`" if error["line"] else ""
        told = f"On {says} it stops{line}: {error['type']}: {error['text']}".rstrip(": ")
        for name, reason in left_behind.items():
            if error["type"] == "NameError" and f"'{name}'" in error["text"]:
                return (
                    f"{told}. `{name}` is there in your notebook, but it couldn't be brought "
                    f"along: {reason}. Make it inside the function."
                )
        words = IN_WORDS.get(error["type"])
        return f"{told}. In words: {words}." if words else f"{told}."

    def hint(self, n: int = 1) -> Reply:
        """The n-th hint; each says more than the one before."""
        if checks.whole("n", n, at_least=1) > len(self.hints):
            return self._no_more_hints()
        return Reply(UNGRADED, f"Hint {n} of {len(self.hints)}: {self.hints[n - 1]}")

    def solution(self) -> Reply:
        """The reference solution as code."""
        return with_code(UNGRADED, "One way to do it:", _source(self.reference))


@dataclass
class Mend(Write):
    """The same, beginning with a function that has a mistake in it.

    Parameters
    ----------
    broken : function
        A function of the module, called as the reference with `_broken` after it.
    """

    broken: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.broken, FunctionType):
            raise TypeError(f"broken must be the function to be mended, got {self.broken!r}")

    def _start(self) -> str:
        return _source(self.broken)

    def _mistakes(self) -> Sequence[Mistake]:
        unmended = Mistake(self.broken, "That is still what was printed, or does the same.")
        return [*self.mistakes, unmended]


def _source(function: Callable) -> str:
    """Source as a learner would write it: without the underscore and the `_broken`."""
    name = function.__name__
    source = textwrap.dedent(inspect.getsource(function)).rstrip()
    return source.replace(name, name.lstrip("_").removesuffix("_broken"))


def _outcomes(function: Callable, cases: Sequence[Case]) -> list[dict]:
    found = []
    for case in cases:
        try:
            found.append(plain(function(*case.make())))
        # A mistaken version may stop anywhere, and so does a learner who made the same mistake.
        except Exception as error:
            found.append({"kind": "error", "type": type(error).__name__, "text": str(error)})
    return found


def _is_empty(answer: Any) -> bool:
    """Whether it is a function whose body is still the dots."""
    if not isinstance(answer, FunctionType):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    except (OSError, TypeError, SyntaxError):
        return False
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.FunctionDef) else []
    parts = [part for part in body if isinstance(part, ast.Expr)]
    return len(parts) == len(body) > 0 and all(
        isinstance(part.value, ast.Constant) and (part.value.value is ... or part is parts[0])
        for part in parts
    )


def _in_browser(reply: Reply) -> Reply:
    note = (
        "(In the browser a function runs in the page itself, without a time limit. If it hangs, "
        "restart the kernel; what you wrote is kept.)"
    )
    if reply.code:
        return with_code(reply.state, f"{reply.text.removesuffix(reply.code).rstrip()} {note}",
                         reply.code)  # fmt: skip
    return Reply(reply.state, f"{reply.text} {note}")
