"""Price limits that nobody passes, halts that the S&P 500 sets off, and nothing in between."""

import numpy as np
import pandas as pd
import pytest

from m2k_lessons.facts import fact
from m2k_lessons.paper import PaperAccount, limit, market
from m2k_lessons.paper.limits import market_wide_halts

FREE = {"commission_usd": 0, "slippage_ticks": 0, "margin": 0, "protection_points": None}
NEW_YORK = "America/New_York"
MONDAY, TUESDAY = "2030-03-04", "2030-03-05"


def ny(text):
    return pd.Timestamp(text, tz=NEW_YORK)


def bars_at(rows):
    """Bars from (time, price or (open, high, low, close))."""
    prices = [bar if isinstance(bar, tuple) else (bar,) * 4 for _, bar in rows]
    index = pd.DatetimeIndex([ny(time) for time, _ in rows], name="time")
    return pd.DataFrame(prices, index, ["open", "high", "low", "close"], dtype=float)


def m2k(*rows):
    before = [(f"{MONDAY} 15:58", 2400), (f"{MONDAY} 15:59", 2400)]
    return bars_at(before + [(f"{TUESDAY} {clock}", bar) for clock, bar in rows])


def sp500(*rows, close=5000.0):
    """Monday's close, then Tuesday's minutes."""
    before = [(f"{MONDAY} 15:58", close - 50), (f"{MONDAY} 15:59", close)]
    return bars_at(before + [(f"{TUESDAY} {clock}", bar) for clock, bar in rows])


def story(account):
    """Of each bar: last price, lower limit, end of a halt, and whether there was trading."""
    rows = []
    while not account.finished:
        account.step()
        shown = account.snapshot()
        halted = shown["halted_until"] and shown["halted_until"].strftime("%H:%M")
        lowest = shown["price_limits"] and shown["price_limits"][0]
        rows.append((shown["last"], lowest, halted, account._market.trading[shown["bar"]]))
    return rows[1:]


FALL = [("10:00", 2400), ("10:01", (2300, 2300, 2230, 2230)), ("10:02", 2200), ("10:16", 2200)]
FALL += [("10:17", 2200), ("15:24", 2080), ("15:25", 2000), ("15:26", 1900), ("15:59", 1950)]


def test_small_caps_alone_meet_a_limit_and_no_halt():
    """11 June 2020: small caps fell more than 7 %, and nothing halted."""
    assert story(PaperAccount(m2k(*FALL), **FREE)) == [
        (2400, 2232, None, True),
        (2232, 2232, None, True),
        *[(2232, 2232, None, True)] * 4,
        (2000, 1920, None, True),  # from 15:25 the limit is 20 %
        (1920, 1920, None, True),
        (1950, 1920, None, True),
    ]


def test_an_index_that_falls_less_changes_nothing():
    calm = sp500(*[(clock, 4651.0) for clock, _ in FALL])  # 6.98 %
    with_leg = PaperAccount(m2k(*FALL), sp500_bars=calm, **FREE)
    assert story(with_leg) == story(PaperAccount(m2k(*FALL), **FREE))


def test_bids_and_offers_at_the_limit_go_on():
    account = PaperAccount(m2k(*FALL), **FREE)
    account.step(3)
    assert account.snapshot()["last"] == 2232.0
    assert account.submit(market("buy", 2))
    account.step()
    assert account.position == 2
    account.submit(market("sell", 1))  # at the limit nobody buys: it waits
    assert account.submit(limit("sell", 1, 2232.0))
    account.step()
    assert account.position == 2
    account.step(2)
    assert (account.position, len(account.snapshot()["working"])) == (2, 2)
    account.step()  # 15:25, where the limit is 20 % and 2,000 a price
    assert account.fills["price"].tolist()[1:] == [2000.0]


def test_the_index_halts_everything_and_opens_the_next_step():
    index = [("10:00", 5000), ("10:01", (4800, 4800, 4650, 4655)), ("10:02", 4655)]
    index += [
        ("10:17", 4500),
        ("10:18", (4500, 4500, 4350, 4350)),
        ("10:40", (4300, 4300, 4000, 4010)),
    ]
    rows = [("10:00", 2400), ("10:01", (2300, 2300, 2230, 2230)), ("10:02", 2200), ("10:16", 2200)]
    rows += [("10:17", 2200), ("10:18", 2080), ("10:33", 2080), ("10:34", 2080), ("10:40", 1950)]
    rows += [("10:41", 1900), ("15:59", 2000), ("16:30", 2000), ("18:00", 2000)]
    account = PaperAccount(m2k(*rows), sp500_bars=sp500(*index), **FREE)
    assert story(account) == [
        (2400, 2232, None, True),
        (2232, 2232, "10:17", True),  # the minute in which the index reaches 7 % is the last
        (2200, 2088, "10:17", False),
        (2200, 2088, None, False),  # over at the end of this minute
        (2200, 2088, None, True),
        (2088, 2088, "10:34", True),
        (2080, 1920, None, False),
        (2080, 1920, None, True),
        (1950, 1920, "17:00", True),
        (1920, 1920, "17:00", False),
        (2000, 1920, "17:00", False),
        (2000, account._market.lowest[-2] / 10, "17:00", False),
        (2000, account._market.lowest[-1] / 10, None, True),
    ]


