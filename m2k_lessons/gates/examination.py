"""Eight gates for one rule, and the envelope that is opened once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import backtest, evidence
from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs
from m2k_lessons.backtest.bars import check_index
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.gates.bars import commission_of, market_returns
from m2k_lessons.gates.costs import overnight_usd, round_turn_usd
from m2k_lessons.gates.trials import luck_of_all, sharpe_difference, sharpe_error
from m2k_lessons.risk import Limits, RiskEngine
from m2k_lessons.sweep.grid import takes_bars

GATES = (
    "look-ahead",
    "costs",
    "gaps",
    "trials",
    "luck",
    "risk engine",
    "out of sample",
    "benchmark",
)

_ONE_SIDED = 1.645  # 5 % of a normal distribution lie beyond


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
        Annual, of the years after `opened`; NaN if the rule never traded there.
    development_sharpe, development_error : float
        The same of the years before.
    largest_gap_loss_usd : float
        Above 0; 0 if no night lost anything. Development years. NaN where opens are no prices.
    planned_loss_usd : float
        All contracts at their stops, costs included; NaN without a stop.
    contracts : int
    beyond_benchmark, beyond_error : float
        Sharpe ratio less that of holding, after `opened`, and its paired error.
    development, out_of_sample, benchmark : backtest.Result
        The last one is holding, in the years after `opened`.
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
    beyond_benchmark: float
    beyond_error: float
    development: backtest.Result
    out_of_sample: backtest.Result
    benchmark: backtest.Result
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
    tried: pd.DataFrame | None = None,
    contracts: int,
    capital: float,
    limits: Limits,
    contract: Contract = M2K,
    commission_usd: float | None = None,
    slippage_ticks: int = 1,
    roll_gap_points: pd.Series | None = None,
    fill: str = "next_open",
    of: str = "bars",
    gap_fraction: float = 0.02,
    seed: int = 0,
) -> Examination:
    """Put one rule with one setting through every gate.

    Whatever can be refused is refused before a bar after `opened` is traded. From then on a gate
    that can't be asked has failed, and says why.

    Parameters
    ----------
    rule : function
        Takes bars (or what `of` says), returns a target from -1 to 1 on their index, known at
        each close. It must use no other prices: the look-ahead gate can change only those that
        it hands over.
    bars : DataFrame
        As in `backtest.run`. The rule sees all of them, so that it is warm when `opened` comes.
    opened : time
        First moment of the out-of-sample part.
    trials : int
        Rules and settings whose result on the development years was looked at, by any way.
    trial_variance : float
        Variance of their annual Sharpe ratios.
    tried : DataFrame, optional
        What each trial wanted to hold, as `trial_targets` returns it: then days are shuffled for
        all of them at once, and trials that resemble one another count for less.
    contracts : int
        A full position.
    capital : float
        USD at the beginning of each part.
    limits : Limits
        Of the risk engine, without a volatility target. Their stop, if any, is used in every
        backtest here.
    contract, commission_usd, slippage_ticks, roll_gap_points
        As in `backtest.run`.
    fill : {"next_open", "next_close"}
        As in `backtest.run`. Bars of an index need "next_close": their opens are no prices.
    of : {"bars", "close"}
        What `rule` is given, whatever it calls it.
    gap_fraction : float
        Share of the capital that one overnight gap may lose.
    seed : int
        Of the permutations.

    Raises
    ------
    ValueError, TypeError
        As `backtest.run`; `opened` outside the bars; a rule whose targets are none.

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
    trials = checks.whole("trials", trials, at_least=1)
    contracts = checks.whole("contracts", contracts, at_least=1)
    trial_variance = _variance(trial_variance)
    gap_fraction = checks.number("gap_fraction", gap_fraction, above=0, at_most=1)
    fill = checks.choice("fill", fill, ("next_open", "next_close"))
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(f"bars must be a DataFrame, got a {type(bars).__name__}")
    check_index("bars", bars.index)
    before = bars.index < _moment(opened, bars.index)
    if not 10 < before.sum() < len(bars) - 10:
        raise ValueError(
            f"opened must leave more than 10 bars on either side of it, got {opened!r} for "
            f"{bars.index[0]} to {bars.index[-1]}"
        )
    early, late = bars[before], bars[~before]
    fee = commission_of(contract, commission_usd)

    def gaps_of(part):
        gaps = roll_gap_points
        return None if gaps is None else gaps[gaps.index.isin(part.index)]

    def traded(part, target, **changes):
        terms = {
            "contract": contract,
            "contracts": contracts,
            "capital": capital,
            "stop_points": limits.stop_points,
            "commission_usd": fee,
            "slippage_ticks": slippage_ticks,
            "roll_gap_points": gaps_of(part),
            "fill": fill,
        }
        return backtest.run(part, target, **terms | changes)

    # Both parts once with nothing held: what is wrong with bars and money is said here.
    for part in (early, late):
        traded(part, pd.Series(0.0, part.index))
    given = bars if takes_bars(rule, of) else bars["close"]
    leak = ""
    try:
        backtest.assert_no_lookahead(rule, given)
    except backtest.LookAheadError as error:
        leak = str(error)
    target = rule(given.copy())  # a rule that writes into its bars shall not change the market
    values = inputs.position_target("what rule returns", target, "bars", bars.index)
    target = pd.Series(values, bars.index)
    tried = _held_by_trials(tried, early, trials, contracts)
    rows = {"look-ahead": (not leak, leak or "no target knew the future", "none in 40 cuts")}

    development = traded(early, target[before])
    idle = "" if development.position.any() else "never traded in the development years"
    dearer = traded(
        early, target[before], commission_usd=2 * fee, slippage_ticks=2 * slippage_ticks
    )
    left_usd = float(dearer.stats["Return [$]"])
    rows["costs"] = (
        left_usd > 0,
        idle or f"{left_usd:,.0f} USD at twice the costs".replace("-", "−"),
        "above 0",
    )

    most = gap_fraction * capital
    if development.gaps_known:
        nights_usd = overnight_usd(development, gaps_of(early), contract)
        worst = max(0.0, -round(float(nights_usd.min()), 2))
        told = idle or f"worst night −{worst:,.0f} USD"
    else:
        worst, told = math.nan, "unknown: the opens of these bars are no prices"
    rows["gaps"] = (worst <= most and not idle, told, f"at most −{most:,.0f}")

    returns, per_year = _returns(development), development._periods.per_year
    held = inputs.held(target[before], contracts) / contracts
    held = pd.Series(held, early.index).shift(1 + (fill == "next_close")).fillna(0.0).iloc[1:]
    if tried is not None:
        tried = tried.shift(1 + (fill == "next_close")).fillna(0.0).iloc[1:]
    market = market_returns(early, gaps_of(early))
    tests = {
        "trials": lambda: _deflated(returns, per_year, trials, trial_variance),
        "luck": lambda: luck_of_all(held, tried, market, trials=trials, seed=seed),
    }
    counted = f"{trials} trial{'s' if trials > 1 else ''}"
    for gate, test in tests.items():
        try:
            p_value, told = test(), ""
        except ValueError as error:  # a question that can't be asked of these returns
            p_value, told = math.nan, f"can't be asked: {error}"
        told = idle or told or f"p = {p_value:.2f} after {counted}"
        rows[gate] = (p_value <= 0.05 and not idle, told, "at most 0.05")

    engine = RiskEngine(limits, contract=contract)
    position = pd.Series(inputs.held(target[before], contracts), early.index)
    traded(early, **{"stop_points": None} | engine.in_front_of(position))
    stopped = "stopped for good" if engine.is_stopped else "never stopped for good"
    rows["risk engine"] = (
        not engine.is_stopped,
        f"{stopped}, {len(engine.log)} answers cut",
        "never stopped for good",
    )

    out_of_sample = traded(late, target[~before])
    new = _returns(out_of_sample)
    sharpe, error = _ratio(new, per_year)
    told = f"Sharpe ratio {sharpe:.2f} ± {error:.2f}".replace("-", "−")
    if not out_of_sample.position.any():
        told = f"never traded in {len(late):,} bars"
    rows["out of sample"] = (sharpe > _ONE_SIDED * error, told, "above 1.645 errors")

    benchmark = traded(late, pd.Series(1.0, late.index), stop_points=None)
    holding = _returns(benchmark)
    beyond, beyond_error = math.nan, math.nan
    if math.isfinite(error) and np.ptp(holding.to_numpy()) > 0:
        beyond, beyond_error = sharpe_difference(new, holding, per_year)
        told = f"{beyond:+.2f} ± {beyond_error:.2f} beside holding".replace("-", "−")
    rows["benchmark"] = (beyond > _ONE_SIDED * beyond_error > 1e-9, told, "above 1.645 errors")

    table = pd.DataFrame.from_dict(rows, orient="index", columns=["passed", "found", "needed"])
    cost_usd = round_turn_usd(contract, fee, slippage_ticks)
    stop = limits.stop_points
    planned = math.nan if stop is None else stop * contract.multiplier + cost_usd
    development_sharpe, development_error = _ratio(returns, per_year)
    return Examination(
        table=table.astype({"passed": bool}),
        trials=trials,
        cost_usd=cost_usd,
        commission_usd=fee,
        sharpe=sharpe,
        sharpe_error=error,
        development_sharpe=development_sharpe,
        development_error=development_error,
        largest_gap_loss_usd=worst,
        planned_loss_usd=contracts * planned,
        contracts=contracts,
        beyond_benchmark=beyond,
        beyond_error=beyond_error,
        development=development,
        out_of_sample=out_of_sample,
        benchmark=benchmark,
        engine=engine,
    )


