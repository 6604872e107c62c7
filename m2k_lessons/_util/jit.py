"""Compile the package's loops with numba, wherever the package is installed.

Modules that use `kernel` import numba (0.4 s): import them inside the function that needs them.
A kernel is written so that plain Python runs it too, with the same numbers: where numba has no
wheel (Macs with an Intel processor, the browser), or where the environment variable M2K_NO_NUMBA
is set to anything but 0.
"""

import contextvars
import functools
import importlib.util
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

# True while a module is loaded whose kernels are to stay plain Python.
_PLAIN = contextvars.ContextVar("_PLAIN", default=False)


def is_compiled(function: Callable | None = None) -> bool:
    """Say whether kernels become machine code, and this one has been made to.

    Its module may have been imported while M2K_NO_NUMBA was set: then it stays plain Python.

    Examples
    --------
    >>> is_compiled(len)
    False
    """
    if function is not None and not hasattr(function, "py_func"):
        return False
    if os.environ.get("M2K_NO_NUMBA", "0") not in ("", "0"):
        return False
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def kernel(
    function: Callable | None = None, *, allocates: bool = True, inline: bool = False
) -> Callable:
    """Compile a function on its first call, and keep the machine code for later sessions.

    numba keeps it in the folder that the environment variable NUMBA_CACHE_DIR names, else beside
    the source, else, where that folder is read-only, in the user's cache folder. Where none of
    them can be written, the function is compiled anew in each session.

    The kept code is dropped when the kernel's own file changes, and only then: a kernel that
    calls or reads something that may change keeps it in its own file.

    Floating-point division by zero gives infinity or NaN in compiled code, and an exception in
    plain Python: a kernel must not divide by zero. Integers wrap around at 64 bits.

    Without `allocates` it makes no array and returns none. Then numba counts no references to
    those that it is given, which takes longer than the work of a bar. With `inline` the code
    becomes part of each kernel that calls it.
    """
    if function is None:
        return functools.partial(kernel, allocates=allocates, inline=inline)
    if _PLAIN.get() or not is_compiled():
        return function
    from numba import njit

    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": allocates}
    if inline:
        return njit(inline="always", **settings)(function)
    try:
        return njit(cache=True, **settings)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return njit(**settings)(function)


def uncompiled(name: str) -> ModuleType:
    """Load a module of kernels once more, as plain Python; the compiled one stays what it is.

    Parameters
    ----------
    name : str
        Full name of the module.

    Returns
    -------
    module
        A copy, known to nobody else. Modules that it imports are the usual ones.

    Examples
    --------
    >>> hasattr(uncompiled("m2k_lessons.strategies.kernels").fade, "py_func")
    False
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ValueError(f"name must be that of a module, got {name!r}")
    module = importlib.util.module_from_spec(spec)
    token = _PLAIN.set(True)
    try:
        spec.loader.exec_module(module)
    finally:
        _PLAIN.reset(token)
    return module
