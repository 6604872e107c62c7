"""One trade date in the account, in its backtest, in limits and daily bars, over all holidays."""

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, data, gates, risk, sessions
from m2k_lessons.paper import PaperAccount, market
from m2k_lessons.risk import Limits, RiskEngine

NEW_YORK = "America/New_York"
FREE = {"commission_usd": 0, "slippage_ticks": 0}
# Martin Luther King, Presidents, Memorial, Juneteenth, Independence, Labor Day, Thanksgiving
HALF_SESSIONS = ["01-20", "02-17", "05-26", "06-19", "07-04", "09-01", "11-27"]


def ny(text):
    return pd.Timestamp(text, tz=NEW_YORK)


def bars_at(prices, index):
    return pd.DataFrame({name: prices for name in ("open", "high", "low", "close")}, index=index)


@pytest.fixture(scope="module")
def year():
    """A bar for each quarter of an hour of 2025 in which the market is open."""
    index = sessions.session_minutes("2025-01-01", "2025-12-31")
    index = index[index.minute % 15 == 0]
    rng = np.random.default_rng(2025)
    return bars_at((20_000 + np.cumsum(rng.integers(-9, 10, len(index)))) / 10, index)


def dates_of(table):
    index = table.index if table.index.tz is None else table.index.tz_localize(None)
    return index.normalize().tolist()


def test_a_year_has_251_trade_dates_in_every_part_of_the_course(year):
    expected = pd.DatetimeIndex(sessions.trade_date(year.index).unique())
    expected = expected[expected.year == 2025].tolist()
    assert len(expected) == 251
    assert not {pd.Timestamp(f"2025-{day}") for day in HALF_SESSIONS} & set(expected)
    # The evening of New Year's Eve belongs to 2026.
    year = year[(sessions.trade_dates(year.index) <= "2025-12-31")]

    assert dates_of(gates.daily_bars(year)) == expected

    account = PaperAccount(year, margin=0, price_limits=False, **FREE)
    account.submit(market("buy", 1))
    account.step(len(year))
    assert dates_of(account.statement()) == expected

    # One gap less than there are dates, each at the first bar of its date.
    gaps = risk.gap_risk(year, stop_points=1)
    assert sessions.trade_date(gaps.index).tolist() == expected[1:]

    # A loss of the limit with each date's first bar leaves that bar and no other.
    new_date = sessions.trade_date(year.index).diff().dt.days.fillna(1).to_numpy() > 0
    losses = pd.Series(np.where(new_date, -200.0, 0.0), year.index)
    allowed = risk.daily_loss_limit(losses, limit_usd=200)
    assert allowed.to_numpy().tolist() == new_date.tolist()

    engine = RiskEngine(Limits(daily_loss_usd=200))
    equity = 1_000_000 + losses.cumsum()
    answers = [
        engine.allow(1, time=time, equity_usd=value, price=2000.0) for time, value in equity.items()
    ]
    # The first date counts from its own first value, so nothing is lost there.
    first_of_second = int(np.flatnonzero(new_date)[1])
    assert answers == [1] * first_of_second + [0] * (len(year) - first_of_second)


def test_course_minutes_have_60_trade_dates():
    minutes = data.load("intraday")["M2K"]
    assert len(gates.daily_bars(minutes)) == 60
    assert len(risk.gap_risk(minutes, stop_points=20)) == 59
    account = PaperAccount(minutes, margin=0, commission_usd=0)
    account.submit(market("buy", 1))
    account.step(len(minutes))
    assert len(account.statement()) == 60


def martin_luther_king_2025():
    """17 to 23 January 2025 in quarters of an hour; Monday the 20th belongs to Tuesday."""
    index = sessions.session_minutes("2025-01-16", "2025-01-23")
    return index[index.minute % 15 == 0]


