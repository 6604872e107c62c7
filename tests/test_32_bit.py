"""What would fail where an index has 32 bits, as in a browser's WebAssembly.

There numpy refuses 64-bit integers as counts and as positions of `reduceat`: "cannot cast from
int64 to int32 according to the rule 'safe'". Here both types are one. So these tests make
`np.int64` an alias of C's long long, which numpy keeps apart from its index type and which, as
there, wins where the two are added; and they refuse it where numpy would there. Compiled code
does not exist there, so none runs here.
"""

import functools
import importlib

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, data, evidence, paper, risk, search, sessions, strategies, sweep

# Imported while numba is in sight: a module keeps what it met then, also for the tests after these.
for _package in ("backtest", "evidence", "indicators", "risk", "strategies", "sweep"):
    importlib.import_module(f"m2k_lessons.{_package}.kernels")


def refuse(name, argument):
    """Raise as numpy would on such a platform."""
    dtype = np.asarray(argument).dtype
    if dtype.char in "qQL" or dtype.kind == "f":
        raise TypeError(f"{name}: cannot cast array data from int64 to int32, rule 'safe'")


class Ufunc:
    """A ufunc whose `reduceat` is particular about its positions."""

    def __init__(self, ufunc):
        self.ufunc = ufunc

    def __call__(self, *arguments, **keywords):
        return self.ufunc(*arguments, **keywords)

    def __getattr__(self, name):
        return getattr(self.ufunc, name)

    def reduceat(self, array, indices, *arguments, **keywords):
        refuse("reduceat", indices)
        return self.ufunc.reduceat(array, indices, *arguments, **keywords)


@pytest.fixture(autouse=True)
def short_index(monkeypatch):
    def particular(name, position):
        function = getattr(np, name)

        @functools.wraps(function)
        def checked(*arguments, **keywords):
            if position < len(arguments):
                refuse(name, arguments[position])
            return function(*arguments, **keywords)

        monkeypatch.setattr(np, name, checked)

    for name, position in (
        ("bincount", 0),
        ("repeat", 1),
        ("put", 1),
        ("unravel_index", 0),
        ("choose", 0),
    ):
        particular(name, position)
    for name in ("add", "maximum", "minimum", "multiply", "logical_or"):
        monkeypatch.setattr(np, name, Ufunc(getattr(np, name)))
    monkeypatch.setattr(np, "int64", np.longlong)
    monkeypatch.setenv("M2K_NO_NUMBA", "1")


# Loaded before the fixture above acts: pandas' reader knows one int64 only.
@pytest.fixture(scope="module")
def market():
    return data.load("daily")


@pytest.fixture(scope="module")
def minutes():
    return data.load("intraday")["M2K"][:3_000]


@pytest.fixture(scope="module")
def walk():
    return data.load("regimes")["random_walk"][:500]


@pytest.mark.parametrize(
    "fault",
    [
        lambda counts: np.bincount(counts),
        lambda counts: np.bincount(np.arange(3) + counts),
        lambda counts: np.repeat([1, 2, 3], counts),
        lambda counts: np.maximum.reduceat([1, 2, 3], counts),
    ],
)
def test_a_planted_cast_is_found(fault):
    with pytest.raises(TypeError, match="rule 'safe'"):
        fault(np.zeros(3, np.int64))
    fault(np.zeros(3, np.int64).astype(np.intp))


def test_runs(market):
    bars = market["M2K"]
    gaps = market["rolls"].query("symbol == 'M2K'")["gap_points"]
    target = strategies.trend_following(bars["close"], 10, 40)
    terms = {"stop_points": 40, "take_profit_points": 90, "roll_gap_points": gaps}
    result = backtest.run(bars, target, **terms)
    assert {"stop", "profit target", "roll"} <= set(result.trades["Tag"])
    assert result._state.equity.dtype.char == "q", "the test's int64 must reach the engine"
    assert np.isfinite(result.stats["Sharpe Ratio"])
    assert (result.equity["DrawdownPct"] > 0).any()
    poor = backtest.run(bars, target, contracts=3, capital=3_500, roll_gap_points=gaps)
    assert len(poor.events) > 0
    asked = backtest.run(bars, target, contracts=lambda usd, price, time: 1, capital=50_000)
    assert asked.stats["# Trades"] > 10
    two = {"M2K": bars, "MES": market["MES"]}
    both = backtest.run_portfolio(two, dict.fromkeys(two, target), capital=50_000)
    assert set(both.trades["Symbol"]) == {"M2K", "MES"}


@pytest.mark.parametrize("money", [{}, {"capital": 2_000, "stop_points": 30}])
def test_sweeps(market, money):
    bars = market["M2K"].drop(columns="contract")[:700]
    grids = {
        strategies.trend_following: {"fast": [5, 10], "slow": [20, 40]},
        strategies.mean_reversion: {"window": [10, 20], "entry": [1.0, 2.0]},
        strategies.threshold: {"buy_above": [2_500], "sell_below": [2_300, 2_400]},
    }
    for strategy, grid in grids.items():
        table = sweep.sweep(bars, strategy, grid, **money)
        assert table["# Trades"].sum() > 0
        sweep.heat_map(table, *grid)


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_searches(market, method):
    found = search.search(
        strategies.trend_following,
        {"fast": [5, 10], "slow": [20, 40]},
        method,
        bars=market["M2K"].drop(columns="contract")[:400],
        trials=4,
        seed=1,
    )
    assert len(found.log) == 4


def test_replays(minutes):
    account = paper.PaperAccount(minutes, capital=20_000, start=100)
    account.submit(paper.market("buy", 2))
    account.step(2_000)
    assert account.position == 2
    assert len(account.fills) > 0


def test_evidence_and_resampled_accounts(walk):
    returns = evidence.trial_returns(
        strategies.mean_reversion,
        [{"window": 10, "entry": 1.0}, {"window": 20, "entry": 1.5}],
        bars=walk,
        capital=100_000,
    )
    held = pd.DataFrame({0: strategies.mean_reversion(walk["close"], 10, 1.0)}).shift().iloc[1:]
    market = walk["close"].pct_change().iloc[1:]
    settings = {"trials": 2, "resamples": 99}
    for test in (evidence.reality_check, evidence.spa_test):
        assert 0 <= test(returns, **settings).p_value_adjusted <= 1
    assert 0 <= evidence.bootstrap_sharpe(returns[0], **settings).p_value_adjusted <= 1
    assert evidence.permutation_test(held, market, trials=1, permutations=99).p_value > 0
    overfit = evidence.probability_of_backtest_overfitting(returns, trials=2, blocks=4)
    assert 0 <= overfit.probability <= 1
    labels = evidence.triple_barrier(walk["close"], 60, 60, horizon=20).dropna()
    folds = evidence.purged_kfold(labels["end"], n_splits=3)
    assert len(list(folds.split(labels))) == 3
    paths = risk.bootstrap_equity([120.0, -60.0], n_paths=3, n_trades=50, seed=1)
    assert (risk.drawdown(paths).to_numpy() <= 0).all()


def test_calendars():
    minutes = sessions.session_minutes("2026-11-23", "2026-11-27")
    assert minutes.is_monotonic_increasing
    assert len(sessions.trade_dates(minutes).unique()) == 4  # Thanksgiving belongs to Friday
