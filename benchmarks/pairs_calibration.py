"""Do the tests and intervals of `m2k_lessons.pairs` keep what they promise? On known truths.

    python benchmarks/pairs_calibration.py              prints the tables (about two minutes)
    python benchmarks/pairs_calibration.py --write      writes them to pairs_calibration.md
    python benchmarks/pairs_calibration.py --tables     prints m2k_lessons/pairs/tables.py anew

Run with OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1: on these small matrices more threads are
slower, and the last digits may differ.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from statsmodels.tsa.vector_ar.vecm import coint_johansen

from m2k_lessons import pairs, simulate
from m2k_lessons._util.jit import kernel
from m2k_lessons.pairs import reversion

TABLE = Path(__file__).with_suffix(".md")
SPURIOUS_PAIRS, SPURIOUS_DAYS, SIZE_MARGIN_PCT = 2_000, 250, 1.5
DAYS, HISTORIES, COVERAGE_MARGIN_PCT = 2_520, 1_500, 3.0
HALF_LIVES = (5, 15, 30, 60, 120, 250, 500)
PROMISED_TO = 60
TRAINING_DAYS, MONITORS = 1_260, 800

PROBABILITIES = (0.005, 0.025, 0.05, 0.5, 0.95, 0.975, 0.995)
DISTANCES = (0, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
REACHES = (0.1, 0.25, 0.5, 1, 2, 4, 8)
QUANTILE_BARS, LIMIT_BARS, TABLE_DRAWS = 1_000, 500, 400_000


def share(hits) -> tuple[float, float]:
    """Percent of hits, and its standard error."""
    p = float(np.mean(hits))
    return 100 * p, 100 * math.sqrt(p * (1 - p) / len(hits))


# ---------------------------------------------------------------- the cointegration test


def table_of_size() -> list[str]:
    right, wrong, trace, trend = [], [], [], []
    for seed in range(SPURIOUS_PAIRS):
        market = simulate.pair(SPURIOUS_DAYS, seed, spurious=True)
        small, large = (np.log(market[name]["close"]) for name in ("M2K", "MES"))
        test = pairs.cointegration(small, large)
        right.append(test.p_value < 0.05)
        wrong.append(test.wrong_p_value < 0.05)
        trace.append(pairs.johansen(small, large).rank > 0)
        peer = coint_johansen(np.column_stack([small, large]), 0, 1)
        trend.append(peer.trace_stat[0] > peer.trace_stat_crit_vals[0, 1])
    lines = [
        f"**Spurious pairs called a pair, at a nominal 5 %** ({SPURIOUS_PAIRS:,} pairs of "
        f"independent random walks, {SPURIOUS_DAYS} days each)",
        "",
        "| test and critical values | called a pair | standard error | promised | |",
        "| --- | ---: | ---: | --- | --- |",
    ]
    for name, hits, promised in (
        ("Engle-Granger, its own (`cointegration`)", right, True),
        ("Engle-Granger, with Dickey-Fuller's (`wrong_p_value`)", wrong, False),
        ("Johansen's trace, without trend (`johansen`)", trace, True),
        ("Johansen's trace, with trend (statsmodels' `coint_johansen`)", trend, False),
    ):
        rate, error = share(hits)
        verdict = "met" if abs(rate - 5) <= SIZE_MARGIN_PCT else "**not met**"
        told = f"5 % ± {SIZE_MARGIN_PCT} % | {verdict}" if promised else "- | for comparison"
        lines.append(f"| {name} | {rate:.1f} % | {error:.1f} % | {told} |")
    return lines


# ---------------------------------------------------------------- the half-life's interval


def naive_interval(found) -> tuple[float, float]:
    """What textbooks give: the slope give or take 1.96 standard errors."""
    ends = found.slope + np.array([-1.96, 1.96]) * found.standard_error
    return tuple(reversion._half_lives(1 + ends))


def covers(interval, truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


def table_of_coverage() -> list[str]:
    lines = [
        f"**Half-life: how often the 95 % interval holds the truth** ({HISTORIES:,} histories of "
        f"{DAYS:,} days for each)",
        "",
        "| half-life, days | `half_life`, spread known | promised | | no upper end | "
        "slope ± 1.96 standard errors, spread known | `half_life`, spread estimated by OLS |",
        "| ---: | ---: | --- | --- | ---: | ---: | ---: |",
    ]
    for half_life in HALF_LIVES:
        known, naive, estimated, endless = [], [], [], []
        for seed in range(HISTORIES):
            market = simulate.pair(DAYS, 10_000 + seed, half_life=float(half_life))
            small, large = (np.log(market[name]["close"]) for name in ("M2K", "MES"))
            found = pairs.half_life(small - market.truth.hedge_ratio * large)
            known.append(covers((found.low, found.high), half_life))
            naive.append(covers(naive_interval(found), half_life))
            endless.append(math.isinf(found.high))
            line = pairs.hedge_ratio(small, large)
            found = pairs.half_life(small - line.beta * large)
            estimated.append(covers((found.low, found.high), half_life))
        rate, error = share(known)
        promise = "-"
        met = "-"
        if half_life <= PROMISED_TO:
            promise = "95 % ± 3 %"
            met = "met" if abs(rate - 95) <= COVERAGE_MARGIN_PCT else "**not met**"
        lines.append(
            f"| {half_life} | {rate:.1f} % | {promise} | {met} | {share(endless)[0]:.1f} % | "
            f"{share(naive)[0]:.1f} % | {share(estimated)[0]:.1f} % |"
        )
    lines += ["", f"The standard error of a share near 95 % is {error:.1f} %."]
    return lines


# ---------------------------------------------------------------- the monitor of breaks


def table_of_breaks() -> list[str]:
    lines = [
        f"**Break monitor at a nominal 5 %** ({MONITORS} pairs for each; hedge ratio and spread "
        f"learned on {TRAINING_DAYS:,} days, then {DAYS - TRAINING_DAYS:,} days watched)",
        "",
        "| half-life, days | false alarms, hedge ratio known | false alarms, hedge ratio "
        "estimated | a spread that wanders off is reported | after, median days |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for half_life in (5.0, 15.0, 30.0, 60.0):
        known, estimated, waits = [], [], []
        for seed in range(MONITORS):
            settings = {"days": DAYS, "seed": 50_000 + seed, "half_life": half_life}
            market = simulate.pair(**settings)
            small, large = (np.log(market[name]["close"]) for name in ("M2K", "MES"))
            beta = market.truth.hedge_ratio
            alarm = pairs.break_monitor(small, large, TRAINING_DAYS, beta=beta).first
            known.append(alarm is not None)
            alarm = pairs.break_monitor(small, large, TRAINING_DAYS).first
            estimated.append(alarm is not None)
            broken = simulate.pair(**settings, break_day=TRAINING_DAYS)
            small, large = (np.log(broken[name]["close"]) for name in ("M2K", "MES"))
            alarm = pairs.break_monitor(small, large, TRAINING_DAYS).first
            if alarm is not None:
                waits.append(small.index.get_loc(alarm) - TRAINING_DAYS)
        lines.append(
            f"| {half_life:g} | {share(known)[0]:.1f} % | {share(estimated)[0]:.1f} % | "
            f"{100 * len(waits) / MONITORS:.0f} % | {np.median(waits):.0f} |"
        )
    return lines


# ---------------------------------------------------------------- the tables behind both


@kernel
def t_statistics(rng, autoregression, bars, result):
    """Fill `result` with the t statistics of the true slope, from stationary AR(1) series."""
    start = 0.0
    if autoregression < 1.0:
        start = 1.0 / math.sqrt(1.0 - autoregression * autoregression)
    for draw in range(len(result)):
        first = start * rng.standard_normal()
        level = first
        sum_x, sum_d, sum_xx, sum_xd, sum_dd = 0.0, 0.0, 0.0, 0.0, 0.0
        for _ in range(bars):
            after = autoregression * level + rng.standard_normal()
            x, d = level - first, after - level
            sum_x += x
            sum_d += d
            sum_xx += x * x
            sum_xd += x * d
            sum_dd += d * d
            level = after
        varies = sum_xx - sum_x * sum_x / bars
        slope = (sum_xd - sum_x * sum_d / bars) / varies
        left = sum_dd - sum_d * sum_d / bars - slope * slope * varies
        error = math.sqrt(left / (bars - 2) / varies)
        result[draw] = (slope - (autoregression - 1.0)) / error


@kernel
def largest_statistics(rng, train, watched, result):
    """Fill `result` with the largest statistic of `pairs.break_monitor` while nothing breaks."""
    x, u = np.empty(train + watched), np.empty(train + watched)
    for draw in range(len(result)):
        level = 0.0
        for i in range(train + watched):
            level += rng.standard_normal()
            x[i] = level
            u[i] = rng.standard_normal()
        mean_x, mean_u = x[:train].mean(), u[:train].mean()
        varies, together = 0.0, 0.0
        for i in range(train):
            varies += (x[i] - mean_x) ** 2
            together += (x[i] - mean_x) * (u[i] - mean_u)
        slope = together / varies
        total, from_mean, largest = 0.0, 0.0, 0.0
        for k in range(1, watched + 1):
            distance = x[train + k - 1] - mean_x
            total += u[train + k - 1] - mean_u - slope * distance
            from_mean += distance
            scale = train * (1 + k / train) ** 2 + from_mean * from_mean / varies
            largest = max(largest, abs(total) / math.sqrt(scale))
        result[draw] = largest


def row(first: float, numbers) -> str:
    return f"    ({first:g}, " + ", ".join(f"{one:.3f}" for one in numbers) + "),"


def module_of_tables() -> str:
    quantiles, limits = [], []
    for place, distance in enumerate(DISTANCES):
        draws = np.empty(TABLE_DRAWS)
        rng = np.random.default_rng([2030, place])
        t_statistics(rng, 1 - distance / QUANTILE_BARS, QUANTILE_BARS, draws)
        quantiles.append(row(distance, np.quantile(draws, PROBABILITIES)))
    for place, reach in enumerate(REACHES):
        draws = np.empty(TABLE_DRAWS)
        rng = np.random.default_rng([2031, place])
        largest_statistics(rng, LIMIT_BARS, round(LIMIT_BARS * reach), draws)
        limits.append(row(reach, np.quantile(draws, 1 - np.array(pairs.SIZES))))
    lines = [
        '"""Quantiles behind `pairs.half_life` and `pairs.break_monitor`, simulated.',
        "",
        "`python benchmarks/pairs_calibration.py --tables` prints this module.",
        '"""',
        "",
        f"# From {TABLE_DRAWS:,} draws each.",
        f"PROBABILITIES = {PROBABILITIES!r}",
        "",
        "# Of the t statistic of an AR(1)'s true slope, mean estimated, by the distance from a",
        "# unit root, bars * (1 - autoregression). At 0 they are Dickey and Fuller's, far away the",
        f"# normal's. Stationary series of {QUANTILE_BARS:,} bars.",
        "QUANTILES = (",
        *quantiles,
        ")",
        "",
        "# Of the largest statistic of the monitor with an estimated line, by bars watched over",
        f"# bars of training ({LIMIT_BARS}): the limits for false alarms of 10, 5 and 1 %.",
        "LIMITS = (",
        *limits,
        ")",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--tables", action="store_true")
    asked = parser.parse_args()
    if asked.tables:
        print(module_of_tables(), end="")
        return
    tables = [table_of_size(), table_of_coverage(), table_of_breaks()]
    head = (
        "# Calibration of `m2k_lessons.pairs`\n\n"
        "Made by `python benchmarks/pairs_calibration.py --write`; prices are simulated."
    )
    text = "\n\n".join([head, *("\n".join(lines) for lines in tables)]) + "\n"
    print(text)
    if asked.write:
        TABLE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
