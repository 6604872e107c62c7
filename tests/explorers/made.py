"""The explorers there are, for tests that go through all of them."""

import importlib
import inspect
import pkgutil

import pytest

from m2k_lessons import explorers

PLUMBING = {"base", "controls", "desk_texts", "figure", "order_screen"}
CHAPTERS = sorted({module.name for module in pkgutil.iter_modules(explorers.__path__)} - PLUMBING)
FACTORIES = [
    pytest.param(function, id=f"{chapter}.{name}")
    for chapter in CHAPTERS
    for name, function in inspect.getmembers(
        importlib.import_module(f"m2k_lessons.explorers.{chapter}"), inspect.isfunction
    )
    if name == "explore" or name.startswith("explore_")
]
