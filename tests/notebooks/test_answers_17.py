"""What chapter 17 tells in words, its report and rubric, and the way of a learner's own file."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, evidence, gates, sweep
from m2k_lessons.contracts import M2K
from m2k_lessons.exercises import base
from m2k_lessons.exercises.capstone import Report, grade, q3
from m2k_lessons.risk import Limits
from tests.notebooks.lessons import LESSONS, code_cells, source

PATH = next(path for path in LESSONS if path.stem == "17_capstone")
CELLS = [source(cell) for cell in code_cells(PATH)]


def run(cells, monkeypatch) -> dict:
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: None)
    names: dict = {}
    for cell in cells:
        exec(cell, names)
    return names


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("M2K_HOME", str(tmp_path_factory.mktemp("home")))
        return run(CELLS, patch)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_HOME", str(tmp_path))


# ---------------------------------------------------------------------------- the example


def test_the_opening_question(names):
    assert round(names["earned_usd"]) == 7_044
    assert round(names["early_sharpe"], 2) == 0.84
    assert names["size"] == 2


def test_the_example_fails_three_gates_of_seven(names):
    table = names["found"].table
    assert table.index[~table["passed"]].tolist() == ["trials", "luck", "out of sample"]
    assert names["late_sharpe"] < 0  # "and this is below zero"


def test_the_steps_and_the_one_call_agree(names):
    found = names["found"]
    assert found.largest_gap_loss_usd == pytest.approx(names["worst_usd"])
    assert (found.sharpe, found.sharpe_error) == (names["late_sharpe"], names["late_error"])
    assert found.development_sharpe == names["early_sharpe"]
    assert found.planned_loss_usd == pytest.approx(names["size"] * names["loss_usd"])
    for name in ("deflated", "luck"):
        gate = "trials" if name == "deflated" else name
        assert f"p = {names[name].p_value_adjusted:.2f} " in found.table.loc[gate, "found"]
    pd.testing.assert_frame_equal(found.engine.decisions, names["engine"].decisions)


def test_as_a_single_attempt(names):
    """It would have passed the first of the two gates and missed the second narrowly."""
    assert evidence.probabilistic_sharpe(names["returns"], trials=1).p_value < 0.05
    assert 0.05 < names["luck"].p_value < 0.10


def test_the_worst_night_was_spent_outside(names):
    move, held = names["move"], names["developed"].position.shift()
    assert held[move.idxmin()] == 0
    assert names["any_night_usd"] > 0.02 * names["capital"] > names["worst_usd"]


def test_the_row_of_trials(names):
    ranked = names["ranked"]
    assert abs(ranked.median()) < 0.1  # "the middle of the row lies near zero"
    assert names["luck_best"] > ranked.iloc[-1]  # "below what luck makes the best look like"
    assert ranked.iloc[-1] < 1.5  # inside the figure
    assert ranked.iloc[0] > -1


def test_the_rule_reads_as_its_sentence(names):
    """Five falls, the open after, seven days from the last streak: by a loop of its own."""
    close, wanted = names["bars"]["close"].to_numpy(), names["target"].to_numpy()
    expected = np.zeros(len(close))
    for day in range(5, len(close)):
        if all(close[day - k] < close[day - k - 1] for k in range(5)):
            expected[day : day + 7] = 1
    assert np.array_equal(wanted, expected)


def test_few_trades_even_fewer_without_rolls(names):
    trades = names["developed"].trades
    rolls = int((trades["Tag"] == "roll").sum())
    assert 0 < rolls < len(trades) == names["developed"].stats["# Trades"]


def test_the_demo_account(names):
    account = names["account"]
    (trade,) = account.trades.to_dict("records")
    assert trade["exit_role"] == "stop loss"
    assert f"{trade['entry_time']:%H:%M}" == "18:01"
    assert f"{trade['exit_time']:%H:%M}" == "10:17"
    assert trade["exit_time"].date() == trade["entry_time"].date() + pd.Timedelta("1D")
    assert trade["pnl_usd"] == pytest.approx(names["demo_usd"])
    # It is asked about whole days only: what the demo wanted is what the daily rule wants.
    days = gates.daily_bars(names["minutes"])
    target = names["chosen"](days)
    first = target.index[target == 1][0]
    assert first.date() == trade["entry_time"].date()


def test_what_the_authors_had_seen(names):
    """The same rule without a stop: another setting, and four years that look better."""
    early, gaps = names["early"], names["early_gaps"]
    terms = {"contracts": names["size"], "capital": names["capital"]}
    log = sweep.sweep(early, names["rule"], names["grid"], roll_gap_points=gaps, **terms)
    best = log.loc[[log["Sharpe Ratio"].idxmax()], list(names["grid"])].to_dict("records")[0]
    found = gates.examine(
        lambda bars: names["rule"](bars, **best),
        names["bars"],
        opened=names["opened"],
        trials=len(log),
        trial_variance=log["Sharpe Ratio"].var(),
        limits=Limits(max_drawdown=0.10),
        roll_gap_points=names["roll_gaps"],
        **terms,
    )
    assert (round(found.sharpe, 2), round(found.sharpe_error, 2)) == (0.61, 0.50)
    assert not found.table.loc["out of sample", "passed"]


def test_with_the_authors_own_count_the_same_gates_fail_by_more(names):
    """5 times 40 trials: "the same three gates fail then, by more"."""
    found = gates.examine(
        names["chosen"],
        names["bars"],
        opened=names["opened"],
        trials=5 * names["trials"],
        trial_variance=names["variance"],
        contracts=names["size"],
        capital=names["capital"],
        limits=names["limits"],
        roll_gap_points=names["roll_gaps"],
    )
    table, before = found.table, names["found"].table
    assert table["passed"].tolist() == before["passed"].tolist()
    for gate in ("trials", "luck"):
        of_200, of_40 = (float(one.loc[gate, "found"].split()[2]) for one in (table, before))
        assert of_200 > of_40


def test_a_fresh_envelope_costs_a_word(names):
    """The learner's cells run on a market of their own seed."""
    start = next(n for n, cell in enumerate(CELLS) if cell.startswith("my_file = None"))
    own = dict(names)
    for cell in CELLS[start : start + 5]:
        exec(cell.replace('data.load("daily")', "simulate.daily(years=10, seed=1234)"), own)
    assert not own["my_bars"]["close"].equals(names["bars"]["close"])
    assert len(own["my_found"].table) == 7


