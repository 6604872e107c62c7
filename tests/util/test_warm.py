"""What a learner's first cell calls has been compiled beforehand."""

import subprocess
import sys

# In a session of its own: here other tests have compiled what `warm` may have forgotten.
CODE = """if True:
    import importlib, pkgutil
    import m2k_lessons
    from m2k_lessons._util.warm import warm
    assert warm() > 0
    for found in pkgutil.walk_packages(m2k_lessons.__path__, "m2k_lessons."):
        if not found.name.endswith(".kernels"):
            continue
        module = importlib.import_module(found.name)
        loops = {
            name: loop for name, loop in vars(module).items()
            if hasattr(loop, "signatures") and loop.py_func.__module__ == found.name
        }
        # Kept code brings along the loops that it calls.
        called = {name for loop in loops.values() for name in loop.py_func.__code__.co_names}
        for name in loops.keys() - called:
            loop = loops[name]
            print(name, len(loop.signatures), sum(loop.stats.cache_misses.values()))
"""


def test_every_loop_is_compiled_and_kept():
    runs = [
        subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    loops = [line.split() for line in runs[1].stdout.splitlines()]
    assert [name for name, signatures, _ in loops if signatures == "0"] == []
    assert [name for name, _, misses in loops if misses != "0"] == []
