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
from tests.notebooks.lessons import LESSONS, code_cells, markdown_cells, source

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
    assert round(names["earned_usd"]) == 4_290
    assert round(names["alone"].p_value, 2) == 0.01
    assert names["size"] == 2


def test_the_example_fails_four_gates_of_eight(names):
    table = names["found"].table
    failed = table.index[~table["passed"]].tolist()
    assert failed == ["trials", "luck", "out of sample", "benchmark"]
    assert names["late_sharpe"] < 0  # "and this is below zero"


def test_the_steps_and_the_one_call_agree(names):
    found = names["found"]
    assert found.largest_gap_loss_usd == pytest.approx(names["worst_usd"])
    assert (found.sharpe, found.sharpe_error) == (names["late_sharpe"], names["late_error"])
    assert found.development_sharpe == names["early_sharpe"]
    assert found.planned_loss_usd == pytest.approx(names["size"] * names["loss_usd"])
    assert (found.beyond_benchmark, found.beyond_error) == pytest.approx(
        (names["beyond"], names["beyond_error"])
    )
    assert f"p = {names['deflated'].p_value_adjusted:.2f} " in found.table.loc["trials", "found"]
    luck = float(found.table.loc["luck", "found"].split()[2])
    assert luck == pytest.approx(names["luck_p"], abs=0.006)  # the original order counts as one
    pd.testing.assert_frame_equal(found.engine.decisions, names["engine"].decisions)


def test_as_a_single_attempt(names):
    """The permutation test alone would have let it pass, the Sharpe ratio alone would not."""
    assert names["alone"].p_value < 0.05 < names["luck_p"]
    assert evidence.probabilistic_sharpe(names["returns"], trials=1).p_value > 0.05
    assert 1 < names["early_sharpe"] / names["early_error"] < 1.5  # "hardly more than one error"


def test_beside_holding(names):
    """ "It does not show that the rule is worse": about one error."""
    assert names["beyond"] < 0
    assert abs(names["beyond"]) / names["beyond_error"] == pytest.approx(1, abs=0.2)


def test_the_worst_night_was_spent_outside(names):
    move, held = names["move"], names["developed"].position.shift()
    assert held[move.idxmin()] == 0
    assert names["any_night_usd"] > 0.02 * names["capital"] > names["worst_usd"]


def test_the_row_of_trials(names):
    ranked = names["ranked"]
    assert -0.2 < ranked.median() < 0  # "a little below zero"
    assert names["luck_best"] == pytest.approx(2 * ranked.iloc[-1], rel=0.05)  # "twice as much"
    assert ranked.between(-1.2, 1.2).all()  # inside the figure


def test_the_table_of_joint_power_is_the_committed_one():
    """The chapter rounds benchmarks/gates_power.md: out of sample, and all four together."""
    folder = PATH.parents[1] / "benchmarks"
    rows = re.findall(r"^\| (\d\.\d) \|(.*)\|$", (folder / "gates_power.md").read_text(), re.M)
    made: dict[str, list] = {}
    for true, cells in rows:
        made.setdefault(true, []).append([float(cell) for cell in cells.split("|")])
    text = next(
        source(cell) for cell in markdown_cells(PATH) if "passes trials, luck" in source(cell)
    )
    text = text.replace("<!--given-->", "")
    told = re.findall(r"^\| (\d\.\d) \| (\S+) to (\S+) % \| (\S+) to (\S+) % \|$", text, re.M)
    assert [row[0] for row in told] == ["0.4", "0.8", "1.0", "1.5"]
    for true, *numbers in told:
        late, joint = ([row[column] for row in made[true]] for column in (3, 5))
        expected = (min(late), max(late), min(joint), max(joint))
        for number, exact in zip(map(float, numbers), expected, strict=True):
            assert number == pytest.approx(exact, abs=0.51 if exact > 6 else 0.051)


