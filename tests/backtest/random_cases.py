"""Random runs from a seed: stops, margins, rolls, one contract or two. For tests and benchmarks."""

import numpy as np
import pandas as pd

from m2k_lessons import contracts
from m2k_lessons.backtest import engine, inputs
from tests.backtest.test_backtest import assert_same, frame, ran, twin


def case(seed: int):
    """What `ran` and `twin` take: legs by symbol, and what is common."""
    rng = np.random.default_rng(seed)
    bars = int(rng.integers(1, 46))
    symbols = ("M2K",) if rng.random() < 0.7 else ("M2K", "MES")
    by_symbol = {symbol: _leg(rng, bars, contracts.get_contract(symbol)) for symbol in symbols}
    common = {
        "capital": int(rng.choice([2_500, 960, 4_000, 20_000])),
        "fill": str(rng.choice(["next_open", "close"])),
        "roll_costs": bool(rng.integers(2)),
        "resize": False,
    }
    return by_symbol, common


def _leg(rng, bars: int, contract):
    per_point = round(1 / contract.tick_size)
    jump, inside = [(400, 150), (40, 10), (3, 60), (8, 4)][rng.integers(4)]
    steps = rng.integers(-jump, jump + 1, bars), rng.integers(-inside, inside + 1, bars)
    opens = 25_000 + np.cumsum(steps[0]) + np.concatenate([[0], np.cumsum(steps[1])[:-1]])
    closes = opens + steps[1]
    highs = np.maximum(opens, closes) + rng.integers(0, inside, bars)
    lows = np.minimum(opens, closes) - rng.integers(0, inside, bars)
    ticks = np.column_stack([opens, highs, lows, closes]) / per_point
    table = frame([tuple(row) for row in ticks])
    gaps = None
    if rng.random() < 0.5:
        number = np.sort(rng.integers(0, 3, bars))
        table["contract"] = np.array(["H", "M", "U"])[number]
        first = table["contract"] != table["contract"].shift()
        if rng.random() < 0.5:
            values = rng.integers(-50, 200, first.sum()) / per_point
            gaps = pd.Series(values, index=table.index[first])
    target = rng.choice([-1, -0.5, 0, 0.5, 1, 1], bars)
    if rng.random() < 0.6:
        target = np.repeat(target, 4)[:bars]

    def distance(choices):
        if rng.random() < 0.3:
            return pd.Series(rng.integers(1, 60, bars) * 0.25, index=table.index)
        return choices[rng.integers(len(choices))]

    sizes = pd.Series(rng.integers(0, 6, bars), index=table.index)
    arguments = {
        "commission_usd": [0, 0.85, 1.2345][rng.integers(3)],
        "slippage_ticks": int(rng.integers(0, 4)),
        "stop_points": distance([None, 0.5, 2, 5, 60]),
        "take_profit_points": distance([None, 0.5, 3, 8, 90]),
        "protection_points": [None, None, 0.5, 2][rng.integers(4)],
        "margin": [(550, 545), (950, 940), (300, 300), 0][rng.integers(4)],
        "contracts": int(rng.integers(1, 10)) if rng.random() < 0.6 else sizes,
    }
    return table, pd.Series(target, index=table.index), arguments, gaps


def compare(seed: int) -> dict[str, int]:
    """Run a case by the single engine, the batch and the twin; say what happened in it."""
    by_symbol, common = case(seed)
    result = ran(by_symbol, common)
    assert_same(result, twin(by_symbol, common))
    found = result._instruments
    machine = engine.Engine(found, result._settings)
    own = np.stack([inputs.target_positions(each) for each in found])
    # Among others, before and after it: a run must leave nothing to the next.
    tallies = machine.batch(np.stack([-own, own, own[:, ::-1], own]))
    np.testing.assert_array_equal(tallies[1], result._tally)
    np.testing.assert_array_equal(tallies[3], result._tally)
    tags = set(result.trades["Tag"])
    return {
        "stopped": "stop" in tags,
        "margin calls": result.stats["# Margin Calls"] > 0,
        "orders cut": result.stats["# Orders Reduced"] + result.stats["# Orders Refused"] > 0,
        "rolled": "roll" in tags,
        "two contracts": len(found) == 2,
        "protected": any(each.protection for each in found),
    }