def test_a_daily_loss_ends_with_the_trade_date_and_not_with_the_holiday():
    times = pd.DatetimeIndex(["2025-01-20 10:00", "2025-01-20 12:00", "2025-01-20 19:00"])
    times = times.append(pd.DatetimeIndex(["2025-01-21 19:00"])).tz_localize(NEW_YORK)
    pnl = pd.Series([-100.0, -150.0, 80.0, 80.0], times)
    assert risk.daily_loss_limit(pnl, limit_usd=200).tolist() == [True, True, False, True]

    engine = RiskEngine(Limits(daily_loss_usd=300))
    moments = [("2025-01-17 12:00", 10_000), ("2025-01-20 10:00", 9_600)]
    moments += [(f"2025-01-{time}", 9_600) for time in ("20 18:05", "21 16:59", "21 18:00")]
    answers = [
        engine.allow(1, time=ny(time), equity_usd=value, price=2300.0) for time, value in moments
    ]
    assert answers == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("zone", [None, NEW_YORK, "UTC", "Asia/Tokyo"])
def test_midnight_is_a_moment_among_minutes_and_a_date_among_days(zone):
    def at(text):
        moment = ny(text)
        return moment.tz_localize(None) if zone is None else moment.tz_convert(zone)

    minutes = RiskEngine(Limits(daily_loss_usd=100))
    asked = [("2025-01-19 23:45", 10_000), ("2025-01-20 00:00", 9_800), ("2025-01-20 23:59", 9_800)]
    answers = [
        minutes.allow(1, time=at(text), equity_usd=value, price=2300.0) for text, value in asked
    ]
    assert answers == [1, 0, 0]
    days = RiskEngine(Limits(daily_loss_usd=100))
    asked = [("2025-01-17", 10_000), ("2025-01-20", 9_800), ("2025-01-21", 9_800)]
    answers = [
        days.allow(1, time=pd.Timestamp(text), equity_usd=value, price=2300.0)
        for text, value in asked
    ]
    assert answers == [1, 0, 1]


def test_beyond_the_calendar_a_trade_date_begins_at_18():
    engine = RiskEngine(Limits(daily_loss_usd=100))
    moments = [("2051-03-07 12:00", 10_000)]
    moments += [(f"2051-03-07 {time}", 9_900) for time in ("13:00", "17:59", "18:00")]
    moments += [(f"2051-03-08 {time}", 9_800) for time in ("12:00", "18:00")]
    answers = [
        engine.allow(1, time=ny(time), equity_usd=value, price=2300.0) for time, value in moments
    ]
    assert answers == [1, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("capital", "margin", "lowest", "falls", "recovers", "begin"),
    [
        # Below the margin on the holiday only, and back before the trade date ends at 17:00.
        (1_000, (860, 782), 2300, "2025-01-20 09:00", "2025-01-20 19:00", "2025-01-17"),
        (1_050, (1_000, 909), 2270, "2025-01-20 09:00", "2025-01-21 09:00", "2025-01-16"),
        # Still below it at Tuesday's settlement: there both see the margin call.
        (1_050, (1_000, 909), 2270, "2025-01-20 09:00", "2025-01-22 09:00", "2025-01-16"),
    ],
)
def test_account_and_backtest_settle_on_the_same_dates(
    capital, margin, lowest, falls, recovers, begin
):
    index = martin_luther_king_2025()
    index = index[index >= ny(f"{begin} 00:00")]
    at_rest = 2400.0 if lowest == 2300 else 2300.0
    bars = bars_at(np.where((index >= ny(falls)) & (index < ny(recovers)), lowest, at_rest), index)
    terms = {"capital": capital, "margin": margin, **FREE}
    result = backtest.run(bars, pd.Series(1.0, index), **terms)
    # At closes only, as the backtest looks; and with no limits, which it doesn't know.
    account = PaperAccount(bars, price_limits=False, liquidate_below=0, **terms)
    account.submit(market("buy", 1))
    account.step(len(index))
    called = recovers.startswith("2025-01-22")
    assert ("margin call" in account.journal["event"].tolist()) is called
    settled = account.statement().index
    assert pd.Timestamp("2025-01-21") in settled
    assert pd.Timestamp("2025-01-20") not in settled
    assert bool(result.stats["# Margin Calls"]) is called
    if called:
        assert result.position.iloc[-1] == 0
    else:
        assert account.position == result.position.iloc[-1] == 1
        assert account.equity.tolist() == result.equity["Equity"].tolist()
