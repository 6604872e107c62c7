"""Time the placebo and the event study on a year of minutes: `python benchmarks/events.py`.

Target: 1,000 placebo draws on a year of minute bars in under 1 s, from the returns to the
p-value. Ends with an error when it is missed.
"""

import statistics
import sys
import time

TARGET_MS = 1_000.0
REPEATS = 7


def main() -> None:
    from m2k_lessons import events, simulate

    market = simulate.intraday(252, 2030)
    close, releases = market["M2K"]["close"], market["releases"]
    returns = events.bar_returns(close)
    print(f"{len(close):,} minute bars, {len(releases)} releases; median of {REPEATS}")
    works = {
        "bar_returns": lambda: events.bar_returns(close),
        "event_study": lambda: events.event_study(returns, releases, (-30, 60)),
        "placebo, 1,000 draws": lambda: events.placebo(returns, releases, seed=1),
        "placebo, 1,000 draws, response": lambda: events.placebo(
            returns, releases, seed=1, statistic="response", surprise=releases["surprise"]
        ),
        "jumps": lambda: events.jumps(returns),
    }
    times = {name: [] for name in works}
    for _ in range(REPEATS):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            times[name].append(1e3 * (time.perf_counter() - begin))
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"  {name:<33}{middle:8.1f} ms  ({min(taken):.1f} to {max(taken):.1f})")
    if max(statistics.median(times[name]) for name in times if "placebo" in name) > TARGET_MS:
        sys.exit(f"Missed: at most {TARGET_MS:.0f} ms.")


if __name__ == "__main__":
    main()
