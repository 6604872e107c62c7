"""How often a rule of a known worth gets through the statistical gates, and through all of them.

    python benchmarks/gates_power.py            print the table
    python benchmarks/gates_power.py --write    and keep it as benchmarks/gates_power.md

The model is as simple as it can be: Sharpe ratios are normal, with the errors of 6 development
years and 4 sealed ones. Forty settings are tried; they resemble each other (their luck has a
correlation), and the true ratio of each is the `true` one times that correlation, but for one
that has all of it. The best is chosen and goes through the gates. Costs, gaps and the risk engine
are taken as passed, so the table is kinder than the chapter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from m2k_lessons.evidence.sharpe import expected_maximum

HERE = Path(__file__).parent
LEVEL_Z = 1.6448536269514722
TRIALS, EARLY_YEARS, LATE_YEARS = 40, 6, 4
HOLDING = 0.4  # true ratio of the market itself
WITH_MARKET = 0.36  # correlation of the rule's returns and those of holding: 13 % of days held
TRUE = (0.0, 0.4, 0.8, 1.0, 1.5)
DRAWS = 20_000


def alike(rng, shape, correlation: float) -> np.ndarray:
    """Normal numbers, those of a row correlated with each other."""
    common = rng.standard_normal((shape[0], 1))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.standard_normal(shape)


def shares(
    true: float,
    correlation: float,
    *,
    trials: int = TRIALS,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, float]:
    """Share of draws that passes each gate, and all of them."""
    rng = np.random.default_rng(seed)
    worth = np.full(trials, true * correlation)
    worth[0] = true
    early_error, late_error = EARLY_YEARS**-0.5, LATE_YEARS**-0.5
    early = worth + early_error * alike(rng, (draws, trials), correlation)
    chosen = early.argmax(axis=1)
    best, real = early.max(axis=1), worth[chosen]

    # Luck: the best of as many worthless ones that resemble each other in the same way.
    of_luck = early_error * alike(rng, (draws, trials), correlation).max(axis=1)
    luck = best > np.quantile(of_luck, 0.95)
    # Trials: the deflated ratio, told the number of trials and how far they scatter.
    scatter = early.std(axis=1, ddof=1) if trials > 1 else np.zeros(draws)
    expected = expected_maximum(trials) if trials > 1 else 0.0
    deflated = (best - scatter * expected) / early_error > LEVEL_Z

    market = late_error * rng.standard_normal(draws)
    own = WITH_MARKET * market + np.sqrt(1 - WITH_MARKET**2) * late_error * rng.standard_normal(
        draws
    )
    late = real + own
    apart = late - (HOLDING + market)
    found = {
        "trials": deflated,
        "luck": luck,
        "out of sample": late > LEVEL_Z * late_error,
        "benchmark": apart > LEVEL_Z * late_error * np.sqrt(2 * (1 - WITH_MARKET)),
    }
    found["all"] = np.logical_and.reduce(list(found.values()))
    return {name: float(passed.mean()) for name, passed in found.items()}


def table() -> str:
    rows = [
        "| true ratio | settings alike | trials | luck | out of sample | benchmark | all |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for true in TRUE:
        for correlation in (0.0, 0.6):
            passed = shares(true, correlation)
            cells = [f"{100 * share:.1f}" for share in passed.values()]
            rows.append(f"| {true:.1f} | {correlation:.1f} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the table beside this file")
    text = f"""# What gets through the gates of the capstone

Times in a hundred that a rule passes a gate, and all four of them at once, by its true Sharpe
ratio. The best of {TRIALS} settings, {EARLY_YEARS} development years, {LATE_YEARS} sealed ones;
holding has a true ratio of {HOLDING}. "Settings alike" is the correlation of their luck.
{DRAWS:,} draws: an error of at most 0.4. Made by `python benchmarks/gates_power.py --write`.

{table()}
"""
    print(text)
    if parser.parse_args().write:
        (HERE / "gates_power.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
