"""Time and memory of `data.read_prices`, on files that this script writes to a temporary folder.

    python benchmarks/read_prices.py

Prints three figures: 35 years of daily bars, a million minute bars, and the peak memory of a
200 MB file beside the memory of its result. Each load runs in a process of its own, whose
imports are not counted: the memory is what the process grew from just before the load to its
peak (resident memory; on Windows what `tracemalloc` sees).
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

DAYS = 252 * 35
LARGE = 200_000_000  # bytes

# Runs in the child; prints one line of JSON.
LOAD = """
import json, pathlib, sys, time
from m2k_lessons import data

path, warm_up, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
data.read_prices(warm_up)  # lazy imports
status = pathlib.Path("/proc/self/status")

def memory(now):
    if status.exists():
        # Not ru_maxrss, which on Linux a child inherits from a larger parent.
        found = status.read_text().split("VmRSS:" if now else "VmHWM:")[1]
        return int(found.split()[0]) * 1024
    if sys.platform == "win32":
        import tracemalloc
        tracemalloc.start()
        return tracemalloc.get_traced_memory()[0 if now else 1]
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = memory(now=True)
seconds = []
for _ in range(repeats):
    frame = None
    start = time.perf_counter()
    frame = data.read_prices(path)
    seconds.append(time.perf_counter() - start)
size = int(frame.memory_usage(index=True).sum())
print(json.dumps({"seconds": seconds, "rows": len(frame), "result": size,
                  "grown": memory(now=False) - before}))
"""


def write_bars(path: Path, times: pd.DatetimeIndex, time_format: str) -> None:
    """Write made-up bars on a grid of 0.10, 100,000 rows at a time."""
    rng = np.random.default_rng(2026)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("Datetime,Open,High,Low,Close,Volume\n")
        for start in range(0, len(times), 100_000):
            part = times[start : start + 100_000]
            ticks = 20_000 + rng.integers(-200, 200, (len(part), 2))
            high = ticks.max(axis=1) + rng.integers(0, 9, len(part))
            low = ticks.min(axis=1) - rng.integers(0, 9, len(part))
            volume = rng.integers(0, 5_000, len(part))
            file.writelines(
                f"{time},{o / 10:.2f},{h / 10:.2f},{lo / 10:.2f},{c / 10:.2f},{v}\n"
                for time, (o, c), h, lo, v in zip(
                    part.strftime(time_format), ticks, high, low, volume, strict=True
                )
            )


def minutes(number: int) -> pd.DatetimeIndex:
    """Return that many minutes of trading days, without the nights when the clocks are set."""
    offsets = pd.timedelta_range("02:30:00", periods=1_280, freq="min")
    days = pd.bdate_range("1985-01-01", periods=number // len(offsets) + 1)
    return pd.DatetimeIndex((days.values[:, None] + offsets.values).ravel()[:number])


def load(path: Path, warm_up: Path, repeats: int) -> dict:
    """Load a file in a process of its own."""
    command = [sys.executable, "-c", LOAD, str(path), str(warm_up), str(repeats)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tiny, daily, million, large = (Path(folder) / f"{name}.csv" for name in "tdml")
        write_bars(tiny, pd.bdate_range("1991-01-02", periods=20), "%Y-%m-%d")
        write_bars(daily, pd.bdate_range("1991-01-02", periods=DAYS), "%Y-%m-%d")
        write_bars(million, minutes(1_000_000), "%Y-%m-%d %H:%M:%S")
        rows = LARGE * 1_000_000 // million.stat().st_size
        write_bars(large, minutes(rows), "%Y-%m-%d %H:%M:%S")

        for name, path, limit in (("35 years of days", daily, 0.15), ("minutes", million, 1.5)):
            result = load(path, tiny, 5)
            median = statistics.median(result["seconds"])
            print(f"{name}: {result['rows']:,} rows in {median * 1000:.0f} ms (limit {limit} s)")
        result = load(large, tiny, 1)
        size = large.stat().st_size / 1e6
        print(
            f"{size:.0f} MB: {result['rows']:,} rows in {result['seconds'][0]:.2f} s; "
            f"grew by {result['grown'] / 1e6:.0f} MB for a result of "
            f"{result['result'] / 1e6:.0f} MB: {result['grown'] / result['result']:.2f} times "
            "(limit 1.5)"
        )


if __name__ == "__main__":
    main()
