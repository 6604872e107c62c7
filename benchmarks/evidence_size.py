"""How often do the tests of `m2k_lessons.evidence` cry skill over luck, and do they see an edge?

    python benchmarks/evidence_size.py              prints the tables (about three minutes)
    python benchmarks/evidence_size.py --write      writes them to evidence_size.md

Run with OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1: on these small tables more threads are
slower. Ends with an error when a promise is not kept.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from m2k_lessons import evidence, indicators, strategies

TABLE = Path(__file__).with_suffix(".md")
DRAWS, DAYS, RULES, RESAMPLES, BLOCKS = 2_000, 1_260, 20, 199, 10
LEVEL, DAILY = 0.05, 0.013
EDGE, LOSS = 1.75, -3.0  # annual Sharpe ratios
LOSERS = 15
POWER_ASKED_PCT, POWER_SHARPE, MANY = 80.0, 2.5, 100
ALPHA, BETA = 0.10, 0.88
LOW, HIGH = (100 * stats.binom.ppf(p, DRAWS, LEVEL) / DRAWS for p in (0.0005, 0.9995))

failures: list[str] = []


def noise(draws: int, days: int, garch: bool = False, seed: int = 1) -> np.ndarray:
    """Market returns without any direction: a row for each draw."""
    shock = np.random.default_rng(seed).standard_normal((draws, days))
    if not garch:
        return DAILY * shock
    variance = np.ones(draws)
    for day in range(days):
        shock[:, day] *= np.sqrt(variance)
        variance = 1 - ALPHA - BETA + ALPHA * shock[:, day] ** 2 + BETA * variance
    return DAILY * shock


def share(hits) -> float:
    return 100 * float(np.mean(hits))


def promise(kept: bool, what: str) -> str:
    if not kept:
        failures.append(what)
    return "kept" if kept else "**not kept**"


def within(rate: float, name: str) -> str:
    return f"{LOW:.1f} % to {HIGH:.1f} %: {promise(LOW <= rate <= HIGH, name)}"


# ------------------------------------------------------------- one rule, its days shuffled


def trend(close):
    return strategies.trend_following(close, 20, 50)


def bollinger(close):
    return strategies.mean_reversion(close, 20, 2.0, 0.0)


def fixed_band(close):
    """Against the price where it is 5 % off its average, until it is back."""
    off_pct = (100 * (close / indicators.sma(close, 20) - 1)).fillna(0.0)
    return strategies.threshold(-off_pct, 5.0, 0.0) - strategies.threshold(off_pct, 5.0, 0.0)


def daily_band(close):
    """For one day against a day that was beyond two deviations of all days."""
    change = close.pct_change().fillna(0.0)
    return -np.sign(change) * (change.abs() > 2 * DAILY)


def coin(close):
    rng = np.random.default_rng(int(1e6 * close.iloc[-1]) % 2**32)
    return pd.Series(rng.choice([-1.0, 0.0, 1.0], len(close)))


def permutation_hits(rule, garch: bool) -> list[bool]:
    hits = []
    for number, returns in enumerate(noise(DRAWS, DAYS, garch)):
        close = pd.Series((2_000 * np.exp(np.cumsum(returns))).round(1))
        held = rule(close).shift(1).fillna(0.0).to_numpy()
        test = evidence.permutation_test(
            held, returns, trials=1, permutations=RESAMPLES, seed=number
        )
        hits.append(test.p_value <= LEVEL)
    return hits


def table_of_one_rule() -> list[str]:
    rows = [
        f"**One rule on {DAYS:,} days without direction: called skill by the permutation test, at "
        "a nominal 5 %**",
        "",
        "| positions | independent returns | promised | GARCH returns | promised |",
        "| --- | ---: | --- | ---: | --- |",
    ]
    for name, rule, promised in (
        ("by coin", coin, (True, True)),
        ("trend rule (20, 50)", trend, (True, False)),
        ("Bollinger band rule (20, 2)", bollinger, (True, False)),
        ("against a day beyond 2 deviations", daily_band, (True, False)),
        ("against 5 % off the 20-day average", fixed_band, (False, False)),
    ):
        cells = []
        for garch in (False, True):
            rate = share(permutation_hits(rule, garch))
            cells += [f"{rate:.1f} %", within(rate, name) if promised[garch] else "-"]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return [
        *rows,
        "",
        f"GARCH: persistence {ALPHA + BETA:.2f}, {ALPHA:.2f} of it the last day's square. A band "
        "of fixed width is left on wild days, and wild days come in clusters: where such a rule "
        "holds a position, shuffled days are calmer than the real ones were, and luck looks "
        "smaller than it is. Bollinger's band widens with the market and is spared. Also without "
        "clusters, a rule that buys what fell passes a little too often, and one that buys what "
        "rose a little too seldom: the days it decides by are among those that are shuffled.",
    ]


# ---------------------------------------------------------------- the best of many rules

TESTS = ("permutation test", "reality check", "SPA test", "deflated Sharpe ratio")
SINGLE = ("bootstrap of the best, adjusted", "probabilistic Sharpe ratio of the best, adjusted")


def verdicts(market: np.ndarray, number: int, edge: float, losers: int) -> dict[str, float]:
    """1 for each test that calls the best of all rules skill; and the overfitting found."""
    rng = np.random.default_rng([2, number])
    held = rng.choice([-1.0, 1.0], (DAYS, RULES))
    daily = DAILY / np.sqrt(252)
    market = market + edge * daily * held[:, 0]
    earned = held * market[:, None]
    earned[:, RULES - losers :] += LOSS * daily
    table = pd.DataFrame(earned)
    every = {"trials": RULES, "seed": number}
    sharpes = earned.mean(axis=0) / earned.std(axis=0, ddof=1) * np.sqrt(252)
    best = table[int(sharpes.argmax())]
    shuffled = evidence.permutation_test(held, market, permutations=RESAMPLES, **every)
    check = evidence.reality_check(table, resamples=RESAMPLES, **every)
    spa = evidence.spa_test(table, resamples=RESAMPLES, **every)
    deflated = evidence.deflated_sharpe(best, trials=sharpes)
    # Twenty trials divide the level by twenty: that takes more resamples.
    bootstrap = evidence.bootstrap_sharpe(best, resamples=2 * RESAMPLES + 1, **every)
    single = evidence.probabilistic_sharpe(best, trials=RULES)
    overfit = evidence.probability_of_backtest_overfitting(table, trials=RULES, blocks=BLOCKS)
    found = [shuffled, check, spa, deflated, bootstrap, single]
    names = (*TESTS, *SINGLE)
    hits = {
        name: float(one.p_value_adjusted <= LEVEL) for name, one in zip(names, found, strict=True)
    }
    return hits | {"overfitting": overfit.probability}


def table_of_the_best(draws: int, fewer: int) -> list[str]:
    cases = {
        "independent returns": dict(edge=0.0, losers=0, garch=False),
        "GARCH returns": dict(edge=0.0, losers=0, garch=True),
        "three in four lose": dict(edge=0.0, losers=LOSERS, garch=False),
        "edge": dict(edge=EDGE, losers=0, garch=False),
        "edge, three in four lose": dict(edge=EDGE, losers=LOSERS, garch=False),
    }
    found = {}
    for name, case in cases.items():
        garch = case.pop("garch")
        markets = noise(fewer if found else draws, DAYS, garch, seed=3)
        found[name] = pd.DataFrame(
            [verdicts(market, number, **case) for number, market in enumerate(markets)]
        )
    rows = [
        f"**The best of {RULES} rules over {DAYS // 252} years: called skill, at a nominal 5 %**",
        "",
        "| test | " + " | ".join(cases) + " | promised in the first column |",
        "| --- |" + " ---: |" * len(cases) + " --- |",
    ]
    for test in (*TESTS, *SINGLE):
        rates = [share(one[test]) for one in found.values()]
        told = "-"
        if test in TESTS[:3]:
            told = within(rates[0], test)
        rows.append(f"| {test} | " + " | ".join(f"{rate:.1f} %" for rate in rates) + f" | {told} |")
    overfit = found["independent returns"]["overfitting"]
    error = overfit.std() / np.sqrt(len(overfit))
    means = [100 * one["overfitting"].mean() for one in found.values()]
    centred = promise(abs(overfit.mean() - 0.5) <= 3.29 * error, "overfitting centred")
    rows.append(
        "| mean probability of overfitting | "
        + " | ".join(f"{mean:.1f} %" for mean in means)
        + f" | 50 % ± {329 * error:.1f} %: {centred} |"
    )
    return [
        *rows,
        "",
        "Positions by coin. The columns with an edge are power: one rule has a true Sharpe ratio "
        f"of {EDGE}. Losing rules have one of {LOSS:.0f}. What losers do: the reality check says "
        "yes too seldom; the deflated Sharpe ratio takes the spread between losers and the rest "
        "for luck, and sees nothing any more; the probability of overfitting goes to nothing even "
        "without an edge, because it is easy to choose a rule that beats the losers.",
    ]


# ------------------------------------------------------------------- deflated Sharpe ratio


def table_of_the_deflated(draws: int) -> list[str]:
    """The best of a hundred over five years, one of them with a true ratio."""
    ratios = (0.0, 1.5, 2.0, POWER_SHARPE, 3.0)
    rows = [
        f"**Deflated Sharpe ratio above 95 %, best of {MANY} trials over {DAYS // 252} years**",
        "",
        "| true Sharpe ratio of one trial | above 95 % | promised |",
        "| ---: | ---: | --- |",
    ]
    for ratio in ratios:
        hits = []
        for number in range(draws):
            earned = np.random.default_rng([4, number]).standard_normal((DAYS, MANY))
            earned[:, 0] += ratio / np.sqrt(252)
            sharpes = earned.mean(axis=0) / earned.std(axis=0, ddof=1) * np.sqrt(252)
            best = earned[:, int(sharpes.argmax())]
            test = evidence.deflated_sharpe(best, trials=sharpes)
            hits.append(test.probability >= 1 - LEVEL)
        told = "-"
        if ratio == POWER_SHARPE:
            kept = promise(share(hits) >= POWER_ASKED_PCT, "power of the deflated Sharpe ratio")
            told = f"at least {POWER_ASKED_PCT:.0f} %: {kept}"
        rows.append(f"| {ratio:g} | {share(hits):.1f} % | {told} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    arguments = parser.parse_args()
    parts = [
        table_of_one_rule(),
        table_of_the_best(DRAWS, DRAWS // 4),
        table_of_the_deflated(DRAWS // 4),
    ]
    text = "\n".join(
        [
            "# Calibration of `m2k_lessons.evidence`",
            "",
            "Made by `python benchmarks/evidence_size.py --write`; returns are simulated. "
            f"{DRAWS:,} draws with fixed seeds ({DRAWS // 4:,} where nothing is promised and "
            f"in the last table), {RESAMPLES} permutations or resamples each "
            f"({2 * RESAMPLES + 1} for the bootstrap of the best rule), {BLOCKS} blocks for the "
            "probability of overfitting. The interval is the one that 99.9 % of "
            "all calibrations of a true 5 % fall into.",
            *(line for part in parts for line in ("", *part)),
            "",
        ]
    )
    print(text)
    if arguments.write:
        TABLE.write_text(text, encoding="utf-8", newline="\n")
    if failures:
        sys.exit("Not kept: " + ", ".join(failures))


if __name__ == "__main__":
    main()
