"""How often does a price come back above a stop, and what does the stop cost (chapter 12)?

    python benchmarks/stop_or_put.py              prints the table (about two minutes)
    python benchmarks/stop_or_put.py --write      writes it to stop_or_put.md

Chapter 12 quotes it; `tests/notebooks/test_answers_12.py` holds what is quoted to the table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from m2k_lessons import options, simulate

TABLE = Path(__file__).with_suffix(".md")
SEEDS = range(1_000, 1_040)
DAYS, PRICE, STRIKE, USD_A_POINT, RATE = 41, 2400.0, 2300.0, 50, 0.04
MARKETS: dict[str, dict[str, bool]] = {
    "the course's": {},
    "no leverage effect": {"leverage": False},
    "even and independent moves": dict.fromkeys(
        ("leverage", "jumps", "changing_beta", "changing_volatility", "fat_tails"), False
    ),
}


def pieces(market: simulate.Market) -> pd.DataFrame:
    """Each piece of 41 trading days as chapter 12 plays it, in points of a start at 2,400."""
    front, traded = market["M2K"]["close"], market["M2K_continuous"]
    realised = (traded["close"].diff() / front.shift()).rolling(21).std() * np.sqrt(252)
    rows = []
    for start in range(22, len(front) - DAYS, DAYS):
        moves = traded.iloc[start + 1 : start + DAYS + 1] - traded["close"].iloc[start]
        path = PRICE * (1 + moves / front.iloc[start])
        end, below = path["close"].iloc[-1], path["low"] <= STRIKE
        filled = min(STRIKE, path["open"][below.idxmax()]) if below.any() else end
        paid = options.black76(PRICE, STRIKE, 59 / 365, RATE, realised.iloc[start] + 0.05, "put")
        rows.append((below.any(), end > STRIKE, end - filled, end - max(end, STRIKE) + paid))
    return pd.DataFrame(rows, columns=["stopped", "above", "stop costs", "put costs"])


def cell(values: pd.Series, digits: int = 0) -> str:
    return f"{values.mean():,.{digits}f} ± {values.sem():,.{digits}f}".replace("-", "−")


def table() -> list[str]:
    lines = [
        "| market | stopped, % of pieces | came back, % of the stopped | stop costs, USD a piece "
        "| put costs, USD a piece |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, switches in MARKETS.items():
        # A history is one observation: its pieces share their volatility.
        histories = []
        for seed in SEEDS:
            piece = pieces(simulate.daily(10, seed, **switches))
            costs = USD_A_POINT * piece[["stop costs", "put costs"]].mean()
            back = 100 * piece.loc[piece["stopped"], "above"].mean()
            histories.append([100 * piece["stopped"].mean(), back, *costs])
        columns = pd.DataFrame(histories)
        cells = [cell(columns[i], digits) for i, digits in enumerate((1, 1, 0, 0))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


HEAD = f"""# How often the price comes back above a stop

Made by `python benchmarks/stop_or_put.py --write`; prices are simulated. {len(SEEDS)} histories \
of ten years, seeds {SEEDS[0]} to {SEEDS[-1]}, none of them the course's, each cut into pieces of \
{DAYS} trading days that start at 2,400, with a stop or a put at 2,300 as in chapter 12. "Costs" \
is what ten M2K alone made more, on average. Mean and standard error over the histories.
"""

FOOT = """
Even and independent moves bring back about half, as the reflection principle says of a walk \
without drift. Without the leverage effect (a fall raises the volatility) fewer come back than \
in the course's market; what makes up the rest of the difference, and of the stop's costs, has \
not been taken apart.
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    text = "\n".join([HEAD, *table(), FOOT.rstrip()]) + "\n"
    if parser.parse_args().write:
        TABLE.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(text)
