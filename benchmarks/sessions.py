"""Time the trading clock: `python benchmarks/sessions.py`.

Target: a year of minute bars labelled in under 0.3 s. The first call also imports
pandas_market_calendars and computes the calendar of 1980 to 2068; later calls reuse it.
"""

import statistics
import time


def seconds(work, repeats: int = 7) -> float:
    """Median time of `work`, in seconds, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    import pandas as pd

    begin = time.perf_counter()
    from m2k_lessons import sessions

    print(
        f"import m2k_lessons.sessions (after pandas) {1e3 * (time.perf_counter() - begin):8.1f} ms"
    )
    year = pd.date_range("2025-01-01", "2026-01-01", freq="min", tz="America/New_York")
    begin = time.perf_counter()
    sessions.label_sessions(year)
    print(
        f"first label_sessions, calendar included    {1e3 * (time.perf_counter() - begin):8.1f} ms"
    )

    print(f"\na year of minutes, {len(year):,} bars, median of 7")
    for work in (
        sessions.label_sessions,
        sessions.is_open,
        sessions.next_open,
        sessions.next_close,
        sessions.trade_date,
    ):
        print(f"  {work.__name__:<41}{1e3 * seconds(lambda work=work: work(year)):8.1f} ms")
    moment = year[len(year) // 2]
    print(f"  is_open, one Timestamp{1e6 * seconds(lambda: sessions.is_open(moment)):27.0f} µs")

    decade = ("2030-01-01", "2039-12-31")
    print(f"\nten years, {len(sessions.session_minutes(*decade)):,} open minutes")
    for work in (sessions.session_minutes, sessions.trading_days, sessions.schedule):
        print(f"  {work.__name__:<41}{1e3 * seconds(lambda work=work: work(*decade)):8.1f} ms")


if __name__ == "__main__":
    main()
