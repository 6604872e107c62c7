"""How long the simulators take to draw, and the course data to load, beside their targets.

Medians after a first call. `python course.py bench simulate`
"""

import statistics
import time
from collections.abc import Callable

from m2k_lessons import data, simulate

RUNS = 7


def median_ms(work: Callable[[int], object]) -> float:
    """Median time of `work(seed)` over a few seeds, in milliseconds, after a first call."""
    work(0)
    times = []
    for seed in range(1, RUNS + 1):
        start = time.perf_counter()
        work(seed)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


WORK = {
    "draw ten years of daily bars": (lambda seed: simulate.daily(10, seed), 100),
    "draw 60 days of minutes, two contracts": (lambda seed: simulate.intraday(60, seed), 1500),
    "draw ten years of release windows": (lambda seed: simulate.release_windows(10, seed), None),
    "load the daily course data": (lambda seed: data.load("daily"), 150),
    "load the course's minutes": (lambda seed: data.load("intraday"), None),
}


def main() -> None:
    for name, (work, target_ms) in WORK.items():
        target = f"target {target_ms:,} ms" if target_ms else "no target"
        print(f"{name:40} {median_ms(work):8.0f} ms   {target}")


if __name__ == "__main__":
    main()