def test_the_true_sharpe_ratio_is_that_of_the_drift_alone(names):
    """Shuffled days of the true kind, held as the rule holds: the mean of many decades."""
    truth, share = names["truth"], names["held"].mean()
    rng = np.random.default_rng(17)
    mean = (truth.futures_drift + truth.volatility_small**2 / 2) / 252
    days = rng.normal(mean, truth.volatility_small / 252**0.5, (4_000, 1_506))
    held = days * (rng.random(1_506) < share)
    ratios = held.mean(axis=1) / held.std(axis=1) * 252**0.5
    assert ratios.mean() == pytest.approx(names["true_sharpe"], abs=0.03)


# ------------------------------------------------------------------------------- the rubric


def test_both_reports_of_the_chapter(names):
    flattering = grade(names["flattering"], names["found"])
    honest = grade(names["honest"], names["found"])
    assert (flattering.points, honest.points, honest.of) == (0, 6, 6)
    for result in (flattering, honest):
        for text in ("rule", "why"):
            assert result.replies[text].state == base.UNGRADED
    own = {one.text for name, one in flattering.replies.items() if name not in ("rule", "why")}
    assert not any("is not what the gates found" in text for text in own)


WRONG = [
    ("trials", lambda found: 1, "from 40"),
    ("trials", lambda found: 41, "is not what the gates found"),
    ("cost_usd", lambda found: found.commission_usd, "Slippage is missing"),
    ("cost_usd", lambda found: 2 * found.commission_usd, "Each side also lost"),
    ("cost_usd", lambda found: found.cost_usd / 2, "goes in and out"),
    ("cost_usd", lambda found: found.cost_usd * 2, "Report one"),
    ("sharpe", lambda found: found.development_sharpe, "the setting was chosen on"),
    ("sharpe", lambda found: -found.sharpe, "the sign is not"),
    ("sharpe", lambda found: float("nan"), "a finite number"),
    ("sharpe", lambda found: "good", "a number is needed, got 'good'"),
    ("sharpe_error", lambda found: found.sharpe_error / 252**0.5, "root of 252"),
    ("sharpe_error", lambda found: found.development_error, "larger one"),
    ("largest_gap_loss_usd", lambda found: found.planned_loss_usd, "keeps no plan"),
    ("largest_gap_loss_usd", lambda found: found.largest_gap_loss_usd / 2, "one contract"),
    ("largest_gap_loss_usd", lambda found: -found.largest_gap_loss_usd, "the sign is not"),
    ("verdict", lambda found: "passes", "trials, luck, out of sample"),
    ("verdict", lambda found: True, '"passes" or "fails" is needed'),
    ("verdict", lambda found: np.array(["fails", "passes"]), '"passes" or "fails" is needed'),
    ("trials", lambda found: np.array([40]), "a number is needed"),
    ("trials", lambda found: np.True_, "a number is needed"),
    ("sharpe", lambda found: np.complex128(found.sharpe), "a number is needed"),
    ("sharpe", lambda found: 10**400, "a number is needed"),
    ("rule", lambda found: "buy " * 41, "41 words"),
    ("rule", lambda found: "  ", "a sentence is needed"),
    ("why", lambda found: 3, "a sentence is needed"),
]


