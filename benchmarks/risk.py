"""Time the bootstrap of equity paths: `python benchmarks/risk.py`.

Target: 10,000 paths of 1,000 trades in under 60 ms once compiled, and at least 4 times as fast as
numpy, timed in turns in the same run. Ends with an error when a target is missed.
"""

import statistics
import sys
import time

TARGET_MS = 60.0
TARGET_RATIO = 4.0
N_PATHS, N_TRADES = 10_000, 1_000
REPEATS = 9


def main() -> None:
    import numpy as np

    begin = time.perf_counter()
    from m2k_lessons import risk

    print(f"import m2k_lessons.risk (after numpy)  {1e3 * (time.perf_counter() - begin):8.1f} ms")
    trades = np.random.default_rng(7).normal(4.0, 60.0, 250).round(2)
    numpy_draws = np.random.default_rng(1)

    def package():
        return risk.bootstrap_equity(trades, N_PATHS, N_TRADES, seed=1)

    def compounded():
        r = trades / 60.0
        return risk.bootstrap_equity(r, N_PATHS, N_TRADES, seed=1, risk_fraction=0.01)

    def plain_numpy():
        paths = np.empty((N_PATHS, N_TRADES + 1))
        paths[:, 0] = 10_000.0
        position = numpy_draws.integers(len(trades), size=(N_PATHS, N_TRADES))
        np.cumsum(trades[position], axis=1, out=paths[:, 1:])
        paths[:, 1:] += 10_000.0
        return paths

    begin = time.perf_counter()
    package()
    print(f"first call, numba imported             {1e3 * (time.perf_counter() - begin):8.1f} ms")
    compounded()
    plain_numpy()

    times = {work: [] for work in (package, compounded, plain_numpy)}
    for _ in range(REPEATS):
        for work, taken in times.items():
            begin = time.perf_counter()
            result = work()
            taken.append(1e3 * (time.perf_counter() - begin))
            del result
    print(f"\n{N_PATHS:,} paths of {N_TRADES:,} trades, median of {REPEATS} (fastest to slowest)")
    for work, taken in times.items():
        middle = statistics.median(taken)
        print(f"  {work.__name__:<37}{middle:8.1f} ms  ({min(taken):.1f} to {max(taken):.1f})")
    took = statistics.median(times[package])
    ratio = statistics.median(times[plain_numpy]) / took
    print(f"  numpy takes {ratio:.1f} times as long")
    if took > TARGET_MS or ratio < TARGET_RATIO:
        sys.exit(f"Missed: at most {TARGET_MS:.0f} ms and at least {TARGET_RATIO:.0f} times.")


if __name__ == "__main__":
    main()
