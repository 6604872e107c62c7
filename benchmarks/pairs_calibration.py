"""Do the tests and intervals of `m2k_lessons.pairs` keep what they promise? On known truths.

    python benchmarks/pairs_calibration.py              prints the results (about five minutes)
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
import scipy.signal
from statsmodels.tsa.adfvalues import mackinnoncrit

from m2k_lessons import pairs, simulate
from m2k_lessons._util.jit import kernel
from m2k_lessons.pairs import relation, reversion, tables

TABLE = Path(__file__).with_suffix(".md")
SPURIOUS_PAIRS, SPURIOUS_DAYS, SIZE_MARGIN_PCT = 2_000, 250, 1.5
DAYS, HISTORIES, COVERAGE_MARGIN_PCT = 2_520, 1_500, 3.0
HALF_LIVES = (5, 15, 30, 60, 120, 250, 500)
PROMISED_TO = 60
TRAINING_DAYS, MONITORS = 1_260, 800
DRIFT_DAYS, DRIFTS_PCT, POWER_HALF_LIVES = (250, 2_500), (0, 5, 10), (10, 60)
SIZE_DRAWS, POWER_DRAWS = 4_000, 1_000
# Small caps and large caps by data/real/record_yearly.csv, its years weighted by their days: yearly
# drift of the logarithms and volatility in percent, correlation of the daily returns.
RECORD = {
    "1987-2026": ((7.4, 8.2), (21.6, 18.5), 0.85),
    "2010-2019": ((9.8, 10.7), (19.6, 14.8), 0.91),
}
CASUAL_DRAWS = 400_000

PROBABILITIES = (0.005, 0.025, 0.05, 0.5, 0.95, 0.975, 0.995)
DISTANCES = (0, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
REACHES = (0.1, 0.25, 0.5, 1, 2, 4, 8)
QUANTILE_BARS, LIMIT_BARS, TABLE_DRAWS = 1_000, 500, 400_000
JOHANSEN_STEPS, JOHANSEN_DRAWS = (500, 2_000), 600_000
# Published 5 % values of the trace test, MacKinnon, Haug and Michelis (1999), for "no relation"
# and "at most one" of two series, as econometric programs print them.
PUBLISHED = {"II": (20.26, 9.16), "III": (15.49, 3.84), "IV": (25.87, 12.52)}


def share(hits) -> tuple[float, float]:
    """Percent of hits, and its standard error."""
    p = float(np.mean(hits))
    return 100 * p, 100 * math.sqrt(p * (1 - p) / len(hits))


# ---------------------------------------------------------------- the cointegration test


def table_of_size() -> list[str]:
    right, wrong = [], []
    johansen = {case: [] for case in relation.CASES}
    for seed in range(SPURIOUS_PAIRS):
        market = simulate.pair(SPURIOUS_DAYS, seed, spurious=True)
        small, large = (np.log(market[name]["close"]) for name in ("M2K", "MES"))
        test = pairs.cointegration(small, large)
        right.append(test.p_value < 0.05)
        wrong.append(test.wrong_p_value < 0.05)
        for case, hits in johansen.items():
            hits.append(pairs.johansen(small, large, case=case).rank > 0)
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
        ("Johansen's trace, case IV (`johansen`)", johansen["IV"], True),
        ("Johansen's trace, case III", johansen["III"], False),
        ("Johansen's trace, case II", johansen["II"], False),
    ):
        rate, error = share(hits)
        verdict = "met" if abs(rate - 5) <= SIZE_MARGIN_PCT else "**not met**"
        outcome = f"5 % ± {SIZE_MARGIN_PCT} % | {verdict}" if promised else "- | for comparison"
        lines.append(f"| {name} | {rate:.1f} % | {error:.1f} % | {outcome} |")
    return lines


def two_prices(days: int, rng, drift_pct, volatility_pct, correlation, half_life=None):
    """Logarithms of two prices that drift: strangers, or tied by a spread with a half-life."""
    own, common = rng.standard_normal((2, days))
    drift = np.array(drift_pct) / 100 / 252
    volatility = np.array(volatility_pct) / 100 / math.sqrt(252)
    large = drift[1] * np.arange(days) + volatility[1] * common.cumsum()
    if half_life is not None:
        spread = scipy.signal.lfilter([0.006], [1, -(0.5 ** (1 / half_life))], own)
        return 1.15 * large + spread, large
    moved = correlation * common + math.sqrt(1 - correlation**2) * own
    return drift[0] * np.arange(days) + volatility[0] * moved.cumsum(), large


def table_of_drifts() -> list[str]:
    lines = [
        "**Johansen's trace test on prices that drift, at a nominal 5 %** (strangers: "
        f"{SIZE_DRAWS:,} draws for each rate, a standard error of 0.3 % at 5 %; tied pairs: "
        f"{POWER_DRAWS:,}, at most 1.6 %; promised of case IV, the default, with "
        f"{DRIFT_DAYS[-1]:,} days: 5 % ± {SIZE_MARGIN_PCT} %)",
        "",
        "| days | drift a year | case | strangers called a pair | found, half-life "
        f"{POWER_HALF_LIVES[0]} days | found, {POWER_HALF_LIVES[1]} days |",
        "| ---: | --- | --- | ---: | ---: | ---: |",
    ]
    worlds = [(f"{drift} %", (drift, drift), (20, 20), 0.0) for drift in DRIFTS_PCT]
    worlds += [(f"the record's of {years}", *world) for years, world in RECORD.items()]
    for days in DRIFT_DAYS:
        for number, (name, *world) in enumerate(worlds):
            rates = {case: [] for case in reversed(relation.CASES)}
            for half_life in (None, *POWER_HALF_LIVES):
                rng = np.random.default_rng([2032, days, number, half_life or 0])
                count = POWER_DRAWS if half_life else SIZE_DRAWS
                draws = [two_prices(days, rng, *world, half_life) for _ in range(count)]
                for case, percents in rates.items():
                    hits = [pairs.johansen(*legs, case=case).rank > 0 for legs in draws]
                    percents.append(share(hits)[0])
            for case, percents in rates.items():
                shown = " | ".join(f"{percent:.1f} %" for percent in percents)
                lines.append(f"| {days:,} | {name} | {case} | {shown} |")
    return lines


# ---------------------------------------------------------------- critical values, and others'


def table_of_published() -> list[str]:
    return [
        f"**5 % critical values of Johansen's trace test** ({JOHANSEN_DRAWS:,} draws of "
        f"{JOHANSEN_STEPS[0]} and of {JOHANSEN_STEPS[1]:,} steps, extrapolated: standard error "
        "0.03; published: MacKinnon, Haug and Michelis 1999)",
        "",
        "| case | null hypothesis | simulated | published |",
        "| --- | --- | ---: | ---: |",
        *(
            f"| {case} | {name} | {tables.JOHANSEN[case][0][row][1]:.2f} | {limits[row]:.2f} |"
            for case, limits in PUBLISHED.items()
            for row, name in enumerate(("no relation", "at most one"))
        ),
    ]


def table_of_mackinnon() -> list[str]:
    lines = [
        f"**Engle-Granger's 1 % critical value of few bars** ({CASUAL_DRAWS:,} pairs of "
        "independent walks for each, constant, no lags)",
        "",
        "| bars | simulated | standard error | MacKinnon 2010 (`cointegration`) | statsmodels |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for bars in (20, 25, 30, 40):
        rng = np.random.default_rng([2034, bars])
        y, x = rng.standard_normal((2, CASUAL_DRAWS, bars)).cumsum(axis=2)
        y -= y.mean(axis=1, keepdims=True)
        x -= x.mean(axis=1, keepdims=True)
        left = y - ((y * x).sum(axis=1) / (x * x).sum(axis=1))[:, None] * x
        change, level = np.diff(left), left[:, :-1]
        varies = (level**2).sum(axis=1)
        slope = (change * level).sum(axis=1) / varies
        deviation = ((change - slope[:, None] * level) ** 2).sum(axis=1) / (bars - 2)
        found = np.sort(slope / np.sqrt(deviation / varies))
        at = CASUAL_DRAWS // 100
        width = round(math.sqrt(at))  # a standard error of the count below the quantile
        error = (found[at + width] - found[at - width]) / 2
        _, critical = relation._mackinnon(-4.0, 2, bars - 1)
        peer = mackinnoncrit(N=2, regression="c", nobs=bars - 1)[0]
        lines.append(f"| {bars} | {found[at]:.3f} | {error:.3f} | {critical[1]:.3f} | {peer:.3f} |")
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
        promise = met = "-"
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


def johansen_statistics(case: str, walks: int, steps: int, rng) -> np.ndarray:
    """Trace and largest eigenvalue between walks that nothing ties, in the limit of many bars.

    In case III one of the walks is the drift itself, which in the limit is all that shows of it.
    """
    found = []
    for _ in range(0, JOHANSEN_DRAWS, 1_000):
        shocks = rng.standard_normal((1_000, steps, walks))
        levels = np.empty((1_000, steps, walks + (case != "III")))
        levels[:, :, :walks] = shocks.cumsum(axis=1) - shocks
        levels[:, :, -1] = 1.0 if case == "II" else np.arange(steps) / steps
        if case != "II":
            levels -= levels.mean(axis=1, keepdims=True)
        product = shocks.swapaxes(1, 2) @ levels
        squares = np.linalg.solve(levels.swapaxes(1, 2) @ levels, product.swapaxes(1, 2))
        roots = np.linalg.eigvalsh(product @ squares)
        found.append([roots.sum(axis=1), roots[:, -1]])
    return np.concatenate(found, axis=1)


def johansen_limits(case: str) -> list[str]:
    """The lines of a case in the module of tables: for endless steps, as the error is 1 / steps."""
    limits = []
    for walks in (2, 1):
        few, many = (
            np.quantile(
                johansen_statistics(
                    case, walks, steps, np.random.default_rng([2033, walks, steps])
                ),
                (0.99, 0.95, 0.9),
                axis=1,
            ).T
            for steps in JOHANSEN_STEPS
        )
        ratio = JOHANSEN_STEPS[1] / JOHANSEN_STEPS[0]
        limits.append(many + (many - few) / (ratio - 1))
    shown = [
        ", ".join("(" + ", ".join(f"{value:.2f}" for value in row) + ")" for row in rows)
        for rows in zip(*limits, strict=True)
    ]
    return [f'    "{case}": (', *(f"        ({rows})," for rows in shown), "    ),"]


def row(first: float, numbers) -> str:
    return f"    ({first:g}, " + ", ".join(f"{number:.3f}" for number in numbers) + "),"


def module_of_tables() -> str:
    quantiles, limits = [], []
    for number, distance in enumerate(DISTANCES):
        draws = np.empty(TABLE_DRAWS)
        rng = np.random.default_rng([2030, number])
        t_statistics(rng, 1 - distance / QUANTILE_BARS, QUANTILE_BARS, draws)
        quantiles.append(row(distance, np.quantile(draws, PROBABILITIES)))
    for number, reach in enumerate(REACHES):
        draws = np.empty(TABLE_DRAWS)
        rng = np.random.default_rng([2031, number])
        largest_statistics(rng, LIMIT_BARS, round(LIMIT_BARS * reach), draws)
        limits.append(row(reach, np.quantile(draws, 1 - np.array(pairs.SIZES))))
    lines = [
        '"""Quantiles behind `half_life`, `break_monitor` and `johansen` of `pairs`, simulated.',
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
        "# Johansen's critical values at 1, 5 and 10 %, by case: those of the trace, then those of",
        '# the largest eigenvalue; of "no relation", then of "at most one".',
        "# From {:,} draws of {} and of {:,} steps, extrapolated: standard errors".format(
            JOHANSEN_DRAWS, *JOHANSEN_STEPS
        ),
        "# 0.06 at 1 %, 0.03 at 5 %, 0.02 at 10 %. Beside published ones in",
        "# benchmarks/pairs_calibration.md.",
        "JOHANSEN = {",
        *(line for case in relation.CASES for line in johansen_limits(case)),
        "}",
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
    results = [
        table_of_size(),
        table_of_drifts(),
        table_of_published(),
        table_of_mackinnon(),
        table_of_coverage(),
        table_of_breaks(),
    ]
    head = (
        "# Calibration of `m2k_lessons.pairs`\n\n"
        "Made by `python benchmarks/pairs_calibration.py --write`; prices are simulated."
    )
    text = "\n\n".join([head, *("\n".join(lines) for lines in results)]) + "\n"
    print(text)
    if asked.write:
        TABLE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
