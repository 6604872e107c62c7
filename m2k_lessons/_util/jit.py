"""Compile the package's loops with numba, wherever the package is installed.

Modules that use `kernel` import numba (0.4 s): import them inside the function that needs them.
A kernel is written so that plain Python runs it too, for where numba has no wheel.
"""

import functools
from collections.abc import Callable
from typing import Any


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
    try:
        from numba import njit
    except ImportError:
        # Macs with an Intel processor. Slower, with the same numbers.
        return function
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": allocates}
    if inline:
        return njit(inline="always", **settings)(function)
    try:
        return njit(cache=True, **settings)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return njit(**settings)(function)
