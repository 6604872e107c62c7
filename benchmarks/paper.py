"""Time the demo account: `python benchmarks/paper.py`.

Target: a day of minutes with ten working orders at over 20,000 bars a second, however it is
stepped, timed in turns with a plain loop over the same bars and orders. The plain loop looks at
every order in every bar, holds one price in floats, and knows no hours, margin or settlement; it
is what one would write first, and does less. Ends with an error when the target is missed.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

TARGET = 20_000  # bars a second
REPEATS = 9


def orders(first, distance):
    """Ten limit orders around a price, the nearest `distance` points away."""
    from m2k_lessons.paper import limit

    for place in range(5):
        away = distance * (1 + place / 4)
        yield limit("buy", 1, round(first - away, 1), time_in_force="gtc")
        yield limit("sell", 1, round(first + away, 1), time_in_force="gtc")


def plain(bars, first, distance):
    """What one would write first."""
    working = [[1 if o.side == "buy" else -1, o.limit] for o in orders(first, distance)]
    cash, held, equity = 30_000.0, 0, []
    for row in bars.itertuples():
        for one in list(working):
            side, price = one
            if (side > 0 and row.low < price) or (side < 0 and row.high > price):
                held += side
                cash -= side * price * 5 + 0.85
                working.remove(one)
        equity.append(cash + held * row.close * 5)
    return equity


def main() -> None:
    from m2k_lessons import data
    from m2k_lessons.paper import PaperAccount, bracket, market

    bars = data.load("intraday")["M2K"].iloc[: 1380 * 2]
    day = len(bars) // 2
    first = bars["close"].iloc[day - 1]

    def ready(distance, **terms):
        account = PaperAccount(bars, capital=30_000, start=day, **terms)
        for order in orders(first, distance):
            assert account.submit(order)
        return account

    def at_once(distance):
        account = ready(distance)
        begin = time.perf_counter()
        account.step(day)
        return time.perf_counter() - begin

    def bar_by_bar(distance):
        account = ready(distance)
        begin = time.perf_counter()
        for _ in range(day):
            account.step()
        return time.perf_counter() - begin

    def for_a_screen(distance):
        account = ready(distance)
        begin = time.perf_counter()
        for _ in range(day):
            account.step()
            account.snapshot()
        return time.perf_counter() - begin

    def with_a_log(distance):
        with tempfile.TemporaryDirectory() as folder:
            account = ready(distance, log=Path(folder) / "log.jsonl")
            begin = time.perf_counter()
            for _ in range(day):
                account.step()
            return time.perf_counter() - begin

    def a_bracket_a_minute(distance):
        """The most that can happen: ten orders wait, and one more comes in each minute."""
        account = ready(distance)
        begin = time.perf_counter()
        for minute in range(day):
            side = "buy" if minute % 2 else "sell"
            account.submit(bracket(market(side, 1), stop_loss_points=1.0, profit_target_points=1.0))
            account.step()
        return time.perf_counter() - begin

    def plain_loop(distance):
        begin = time.perf_counter()
        plain(bars.iloc[day:], first, distance)
        return time.perf_counter() - begin

    begin = time.perf_counter()
    ready(40.0)
    print(f"an account on {len(bars):,} bars {1e3 * (time.perf_counter() - begin):8.1f} ms")
    held = {}
    works = (at_once, bar_by_bar, for_a_screen, with_a_log, a_bracket_a_minute, plain_loop)
    for label, distance in (("that all wait", 80.0), ("that are filled on the way", 3.0)):
        times = {work: [] for work in works}
        for _ in range(REPEATS):
            for work, taken in times.items():
                taken.append(work(distance))
        print(f"\na day of {day:,} bars, ten orders {label}: bars a second, median of {REPEATS}")
        base = statistics.median(times[plain_loop])
        for work, taken in times.items():
            middle = statistics.median(taken)
            held[work, label] = day / middle
            print(
                f"  {work.__name__:<20}{day / middle:12,.0f}  ({day / max(taken):,.0f} to "
                f"{day / min(taken):,.0f}); {base / middle:6.1f} times the plain loop"
            )
    measured = [held[work, label] for work, label in held if work in (at_once, bar_by_bar)]
    if min(measured) < TARGET:
        sys.exit(f"Missed: {TARGET:,} bars a second with ten working orders.")


if __name__ == "__main__":
    main()
