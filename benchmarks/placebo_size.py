"""How often placebo and bands reject where there is nothing: `python benchmarks/placebo_size.py`.

A thousand fresh markets of sixty days of minutes. In each, ordinary days without any release
are called events at 08:30, and the tests of `m2k_lessons.events` are asked at 5 %. Target: 5 %
± 1.5 %. The last line asks how often the 95 % interval of a response holds the true coefficient.
With `--write` the table goes into benchmarks/README.md.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from m2k_lessons import events, simulate

MARKETS = 1_000
EVENTS = 20
LOW_PCT, HIGH_PCT = 3.5, 6.5
README = Path(__file__).with_name("README.md")


def null_events(market, rng) -> pd.DatetimeIndex:
    """Ordinary days without a release, at 08:30."""
    index = market["M2K"].index
    times = index[(index.hour == 8) & (index.minute == 30)]
    released = market["releases"].index.normalize()
    times = times[~times.normalize().isin(released)]
    return times[np.sort(rng.choice(len(times), EVENTS, replace=False))]


def one_market(seed: int) -> dict[str, bool]:
    rng = np.random.default_rng(seed)
    market = simulate.intraday(60, seed)
    returns = events.bar_returns(market["M2K"]["close"])
    times = null_events(market, rng)
    surprise = rng.standard_normal(EVENTS)
    avoid = market["releases"].index
    rejected = {}
    for statistic in events.STATISTICS:
        given = surprise if statistic == "response" else None
        found = events.placebo(
            returns, times, seed=seed, statistic=statistic, surprise=given, avoid=avoid
        )
        rejected[f'placebo, "{statistic}"'] = found.p_value <= 0.05
    study = events.event_study(returns, times, (-30, 29))
    end = study.path.loc[29]
    rejected["band of the mean path after 30 minutes"] = end.low_pct > 0 or end.high_pct < 0
    rejected["response, clustered regression"] = study.response(surprise).p_value <= 0.05
    return rejected


def coverage(markets: int) -> tuple[int, int]:
    """95 % intervals of M2K's response that hold the truth, and how many there were."""
    held = total = 0
    for seed in range(markets):
        market = simulate.release_windows(10, seed, controls=False)
        returns = events.bar_returns(market["M2K"]["close"])
        for kind in market.truth.releases:
            mine = market["releases"][market["releases"]["release"] == kind.name]
            study = events.event_study(returns, mine, (0, 29))
            line = study.response(mine["surprise"])
            held += line.low <= kind.small_cap_pct <= line.high
            total += 1
    return held, total


def main() -> None:
    counts: dict[str, int] = {}
    for seed in range(MARKETS):
        for name, rejected in one_market(seed).items():
            counts[name] = counts.get(name, 0) + int(rejected)
    lines = [
        f"**Rejections at 5 % where nothing happens** ({MARKETS:,} markets of 60 days, "
        f"{EVENTS} events each, 1,000 draws)",
        "",
        "| test | rejected | target 3.5 % to 6.5 % |",
        "| --- | ---: | --- |",
    ]
    met = True
    for name, count in counts.items():
        pct = 100 * count / MARKETS
        if name.startswith("response"):  # exact for normal errors only, and 20 events are few
            lines.append(f"| {name} | {pct:.1f} % | reported |")
            continue
        inside = LOW_PCT <= pct <= HIGH_PCT
        met &= inside
        lines.append(f"| {name} | {pct:.1f} % | {'met' if inside else '**missed**'} |")
    held, total = coverage(MARKETS // 4)
    lines += ["", f"The 95 % interval of M2K's response to a surprise of 1 (ten years of release "
              f"windows) held the true coefficient in {100 * held / total:.1f} % of {total:,} "
              "cases."]  # fmt: skip
    table = "\n".join(lines)
    print(table)
    if "--write" in sys.argv:
        text = README.read_text(encoding="utf-8")
        block = f"<!-- placebo -->\n{table}\n<!-- /placebo -->"
        text = re.sub(r"<!-- placebo -->.*<!-- /placebo -->", lambda _: block, text, flags=re.S)
        README.write_text(text, encoding="utf-8", newline="\n")
    if not met:
        sys.exit("Missed: every judged test must reject in 3.5 % to 6.5 % of the markets.")


if __name__ == "__main__":
    main()
