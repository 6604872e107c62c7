"""Tables of simulated statistics beside real ones, for realism.py and realism_intraday.py.

A simulator joins with a `Section`: how to draw it, its statistics, and the real figures by the
same names.
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
        Statistics whose middle must lie within 10 % of the real figure.
    centre : callable
        Values to their middle: the median, or the mean.
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
    centre: Callable = np.median
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
        """Middle over real figure, less 1, of the statistics that must be centred."""
        real = self.section.real[sample]
        return {
            name: float(self.section.centre(self.values[name]) / real[name] - 1)
            for name in self.values
            if name in self.section.centred and name in real
        }

    def met(self, sample: str) -> bool:
        """At most a tenth outside, none far outside, and all middles within a tenth."""
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
            line += f"; the {self.section.centre.__name__} furthest from its real figure: {worst}, "
            line += _signed(off[worst])
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


def main(arguments: list[str] | None = None, sections: Sequence[Section] = ()) -> int:
    parser = argparse.ArgumentParser(description="How real is the simulated market?")
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
