"""The gates of the capstone: one rule, one setting, seven questions, each with its number.

Every gate is a yes or a no by a limit that was set before. What passes all of them has not been
proven good; what fails one has not been proven bad. The gates say what the evidence covers.

| gate | passes when |
|---|---|
| look-ahead | no target changes when only the future does |
| costs | the development years still earn something at twice the costs |
| gaps | no overnight gap lost more than `gap_share` of the capital |
| trials | the deflated Sharpe ratio, all trials counted, is surely above luck |
| luck | days in another order seldom serve the same positions as well |
| risk engine | its limits never ended trading for good |
| out of sample | Sharpe ratio less 1.645 standard errors is above zero |

All but the last one use the development years only, the bars before `opened`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import _check, backtest, data, evidence, facts
from m2k_lessons._backtest import inputs
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.risk_engine import Limits, RiskEngine

__all__ = [
    "GATES",
    "Examination",
    "daily_bars",
    "examine",
    "market_returns",
    "overnight_usd",
    "read_bars",
    "round_turn_usd",
    "sharpe_error",
]

GATES = ("look-ahead", "costs", "gaps", "trials", "luck", "risk engine", "out of sample")
_ONE_SIDED = 1.645  # 5 % of a normal distribution lie beyond


def read_bars(path: str | os.PathLike, contract: Contract = M2K) -> pd.DataFrame:
    """Read a learner's own file and move its prices to the contract's tick.

    Parameters
    ----------
    path : str, path or open file
        As `data.read_prices` takes it.
    contract : Contract
        Gives the tick.

    Returns
    -------
    DataFrame
        Columns open, high, low, close in points. `attrs["label"]` says how many prices moved.

    Raises
    ------
    PriceFileError, FileNotFoundError
        As `data.read_prices`.

    Examples
    --------
    >>> import io
    >>> file = io.StringIO("Date,Open,High,Low,Close\\n2024-03-11,2066.04,2071.5,2060.2,2063.9\\n")
    >>> bars = read_bars(file)
    >>> bars["open"].to_list(), bars.attrs["label"]
    ([2066.0], 'your own file; 1 of 4 prices moved to the nearest tick')
    """
    frame = data.read_prices(path)
    prices = frame[["open", "high", "low", "close"]]
    # Rounding keeps the order of two prices, so a high stays above its low.
    bars = prices.apply(lambda column: contract.round_to_tick(column))
    moved = int((np.abs(bars - prices) > 1e-9).to_numpy().sum())
    bars.attrs["label"] = (
        f"your own file; {moved:,} of {bars.size:,} prices moved to the nearest tick"
    )
    return bars


def daily_bars(minutes: pd.DataFrame) -> pd.DataFrame:
    """One bar for each trade date, which begins at 18:00 New York time the evening before.

    Parameters
    ----------
    minutes : DataFrame
        Columns open, high, low, close, without missing prices; a tz-aware index, ascending.

    Returns
    -------
    DataFrame
        On the trade dates, at midnight New York time; the column `minutes` counts what each holds.

    Examples
    --------
    >>> index = pd.DatetimeIndex(["2030-03-05 17:59", "2030-03-05 18:00"], tz="America/New_York")
    >>> minutes = pd.DataFrame(2400.0, index, ["open", "high", "low", "close"])
    >>> daily_bars(minutes).index.strftime("%d").to_list()
    ['05', '06']
    """
    if not isinstance(minutes.index, pd.DatetimeIndex) or minutes.index.tz is None:
        raise TypeError("minutes must have an index of times with a zone")
    inputs.check_index("minutes", minutes.index)
    missing = [name for name in inputs.PRICES if name not in minutes.columns]
    if missing:
        raise ValueError(
            f"minutes must have the columns open, high, low and close, got no {missing[0]!r}"
        )
    unknown = minutes[list(inputs.PRICES)].isna().any(axis=1).to_numpy()
    if unknown.any():
        raise ValueError(
            f"minutes must have four prices in every row, got NaN at {minutes.index[unknown][0]}"
        )
    local = minutes.index.tz_convert("America/New_York").tz_localize(None)
    date = (local + pd.Timedelta(hours=6)).normalize().tz_localize("America/New_York")
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    dates = minutes.groupby(date.rename("time"))
    return dates.agg(rules).assign(minutes=dates.size())


def round_turn_usd(
    contract: Contract = M2K, commission_usd: float | None = None, slippage_ticks: int = 1
) -> float:
    """Cost of one contract bought and sold by market orders: two fees, two times the slippage.

    Examples
    --------
    >>> round_turn_usd(commission_usd=0.50)
    2.0
    """
    fee = _commission(contract, commission_usd)
    return 2 * (
        fee + _check.whole("slippage_ticks", slippage_ticks, at_least=0) * contract.tick_value
    )


def _commission(contract: Contract, commission_usd: float | None) -> float:
    if commission_usd is None:
        return float(facts.fact(f"course.commission.{contract.symbol}").value)
    return _check.number("commission_usd", commission_usd, at_least=0)


def overnight_usd(
    result: backtest.Result, roll_gap_points: pd.Series | None = None, contract: Contract = M2K
) -> pd.Series:
    """What the position held at each close won or lost by the next open, in USD.

    Parameters
    ----------
    result : backtest.Result
        Of one contract.
    roll_gap_points : Series, optional
        As in `backtest.run`. Without it, the nights in which the column `contract` changes
        count as nothing, because the position is out of the market then.
    contract : Contract
        Gives the dollars per point.

    Returns
    -------
    Series of float
        On the index of the bars, at the open that ends each gap; 0 for the first bar.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=4, freq="B")
    >>> bars = pd.DataFrame({"open": [2400, 2402, 2390, 2407.0]}, index=days)
    >>> bars = bars.assign(high=bars.open + 5, low=bars.open - 5, close=bars.open + 2)
    >>> result = backtest.run(bars, pd.Series(1.0, index=days), contracts=2)
    >>> overnight_usd(result).to_list()
    [0.0, 0.0, -140.0, 150.0]
    """
    if not isinstance(result, backtest.Result) or len(result.bars) != 1:
        got = list(result.bars) if isinstance(result, backtest.Result) else type(result).__name__
        raise TypeError(f"result must be what backtest.run returns for one contract, got {got}")
    (bars,) = result.bars.values()
    points = _less_rolls(bars, bars["open"] - bars["close"].shift(), roll_gap_points)
    return (points * result.position.shift() * contract.multiplier).fillna(0.0)


def market_returns(bars: pd.DataFrame, roll_gap_points: pd.Series | None = None) -> pd.Series:
    """Close to close, as fractions, without the gaps between contracts.

    Parameters
    ----------
    bars : DataFrame
    roll_gap_points : Series, optional
        As in `overnight_usd`.

    Returns
    -------
    Series of float
        From the second bar on.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=3, freq="B")
    >>> bars = pd.DataFrame({"close": [2400.0, 2424.0, 2454.0]}, index=days)
    >>> market_returns(bars, pd.Series([30.0], index=days[2:])).to_list()
    [0.01, 0.0]
    """
    points = _less_rolls(bars, bars["close"].diff(), roll_gap_points)
    return (points / bars["close"].shift()).iloc[1:]


def _less_rolls(bars, points: pd.Series, roll_gap_points: pd.Series | None) -> pd.Series:
    if not isinstance(roll_gap_points, pd.Series | None):
        raise TypeError(f"roll_gap_points must be a Series of points, got {roll_gap_points!r}")
    if "contract" not in bars:
        return points if roll_gap_points is None else points - _at(roll_gap_points, bars.index)
    same = bars["contract"] == bars["contract"].shift()
    if roll_gap_points is None:
        return points.where(same, 0.0)
    changes = bars.index[1:][~same.iloc[1:]]
    unknown = changes.difference(roll_gap_points.dropna().index)
    if len(unknown):
        raise ValueError(
            "roll_gap_points must have one value for each change of contract, got none for "
            f"{unknown[0]}"
        )
    return points - _at(roll_gap_points.loc[changes], bars.index)


def _at(gaps: pd.Series, index: pd.Index) -> pd.Series:
    return gaps.reindex(index).fillna(0.0)


def sharpe_error(returns, periods_per_year: float = 252) -> float:
    """Standard error of an annual Sharpe ratio.

    Parameters
    ----------
    returns : Series or array
        One per trade date.
    periods_per_year : float
        Returns a year: 52 where bars are weeks.

    Notes
    -----
    Mertens (2002): about one over the root of the years, more for wild or lopsided returns.

    Examples
    --------
    >>> quiet = np.random.default_rng(1).normal(0, 0.01, 4 * 252)
    >>> round(sharpe_error(quiet), 2)
    0.5
    """
    record = evidence.track_record(returns, periods_per_year)
    own = record.per_period
    variance = 1 - record.skew * own + (record.kurtosis - 1) / 4 * own**2
    return math.sqrt(variance / (record.n - 1) * record.periods_per_year)


@dataclass(frozen=True, eq=False)
class Examination:
    """What the gates found.

    Attributes
    ----------
    table : DataFrame
        A row for each gate: `passed`, what was `found`, what was `needed`.
    trials : int
    cost_usd : float
        One contract in and out, USD.
    sharpe, sharpe_error : float
        Annual, of the years after `opened`.
    development_sharpe, development_error : float
        The same of the years before.
    largest_gap_loss_usd : float
        Above 0; 0 if no night lost anything. Development years.
    planned_loss_usd : float
        All contracts at their stops, costs included; NaN without a stop.
    contracts : int
    development, out_of_sample : backtest.Result
    engine : RiskEngine
        After the development years.
    """

    table: pd.DataFrame
    trials: int
    cost_usd: float
    commission_usd: float
    sharpe: float
    sharpe_error: float
    development_sharpe: float
    development_error: float
    largest_gap_loss_usd: float
    planned_loss_usd: float
    contracts: int
    development: backtest.Result
    out_of_sample: backtest.Result
    engine: RiskEngine

    @property
    def passes(self) -> bool:
        """Whether every gate was passed."""
        return bool(self.table["passed"].all())

    def __repr__(self) -> str:
        lines = [
            f"{'passed' if row.passed else 'FAILED'}  {gate:<14}{row.found} (needed: {row.needed})"
            for gate, row in self.table.iterrows()
        ]
        count = int(self.table["passed"].sum())
        return "\n".join([*lines, f"{count} of {len(lines)} gates passed."])


def examine(
    rule: Callable[[pd.DataFrame], pd.Series],
    bars: pd.DataFrame,
    *,
    opened,
    trials: int,
    trial_variance: float,
    contracts: int,
    capital: float,
    limits: Limits,
    contract: Contract = M2K,
    commission_usd: float | None = None,
    slippage_ticks: int = 1,
    roll_gap_points: pd.Series | None = None,
    gap_share: float = 0.02,
    seed: int = 0,
) -> Examination:
    """Put one rule with one setting through every gate.

    Parameters
    ----------
    rule : function
        Takes bars, returns a target from -1 to 1 on their index, known at each close. It must
        use no other prices: the look-ahead gate can change only those that it hands over.
    bars : DataFrame
        As in `backtest.run`. The rule sees all of them, so that it is warm when `opened` comes.
    opened : time
        First moment of the out-of-sample part.
    trials : int
        Rules and settings whose result on the development years was looked at, by any way.
    trial_variance : float
        Variance of their annual Sharpe ratios.
    contracts : int
        A full position.
    capital : float
        USD at the beginning of each part.
    limits : Limits
        Of the risk engine, without a volatility target. Their stop, if any, is used in every
        backtest here.
    contract, commission_usd, slippage_ticks, roll_gap_points
        As in `backtest.run`.
    gap_share : float
        Share of the capital that one overnight gap may lose.
    seed : int
        Of the permutations.

    Returns
    -------
    Examination

    Raises
    ------
    ValueError, TypeError
        As `backtest.run` and the tests of `evidence`; a rule that never trades in one of the
        two parts; `opened` outside the bars.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies
    >>> bars = simulate.daily(years=4, seed=7)["M2K"]
    >>> found = examine(
    ...     lambda bars: strategies.trend_following(bars["close"]), bars, opened=bars.index[600],
    ...     trials=12, trial_variance=0.2, contracts=1, capital=40_000,
    ...     limits=Limits(max_drawdown=0.2),
    ... )
    >>> list(found.table.index) == list(GATES), found.trials
    (True, 12)
    """
    if not callable(rule):
        raise TypeError(f"rule must be a function of bars, got {rule!r}")
    if not isinstance(limits, Limits):
        raise TypeError(f"limits must be Limits, got {limits!r}")
    if limits.volatility_target is not None:
        raise ValueError(
            f"limits must have no volatility_target here, got {limits.volatility_target!r}"
        )
    trials = _check.whole("trials", trials, at_least=1)
    contracts = _check.whole("contracts", contracts, at_least=1)
    counted = f"{trials} trial{'s' if trials > 1 else ''}"
    gap_share = _check.number("gap_share", gap_share, above=0, at_most=1)
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(f"bars must be a DataFrame, got a {type(bars).__name__}")
    inputs.check_index("bars", bars.index)
    before = bars.index < _moment(opened, bars.index)
    if not 10 < before.sum() < len(bars) - 10:
        raise ValueError(
            f"opened must leave more than 10 bars on either side of it, got {opened!r} for "
            f"{bars.index[0]} to {bars.index[-1]}"
        )
    early, late = bars[before], bars[~before]
    fee = _commission(contract, commission_usd)
    terms: dict[str, Any] = {"contract": contract, "capital": capital}
    traded: dict[str, Any] = {"contracts": contracts, "stop_points": limits.stop_points}
    costs: dict[str, Any] = {"commission_usd": fee, "slippage_ticks": slippage_ticks}

    def gaps_of(part):
        gaps = roll_gap_points
        return None if gaps is None else gaps[gaps.index.isin(part.index)]

    rows = {}
    try:
        backtest.assert_no_lookahead(rule, bars)
        rows["look-ahead"] = (True, "no target knew the future", "none in 40 cuts")
    except backtest.LookAheadError as error:
        rows["look-ahead"] = (False, str(error), "none in 40 cuts")
    target = rule(bars.copy())  # a rule that writes into its bars shall not change the market
    for part, when in ((early, "before"), (late, "after")):
        if np.ptp(target[part.index].to_numpy(dtype=float)) == 0:
            raise ValueError(
                f"rule must change its target at least once {when} opened ({opened}), got "
                f"{float(target[part.index].iloc[0])!r} in every bar"
            )
    development, out_of_sample = (
        backtest.run(
            part, target[part.index], roll_gap_points=gaps_of(part), **terms, **traded, **costs
        )
        for part in (early, late)
    )
    dearer = backtest.run(
        early,
        target[before],
        roll_gap_points=gaps_of(early),
        commission_usd=2 * fee,
        slippage_ticks=2 * slippage_ticks,
        **terms,
        **traded,
    )
    left_usd = float(dearer.stats["Return [$]"])
    rows["costs"] = (
        left_usd > 0,
        f"{left_usd:,.0f} USD at twice the costs".replace("-", "−"),
        "above 0",
    )

    nights_usd = overnight_usd(development, gaps_of(early), contract)
    worst = max(0.0, -round(float(nights_usd.min()), 2))
    most = gap_share * capital
    rows["gaps"] = (worst <= most, f"worst night −{worst:,.0f} USD", f"at most −{most:,.0f}")

    returns = evidence.strategy_returns(development)
    per_year = development._periods.per_year
    record = evidence.track_record(returns, per_year)
    if trials == 1:
        deflated = evidence.probabilistic_sharpe(record, trials=1)
    else:
        deflated = evidence.deflated_sharpe(record, trials=trials, trial_variance=trial_variance)
    rows["trials"] = (
        deflated.p_value_adjusted <= 0.05,
        f"p = {deflated.p_value_adjusted:.2f} after {counted}",
        "at most 0.05",
    )
    held = target[before].shift().iloc[1:]
    market = market_returns(early, gaps_of(early))
    luck = evidence.permutation_test(held, market, trials=trials, permutations=2_000, seed=seed)
    rows["luck"] = (
        luck.p_value_adjusted <= 0.05,
        f"p = {luck.p_value_adjusted:.2f} after {counted}",
        "at most 0.05",
    )

    engine = RiskEngine(limits, contract=contract)
    wanted = pd.Series(inputs.held(target[before], contracts), target[before].index)
    arguments = engine.in_front_of(wanted)
    backtest.run(early, capital=capital, roll_gap_points=gaps_of(early), **arguments, **costs)
    stopped = "stopped for good" if engine.is_stopped else "never stopped for good"
    rows["risk engine"] = (
        not engine.is_stopped,
        f"{stopped}, {len(engine.log)} answers cut",
        "never stopped for good",
    )

    new = evidence.strategy_returns(out_of_sample)
    sharpe, error = evidence.track_record(new, per_year).sharpe, sharpe_error(new, per_year)
    least = sharpe - _ONE_SIDED * error
    rows["out of sample"] = (
        least > 0,
        f"Sharpe ratio {sharpe:.2f} ± {error:.2f}".replace("-", "−"),
        "above 1.645 errors",
    )

    table = pd.DataFrame.from_dict(rows, orient="index", columns=["passed", "found", "needed"])
    ticks_usd = slippage_ticks * contract.tick_value
    stop = limits.stop_points
    planned = math.nan if stop is None else stop * contract.multiplier + 2 * (fee + ticks_usd)
    return Examination(
        table=table.astype({"passed": bool}),
        trials=trials,
        cost_usd=2 * (fee + ticks_usd),
        commission_usd=fee,
        sharpe=sharpe,
        sharpe_error=error,
        development_sharpe=record.sharpe,
        development_error=sharpe_error(returns, per_year),
        largest_gap_loss_usd=worst,
        planned_loss_usd=contracts * planned,
        contracts=contracts,
        development=development,
        out_of_sample=out_of_sample,
        engine=engine,
    )


def _moment(opened, index: pd.DatetimeIndex) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(opened)
    except (TypeError, ValueError):
        moment = pd.NaT
    if moment is pd.NaT or (moment.tz is None) != (index.tz is None):
        zone = "without a zone" if index.tz is None else f"with a zone, such as {index.tz}"
        raise ValueError(f"opened must be a time {zone}, as those of bars are, got {opened!r}")
    return moment
