"""Time every explorer's redraws: `python benchmarks/explorers.py [chapter ...]`.

A redraw is what an event of a control sets off: compute, update, draw, PNG, text of the picture.
Promised are less than 40 ms of Python. Each control goes to a handful of places, and back, the
others staying as they are; three rounds, of which the first, with caches empty, counts by itself.
CPU time tells what the redraw costs, wall time what it takes on the machine as it is.
"""

import importlib
import inspect
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

PROMISED_MS = 40
ROUNDS = 3
PLACES = 5
COLUMNS = ("redraws", "median", "95 %", "worst", "wall", "at first", "moved", "median", "worst")


def factories(chapters: list[str]) -> dict[str, Callable]:
    """Functions that make an explorer, by name."""
    from m2k_lessons import explorers

    made = {}
    for found in pkgutil.iter_modules(explorers.__path__):
        if found.name == "base" or (chapters and found.name not in chapters):
            continue
        module = importlib.import_module(f"m2k_lessons.explorers.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name == "explore" or name.startswith("explore_"):
                made[found.name + name.removeprefix("explore")] = function
    return made


def moves(explorer) -> Iterator[tuple[str, Callable]]:
    """Names and events of one round."""
    for spec in explorer._specs:
        control = explorer.controls[spec.name]
        start = control.value
        if hasattr(spec, "options"):
            places = [one for one in spec.options if one != start]
        else:
            steps = np.linspace(0, round((spec.high - spec.low) / spec.step), PLACES).round()
            places = [spec.read(spec.low + int(step) * spec.step) for step in steps]
            places = [one for one in places if one != start]
        for place in (*places, start):
            yield (
                f"{spec.name} {place}",
                lambda control=control, place=place: setattr(control, "value", place),
            )
    if hasattr(explorer, "send"):
        yield from desk_moves(explorer)


def desk_moves(desk) -> Iterator[tuple[str, Callable]]:
    """The trading desk's own buttons."""
    from m2k_lessons.paper.desk import FastForward, Flatten, Minutes, Reset, Submit

    bracket = {"side": "buy", "contracts": 2, "stop_loss_points": 4, "profit_target_points": 8}
    events = {"order": Submit(bracket), "minute": Minutes(1), "15 minutes": Minutes(15)}
    events |= {"flatten": Flatten(), "day": FastForward("day"), "reset": Reset()}
    for name, event in events.items():
        for _ in range(10 if name == "minute" else 1):
            yield name, lambda event=event: desk.send(event)


def limits(explorer) -> list:
    return [(axes.get_xlim(), axes.get_ylim()) for axes in explorer.figure.axes]


def measure(explorer) -> list[tuple]:
    """Round, name, whether limits changed, and milliseconds of CPU and wall, of each redraw."""
    rows = []
    for number in range(ROUNDS):
        for name, event in moves(explorer):
            before = limits(explorer)
            wall, cpu = time.perf_counter(), time.process_time()
            event()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            rows.append((number, name, limits(explorer) != before, 1e3 * cpu, 1e3 * wall))
    return rows


def main() -> None:
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"ms of CPU time (wall: ms on the clock); {os.cpu_count()} processors, load {load}")
    print(" " * 36 + "".join(f"{name:>9}" for name in COLUMNS))
    for name, factory in factories(sys.argv[1:]).items():
        rows = measure(factory())
        later = [row for row in rows if row[0]]
        cpu = np.array([row[3] for row in later])
        moved = np.array([row[3] for row in later if row[2]])
        worst = max(later, key=lambda row: row[3])
        first = max(row[3] for row in rows if not row[0])
        line = f"{name:36}{len(cpu):9}{np.median(cpu):9.1f}{np.percentile(cpu, 95):9.1f}"
        line += f"{cpu.max():9.1f}{np.median([row[4] for row in later]):9.1f}{first:9.1f}"
        line += f"{len(moved):9}"
        if len(moved):
            line += f"{np.median(moved):9.1f}{moved.max():9.1f}"
        print(f"{line}   {'OVER ' if cpu.max() > PROMISED_MS else ''}worst: {worst[1]}", flush=True)


if __name__ == "__main__":
    main()
