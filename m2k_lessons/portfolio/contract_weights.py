"""A portfolio in whole futures contracts, and brought back to its weights with them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.contracts import Contract, get_contract
from m2k_lessons.facts import fact
from m2k_lessons.portfolio.arguments import NOISE, RULES, table_of, targets_of, weights_of
from m2k_lessons.portfolio.rebalancing import rebalancing_rule


def whole_contracts(
    weights: pd.Series,
    equity_usd: float,
    prices: Mapping[str, float],
    contracts: Mapping[str, Contract | str],
    *,
    rounding: str = "down",
) -> pd.DataFrame:
    """Turn weights into contracts that come whole, and say what is left over.

    Parameters
    ----------
    weights : Series
        Share of the account that each future should stand for; a short position is negative.
    equity_usd : float
        The account, above 0.
    prices : mapping of str to float, or Series
        Points, by the names in `weights`.
    contracts : mapping of str to Contract or str
        Which contract stands for each name, such as ``{"small_caps": "M2K"}``.
    rounding : {"down", "nearest"}
        "down" goes towards zero and never beyond the weight; a half goes away from zero under
        "nearest".

    Returns
    -------
    DataFrame
        One row for each name: `contracts` (int), `one_usd` (what one contract stands for),
        `wanted_usd`, `held_usd`, `left_usd` (wanted less held), `weight` (what is really held).

    Examples
    --------
    >>> table = whole_contracts(
    ...     pd.Series({"small_caps": 0.3}), 100_000, {"small_caps": 2400.0}, {"small_caps": "M2K"}
    ... )
    >>> table.loc["small_caps", ["contracts", "held_usd", "left_usd"]].tolist()
    [2.0, 24000.0, 6000.0]
    """
    rounding = checks.choice("rounding", rounding, ("down", "nearest"))
    shares = weights_of("weights", weights)
    equity_usd = checks.number("equity_usd", equity_usd, above=0)
    chosen = _contracts(weights.index, contracts)
    checks.instance("prices", prices, (Mapping, pd.Series), "a mapping or a Series by name")
    rows = {}
    for (name, contract), share in zip(chosen.items(), shares, strict=True):
        if name not in prices:
            raise ValueError(f"prices must have {name!r}, got {[*prices.keys()]}")
        price = checks.number(f"prices[{name!r}]", prices[name], above=0)
        one_usd, wanted_usd = contract.notional(price), share * equity_usd
        number = _whole_number(wanted_usd / one_usd, rounding)
        rows[name] = {
            "contracts": number,
            "one_usd": one_usd,
            "wanted_usd": wanted_usd,
            "held_usd": number * one_usd,
            "left_usd": wanted_usd - number * one_usd,
            "weight": number * one_usd / equity_usd,
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"contracts": int})


def _whole_number(number: float, rounding: str) -> int:
    size = abs(number) * (1 + NOISE)  # 0.3 * 80_000 / 12_000 is 2 contracts, not 1.9999999
    return int(math.copysign(math.floor(size + (0.5 if rounding == "nearest" else 0)), number))


@dataclass(frozen=True)
class ContractPortfolio:
    """What `rebalance_contracts` did, row by row.

    Attributes
    ----------
    contracts : DataFrame of int
        Held of each name at the close, after the row's trades.
    gains_usd : DataFrame
        Of the contracts held over the row.
    interest_usd : Series
        On the account at the close before.
    traded : DataFrame of int
        Contracts bought (positive) and sold at the close.
    cost_usd : Series
        Commission and slippage, paid at the close.
    value_usd : Series
        The account at the close, after costs.
    weights : DataFrame
        Market value of the contracts held over the account.
    rebalanced : Index
        Rows with a trade after the first.
    equity_usd : float
        The money put in.
    """

    contracts: pd.DataFrame
    gains_usd: pd.DataFrame
    interest_usd: pd.Series
    traded: pd.DataFrame
    cost_usd: pd.Series
    value_usd: pd.Series
    weights: pd.DataFrame
    rebalanced: pd.Index
    equity_usd: float

    @property
    def returns(self) -> pd.Series:
        """Simple return of the account from close to close, after costs."""
        return self.value_usd.pct_change().iloc[1:].rename("return")


def rebalance_contracts(
    weights,
    prices: pd.DataFrame,
    contracts: Mapping[str, Contract | str],
    rule: str = "calendar",
    *,
    every="month",
    band: float = 0.05,
    pair: tuple[str, str] | None = None,
    window: int = 63,
    change: float = 0.2,
    equity_usd: float = 100_000.0,
    interest: pd.Series | None = None,
    commission_usd: float | None = None,
    slippage_ticks: float = 1.0,
    rounding: str = "nearest",
) -> ContractPortfolio:
    """Hold futures in whole contracts and bring them back to their weights by a stated rule.

    Parameters
    ----------
    weights : Series, or DataFrame on the index of prices
        Share of the account that each future stands for, at least zero; what they leave out of
        one is cash. Of a DataFrame, row t is what is known at the close of row t.
    prices : DataFrame
        Points by name, above zero, no unknown value, without the jumps of a roll.
    contracts : mapping of str to Contract or str
        Which contract stands for each name.
    rule, every, band, pair, window, change
        As in `rebalance`. A band narrower than half a contract is met by no whole number: the
        rule then asks each day, and nothing is traded.
    equity_usd : float
        The account in the beginning.
    interest : Series, optional
        Simple return of cash by row, earned by the whole account; none when omitted.
    commission_usd : float, optional
        A contract and side; the course's assumption for each contract when omitted.
    slippage_ticks : float
        A contract and side.
    rounding : {"nearest", "down"}
        As in `whole_contracts`.

    Raises
    ------
    TypeError, ValueError
        Unknown values, other names, a rule's argument out of range, an account that is used up
        (futures can lose more than it holds).

    Notes
    -----
    Money is kept in whole cents; money put in + gains + interest - costs = account, exactly.

    Examples
    --------
    >>> prices = pd.DataFrame({"small_caps": [2400.0, 2400.0, 2640.0, 2640.0]})
    >>> held = rebalance_contracts(
    ...     pd.Series({"small_caps": 0.6}), prices, {"small_caps": "M2K"}, "never",
    ...     equity_usd=40_000, commission_usd=0.85,
    ... )
    >>> held.contracts["small_caps"].tolist(), held.cost_usd.iloc[0], held.value_usd.iloc[-1]
    ([2, 2, 2, 2], np.float64(2.7), np.float64(42397.3))
    """
    rule = checks.choice("rule", rule, RULES)
    rounding = checks.choice("rounding", rounding, ("nearest", "down"))
    numbers = table_of("prices", prices, at_least=2)
    series.check_order("prices", prices.index)
    if (numbers <= 0).any():
        raise ValueError(f"prices must be above zero, got {float(numbers.min())}")
    chosen = list(_contracts(prices.columns, contracts).values())
    targets = targets_of(weights, prices, whole=False)
    returns = prices.pct_change().iloc[1:]
    terms = {"every": every, "band": band, "pair": pair, "window": window, "change": change}
    due = rebalancing_rule(rule, prices, **terms, returns=returns)
    equity_usd = checks.number("equity_usd", equity_usd, at_least=1, at_most=1e12)
    slippage_ticks = checks.number("slippage_ticks", slippage_ticks, at_least=0)
    side_cents = [
        100 * (_commission_usd(contract, commission_usd) + slippage_ticks * contract.tick_value)
        for contract in chosen
    ]
    earned = _interest(interest, prices.index)

    points, wanted = numbers.tolist(), targets.tolist()
    multipliers = [contract.multiplier for contract in chosen]
    one_usd = [[p * m for p, m in zip(row, multipliers, strict=True)] for row in points]
    account = round(100 * equity_usd)
    number = [0] * len(chosen)
    rows: dict[str, list] = {"number": [], "gains": [], "interest": [], "cost": [], "value": []}
    rebalanced, decided, last = [], True, 0
    for row in range(len(points)):
        gains, bearing, cost = [0] * len(number), 0, 0
        if row:
            moved = zip(number, one_usd[row], one_usd[row - 1], strict=True)
            gains = [round(100 * n * (now - then)) for n, now, then in moved]
            bearing = round(account * earned[row])
            account += sum(gains) + bearing
        if account <= 0:
            raise ValueError(
                f"equity_usd must outlast the losses, the account stood at {account / 100:,.2f} "
                f"USD at {prices.index[row]}"
            )
        if decided:
            per_contract = zip(wanted[max(row - 1, 0)], one_usd[row], strict=True)
            new = [_whole_number(w * account / 100 / usd, rounding) for w, usd in per_contract]
            sides = (abs(a - b) * c for a, b, c in zip(new, number, side_cents, strict=True))
            cost = round(sum(sides))
            account -= cost
            if new != number and row:
                rebalanced.append(row)
            number, last = new, row
        held_usd = [n * usd for n, usd in zip(number, one_usd[row], strict=True)]
        decided = due(row, held_usd, wanted[row], last, account / 100)
        for name, value in zip(rows, (number, gains, bearing, cost, account), strict=True):
            rows[name].append(value)
    as_table = {"index": prices.index, "columns": prices.columns}
    held = np.array(rows["number"])
    usd = {
        name: pd.Series(np.array(rows[name]) / 100, index=prices.index, name=f"{name}_usd")
        for name in ("interest", "cost", "value")
    }
    return ContractPortfolio(
        contracts=pd.DataFrame(held, **as_table),
        gains_usd=pd.DataFrame(np.array(rows["gains"]) / 100, **as_table),
        interest_usd=usd["interest"],
        traded=pd.DataFrame(np.diff(held, axis=0, prepend=0 * held[:1]), **as_table),
        cost_usd=usd["cost"],
        value_usd=usd["value"],
        weights=pd.DataFrame(held * np.array(one_usd), **as_table).div(usd["value"], axis=0),
        rebalanced=prices.index[rebalanced],
        equity_usd=round(100 * equity_usd) / 100,
    )


def _contracts(names: pd.Index, contracts) -> dict[str, Contract]:
    checks.instance("contracts", contracts, Mapping, "a mapping such as {'small_caps': 'M2K'}")
    missing = [name for name in names if name not in contracts]
    if missing:
        raise ValueError(f"contracts must have {missing[0]!r}, got {[*contracts]}")
    chosen = {name: contracts[name] for name in names}
    return {
        name: contract if isinstance(contract, Contract) else get_contract(contract)
        for name, contract in chosen.items()
    }


def _commission_usd(contract: Contract, given: float | None) -> float:
    if given is not None:
        return checks.number("commission_usd", given, at_least=0)
    try:
        return float(fact(f"course.commission.{contract.symbol}").value)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"commission_usd must be given for {contract.symbol}, the course has none for it"
        ) from error


def _interest(interest, index: pd.Index) -> list[float]:
    if interest is None:
        return [0.0] * len(index)
    checks.instance("interest", interest, pd.Series, "a Series by row")
    if not interest.index.equals(index):
        raise ValueError("interest must have the same index as prices")
    return table_of("interest", interest.to_frame("interest"), at_least=1)[:, 0].tolist()