@pytest.mark.parametrize(("field", "wrong", "says"), WRONG)
def test_each_wrong_field_gets_its_own_sentence(names, field, wrong, says):
    found = names["found"]
    report = dataclasses.replace(names["honest"], **{field: wrong(found)})
    result = grade(report, found)
    assert result.replies[field].state == base.WRONG
    assert says in result.replies[field].text
    others = {name for name, one in result.replies.items() if one.state == base.WRONG}
    assert others == {field}
    assert result.of == 6  # texts are never worth a point, nor do they cost one
    assert q3.check(report, found).state == base.WRONG


def test_a_report_of_ones_own_is_graded_when_it_is_written(names):
    found, honest = names["my_found"], names["honest"]
    assert q3.check(Report(), found).state == base.NOT_ATTEMPTED
    assert q3.check(Report(rule="Buy on Mondays."), found).text.startswith("Not attempted yet.")
    half = dataclasses.replace(honest, why=..., verdict=...)
    assert q3.check(half, found).state == base.NOT_ATTEMPTED
    assert q3.check(honest, found).state == base.CORRECT
    assert q3.check(honest).state == base.WRONG
    assert q3.check("It passes.", found).state == base.WRONG
    assert "(not written yet)" in repr(half)
    assert re.search(r"trials +40\n", repr(honest))
    assert (
        "<script>"
        not in grade(dataclasses.replace(honest, verdict="<script>"), found)._repr_html_()
    )
    with pytest.raises(TypeError, match="report must be a Report"):
        grade("It passes.", found)
    with pytest.raises(TypeError, match="found must be what gates.examine returns"):
        grade(honest, names["developed"])


# ------------------------------------------------------------------------- a file of one's own


def test_the_learners_part_runs_on_a_file(names, tmp_path):
    """Daily bars as a website gives them out, prices off the tick, without contracts."""
    path = tmp_path / "my_prices.csv"
    prices = names["market"]["M2K_continuous"][["open", "high", "low", "close"]] * 0.987
    prices.round(2).rename_axis("Date").tz_localize(None).rename(columns=str.title).to_csv(path)
    start = next(n for n, cell in enumerate(CELLS) if cell.startswith("my_file = None"))
    cells = [CELLS[0], *CELLS[start:-1]]
    changed = [cell.replace("my_file = None", f"my_file = {str(path)!r}") for cell in cells]
    own = dict(names)
    for cell in changed:
        exec(cell, own)
    bars = own["my_bars"]
    assert len(bars) == len(prices)
    assert "moved to the nearest tick" in bars.attrs["label"]
    ticks = bars["close"] / M2K.tick_size
    assert np.allclose(ticks, ticks.round(), atol=1e-6)
    assert own["my_gaps"] is None
    found = own["my_found"]
    assert len(found.table) == 7
    again = backtest.run(
        bars[bars.index >= own["my_opened"]],
        own["my_chosen"](bars)[bars.index >= own["my_opened"]],
        contracts=own["my_size"],
        capital=own["my_capital"],
        stop_points=own["my_stop"],
    )
    assert again.stats["Sharpe Ratio"] == pytest.approx(found.sharpe)
