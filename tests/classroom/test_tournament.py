"""Strategies on hidden days: told one day at a time, scored to the cent, beside as many coins."""

import json

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, facts, strategies
from tools.classroom import coins, entries, sandbox, tournament
from tools.classroom.submissions import Learner
from tools.classroom.tournament import Rules

RULES = Rules(seed=4711, markets=2, days=70, history=30, coins=500)
pytestmark = pytest.mark.skipif(
    not sandbox.has_namespaces(), reason="this system forbids namespaces: nothing is run here"
)


@pytest.fixture(scope="module")
def markets():
    return tournament.hidden_markets(RULES)


def hand_in(folder, **codes):
    for name, code in codes.items():
        (folder / name).mkdir()
        (folder / name / "strategy.py").write_text(code)
    return entries.collect(folder, [])


CODES = {
    "Rule": "from m2k_lessons import strategies\n"
    "def strategy(bars): return strategies.trend_following(bars['close'], 5, 20)",
    "Remembers": "seen = []\ndef strategy(bars):\n    seen.append(len(bars))\n"
    "    return 1 if len(seen) % 20 < 10 else -1",
    "Cheat": "def strategy(bars):\n    import gc\n"
    "    frames = [o for o in gc.get_objects() if type(o).__name__ == '_Market']\n"
    "    assert all((m._columns['close'][m.known:] == 0).all() for m in frames)\n"
    "    return bars['close'].diff().shift(-1).fillna(0).gt(0).iloc[-1] * 1.0",
    "Late": "def strategy(bars):\n    if len(bars) == 33: 1 / 0\n    return 1",
    "Large": "def strategy(bars): return 2",
    "Nothing": "def strategy(bars): return None",
    "Ends": "import os\ndef strategy(bars):\n    if len(bars) == 32: os._exit(0)\n    return 0",
    "Other": "def my_strategy(bars): return 1",
    "Says<b>": "def strategy(bars): raise ValueError('<script>')",
}


@pytest.fixture(scope="module")
def played(markets, tmp_path_factory):
    found = hand_in(tmp_path_factory.mktemp("in"), **CODES)
    return {
        entry.learner.name: tournament.play(entry, markets, RULES, namespaces=True)
        for entry in found
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Late", "on hidden day 3 it gave ZeroDivisionError: division by zero"),
        ("Large", "on its first day it gave 2.0; a position is from -1 to 1"),
        ("Nothing", "on its first day it gave TypeError"),
        ("Ends", "no position came on hidden day 2"),
        ("Other", "there is no function called `strategy`"),
    ],
)
def test_a_strategy_that_fails_has_a_reason(played, name, reason):
    assert played[name].reason.startswith(reason)


def test_it_trades_what_the_rule_says_and_to_the_cent(played, markets):
    """The same rule on all bars at once, through the course's own account."""
    table = tournament.score([played["Rule"]], markets, RULES)
    expected = 0.0
    for number, market in enumerate(markets):
        bars = market.bars.iloc[RULES.history - 1 :]
        target = strategies.trend_following(market.bars["close"], 5, 20).loc[bars.index]
        np.testing.assert_array_equal(played["Rule"].targets[number][:-1], target[:-1])
        result = backtest.run(
            bars,
            target,
            capital=RULES.capital_usd,
            roll_gap_points=market.gaps[market.gaps.index > bars.index[0]],
        )
        expected += result.equity["Equity"].iloc[-1] - RULES.capital_usd
    assert table.beside.loc["Rule", "profit_usd"] == pytest.approx(expected, abs=1e-6)


def test_the_process_is_never_told_tomorrow(played):
    """It looks for later bars in its own memory and finds none; and its last row has no next."""
    assert played["Cheat"].reason == ""
    assert not np.any(played["Cheat"].targets)


def test_a_strategy_may_remember(played):
    assert set(played["Remembers"].targets[0]) == {-1.0, 1.0}


