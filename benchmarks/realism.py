"""How real the simulated market is: statistics over many seeds beside the measured figures.

    python benchmarks/realism.py                  prints every table
    python benchmarks/realism.py daily --seeds 20 one section, fewer seeds
    python benchmarks/realism.py --write          replaces the tables in data/README.md

Another simulator joins with a `Section`: how to draw it, its statistics, and the real figures by
the same names. That of the minutes is in `realism_intraday.py`.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from m2k_lessons import simulate

README = Path(__file__).resolve().parents[1] / "data" / "README.md"
INSIDE, OUTSIDE, FAR_OUTSIDE, REPORTED = "inside", "**outside**", "**far outside**", "reported"


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes
    ----------
    name, title : str
    draw : callable
        Seed to market.
    measure : callable
        Market to statistics by name.
    real : mapping
        Sample to figures by the same names; a figure that is missing is not compared.
    seeds : int
    reported : set
        Statistics that are shown and not judged.
    centred : set
        Statistics whose median must lie within 10 % of the real figure.
    judged : bool
        False: the whole table is for information.
    notes : tuple of str
        What the table doesn't meet, and why.
    """

    name: str
    title: str
    draw: Callable
    measure: Callable[..., Mapping[str, float]]
    real: Mapping[str, Mapping[str, float]]
    seeds: int = 200
    reported: frozenset[str] = frozenset()
    centred: frozenset[str] = frozenset()
    judged: bool = True
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Outcome:
    """A measured section: values by statistic and seed."""

    section: Section
    values: Mapping[str, np.ndarray]

    def verdict(self, statistic: str, real: float) -> str:
        if statistic in self.section.reported:
            return REPORTED
        lowest, low, high, highest = np.quantile(self.values[statistic], [0.005, 0.05, 0.95, 0.995])
        if low <= real <= high:
            return INSIDE
        return OUTSIDE if lowest <= real <= highest else FAR_OUTSIDE

    def verdicts(self, sample: str) -> dict[str, str]:
        real = self.section.real[sample]
        return {name: self.verdict(name, real[name]) for name in self.values if name in real}

    def off_centre(self, sample: str) -> dict[str, float]:
        """Median over real figure, less 1, of the statistics that must be centred."""
        real = self.section.real[sample]
        return {
            name: float(np.median(self.values[name]) / real[name] - 1)
            for name in self.values
            if name in self.section.centred and name in real
        }

    def met(self, sample: str) -> bool:
        """At most a tenth outside, none far outside, and all medians within a tenth."""
        judged = [one for one in self.verdicts(sample).values() if one != REPORTED]
        outside = sum(one != INSIDE for one in judged)
        return (
            outside <= len(judged) / 10
            and FAR_OUTSIDE not in judged
            and all(abs(off) <= 0.10 for off in self.off_centre(sample).values())
        )

    def markdown(self) -> str:
        samples = list(self.section.real)
        header = ["statistic", "mean", "std", "median", "5 % to 95 %"]
        header += [text for sample in samples for text in (f"real, {sample}", "verdict")]
        rows = [header, ["---", *["---:"] * 3, "---", *["---:", "---"] * len(samples)]]
        for name, values in self.values.items():
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            row = [name, *map(_text, (values.mean(), values.std(ddof=1), middle))]
            row.append(f"{_text(low)} to {_text(high)}")
            for sample in samples:
                real = self.section.real[sample].get(name)
                row += ["", ""] if real is None else [_text(real), self.verdict(name, real)]
            rows.append(row)
        lines = [f"**{self.section.title}** ({len(values)} seeds)", ""]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        lines += ["", *(self._summary(sample) for sample in samples)]
        lines += [f"- {note}" for note in self.section.notes]
        return "\n".join(lines) + "\n"

    def _summary(self, sample: str) -> str:
        verdicts = [one for one in self.verdicts(sample).values() if one != REPORTED]
        outside = sum(one != INSIDE for one in verdicts)
        line = (
            f"- {sample}: {outside} of {len(verdicts)} judged statistics outside the simulated "
            f"5 % to 95 %, {verdicts.count(FAR_OUTSIDE)} outside 0.5 % to 99.5 %"
        )
        off = self.off_centre(sample)
        if off:
            worst = max(off, key=lambda name: abs(off[name]))
            line += f"; the median furthest from its real figure: {worst}, {_signed(off[worst])}"
        if not self.section.judged:
            return line + ". For information."
        return line + (". Target met." if self.met(sample) else ". **Target not met.**")