def _variance(given) -> float:
    """A number at least 0, or NaN: a single setting, and settings that never trade, have none."""
    if isinstance(given, (float, np.floating)) and math.isnan(given):
        return math.nan
    return checks.number("trial_variance", given, at_least=0)


def _held_by_trials(tried, early: pd.DataFrame, trials: int, contracts: int):
    """What every trial would have held, as shares of a full position."""
    if tried is None:
        return None
    if not isinstance(tried, pd.DataFrame) or not early.index.isin(tried.index).all():
        raise TypeError(
            "tried must be a DataFrame with a column for each trial on the bars before opened, "
            f"got a {type(tried).__name__}"
        )
    if tried.shape[1] > trials:
        raise ValueError(f"trials must count every column of tried, {tried.shape[1]}, got {trials}")
    tried = tried.loc[early.index]
    for column, target in tried.items():
        inputs.position_target(f"tried[{column!r}]", target, "bars", early.index)
    held = inputs.held(tried.to_numpy(), contracts) / contracts
    return pd.DataFrame(held, early.index, tried.columns)


def _returns(result: backtest.Result) -> pd.Series:
    """Returns of the account; of its first capital, where it went to zero or below."""
    level = result.equity["Equity"].iloc[result._periods.bars]
    if level.min() > 0:
        return evidence.strategy_returns(result)
    return level.diff().iloc[1:] / result.capital


def _ratio(returns: pd.Series, per_year: float) -> tuple[float, float]:
    """Sharpe ratio and error; NaN of an account that never changed."""
    if np.ptp(returns.to_numpy()) == 0:
        return math.nan, math.nan
    return evidence.track_record(returns, per_year).sharpe, sharpe_error(returns, per_year)


def _deflated(returns, per_year: float, trials: int, variance: float) -> float:
    record = evidence.track_record(returns, per_year)
    if trials == 1:
        return evidence.probabilistic_sharpe(record, trials=1).p_value_adjusted
    if math.isnan(variance):
        raise ValueError("the trials' Sharpe ratios have no variance; try two settings or more")
    found = evidence.deflated_sharpe(record, trials=trials, trial_variance=variance)
    return found.p_value_adjusted


def _moment(opened, index: pd.DatetimeIndex) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(opened)
    except (TypeError, ValueError):
        moment = pd.NaT
    if moment is pd.NaT or (moment.tz is None) != (index.tz is None):
        zone = "without a zone" if index.tz is None else f"with a zone, such as {index.tz}"
        raise ValueError(f"opened must be a time {zone}, as those of bars are, got {opened!r}")
    return moment
