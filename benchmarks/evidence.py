"""Time the tests of luck: `python benchmarks/evidence.py`.

Targets, once compiled: 10,000 permutations of a strategy on 2,520 bars in under 1 s; the
probability of overfitting of 100 strategies with 16 blocks (12,870 splits) in under 10 s. Ends
with an error when a target is missed.
"""

import statistics
import sys
import time

BARS, PERMUTATIONS, STRATEGIES, REPEATS = 2_520, 10_000, 100, 5
TARGET_S = {"permutation test": 1.0, "probability of overfitting": 10.0}


def main() -> None:
    import numpy as np

    from m2k_lessons import evidence

    rng = np.random.default_rng(1)
    returns, held = rng.normal(0, 0.013, BARS), rng.choice([-1.0, 1.0], BARS)
    table = rng.normal(0, 0.013, (BARS, STRATEGIES))

    def permuted_with_numpy():
        found = np.empty(PERMUTATIONS)
        for at in range(0, PERMUTATIONS, 100):
            rows = rng.permuted(np.tile(returns, (100, 1)), axis=1)
            found[at : at + 100] = rows @ held
        return found

    def in_a_loop():
        return [rng.permutation(returns) @ held for _ in range(PERMUTATIONS)]

    works = {
        "permutation test": lambda: evidence.permutation_test(
            held, returns, trials=1, permutations=PERMUTATIONS
        ),
        "  the same, numpy by rows": permuted_with_numpy,
        "  the same, one by one": in_a_loop,
        "probability of overfitting": lambda: evidence.probability_of_backtest_overfitting(
            table, trials=STRATEGIES
        ),
        "reality check, 2,000 resamples": lambda: evidence.reality_check(table, trials=STRATEGIES),
        "SPA test, 2,000 resamples": lambda: evidence.spa_test(table, trials=STRATEGIES),
        "bootstrap of a Sharpe ratio, 10,000": lambda: evidence.bootstrap_sharpe(returns, trials=1),
    }
    print(f"{BARS:,} bars, {PERMUTATIONS:,} permutations, {STRATEGIES} strategies, {REPEATS} runs")
    missed = []
    for name, work in works.items():
        begin = time.perf_counter()
        work()
        first = time.perf_counter() - begin
        taken = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begin)
        middle = statistics.median(taken)
        print(f"  {name:<37}{middle:8.3f} s  (first call {first:.2f} s)")
        if middle > TARGET_S.get(name, middle):
            missed.append(f"{name} took {middle:.2f} s, not {TARGET_S[name]:g}")
    if missed:
        sys.exit("Missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
