"""Ten thousand random runs by the batch, the single engine and the plain-Python twin.

`python benchmarks/engine_cases.py --write` runs them (a quarter of an hour on one core) and puts
the table into `engine_cases.md`. Every case is compared to the last bit: equity, positions,
trades, events, and what the batch counts.
"""

import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = 10_000  # fewer with a number on the command line


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.backtest.random_cases import compare

    cases = next((int(word) for word in sys.argv[1:] if word.isdigit()), CASES)
    seen, begin = Counter(), time.perf_counter()
    first = 1_000  # the test suite has those before
    for seed in range(first, first + cases):
        seen.update({name: int(found) for name, found in compare(seed).items()})
    lines = [
        "# Batch, single engine and twin",
        "",
        f"{cases:,} random cases (seeds {first} to {first + cases - 1}): all three gave the "
        f"same bits; `python benchmarks/engine_cases.py {cases} --write` makes them again "
        f"({(time.perf_counter() - begin) / 60:.0f} minutes on a busy machine).",
        "",
        "| among them | cases |",
        "| --- | ---: |",
        *(f"| {name} | {count:,} |" for name, count in seen.items()),
        "",
    ]
    print("\n".join(lines))
    if "--write" in sys.argv:
        path = Path(__file__).with_suffix(".md")
        path.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
