"""The backtest beside backtesting.py and vectorbt, where all of them mean the same.

They know neither multiplier, tick nor margin, so the contract here is worth one dollar a point
and the account is large. backtesting.py never decides on the first bar, and keeps what is open
at the end out of its trades, so positions begin and end flat.
"""

import platform
import sys

import numpy as np
import pandas as pd
import pytest
from backtesting import Backtest, Strategy

from m2k_lessons.backtest import run
from m2k_lessons.contracts import Contract

# backtesting.py 0.6.6 is older than the pandas that deprecates this.
pytestmark = pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofweek is deprecated")

DOLLAR = Contract("DOLLAR", "One dollar a point", 1, 0.1, "Nothing")
CAPITAL = 10_000_000
COMMISSION = 0.83  # no whole number of ticks: floats would decide which trades come out even
TRADES = ["Size", "EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "SL", "PnL", "Commission"]
TRADES += ["ReturnPct", "EntryTime", "ExitTime", "Duration"]


def drawn(seed, targets, bars=300):
    """Random bars on ticks, and a random target that is kept for a while."""
    rng = np.random.default_rng(seed)
    closes = 24_000 + np.cumsum(rng.integers(-25, 26, bars))
    # Small gaps: backtesting.py refuses a stop that lies above the close before the entry.
    opens = np.concatenate([closes[:1], closes[:-1] + rng.integers(-4, 5, bars - 1)])
    highs = np.maximum(opens, closes) + rng.integers(0, 25, bars)
    lows = np.minimum(opens, closes) - rng.integers(0, 25, bars)
    index = pd.date_range("2030-01-07", periods=bars, freq="B", name="time")
    columns = {"open": opens, "high": highs, "low": lows, "close": closes}
    target = np.repeat(rng.choice(targets, bars), rng.integers(1, 8, bars))[:bars]
    target[0] = 0
    target[-3:] = 0
    return pd.DataFrame(columns, index) / 10, pd.Series(target, index, dtype=float)


def backtesting(bars, wanted, *, at_close=False, commission=COMMISSION, stop=None):
    wanted = np.asarray(wanted)
    opens = bars["open"].to_numpy()

    class FollowTarget(Strategy):
        def init(self):
            pass

        def next(self):
            bar = len(self.data) - 1
            if wanted[bar] == wanted[bar - 1]:
                return
            change = int(wanted[bar] - self.position.size)
            if wanted[bar] == 0:
                self.position.close()
            elif change > 0:
                level = opens[bar + 1] - stop if stop else None
                self.buy(size=change, sl=level)
            elif change < 0:
                self.sell(size=-change)

    test = Backtest(
        bars.rename(columns=str.capitalize),
        FollowTarget,
        cash=CAPITAL,
        commission=lambda size, price: commission * abs(size),
        trade_on_close=at_close,
    )
    return test.run()


def ours(bars, target, *, contracts=1, **arguments):
    free = {"slippage_ticks": 0, "margin": 0, "commission_usd": COMMISSION, "capital": CAPITAL}
    return run(bars, target, contract=DOLLAR, contracts=contracts, **free | arguments)


def assert_same_trades(result, stats):
    order = ["EntryBar", "ExitBar", "Size"]
    one = result.trades[TRADES].sort_values(order, ignore_index=True)
    other = stats["_trades"][TRADES].sort_values(order, ignore_index=True)
    assert len(one) > 20
    other["SL"] = other["SL"].astype(float)
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_equals_backtesting_py_long_short_and_scaling(seed):
    bars, target = drawn(seed, [-1, -0.5, 0, 0.5, 1])
    result = ours(bars, target, contracts=4)
    stats = backtesting(bars, 4 * target)
    assert_same_trades(result, stats)
    np.testing.assert_allclose(
        result.equity["Equity"], stats["_equity_curve"]["Equity"], rtol=1e-14
    )
    for column in ("DrawdownPct", "DrawdownDuration"):
        pd.testing.assert_series_equal(
            result.equity[column],
            stats["_equity_curve"][column],
            check_dtype=False,
            check_freq=False,
            atol=1e-14,
        )


@pytest.mark.parametrize("seed", range(4))
def test_equals_backtesting_py_at_the_close(seed):
    bars, target = drawn(seed, [-1, 0, 1])
    result = ours(bars, target, fill="close")
    stats = backtesting(bars, target, at_close=True)
    assert_same_trades(result, stats)
    assert result.equity["Equity"].iloc[-1] == pytest.approx(stats["Equity Final [$]"], rel=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_equals_backtesting_py_with_a_stop(seed):
    bars, target = drawn(seed, [0, 1], bars=700)
    result = ours(bars, target, stop_points=1.5)
    tags = result.trades["Tag"]
    assert (tags == "stop").sum() > 5
    assert ((tags == "stop") & (result.trades["EntryBar"] == result.trades["ExitBar"])).any()
    stats = backtesting(bars, target, stop=1.5)
    assert_same_trades(result, stats)
    np.testing.assert_allclose(
        result.equity["Equity"], stats["_equity_curve"]["Equity"], rtol=1e-14
    )


SAME = [
    "Start",
    "End",
    "Duration",
    "Exposure Time [%]",
    "Equity Final [$]",
    "Equity Peak [$]",
    "Commissions [$]",
    "Return [%]",
    "Buy & Hold Return [%]",
    "Return (Ann.) [%]",
    "CAGR [%]",
    "Calmar Ratio",
    "Max. Drawdown [%]",
    "Avg. Drawdown [%]",
    "Max. Drawdown Duration",
    "# Trades",
    "Win Rate [%]",
    "Best Trade [%]",
    "Worst Trade [%]",
    "Avg. Trade [%]",
    "Max. Trade Duration",
    "Expectancy [%]",
    "SQN",
    "Kelly Criterion",
]
# Told in `Result`: arithmetic means and simple deviations, simple changes for alpha and beta.
OTHERWISE = ["Volatility (Ann.) [%]", "Sharpe Ratio", "Sortino Ratio", "Alpha [%]", "Beta"]
ROUNDED_UP = ["Avg. Drawdown Duration", "Avg. Trade Duration"]  # to whole days, by backtesting.py


def test_stats_of_the_same_name_mean_the_same():
    bars, target = drawn(5, [-1, 0, 1])
    # Two thousand contracts, so that the returns are not all rounding.
    mine, theirs = ours(bars, target, contracts=2_000).stats, backtesting(bars, 2_000 * target)
    for name in SAME:
        if isinstance(theirs[name], float):
            assert mine[name] == pytest.approx(theirs[name], rel=1e-9), name
        else:
            assert mine[name] == theirs[name], name
    for name in ROUNDED_UP:
        assert mine[name].ceil("D") == theirs[name]
    for name in OTHERWISE:  # another formula for the same idea
        assert mine[name] == pytest.approx(theirs[name], rel=0.05, abs=0.02), name
    named = {name for name in theirs.index if not name.startswith("_")}
    assert named - set(mine.index) == {"Profit Factor"}  # theirs is one of percentages
    assert {*SAME, *OTHERWISE, *ROUNDED_UP} == named & set(mine.index)


# vectorbt needs numba, which has no wheel for Macs with an Intel processor.
if (sys.platform, platform.machine()) != ("darwin", "x86_64"):

    @pytest.mark.parametrize("fill", ["next_open", "close"])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_vectorbt(seed, fill):
        import vectorbt

        bars, target = drawn(seed, [-1, -0.5, 0, 0.5, 1])
        result = ours(bars, target, contracts=4, fill=fill)
        wanted = 4 * target if fill == "close" else 4 * target.shift(fill_value=0)
        change = wanted.diff().fillna(0).abs()
        portfolio = vectorbt.Portfolio.from_orders(
            bars["close"],
            size=wanted.where(change > 0),
            size_type="targetamount",
            price=bars["close" if fill == "close" else "open"],
            fixed_fees=COMMISSION * change,
            init_cash=CAPITAL,
            freq="D",
        )
        np.testing.assert_allclose(result.equity["Equity"], portfolio.value(), rtol=1e-14)
        drawdown_pct = 100 * portfolio.drawdown().min()
        assert result.stats["Max. Drawdown [%]"] == pytest.approx(drawdown_pct, rel=1e-6)
        assert result.position.to_list() == portfolio.assets().to_list()