def test_on_the_real_index(names):
    found = names["real_found"]
    table = found.table
    assert table.index[~table["passed"]].tolist() == [
        "gaps",
        "trials",
        "luck",
        "out of sample",
        "benchmark",
    ]
    assert 0 < found.sharpe < 1.645 * found.sharpe_error  # "neither zero nor a small edge"
    assert -found.beyond_error < found.beyond_benchmark < 0
    with pytest.raises(ValueError, match="its open can't be traded"):
        sweep.sweep(names["real_early"], names["rule"], names["grid"], **names["real_terms"])
    early, late = names["alike"].loc[1988:1999], names["alike"].loc[2015:2025]
    assert early.mean() > 5 * early.std() / len(early) ** 0.5
    assert abs(late.mean()) < 2 * late.std() / len(late) ** 0.5


def test_the_rule_reads_as_its_sentence(names):
    """Five falls, the open after, eight days from the last streak: by a loop of its own."""
    close, wanted = names["bars"]["close"].to_numpy(), names["target"].to_numpy()
    expected = np.zeros(len(close))
    for day in range(5, len(close)):
        if all(close[day - k] < close[day - k - 1] for k in range(5)):
            expected[day : day + 8] = 1
    assert np.array_equal(wanted, expected)


def test_few_trades_even_fewer_without_rolls(names):
    trades = names["developed"].trades
    rolls = int((trades["Tag"] == "roll").sum())
    assert 0 < rolls < len(trades) == names["developed"].stats["# Trades"]


def test_the_demo_account(names):
    account = names["account"]
    first, second = account.trades.to_dict("records")
    assert first["exit_role"] == second["exit_role"] == "stop loss"
    assert f"{first['entry_time']:%H:%M}" == "18:01"
    assert f"{first['exit_time']:%H:%M}" == "03:49"
    for trade in (first, second):  # "each at a loss within a dollar of the plan"
        assert -trade["pnl_usd"] == pytest.approx(names["size"] * names["loss_usd"], abs=1.01)
    assert account.position != 0  # "a third is open"
    stops = account.fills.query("side == 'sell'")["cost_ticks"]
    assert set(stops) == {1, 2}
    # It is asked about whole days only: what the demo wanted is what the daily rule wants.
    known = gates.with_history(names["early"], gates.daily_bars(names["minutes"]))
    target = names["rule"](known, falls=4, hold=8).iloc[len(names["early"]) :]
    after = target.index[target.index.get_loc(target.index[target == 1][0]) + 1]
    assert after.date() == (first["entry_time"] + pd.Timedelta("6h")).date()
    streaks = names["chosen"](known).iloc[len(names["early"]) :]
    assert not streaks.any()  # "none" of five


def test_with_a_past_a_slow_rule_trades_at_once(names):
    """An average of two hundred days is known on the first of a hundred sessions."""

    def slow(bars):
        close = bars["close"]
        return (close > close.rolling(200).mean()).astype(float)

    arguments = (names["minutes"], names["limits"], 1, names["capital"])
    account = names["trade_demo"](slow, *arguments, names["early"])
    cold = names["trade_demo"](slow, *arguments, names["early"].iloc[:5])
    assert len(account.fills) > 0
    assert len(cold.fills) == 0


def test_a_fresh_envelope_costs_a_word(names):
    """The learner's cells run on a market of their own seed."""
    start = next(n for n, cell in enumerate(CELLS) if cell.startswith("my_file = None"))
    own = dict(names)
    for cell in CELLS[start : start + 6]:
        exec(cell.replace('data.load("daily")', "simulate.daily(years=10, seed=1234)"), own)
    assert not own["my_bars"]["close"].equals(names["bars"]["close"])
    assert len(own["my_found"].table) == 8


def test_the_true_sharpe_ratio_is_that_of_the_drift_alone(names):
    """Shuffled days of the true kind, held as the rule holds: the mean of many decades."""
    truth, share = names["truth"], names["share_held"]
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
    ("verdict", lambda found: "passes", "trials, luck, out of sample, benchmark"),
    ("verdict", lambda found: "it fails", '"passes" or "fails" is needed'),
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


