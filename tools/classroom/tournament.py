"""Let the strategies of a class trade the same hidden days, each beside as many coins.

    python course.py tournament handed-in --rules secret.toml --students names.csv

handed-in/ has a folder for each learner with one file, strategy.py or a notebook, that defines
strategy(bars): it gets the daily bars of M2K up to today and returns the position to hold, from -1
to 1 (a number, or a Series whose last value counts). The markets are simulated from the seed in
the rules, which stay with the teacher. teaching/marking.md has the rules' keys and what the table
says.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from m2k_lessons import backtest, facts, simulate  # noqa: E402
from m2k_lessons.contracts import M2K  # noqa: E402
from tools.classroom import coins, entries, pages, sandbox  # noqa: E402
from tools.classroom.entries import Entry  # noqa: E402
from tools.classroom.submissions import roster  # noqa: E402

DAY_SECONDS, START_SECONDS = 20.0, 60.0
LIMITS = sandbox.Limits(cpu_seconds=300.0, wall_seconds=900.0)
DAYS_PER_YEAR = 252
KEPT = ["open", "high", "low", "close", "volume", "contract"]


@dataclass(frozen=True)
class Rules:
    """What the teacher decides; only `seed` has to be given.

    Attributes
    ----------
    seed : int
        Of the hidden markets. Whoever knows it knows the days to come.
    markets, days, history : int
        How many markets; days that are traded, and days that are known before the first.
    contracts : int
        Of a full position.
    capital_usd : float
        For each market.
    slippage_ticks : int
        On each side, beside the course's commission.
    coins : int
        How often a coin is drawn beside each learner.
    """

    seed: int
    markets: int = 4
    days: int = 250
    history: int = 250
    contracts: int = 1
    capital_usd: float = 20_000.0
    slippage_ticks: int = 1
    coins: int = 2_000

    @property
    def side_usd(self) -> float:
        """What one contract costs on one side."""
        return facts.fact("course.commission.M2K").value + self.slippage_ticks * M2K.tick_value


SMALLEST = {"seed": 0, "markets": 1, "days": 20, "history": 1, "contracts": 1, "capital_usd": 1,
            "slippage_ticks": 0, "coins": 100}  # fmt: skip
LARGEST = {"markets": 20, "days": 2_000, "history": 2_000, "contracts": 100, "coins": 100_000}


def read_rules(path: Path) -> Rules:
    """The teacher's file; what is wrong with it is said with key and value."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"--rules must name a file, and there is no {path}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        sys.exit(f"{path.name} must be TOML, such as `seed = 4711`: {error}")
    known = [one.name for one in fields(Rules)]
    if unknown := sorted(set(given) - set(known)):
        sys.exit(f"{path.name} must have keys of {', '.join(known)}; got {', '.join(unknown)}")
    if "seed" not in given:
        sys.exit(f"{path.name} must have a seed of your own, such as `seed = 4711`")
    for key, value in given.items():
        fits = type(value) is int or (key == "capital_usd" and type(value) is float)
        low, high = SMALLEST[key], LARGEST.get(key, math.inf)
        if not fits or not low <= value <= high:
            most = f" to {high:,}" if key in LARGEST else " or more"
            sys.exit(f"{path.name}: {key} must be a number from {low:,}{most}, got {value!r}")
    return Rules(**given)


@dataclass(frozen=True)
class Hidden:
    """One market: bars with the history before them, and the gaps at its rolls."""

    bars: pd.DataFrame
    gaps: pd.Series

    def rows(self) -> list[list]:
        return [[str(time), *values] for time, *values in self.bars[KEPT].itertuples()]


def hidden_markets(rules: Rules) -> list[Hidden]:
    """Simulated from the seed: the same for everybody, and again the next time."""
    length = rules.history + rules.days
    markets = []
    for seed in np.random.SeedSequence(rules.seed).generate_state(rules.markets):
        drawn = simulate.daily(years=length / DAYS_PER_YEAR + 0.1, seed=int(seed))
        rolls = drawn["rolls"].query("symbol == 'M2K'")["gap_points"]
        markets.append(Hidden(drawn["M2K"].iloc[:length], rolls))
    return markets


@dataclass
class Played:
    """What a strategy did on the hidden days, or why it did nothing that counts."""

    entry: Entry
    targets: list[np.ndarray] = field(default_factory=list)
    reason: str = ""


def play(entry: Entry, markets: Sequence[Hidden], rules: Rules, *, namespaces: bool) -> Played:
    """Tell a strategy one day after the other, in a sandbox, and write down its positions."""
    if entry.reason:
        return Played(entry, reason=entry.reason)
    rows = [market.rows() for market in markets]
    with tempfile.TemporaryDirectory() as empty:
        box = sandbox.Sandbox(
            sandbox.inside("tools.classroom.play"), Path(empty), LIMITS,
            namespaces=namespaces, cache=sandbox.seed(),
        )  # fmt: skip
        history = [row[: rules.history] for row in rows]
        box.send({"cells": entry.cells, "days": rules.days, "history": history})
        told, reason = [], ""
        # The first answer is for the last day of the history, the last for the last day but one:
        # what would be decided on the last day has no open left to be filled at.
        for day in range(rules.days):
            line = _answer(box, START_SECONDS if day == 0 else DAY_SECONDS)
            targets, reason = _targets(line, len(markets), day)
            if reason:
                break
            told.append(targets)
            box.send([row[rules.history + day] for row in rows])
        ended = box.stop()
    if reason:
        limit = f" ({ended.reason})" if ended.reason else ""
        return Played(entry, reason=f"{reason}{limit}")
    told.append(told[-1])
    return Played(entry, targets=list(np.array(told).T))