@pytest.mark.parametrize(
    ("clock", "low", "expected"),
    [
        ("09:30", 4650.0, [("09:31", "09:46", 1)]),  # exactly 7 %
        ("09:30", 4650.25, []),
        ("09:29", 4000.0, []),  # before regular hours nothing halts
        ("15:24", 4650.0, [("15:25", "15:40", 1)]),
        ("15:25", 4350.0, []),  # from 15:25 on only the third step does
        ("15:25", 4000.0, [("15:26", "17:00", 3)]),
        ("15:59", 4000.25, []),
        ("16:00", 4000.0, []),
    ],
)
def test_each_step_on_both_sides_of_its_bounds(clock, low, expected):
    bars = sp500((clock, (5000, 5000, low, 4990)), ("16:30", 4990))
    halts = market_wide_halts(bars)
    shown = [
        (*(pd.Timestamp(t, unit="s", tz=NEW_YORK).strftime("%H:%M") for t in (begin, end)), level)
        for begin, end, level in halts
    ]
    assert shown == expected


def test_on_a_short_day_the_first_two_steps_end_at_12_25():
    """The day after Thanksgiving: the stock market closes at 13:00."""

    def halts(clock):
        rows = [("11-27 15:58", 5000.0), ("11-27 15:59", 5000.0), (f"11-29 {clock}", 4600.0)]
        return market_wide_halts(bars_at([(f"2030-{time}", price) for time, price in rows]))

    assert [halt.level for halt in halts("12:24")] == [1]
    assert halts("12:25") == []


def test_a_second_halt_needs_the_second_step_and_a_gap_takes_them_in_turn():
    steps = fact("halt.sp500_down_pct").value
    assert steps == [7, 13, 20]
    low = 5000 * (1 - steps[1] / 100)
    bars = sp500(*[(f"10:{minute:02d}", low) for minute in range(40)])
    first, second = market_wide_halts(bars)
    assert (first.level, second.level) == (1, 2)
    # The index's first minute after the first halt sets off the second.
    assert second.begin - first.end == 60
    assert len(market_wide_halts(sp500(*[(f"10:{m:02d}", low + 0.5) for m in range(40)]))) == 1


def test_without_a_close_the_day_before_there_is_no_reference():
    rows = [("2030-03-01 15:58", 5000.0), ("2030-03-01 15:59", 5000.0), ("2030-03-05 10:00", 4000)]
    assert market_wide_halts(bars_at(rows)) == []
    assert market_wide_halts(bars_at([("2030-03-05 10:00", 4000.0)])) == []


def test_a_bar_knows_no_later_halt():
    index = [("10:00", 5000.0), ("10:01", 4600.0), ("10:02", 4600.0)]
    rows = [("10:00", 2400), ("10:01", 2390), ("10:02", 2380), ("10:20", 2380)]
    seen = []
    for kept in (3, 4, 5):
        account = PaperAccount(m2k(*rows), sp500_bars=sp500(*index)[:kept], **FREE)
        account.step(3)
        seen.append(account.snapshot())
    # After 10:01 the halt is known to those who have seen the index's minute, and to nobody else.
    assert [shown["halted_until"] and f"{shown['halted_until']:%H:%M}" for shown in seen] == [
        None, "10:17", "10:17"
    ]  # fmt: skip
    assert seen[1] == seen[2]
    account = PaperAccount(m2k(*rows), sp500_bars=sp500(*index), **FREE)
    account.step(2)
    assert account.snapshot()["halted_until"] is None


def test_saved_accounts_come_back_with_their_halts_only(tmp_path):
    index = sp500(("10:00", 5000.0), ("10:01", 4600.0), ("10:02", 4600.0))
    bars = m2k(("10:00", 2400), ("10:01", 2390), ("10:02", 2380), ("10:20", 2380), ("10:21", 2385))
    account = PaperAccount(bars, sp500_bars=index, log=tmp_path / "log", **FREE)
    account.step(3)
    assert account.snapshot()["halted_until"] == ny(f"{TUESDAY} 10:17")
    account.submit(market("buy", 1))
    account.step()
    assert account.position == 0
    account.save(tmp_path / "saved")
    for other in (
        PaperAccount.restore(tmp_path / "saved", bars, sp500_bars=index),
        PaperAccount.recover(tmp_path / "log", bars, sp500_bars=index),
        account.copy(),
    ):
        assert other.to_bytes() == account.to_bytes()
        other.step()
        assert other.position == 1
    for wrong in (None, sp500(("10:00", 5000.0))):
        with pytest.raises(ValueError, match="sp500_bars must be those the account was saved with"):
            PaperAccount.restore(tmp_path / "saved", bars, sp500_bars=wrong)
    without = PaperAccount(bars, **FREE).to_bytes()
    with pytest.raises(ValueError, match="sp500_bars must be None, got others"):
        PaperAccount.from_bytes(without, bars, sp500_bars=index)


GOOD = sp500(("10:00", 5000.0))


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (GOOD["close"], TypeError, "sp500_bars must be a DataFrame, got Series"),
        (GOOD[["close"]], ValueError, "must have the columns low and close, got no 'low'"),
        (pd.concat([GOOD, GOOD[["low"]]], axis=1), ValueError, "each column once, got 'low' twice"),
        (GOOD[:0], ValueError, "must hold at least one bar"),
        (GOOD[::-1], ValueError, "must have ascending times"),
        (GOOD.tz_localize(None), ValueError, "sp500_bars must have tz-aware times"),
        (GOOD * np.nan, ValueError, r"sp500_bars\['low'\] must be above 0"),
        (GOOD.astype("str"), TypeError, r"sp500_bars\['low'\] must hold numbers"),
        (GOOD.iloc[[0, 2]], ValueError, "must be minutes, or of at most an hour"),
    ],
)
def test_bars_of_the_index_that_are_none(wrong, error, says):
    with pytest.raises(error, match=says):
        PaperAccount(m2k(("10:00", 2400)), sp500_bars=wrong)


def test_without_price_limits_there_is_nothing_to_halt():
    with pytest.raises(ValueError, match="sp500_bars must be None where price_limits is False"):
        PaperAccount(m2k(("10:00", 2400)), sp500_bars=GOOD, price_limits=False)