def test_the_page_has_all_of_them_and_is_escaped(played, markets, tmp_path):
    table = tournament.score(list(played.values()), markets, RULES)
    tournament.write(table, RULES, tmp_path)
    text = (tmp_path / "tournament.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "Says<b>" not in text
    assert "The best of 3" in text
    assert all(name.replace("<b>", "") in text for name in CODES)
    assert len(pd.read_csv(tmp_path / "tournament.csv")) == 3
    again = tournament.score(list(played.values()), markets, RULES)
    pd.testing.assert_frame_equal(again.beside, table.beside)


# ----------------------------------------------------------------------------------------- coins


@pytest.mark.parametrize("seed", range(4))
def test_a_coins_profit_is_the_accounts_to_the_cent(seed):
    """Random positions over rolls, long and short, several contracts."""
    rules = Rules(seed=seed, markets=1, days=200, history=1)
    (market,) = tournament.hidden_markets(rules)
    assert market.bars["contract"].nunique() > 2
    rng = np.random.default_rng(seed)
    held = np.repeat(rng.integers(-3, 4, size=50), 4)[: len(market.bars)].astype(float)
    held = np.append(held, np.zeros(len(market.bars) - len(held)))
    result = backtest.run(market.bars, pd.Series(held / 3, market.bars.index), contracts=3,
                          capital=1_000_000, roll_gap_points=market.gaps)  # fmt: skip
    fast = coins.results_usd(np.trunc(held / 3 * 3)[None], market.bars, market.gaps, rules.side_usd)
    earned = result.equity["Equity"].iloc[-1] - 1_000_000
    assert fast[0] == pytest.approx(earned, abs=1e-6)


def test_the_side_costs_what_the_account_charges():
    assert Rules(seed=1).side_usd == facts.fact("course.commission.M2K").value + 0.5


def test_every_coin_holds_and_pays_as_much():
    held = np.array([0.0, 1, 1, 0, -1, 0, 0, 1, 1, 1])
    begun = np.array([np.roll(held, -day) for day in range(len(held))])
    cyclic = np.abs(np.diff(begun, axis=1, append=begun[:, :1])).sum(axis=1)
    assert set(cyclic) == {6.0}
    flat = pd.DataFrame({"open": 2400.0, "close": 2400.0, "contract": "M2KH30"},
                        pd.date_range("2030-01-07", periods=10, freq="B"))  # fmt: skip
    profits = coins.every_coin_usd(held, flat, pd.Series(dtype=float), 1.0)
    assert len(profits) == 20
    np.testing.assert_array_equal(profits[:10], profits[10:])
    assert profits.min() >= -7
    assert profits.max() <= -4


def test_coins_have_no_edge_and_the_best_of_thirty_has_luck():
    """Of thirty learners without skill the winner beats the best of thirty coins half the time."""
    rng = np.random.default_rng(7)
    better = 0
    for _ in range(200):
        every = {f"L{number}": [rng.normal(size=400)] for number in range(30)}
        mine = pd.Series({name: rng.choice(one[0]) for name, one in every.items()})
        share = coins.best_share(mine, coins.drawn(every, 200, rng))
        better += share < 0.5
    assert 70 < better < 130  # 100 ± 7, four errors


def test_the_table_is_ordered_and_beside_the_coin_of_its_rank():
    drawn = pd.DataFrame({"A": [1.0, 3.0, 5.0], "B": [2.0, 2.0, 9.0]})
    table = coins.beside(pd.Series({"A": 2.0, "B": 4.0}), drawn)
    assert list(table.index) == ["B", "A"]
    assert list(table["coin_usd"]) == [3.0, 2.0]
    assert list(table["own_coin_share"]) == pytest.approx([1 / 3, 2 / 3])


# ----------------------------------------------------------------------------------- what comes in


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must have a seed of your own"),
        ("seed = ", "must be TOML"),
        ("seed = -1", "seed must be a number from 0 or more, got -1"),
        ("seed = 1\nmarkets = 99", "markets must be a number from 1 to 20, got 99"),
        ("seed = 1\ndays = '250'", "days must be a number from 20 to 2,000, got '250'"),
        ("seed = 1\nweeks = 3", "must have keys of seed, markets, .* got weeks"),
    ],
)
def test_rules_that_are_none_are_named(tmp_path, text, says):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=says):
        tournament.read_rules(path)


def test_rules_need_only_a_seed(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text("seed = 7\ncapital_usd = 5000.5")
    assert tournament.read_rules(path) == Rules(seed=7, capital_usd=5000.5)
    with pytest.raises(SystemExit, match="there is no"):
        tournament.read_rules(tmp_path / "none.toml")


def test_the_same_seed_hides_the_same_days():
    rules = Rules(seed=5, markets=2, days=20, history=5)
    once, again = tournament.hidden_markets(rules), tournament.hidden_markets(rules)
    for one, other in zip(once, again, strict=True):
        pd.testing.assert_frame_equal(one.bars, other.bars)
    assert not once[0].bars["close"].equals(once[1].bars["close"])


def test_one_file_for_each_learner(tmp_path):
    hand_in(tmp_path, Ada="x = 1")
    (tmp_path / "Bo").mkdir()
    cell = {"cell_type": "code", "source": ["y = 2"]}
    (tmp_path / "Bo" / "mine.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "Cy").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "Cy" / name).write_text("")
    (tmp_path / "Dee").mkdir()
    (tmp_path / "Dee" / "strategy.py").symlink_to("/etc/passwd")
    (tmp_path / "Eve").mkdir()
    (tmp_path / "Eve" / "mine.ipynb").write_text("{")
    found = {entry.learner.name: entry for entry in entries.collect(tmp_path, [Learner("Ada")])}
    assert found["Ada"].cells == ((1, "x = 1"),)
    assert found["Bo"].cells == ((1, "y = 2"),)
    assert "one file is needed, strategy.py or a notebook; got a.py, b.py" in found["Cy"].reason
    assert "is a link" in found["Dee"].reason
    assert "can't be read" in found["Eve"].reason


def test_the_command_says_what_it_needs(tmp_path):
    (tmp_path / "rules.toml").write_text("seed = 1")
    (tmp_path / "in").mkdir()
    with pytest.raises(SystemExit, match="has none"):
        tournament.main([str(tmp_path / "in"), "--rules", str(tmp_path / "rules.toml")])
