"""Can the truth be recovered? Estimates from simulated histories beside their parameters.

    python benchmarks/recovery.py                  prints every table (about two minutes)
    python benchmarks/recovery.py large --seeds 20 one component, fewer seeds
    python benchmarks/recovery.py --write          replaces the tables in data/README.md

Each component is drawn with the others off and estimated by a library that knows nothing of the
simulator. Another simulator joins by adding a `Component` to `COMPONENTS`.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from m2k_lessons import simulate

README = Path(__file__).resolve().parents[1] / "data" / "README.md"
LIMIT = 3.0  # standard errors
TARGET = 0.95  # of the seeds


class Estimate(NamedTuple):
    """One parameter, from one seed."""

    value: float
    standard_error: float
    truth: float

    @property
    def distance(self) -> float:
        """In standard errors."""
        return (self.value - self.truth) / self.standard_error


@dataclass(frozen=True)
class Component:
    """A part of a simulator and how to estimate it: `recover` takes a seed."""

    name: str
    title: str
    recover: Callable[[int], Mapping[str, Estimate]]
    seeds: int


def run(component: Component, seeds: int | None = None) -> list[Mapping[str, Estimate]]:
    """Estimates of every seed."""
    return [component.recover(seed) for seed in range(seeds or component.seeds)]


def share_within(estimates: list[Mapping[str, Estimate]], parameter: str) -> float:
    """Share of the seeds within three standard errors; no standard error counts as a miss."""
    return float(np.mean([abs(one[parameter].distance) < LIMIT for one in estimates]))


def markdown(component: Component, estimates: list[Mapping[str, Estimate]]) -> str:
    lines = [
        f"**{component.title}** ({len(estimates)} seeds)",
        "",
        "| parameter | truth | mean estimate | within 3 standard errors | target 95 % |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for parameter in estimates[0]:
        share = share_within(estimates, parameter)
        mean = np.mean([one[parameter].value for one in estimates])
        truth = np.mean([one[parameter].truth for one in estimates])
        met = "met" if share >= TARGET else "**not met**"
        lines.append(
            f"| {parameter} | {truth:.4g} | {mean:.4g} | {100 * share:.1f} % | {met} |".replace(
                "| -", "| −"
            )
        )
    return "\n".join(lines) + "\n"


# --- the components of simulate.daily -------------------------------------------------------

_GARCH_NAMES = {"omega": "omega", "alpha": "alpha[1]", "gamma": "gamma[1]", "beta": "beta[1]"}


def garch(returns_pct: np.ndarray, truth) -> dict[str, Estimate]:
    """GJR-GARCH-t by maximum likelihood (arch)."""
    from arch import arch_model

    model = arch_model(returns_pct, mean="Constant", vol="GARCH", p=1, o=1, q=1, dist="t")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the optimiser's notes; a bad fit shows in the table
        fit = model.fit(disp="off", show_warning=False)
    names = _GARCH_NAMES | {"nu": "nu"}
    return {
        ours: Estimate(fit.params[theirs], fit.std_err[theirs], getattr(truth, ours))
        for ours, theirs in names.items()
    }


def plain_truth(**changes):
    """The truth of the normal regime with nights that are all alike, and other changes."""
    alike = {"night_exponent": 0.0, "night_deviation": 0.0}
    return dataclasses.replace(simulate.daily(0.1, 0).truth, **(alike | changes))


def _returns_pct(market, name: str) -> np.ndarray:
    return 100 * np.diff(np.log(market[name]["close"].to_numpy()))


def recover_large(seed: int) -> dict[str, Estimate]:
    """The market factor: the large-cap index without jumps."""
    market = simulate.daily(10, seed, truth=plain_truth(), jumps=False, leverage=False)
    return garch(_returns_pct(market, "large_caps"), market.truth.large)


def recover_size(seed: int) -> dict[str, Estimate]:
    """The size factor: small caps less beta times large caps, nothing shared."""
    own = plain_truth(spillover=0.0)
    market = simulate.daily(10, seed, truth=own, jumps=False, changing_beta=False, leverage=False)
    large = _returns_pct(market, "large_caps")
    small = _returns_pct(market, "small_caps")
    return garch(small - market.truth.beta_mean * large, market.truth.size)


def recover_beta(seed: int) -> dict[str, Estimate]:
    """The slow beta: a state-space regression by maximum likelihood (statsmodels), 30 years."""
    market = simulate.daily(
        30,
        seed,
        truth=plain_truth(),
        jumps=False,
        changing_volatility=False,
        fat_tails=False,
        leverage=False,
    )
    truth = market.truth
    mean_pct = 100 * truth.drift / 252
    keep = 0.5 ** (1 / truth.beta_half_life_days)
    start = np.array([truth.beta_mean, keep, truth.beta_deviation, np.sqrt(truth.size.variance)])
    model = _slow_beta_model(
        _returns_pct(market, "small_caps") - mean_pct,
        _returns_pct(market, "large_caps") - mean_pct,
        start,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(disp=0, maxiter=200)
    names = ("beta_mean", "kept per day", "beta_deviation", "own deviation, % a day")
    rows = zip(names, fit.params, fit.bse, start, strict=True)
    return {name: Estimate(*map(float, row)) for name, *row in rows}


def _slow_beta_model(small: np.ndarray, large: np.ndarray, start: np.ndarray):
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    class SlowBeta(MLEModel):
        start_params = start
        param_names = ("mean", "keep", "deviation", "own")

        def __init__(self):
            super().__init__(small, k_states=1, initialization="stationary")
            self["design"] = large[None, None, :]
            self["selection"] = np.eye(1)

        def transform_params(self, free):
            return np.array([free[0], 1 / (1 + np.exp(-free[1])), *np.exp(free[2:])])

        def untransform_params(self, bound):
            return np.array([bound[0], np.log(bound[1] / (1 - bound[1])), *np.log(bound[2:])])

        def update(self, params, **options):
            mean, keep, deviation, own = super().update(params, **options)
            self["obs_intercept"] = (mean * large)[None, :]
            self["transition", 0, 0] = keep
            self["state_cov", 0, 0] = deviation**2 * (1 - keep**2)
            self["obs_cov", 0, 0] = own**2

    return SlowBeta()


def recover_jumps(seed: int) -> dict[str, Estimate]:
    """The jumps: what a history has more than the same history without them, 30 years."""
    with_jumps = simulate.daily(30, seed, changing_volatility=False)
    without = simulate.daily(30, seed, changing_volatility=False, jumps=False)
    truth = with_jumps.truth
    chance = truth.jumps_per_year / 252
    extra = _returns_pct(with_jumps, "large_caps") - _returns_pct(without, "large_caps")
    extra = extra + chance * truth.jump_mean_pct
    jumps = extra[np.abs(extra) > 0.01]  # above what rounding the index can do
    n, deviation = len(jumps), jumps.std(ddof=1)
    return {
        "jumps_per_year": Estimate(
            252 * n / len(extra), 252 * np.sqrt(n) / len(extra), truth.jumps_per_year
        ),
        "jump_mean_pct": Estimate(jumps.mean(), deviation / np.sqrt(n), truth.jump_mean_pct),
        "jump_deviation_pct": Estimate(
            deviation, deviation / np.sqrt(2 * (n - 1)), truth.jump_deviation_pct
        ),
    }


COMPONENTS = [
    Component("large", "Market factor, 10 years: GJR-GARCH-t by arch", recover_large, 100),
    Component("size", "Size factor, 10 years: GJR-GARCH-t by arch", recover_size, 100),
    Component("beta", "Slow beta, 30 years: state space by statsmodels", recover_beta, 24),
    Component(
        "jumps", "Joint jumps, 30 years: against the same history without", recover_jumps, 100
    ),
]


# --- the full mixture -----------------------------------------------------------------------


class Population(NamedTuple):
    """One population figure: pooled over all seeds, and in single histories."""

    truth: float
    pooled: float
    pooled_error: float
    mean: float
    deviation: float
    share_within: float


def population(seeds: int, years: float = 10) -> dict[str, Population]:
    """Population figures of the full model against what histories give.

    Pooled: moments averaged over all histories, with a jackknife error over histories. A ratio
    of moments, such as the correlation, is biased in one history and not in the pool.
    """
    truth = simulate.daily(0.1, 0).truth
    moments = np.array([_moments(simulate.daily(years, seed)) for seed in range(seeds)])
    left_out = (moments.sum(axis=0) - moments) / (seeds - 1)
    single, jackknife = _figures(moments.T), _figures(left_out.T)
    pooled = _figures(moments.mean(axis=0))
    result = {}
    for name, estimate in pooled.items():
        true = getattr(truth, name)
        spread = jackknife[name] - jackknife[name].mean()
        result[name] = Population(
            true,
            float(estimate),
            float(np.sqrt((seeds - 1) / seeds * np.sum(spread**2))),
            float(single[name].mean()),
            float(single[name].std(ddof=1)),
            float(np.mean(np.abs(single[name] - true) < LIMIT * single[name].std(ddof=1))),
        )
    return result


def _moments(market) -> list[float]:
    small, large = (_returns_pct(market, name) / 100 for name in ("small_caps", "large_caps"))
    fund = _returns_pct(market, "portfolio") / 100
    bars = market["small_caps"]
    night = np.log(bars["open"].to_numpy()[1:] / bars["close"].to_numpy()[:-1])
    pairs = ((small, small), (large, large), (small, large), (fund, fund), (fund, small))
    return [np.cov(x, y)[0, 1] for x, y in (*pairs, (night, night))]


def _figures(moments: np.ndarray) -> dict[str, np.ndarray]:
    small, large, both, fund, fund_small, night = moments
    beta = fund_small / small
    return {
        "volatility_small": np.sqrt(252 * small),
        "volatility_large": np.sqrt(252 * large),
        "volatility_difference": np.sqrt(252 * (small + large - 2 * both)),
        "correlation": both / np.sqrt(small * large),
        "beta": both / large,
        "portfolio_beta": beta,
        "portfolio_own_volatility": np.sqrt(252 * (fund - beta * fund_small)),
        "overnight_share": night / small,
    }


def population_markdown(figures: Mapping[str, Population], seeds: int) -> str:
    lines = [
        f"**Full mixture, 10 years** ({seeds} seeds)",
        "",
        "| figure | truth | pooled over all years | distance in standard errors "
        "| mean of single histories | their standard deviation | single within 3 of these |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in figures.items():
        distance = (one.pooled - one.truth) / one.pooled_error
        lines.append(
            f"| {name} | {one.truth:.4f} | {one.pooled:.4f} | {distance:+.1f} | {one.mean:.4f} "
            f"| {one.deviation:.4f} | {100 * one.share_within:.1f} % |".replace("| -", "| −")
        )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    names = [*(one.name for one in COMPONENTS), "population"]
    parser.add_argument("components", nargs="*", help=f"among {', '.join(names)}; all if left out")
    parser.add_argument("--seeds", type=int, help="histories per component")
    parser.add_argument("--write", action="store_true", help="replace the tables in data/README.md")
    options = parser.parse_args(arguments)
    if unknown := set(options.components) - set(names):
        parser.error(f"components must be among {', '.join(names)}, got {', '.join(unknown)}")
    chosen = options.components or names
    tables, met = {}, True
    for component in COMPONENTS:
        if component.name in chosen:
            estimates = run(component, options.seeds)
            tables[component.name] = markdown(component, estimates)
            met &= all(share_within(estimates, one) >= TARGET for one in estimates[0])
    if "population" in chosen:
        seeds = options.seeds or 200
        figures = population(seeds)
        tables["population"] = population_markdown(figures, seeds)
        met &= all(
            abs(one.pooled - one.truth) < LIMIT * one.pooled_error and one.share_within >= TARGET
            for one in figures.values()
        )
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(tables.values()))
    if options.write:
        write(tables)
    return 0 if met else 1


def report(
    components: list[Component], description: str, arguments: list[str] | None = None
) -> int:
    """Command line of a file of components."""
    parser = argparse.ArgumentParser(description=description)
    names = [one.name for one in components]
    parser.add_argument("components", nargs="*", help=f"among {', '.join(names)}; all if left out")
    parser.add_argument("--seeds", type=int, help="histories per component")
    parser.add_argument("--write", action="store_true", help="replace the tables in data/README.md")
    options = parser.parse_args(arguments)
    if unknown := set(options.components) - set(names):
        parser.error(f"components must be among {', '.join(names)}, got {', '.join(unknown)}")
    tables, met = {}, True
    for component in components:
        if component.name in (options.components or names):
            estimates = run(component, options.seeds)
            tables[component.name] = markdown(component, estimates)
            met &= all(share_within(estimates, one) >= TARGET for one in estimates[0])
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(tables.values()))
    if options.write:
        write(tables)
    return 0 if met else 1


def write(tables: Mapping[str, str], path: Path = README) -> None:
    """Replace the tables between their markers in the data dictionary."""
    text = path.read_text(encoding="utf-8")
    for name, table in tables.items():
        start, end = (f"<!-- {slash}recovery:{name} -->" for slash in ("", "/"))
        if start not in text or end not in text:
            raise ValueError(f"{path.name} must have the markers {start} and {end}")
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
        text = pattern.sub(lambda _, new=f"{start}\n{table}{end}": new, text)
    path.write_bytes(text.encode())


if __name__ == "__main__":
    sys.exit(main())
