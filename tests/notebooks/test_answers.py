"""What a lesson tells in words, without a number that a tag could hold."""

import re

from m2k_lessons import contracts, data
from m2k_lessons.explorers import contract_basics, start_here
from tests.notebooks.lessons import FURTHER, LESSONS, markdown_cells, source


def test_00_the_two_ways_to_lose_400_dollars():
    controls = {spec.name: spec for spec in start_here.explore()._specs}
    points, number = controls["points"], controls["contracts"]
    found = {
        (move, held)
        for move in range(points.low, points.high + 1)
        for held in range(number.low, number.high + 1)
        if start_here.compute(move, held)["usd"] == -400
    }
    assert found == {(-20, 4), (-16, 5)}
    # "With fewer contracts the slider doesn't reach far enough."
    assert all(start_here.compute(points.low, held)["usd"] > -400 for held in (1, 2, 3))


def test_01_the_opening_question():
    closes = data.load("daily")["M2K"].loc["2030-02-08":"2030-02-15", "close"]
    assert round(closes.iloc[0]) == 2485
    assert round(closes.iloc[0] - closes.iloc[-1]) == 82
    assert round(100 * (1 - closes.iloc[-1] / closes.iloc[0])) == 3
    paid = closes.diff().dropna()  # "nearly all of it on Monday, Tuesday and Friday"
    assert paid.iloc[[0, 1, 4]].sum() / paid.sum() > 0.9
    balances = 2_500 + (closes - closes.iloc[0]) * contracts.M2K.multiplier * 2
    assert (balances < 2 * contract_basics.MAINTENANCE_USD).tolist() == [False] * 5 + [True]


def test_01_the_last_payments_of_ten_years():
    every = data.load("daily")["M2K_expiring"]
    paid = [one.diff().iloc[-1] for _, one in every.groupby("contract", sort=False)["close"]][:-1]
    assert len(paid) == 40
    assert min(paid) * contracts.M2K.multiplier < -contract_basics.MAINTENANCE_USD / 3
    assert min(paid) < 0 < max(paid)  # "it pays either way"


def test_01_one_day_of_the_record_shows_the_future_below_the_index():
    record = data.load("futures_carry")
    basis = record.loc[record["symbol"] == "RTY", "near_less_index_points"]
    assert (basis < 0).sum() == 1


def test_01_what_the_explorer_answers():
    def survives(held, deposit_usd=3000):
        week = contract_basics.compute(held, 2400.0, deposit_usd)
        return week["opens"], week["first_call"] is None

    assert survives(2) == (True, True)
    assert survives(3) == (True, False)
    assert survives(-3) == (True, True)
    assert survives(-4)[0] is False
    assert survives(-4, deposit_usd=4000) == (True, True)  # the week itself is kind to a fourth
    assert contract_basics.compute(-3, 2400.0 - 60, 3000)["pnl_usd"] == 900


def test_01_no_week_leaves_the_explorers_picture():
    explorer = contract_basics.explore()
    left, right = explorer.figure.axes
    controls = {spec.name: spec for spec in explorer._specs}
    for held in (controls["contracts"].low, controls["contracts"].high):
        for deposit_usd in (controls["deposit_usd"].low, controls["deposit_usd"].high):
            week = contract_basics.compute(held, 2400.0, deposit_usd)
            for axes, drawn in ((left, week["ladder_usd"]), (right, week["balances_usd"])):
                low, high = axes.get_ylim()
                assert low < min(drawn)
                assert max(drawn) < low + 0.93 * (high - low)  # the words stand above
            assert week["needed_usd"] < right.get_ylim()[1]


def test_01_days_between_roll_and_expiry():
    for convention, expected in (("monday", [4, 3, 4, 4]), ("thursday", [8, 7, 8, 8])):
        codes = [contracts.contract_code("M2K", 2026, month) for month in (3, 6, 9, 12)]
        days = [
            (contracts.last_trading_day(code) - contracts.roll_day(code, convention)).days
            for code in codes
        ]
        assert days == expected


def test_00_each_lesson_says_what_comes_before_it():
    """ "The line below each title says … which of the others it needs." """
    for path in LESSONS + FURTHER:
        assert re.search(
            r"^About \d+ minutes[.,] .*Before this: ", source(markdown_cells(path)[0]), re.M
        )
    assert all("Optional. " in source(markdown_cells(path)[0]) for path in FURTHER)