@pytest.mark.parametrize("verdict", ["Fails", "FAILS", " fails. ", "failed", "Fail", "fails!"])
def test_a_verdict_may_be_written_as_people_write(names, verdict):
    report = dataclasses.replace(names["honest"], verdict=verdict)
    assert grade(report, names["found"]).points == 6


def test_a_number_that_does_not_exist_is_reported_in_words(names):
    found = dataclasses.replace(names["real_found"], sharpe=float("nan"))
    for word in ("unknown", "Unknown ", "none", None, float("nan"), np.nan):
        report = Report(largest_gap_loss_usd=word, sharpe=word)
        replies = grade(report, found).replies
        assert replies["largest_gap_loss_usd"].state == base.CORRECT
        assert replies["sharpe"].state == base.CORRECT
    wrong = grade(Report(largest_gap_loss_usd=0.0), found).replies["largest_gap_loss_usd"]
    assert wrong.state == base.WRONG
    assert "have no number here" in wrong.text


LEARNERS = {
    "never trades": ("return df['close'] * 0.0", "{'days': [1, 2]}"),
    "one setting": ("return (df['close'].diff(days) > 0).astype(float)", "{'days': [3]}"),
    "slow": (
        "return strategies.trend_following(df['close'], days, 150).fillna(0)",
        "{'days': [10, 50]}",
    ),
    "leaky": (
        "return (df['close'].shift(-days) > df['close']).astype(float).fillna(0)",
        "{'days': [1, 2]}",
    ),
}


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("with_the_trend", {"fast": 5, "slow": 50}),
        ("after_weakness", {"days": 7, "below": 40}),
        ("with_the_last_move", {"days": 3}),
    ],
)
def test_the_three_rules_to_begin_with_trade_and_know_no_future(names, rule, settings):
    def chosen(bars):
        return names[rule](bars, **settings)

    backtest.assert_no_lookahead(chosen, names["early"], cuts=8)
    result = backtest.run(names["early"], chosen(names["early"]), capital=60_000)
    assert result.stats["# Trades"] > 20


@pytest.mark.parametrize("kind", LEARNERS)
def test_whatever_the_learner_writes_the_page_runs_to_its_end(names, kind):
    body, grid = LEARNERS[kind]
    start = next(n for n, cell in enumerate(CELLS) if cell.startswith("my_file = None"))
    own = dict(names)
    for cell in CELLS[start : start + 7]:
        if "def my_rule" in cell:
            cell = (
                f"my_sentence = 'A rule.'\ndef my_rule(df, days=1):\n    {body}\n"
                f"my_grid = {grid}\nother_trials = 3"
            )
        exec(cell, own)
    found = own["my_found"]
    assert not found.passes
    assert found.table.loc["look-ahead", "passed"] == (kind != "leaky")
    assert ("never traded" in found.table.loc["out of sample", "found"]) == (kind == "never trades")
    assert own["my_account"] is not None


def test_an_index_of_the_learners_is_examined_by_the_word(names, tmp_path):
    path = tmp_path / "index.csv"
    real = names["data"].load("sp500")[["open", "high", "low", "close"]].loc["2003":]
    real.rename_axis("Date").tz_localize(None).round(2).to_csv(path)
    start = next(n for n, cell in enumerate(CELLS) if cell.startswith("my_file = None"))

    def run_with(fill):
        own = dict(names)
        for cell in CELLS[start : start + 6]:
            cell = cell.replace("my_file = None", f"my_file = {str(path)!r}")
            exec(cell.replace('my_fill = "next_open"', f'my_fill = "{fill}"'), own)
        return own["my_found"]

    with pytest.raises(ValueError, match="fill must be 'next_close'"):
        run_with("next_open")
    assert not run_with("next_close").table.loc["gaps", "passed"]


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
    assert len(found.table) == 8
    again = backtest.run(
        bars[bars.index >= own["my_opened"]],
        own["my_chosen"](bars)[bars.index >= own["my_opened"]],
        contracts=own["my_size"],
        capital=own["my_capital"],
        stop_points=own["my_stop"],
    )
    assert again.stats["Sharpe Ratio"] == pytest.approx(found.sharpe)