def run(section: Section, seeds: int | None = None) -> Outcome:
    """Draw and measure a section."""
    measured = [section.measure(section.draw(seed)) for seed in range(seeds or section.seeds)]
    return Outcome(
        section, {name: np.array([one[name] for one in measured]) for name in measured[0]}
    )


def write(outcomes: list[Outcome], path: Path = README) -> None:
    """Replace the tables between their markers in the data dictionary."""
    text = path.read_text(encoding="utf-8")
    for outcome in outcomes:
        start, end = (f"<!-- {slash}realism:{outcome.section.name} -->" for slash in ("", "/"))
        if start not in text or end not in text:
            raise ValueError(f"{path.name} must have the markers {start} and {end}")
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
        table = f"{start}\n{outcome.markdown()}{end}"
        text = pattern.sub(lambda _, table=table: table, text)
    path.write_bytes(text.encode())


def _text(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    digits = 1 if abs(value) >= 5 else 2
    rounded = round(value, digits) + 0.0  # no minus before a zero
    return f"{rounded:.{digits}f}".replace("-", "−")


def _signed(share: float) -> str:
    return f"{share:+.1%}".replace("-", "−").replace("%", " %")


# --- daily bars ---------------------------------------------------------------------------

_INDICES = {"small_caps": "small", "large_caps": "large"}
_OF_ONE_INDEX = {
    "volatility, % a year": lambda r: r.std() * math.sqrt(252),
    "skew": lambda r: np.mean(_standard(r) ** 3),
    "excess kurtosis": lambda r: np.mean(_standard(r) ** 4) - 3,
    "autocorrelation of returns, 1 day": lambda r: _correlation(r[1:], r[:-1]),
    "autocorrelation of absolute returns, 1 day": lambda r: _correlation(
        np.abs(r[1:]), np.abs(r[:-1])
    ),
    "autocorrelation of absolute returns, 20 days": lambda r: _correlation(
        np.abs(r[20:]), np.abs(r[:-20])
    ),
    "leverage, corr(r, next r²)": lambda r: _correlation(r[:-1], r[1:] ** 2),
    "1 % quantile, %": lambda r: np.quantile(r, 0.01),
    "99 % quantile, %": lambda r: np.quantile(r, 0.99),
    "lowest day, %": lambda r: r.min(),
    "highest day, %": lambda r: r.max(),
}
_OF_BOTH = ("correlation", "beta", "volatility of the difference, % a year")
_OVERNIGHT = "overnight share of variance, small"


def measure_daily(market) -> dict[str, float]:
    """Every daily statistic of a market, from its index prices."""
    returns = {name: 100 * np.diff(np.log(market[name]["close"].to_numpy())) for name in _INDICES}
    result = {
        f"{statistic}, {short}": float(function(returns[name]))
        for statistic, function in _OF_ONE_INDEX.items()
        for name, short in _INDICES.items()
    }
    small, large = returns["small_caps"], returns["large_caps"]
    bars = market["small_caps"]
    night = 100 * np.log(bars["open"].to_numpy()[1:] / bars["close"].to_numpy()[:-1])
    both = (
        _correlation(small, large),
        float(np.cov(small, large)[0, 1] / large.var(ddof=1)),
        float((small - large).std() * math.sqrt(252)),
    )
    return (
        result
        | dict(zip(_OF_BOTH, both, strict=True))
        | {_OVERNIGHT: float(night.var() / small.var())}
    )


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _row(small, large, both, overnight) -> dict[str, float]:
    pairs = zip(_OF_ONE_INDEX, zip(small, large, strict=True), strict=True)
    figures = {
        f"{statistic}, {short}": value
        for statistic, values in pairs
        for short, value in zip(_INDICES.values(), values, strict=True)
    }
    return figures | dict(zip(_OF_BOTH, both, strict=True)) | {_OVERNIGHT: overnight}


# Log returns of the closes of Russell 2000 and S&P 500, in the order of _OF_ONE_INDEX. The
# overnight share is that of a fund on the Russell 2000: since 2010, since 2000, since May 2019.
REAL_DAILY = {
    "2010–2019": _row(
        (19.6, -0.33, 4.0, -0.05, 0.19, 0.15, -0.13, -3.40, 3.04, -9.3, 6.7),
        (14.8, -0.50, 4.6, -0.05, 0.21, 0.12, -0.13, -2.86, 2.37, -6.9, 4.8),
        (0.906, 1.20, 8.8),
        0.37,
    ),
    "1990–2026": _row(
        (21.8, -0.52, 8.1, -0.05, 0.31, 0.25, -0.08, -3.74, 3.64, -15.4, 9.0),
        (18.0, -0.36, 10.9, -0.08, 0.27, 0.22, -0.10, -3.15, 2.98, -12.8, 11.0),
        (0.864, 1.04, 11.0),
        0.30,
    ),
    "2019–2026": _row(
        (25.9, -0.78, 9.6, -0.12, 0.29, 0.15, -0.02, -4.02, 3.77, -15.4, 9.0),
        (19.8, -0.66, 15.4, -0.16, 0.37, 0.18, -0.07, -3.50, 2.92, -12.8, 9.1),
        (0.868, 1.14, 13.1),
        0.42,
    ),
}
_REPORTED = frozenset(
    f"{statistic}, {short}"
    for statistic in ("excess kurtosis", "lowest day, %", "highest day, %")
    for short in _INDICES.values()
)
_CENTRED = frozenset([*_OF_BOTH, *(f"volatility, % a year, {one}" for one in _INDICES.values())])

SECTIONS = [
    Section(
        name="daily",
        title="Ten years of daily bars, normal regime, against 2010–2019",
        draw=lambda seed: simulate.daily(10, seed),
        measure=measure_daily,
        real={"2010–2019": REAL_DAILY["2010–2019"]},
        reported=_REPORTED,
        centred=_CENTRED,
        notes=(
            "Returns can't be predicted from past returns here, on purpose: the −0.05 of the real "
            "sample would be an edge, and the course needs a market that has none. So the two "
            "autocorrelations of returns lie near the lower edge of what is simulated.",
            "The real sample is a little more skewed, and falls raise its volatility a little "
            "more, than in the middle simulated history.",
        ),
    ),
    Section(
        name="daily-crisis",
        title="Ten years of daily bars, crisis regime, for information",
        draw=lambda seed: simulate.daily(10, seed, regime="crisis"),
        measure=measure_daily,
        real={name: REAL_DAILY[name] for name in ("1990–2026", "2019–2026")},
        reported=_REPORTED,
        centred=_CENTRED,
        judged=False,
        notes=(
            "The real samples are 36 and 7 years long, the simulated histories ten: the bands are "
            "those of ten years.",
            "One setting can't match two samples. It lies between them in volatility; the night's "
            "share of variance is the normal regime's, and the negative autocorrelation of the "
            "crisis of 2020 is left out, like any other edge.",
        ),
    ),
]


def main(arguments: list[str] | None = None, sections: Sequence[Section] = SECTIONS) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    names = [section.name for section in sections]
    parser.add_argument("sections", nargs="*", help=f"among {', '.join(names)}; all when left out")
    parser.add_argument("--seeds", type=int, help="histories per section")
    parser.add_argument("--write", action="store_true", help="replace the tables in data/README.md")
    options = parser.parse_args(arguments)
    if unknown := set(options.sections) - set(names):
        parser.error(f"sections must be among {', '.join(names)}, got {', '.join(unknown)}")
    chosen = [one for one in sections if not options.sections or one.name in options.sections]
    outcomes = [run(section, options.seeds) for section in chosen]
    sys.stdout.reconfigure(encoding="utf-8")
    for outcome in outcomes:
        print(outcome.markdown())
    if options.write:
        write(outcomes)
    judged = [one for one in outcomes if one.section.judged]
    return 0 if all(one.met(sample) for one in judged for sample in one.section.real) else 1


if __name__ == "__main__":
    sys.exit(main())