def _answer(box: sandbox.Sandbox, seconds: float):
    while True:
        line = box.next(seconds)
        if not (isinstance(line, dict) and "failed" in line):
            return line


def _targets(line, markets: int, day: int) -> tuple[list[float], str]:
    where = f"on hidden day {day}" if day else "on its first day"
    if not isinstance(line, dict):
        return [], f"no position came {where}: it ended, or took too long"
    if "stopped" in line:
        return [], str(line["stopped"])[:200]
    targets = line.get("targets")
    if not isinstance(targets, list) or len(targets) != markets:
        return [], f"what it gave {where} can't be read"
    for target in targets:
        if isinstance(target, str):
            return [], f"{where} it gave {target[:200]}"
        if type(target) not in (int, float) or not -1 <= target <= 1:
            return [], f"{where} it gave {target!r:.40}; a position is from -1 to 1"
    return [float(target) for target in targets], ""


@dataclass
class Table:
    """What a tournament found."""

    beside: pd.DataFrame
    best_share: float
    reasons: list[Played]
    trades: dict[str, int]


def score(played: Sequence[Played], markets: Sequence[Hidden], rules: Rules) -> Table:
    """Run each learner's positions through the course's account, and as many coins beside them.

    Parameters
    ----------
    played : list of Played
    markets : list of Hidden
    rules : Rules
    """
    profits, trades, by_market = {}, {}, {}
    for one in played:
        if one.reason:
            continue
        name = one.entry.learner.name
        profits[name], trades[name], by_market[name] = 0.0, 0, []
        for market, targets in zip(markets, one.targets, strict=True):
            bars = market.bars.iloc[rules.history - 1 :]
            gaps = market.gaps[market.gaps.index > bars.index[0]]
            result = backtest.run(
                bars, pd.Series(targets, bars.index), contracts=rules.contracts,
                capital=rules.capital_usd, slippage_ticks=rules.slippage_ticks,
                roll_gap_points=gaps,
            )  # fmt: skip
            profits[name] += float(result.equity["Equity"].iloc[-1]) - rules.capital_usd
            trades[name] += len(result.trades)
            held = np.trunc(targets * rules.contracts)
            by_market[name].append(coins.every_coin_usd(held, bars, gaps, rules.side_usd))
    rng = np.random.default_rng([rules.seed, 1])
    drawn = coins.drawn(by_market, rules.coins, rng)
    made = pd.Series(profits, dtype=float)
    table = coins.beside(made, drawn) if profits else pd.DataFrame()
    best = coins.best_share(made, drawn) if profits else math.nan
    return Table(table, best, [one for one in played if one.reason], trades)


def write(table: Table, rules: Rules, folder: Path) -> None:
    """Write table and page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = table.beside.rename_axis("learner").round(2)
    rows.to_csv(folder / "tournament.csv", lineterminator="\n")
    page = pages.page(
        "tournament.html", title="Tournament", rules=rules, best_share=table.best_share,
        rows=[(name, row, table.trades[name]) for name, row in table.beside.iterrows()],
        reasons=table.reasons,
    )  # fmt: skip
    (folder / "tournament.html").write_text(page, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="what was handed in")
    parser.add_argument("--rules", type=Path, required=True, help="TOML with the seed")
    parser.add_argument("--students", type=Path, help="a CSV with a column 'name'")
    parser.add_argument("--to", type=Path, help="FOLDER-tournament when omitted")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="strategies at once")
    parser.add_argument("--without-namespaces", action="store_true", help="see teaching/marking.md")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        sys.exit(f"--jobs must be at least 1, got {options.jobs}")
    rules = read_rules(options.rules)
    found = entries.collect(options.folder, roster(options.students))
    namespaces = not options.without_namespaces
    if namespaces and not sandbox.has_namespaces():
        sys.exit(sandbox.WEAK)
    markets = hidden_markets(rules)

    def one(entry: Entry) -> Played:
        done = play(entry, markets, rules, namespaces=namespaces)
        print(f"{entry.learner.name}: {done.reason or 'played'}", flush=True)
        return done

    with ThreadPoolExecutor(options.jobs) as pool:
        played = list(pool.map(one, found))
    base = options.folder.resolve()
    target = options.to or base.with_name(f"{base.name}-tournament")
    write(score(played, markets, rules), rules, target)
    print(f"{target / 'tournament.html'} has the table, tournament.csv the numbers.")


if __name__ == "__main__":
    main()
