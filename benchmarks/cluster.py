"""Time a sweep and a search against the workers of a Dask cluster: `python benchmarks/cluster.py`.

The cluster is on this machine, and the same calls run on a real one: `Client("tcp://host:8786")`
instead of the two lines that start it. Each table is compared with that of one process. Ends with
an error where they differ; the times are for the reader, as they depend on the processors at hand.
"""

import sys
import time

BARS_YEARS, COMBINATIONS, TRIALS = 10, 96, 48
WORKERS = (1, 2)


def slow_rule(close, window, entry):
    """A rule that takes its time, about 30 ms: fades a distance from the rolling median."""
    import numpy as np

    middle = close.rolling(window).apply(np.median, raw=True)
    distance = (close / middle - 1).fillna(0.0)
    return -np.sign(distance) * (distance.abs() > entry)


def main() -> None:
    import joblib
    from distributed import Client, LocalCluster

    from m2k_lessons import evidence, simulate
    from m2k_lessons.sweep import sweep

    bars = simulate.daily(years=BARS_YEARS, seed=7)["M2K"]
    grid = {"window": list(range(20, 20 + COMBINATIONS // 4)), "entry": [0.01, 0.02, 0.03, 0.04]}
    money = {"commission_usd": 0.85, "capital": 50_000}

    def swept(n_jobs):
        return sweep(bars, slow_rule, grid, n_jobs=n_jobs, **money)

    def searched(method):
        def run(n_jobs):
            return evidence.search(
                slow_rule, grid, method, bars=bars, trials=TRIALS, n_jobs=n_jobs, **money
            ).log

        return run

    works = {
        f"sweep, {COMBINATIONS} combinations": swept,
        f"search, random, {TRIALS} trials": searched("random"),
        f"search, tpe, {TRIALS} trials": searched("tpe"),
    }
    times: dict[str, dict[str, float]] = {name: {} for name in works}
    alone = {}
    for name, work in works.items():
        work(1)
        begin = time.perf_counter()
        alone[name] = work(1)
        times[name]["one process"] = time.perf_counter() - begin
    wrong = []
    for workers in WORKERS:
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=":0",
            ) as cluster,
            Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            label = f"{workers} worker" + "s" * (workers > 1)
            for name, work in works.items():
                work(-1)  # imports and compiled loops
                begin = time.perf_counter()
                table = work(-1)
                times[name][label] = time.perf_counter() - begin
                # With two at a time, tpe draws two before it looks: another search, as sound.
                if "tpe" in name and workers > 1:
                    sound = table.index.tolist() == list(range(TRIALS))
                else:
                    sound = table.equals(alone[name])
                if not sound:
                    wrong.append(f"{name} with {label}")
    columns = list(next(iter(times.values())))
    print(f"{len(bars):,} bars, {joblib.cpu_count()} processors; seconds")
    print(" " * 32 + "".join(f"{column:>14}" for column in columns))
    for name, taken in times.items():
        print(f"  {name:<30}" + "".join(f"{taken[column]:14.2f}" for column in columns))
    if wrong:
        sys.exit("Not the table of one process: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
