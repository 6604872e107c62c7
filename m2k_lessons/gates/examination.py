"""Seven gates for one rule, and the envelope that is opened once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import backtest, evidence
from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.gates.bars import commission_of, market_returns
from m2k_lessons.gates.costs import overnight_usd, round_turn_usd
from m2k_lessons.risk import Limits, RiskEngine

GATES = ("look-ahead", "costs", "gaps", "trials", "luck", "risk engine", "out of sample")

_ONE_SIDED = 1.645  # 5 % of a normal distribution lie beyond


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
    return evidence.track_record(returns, periods_per_year).standard_error


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
    gap_fraction: float = 0.02,
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
    gap_fraction : float
        Share of the capital that one overnight gap may lose.
    seed : int
        Of the permutations.

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
    trials = checks.whole("trials", trials, at_least=1)
    contracts = checks.whole("contracts", contracts, at_least=1)
    counted = f"{trials} trial{'s' if trials > 1 else ''}"
    gap_fraction = checks.number("gap_fraction", gap_fraction, above=0, at_most=1)
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
    fee = commission_of(contract, commission_usd)

    def gaps_of(part):
        gaps = roll_gap_points
        return None if gaps is None else gaps[gaps.index.isin(part.index)]

    rows = {}
    leak = ""
    try:
        backtest.assert_no_lookahead(rule, bars)
    except backtest.LookAheadError as error:
        leak = str(error)
    rows["look-ahead"] = (not leak, leak or "no target knew the future", "none in 40 cuts")
    target = rule(bars.copy())  # a rule that writes into its bars shall not change the market
    for part, when in ((early, "before"), (late, "after")):
        if np.ptp(target[part.index].to_numpy(dtype=float)) == 0:
            raise ValueError(
                f"rule must change its target at least once {when} opened ({opened}), got "
                f"{float(target[part.index].iloc[0])!r} in every bar"
            )

    def traded(part, times=1):
        return backtest.run(
            part,
            target[part.index],
            contract=contract,
            contracts=contracts,
            capital=capital,
            stop_points=limits.stop_points,
            commission_usd=times * fee,
            slippage_ticks=times * slippage_ticks,
            roll_gap_points=gaps_of(part),
        )

    development, out_of_sample = traded(early), traded(late)
    left_usd = float(traded(early, times=2).stats["Return [$]"])
    rows["costs"] = (
        left_usd > 0,
        f"{left_usd:,.0f} USD at twice the costs".replace("-", "−"),
        "above 0",
    )

    nights_usd = overnight_usd(development, gaps_of(early), contract)
    worst = max(0.0, -round(float(nights_usd.min()), 2))
    most = gap_fraction * capital
    rows["gaps"] = (worst <= most, f"worst night −{worst:,.0f} USD", f"at most −{most:,.0f}")

    returns = evidence.strategy_returns(development)
    per_year = development._periods.per_year
    record = evidence.track_record(returns, per_year)
    if trials == 1:
        deflated = evidence.probabilistic_sharpe(record, trials=1)
    else:
        deflated = evidence.deflated_sharpe(record, trials=trials, trial_variance=trial_variance)
    held = target[before].shift().iloc[1:]
    market = market_returns(early, gaps_of(early))
    luck = evidence.permutation_test(held, market, trials=trials, permutations=2_000, seed=seed)
    for gate, test in (("trials", deflated), ("luck", luck)):
        p_value = test.p_value_adjusted
        rows[gate] = (p_value <= 0.05, f"p = {p_value:.2f} after {counted}", "at most 0.05")

    engine = RiskEngine(limits, contract=contract)
    position = pd.Series(inputs.held(target[before], contracts), early.index)
    backtest.run(
        early,
        capital=capital,
        commission_usd=fee,
        slippage_ticks=slippage_ticks,
        roll_gap_points=gaps_of(early),
        **engine.in_front_of(position),
    )
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
    cost_usd = round_turn_usd(contract, fee, slippage_ticks)
    stop = limits.stop_points
    planned = math.nan if stop is None else stop * contract.multiplier + cost_usd
    return Examination(
        table=table.astype({"passed": bool}),
        trials=trials,
        cost_usd=cost_usd,
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
