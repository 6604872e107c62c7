"""What of a notebook a function needs in another process: its source, and what it refers to."""

from __future__ import annotations

import ast
import inspect
import pickle
import sys
import textwrap
from types import FunctionType, ModuleType
from typing import Any

_LARGEST_BYTES = 50_000_000


class CannotCarryError(Exception):
    """The function can't be sent; the message says what to do about it."""


def pack(function: FunctionType) -> dict[str, Any]:
    """Everything that `child.run` needs to make the function again.

    Modules are imported there, other functions of the notebook travel as source, and all else as
    a pickled copy, so that nothing the function does reaches the originals.

    Returns
    -------
    dict
        `name`, `source`, `imports`, `helpers` (other functions), `values`, and `left_behind`: for
        each name that can't travel the reason. It only matters if the function gets so far.

    Raises
    ------
    CannotCarryError
        The source can't be found.
    """
    name, source = _source(function)
    job: dict[str, Any] = {
        "name": name, "source": source, "imports": {}, "helpers": [], "values": {},
        "left_behind": {},
    }  # fmt: skip
    _add_names(function, source, job, {name})
    return job


def _source(function: FunctionType) -> tuple[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise CannotCarryError(
            "The text of the function can't be found. Define it with `def` in a cell of this "
            "notebook and run that cell."
        ) from None
    if function.__name__ != "<lambda>":
        return function.__name__, source
    try:
        tree = ast.parse(source)
    except SyntaxError:
        tree = ast.Module([], [])
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    if len(found) != 1:
        raise CannotCarryError("Give the function a name: write it with `def` instead of `lambda`.")
    return "your_lambda", f"your_lambda = {ast.unparse(found[0])}"


def _add_names(function: FunctionType, source: str, job: dict, seen: set[str]) -> None:
    closure = inspect.getclosurevars(function).nonlocals
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    for name in sorted(names - seen):
        if name in closure:
            _add(name, closure[name], job, seen)
        elif name in function.__globals__:
            _add(name, function.__globals__[name], job, seen)


def _add(name: str, value: Any, job: dict, seen: set[str]) -> None:
    seen.add(name)
    if isinstance(value, ModuleType):
        job["imports"][name] = (value.__name__, "")
    elif _is_importable(value):
        job["imports"][name] = (value.__module__, value.__qualname__)
    elif isinstance(value, (FunctionType, type)):
        try:
            called, source = (
                _source(value)
                if isinstance(value, FunctionType)
                else (value.__name__, textwrap.dedent(inspect.getsource(value)))
            )
        except (CannotCarryError, OSError, TypeError):
            job["left_behind"][name] = "its text can't be found"
            return
        if isinstance(value, FunctionType):
            _add_names(value, source, job, seen)
        # Helpers come after those they refer to, and under the name they have here.
        job["helpers"].append((name, source if called == name else f"{source}\n{name} = {called}"))
    else:
        _add_value(name, value, job)


def _add_value(name: str, value: Any, job: dict) -> None:
    try:
        pickled = pickle.dumps(value)
    # A class may raise anything when it is pickled.
    except Exception as error:
        job["left_behind"][name] = f"a {type(value).__name__} can't be copied ({error})"
        return
    if len(pickled) > _LARGEST_BYTES:
        job["left_behind"][name] = f"it is too large ({len(pickled) / 1e6:,.0f} MB)"
    elif b"__main__" in pickled:
        job["left_behind"][name] = "it is made from a class of this notebook"
    else:
        job["values"][name] = pickled


def _is_importable(value: Any) -> bool:
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    qualname = getattr(value, "__qualname__", None)
    if found is None or not isinstance(qualname, str) or "<" in qualname:
        return False
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found is value
