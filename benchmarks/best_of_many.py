"""What comes of the best of many mean-reversion variants on random walks (chapter 13)?

    python benchmarks/best_of_many.py              prints the table (about three minutes)
    python benchmarks/best_of_many.py --write      writes it to best_of_many.md

Chapter 13 quotes it; `tests/notebooks/test_answers_13.py` holds what is quoted to the table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from m2k_lessons import simulate, strategies, sweep

TABLE = Path(__file__).with_suffix(".md")
SPLIT, YEARS_BEFORE, YEARS_AFTER = 6 * 252, 6, 4
RATIO, PROFIT = "Sharpe Ratio [$]", "Return [$]"
GRIDS = {
    "best of 1,000": {"window": range(10, 50, 2), "entry": np.arange(0.55, 3.01, 0.05).round(2)},
    "best of 250": {"window": range(10, 50, 4), "entry": np.arange(0.6, 3.01, 0.1).round(2)},
    "one, 22 days and 2.0": {"window": [22], "entry": [2.0]},
    "one, 22 days and 2.8": {"window": [22], "entry": [2.8]},
}
SEEDS = {"0 to 99": range(100), "1000 to 2499": range(1_000, 2_500)}


def winners(grid: dict, seeds: range) -> pd.DataFrame:
    """One row per walk: the variant that was best before, and what it did after."""
    rows = []
    for seed in seeds:
        path = simulate.regime("random_walk", years=10, seed=seed)["M2K"]
        before, after = (
            sweep.sweep(part, strategies.mean_reversion, grid, capital=100_000)
            for part in (path[:SPLIT], path[SPLIT:])
        )
        # Where no variant traded, as can happen with a single one, there is nothing to choose.
        winner = before[RATIO].fillna(-np.inf).idxmax()
        rows.append(
            {
                "ratio before": before[RATIO][winner],
                "ratio after": after[RATIO][winner],
                "before": before[PROFIT][winner] / YEARS_BEFORE,
                "after": after[PROFIT][winner] / YEARS_AFTER,
                "costs": after.loc[winner, ["Commissions [$]", "Slippage [$]"]].sum() / YEARS_AFTER,
            }
        )
    return pd.DataFrame(rows, index=list(seeds))


def cell(values: pd.Series, digits: int) -> str:
    return f"{values.mean():,.{digits}f} ± {values.sem():,.{digits}f}".replace("-", "−")


def table() -> list[str]:
    lines = [
        "| chosen | seeds | ratio before | ratio after | USD a year before | USD a year after "
        "| of that, costs | gained after |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, grid in GRIDS.items():
        for seeds, numbers in SEEDS.items():
            found = winners(grid, numbers)
            cells = [
                cell(found["ratio before"], 2),
                cell(found["ratio after"], 2),
                cell(found["before"], 0),
                cell(found["after"], 0),
                f"{found['costs'].mean():,.0f}",
                f"{100 * (found['after'] > 0).sum() / (found['after'] != 0).sum():.0f} %",
            ]
            lines.append(f"| {name} | {seeds} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    text = "\n".join(
        [
            "# The best of many on random walks",
            "",
            "Made by `python benchmarks/best_of_many.py --write`; prices are simulated. Ten years "
            'of `simulate.regime("random_walk")`, mean reversion with one M2K, after costs: the '
            "variant with the best Sharpe ratio in the first six years, and what it did in the "
            "next four. Mean and standard error over the walks; a walk without a trade has no "
            "ratio and 0 dollars, and is left out of the share of walks that gained.",
            "",
            *table(),
            "",
            "Nothing has an edge here, so the true mean of the dollars after is minus the costs. "
            "(All rows with the same seeds share their walks, and their luck.) The mean of the "
            "ratios is not: mean reversion gains in years that are calm for it and loses in wild "
            "ones, so gains are divided by small deviations and losses by large ones. It shows "
            "without any choosing, in the rows with one variant, and most where trades are rare.",
            "",
        ]
    )
    print(text)
    if asked.write:
        TABLE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
