"""What industries contribute to the index."""

import datetime as dt
import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.facts import fact
from m2k_lessons.fundamentals.data import check_complete

_WHOLE = 1e-6  # how far weights may sum from one: rounding of printed weights is not this small


class SectorShock(NamedTuple):
    """What a move of one sector does to the index and to a position.

    `weight_pct` of the sector; `index_pct` and `index_points` the index moves; `usd`, profit or
    loss of the position.
    """

    sector: str
    weight_pct: float
    index_pct: float
    index_points: float
    usd: float


def sector_weights(on: str | dt.date | None = None) -> pd.Series:
    """Weights of the sectors in the Russell 2000, from the course's dated facts.

    Parameters
    ----------
    on : date, optional
        The newest weights not after this day; the newest of all when omitted.

    Returns
    -------
    Series
        Shares of 1 by name of the sector, summing to 1; ``attrs`` has `as_of`, `source` and
        `confidence` ("C": one secondary source). "Other" is what is left over.

    Examples
    --------
    >>> weights = sector_weights()
    >>> weights.idxmax(), round(float(weights.sum()), 9), weights.attrs["confidence"]
    ('Financials', 1.0, 'C')
    """
    dated = fact("index.sector_weights_pct", on=on)
    weights = pd.Series(dated.value, dtype=float, name="weight").rename_axis("sector") / 100
    weights.attrs = {
        "as_of": dated.as_of.isoformat(),
        "source": dated.source,
        "confidence": dated.confidence,
    }
    return weights


def sector_contribution(weights: pd.Series, returns_pct):
    """How much each sector adds to the move of the index.

    Parameters
    ----------
    weights : Series
        Shares of 1 at the start, by sector.
    returns_pct : Series or DataFrame
        % by sector; or one column for each sector and one row for each period in turn, over
        which the shares drift with their prices (nobody rebalances).

    Returns
    -------
    Series or DataFrame
        Percentage points of the index's level at the start, in the form of `returns_pct`: all of
        them together are the index's move.

    Raises
    ------
    TypeError, ValueError
        Weights that do not sum to one or are negative, sectors that are not those of the
        weights, unknown returns, or a fall by more than 100 %.

    Examples
    --------
    >>> weights = pd.Series({"Banks": 0.6, "Shops": 0.4})
    >>> sector_contribution(weights, pd.Series({"Banks": -2.0, "Shops": 1.0})).to_dict()
    {'Banks': -1.2, 'Shops': 0.4}
    """
    weights = _checked_weights(weights)
    if isinstance(returns_pct, pd.Series):
        returns = _checked_returns(weights, returns_pct, returns_pct.index)
        return (weights * returns.reindex(weights.index)).rename("contribution_pct")
    checks.instance("returns_pct", returns_pct, pd.DataFrame, "a Series or a DataFrame")
    returns = _checked_returns(weights, returns_pct, returns_pct.columns)[weights.index]
    series.check_order("returns_pct", returns.index)
    level_before = (1 + returns / 100).cumprod().shift(fill_value=1.0)
    return weights * level_before * returns


def attribution(weights: pd.Series, returns_pct, index_pct: float | None = None) -> pd.DataFrame:
    """Take the move of the index apart into what its sectors did.

    Parameters
    ----------
    weights : Series
        Shares of 1 at the start, by sector.
    returns_pct : Series or DataFrame
        As in `sector_contribution`.
    index_pct : float, optional
        The index's own move, in %. What the sectors do not explain of it (weights that are old,
        returns that are rounded) comes as a row "unexplained".

    Returns
    -------
    DataFrame
        One row for each sector, largest contribution first: `weight`, `return_pct`,
        `contribution_pct`. The last column sums to the index's move.

    Raises
    ------
    TypeError, ValueError
        As `sector_contribution`; or a sector called "unexplained".

    Examples
    --------
    >>> weights = pd.Series({"Banks": 0.6, "Shops": 0.4})
    >>> moves = pd.Series({"Banks": -2.0, "Shops": 1.0})
    >>> attribution(weights, moves, index_pct=-0.9)["contribution_pct"].round(3).to_dict()
    {'Shops': 0.4, 'Banks': -1.2, 'unexplained': -0.1}
    """
    contribution = sector_contribution(weights, returns_pct)
    if isinstance(returns_pct, pd.DataFrame):
        total_return = 100 * ((1 + returns_pct / 100).prod() - 1)
        contribution = contribution.sum()
    else:
        total_return = returns_pct
    table = pd.DataFrame(
        {"weight": weights, "return_pct": total_return, "contribution_pct": contribution}
    ).loc[weights.index]
    table = table.sort_values("contribution_pct", ascending=False, kind="stable")
    if index_pct is None:
        return table
    if "unexplained" in table.index:
        raise ValueError("weights must not call a sector 'unexplained'")
    # fsum: what is written off as unexplained is no rounding of ours.
    rest = checks.number("index_pct", index_pct) - math.fsum(table["contribution_pct"])
    table.loc["unexplained"] = [0.0, np.nan, rest]
    return table


def sector_shock(
    weights: pd.Series,
    sector: str,
    shock_pct: float,
    price: float,
    contract: Contract = M2K,
    contracts: int = 1,
    *,
    others_follow: float = 0.0,
) -> SectorShock:
    """Carry a move of one sector to the index, to points and to dollars.

    Parameters
    ----------
    weights : Series
        Shares of 1, by sector.
    sector : str
        One of them.
    shock_pct : float
        Its move in %, at least -100.
    price : float
        Of the index and the future, in points.
    contract : Contract
    contracts : int
        Held; negative when short.
    others_follow : float
        Share of the shock, -1 to 1, that every other sector makes too: 0, they stand still.

    Returns
    -------
    SectorShock
        The basis is taken to stay, so the future moves by as many points as the index; not
        rounded to ticks.

    Examples
    --------
    >>> round(sector_shock(sector_weights(), "Financials", -10, price=2400.0).usd, 2)
    -223.8
    """
    weights = _checked_weights(weights)
    checks.choice("sector", sector, weights.index)
    shock_pct = checks.number("shock_pct", shock_pct, at_least=-100)
    price = checks.number("price", price, above=0)
    checks.instance("contract", contract, Contract, "a Contract such as contracts.M2K")
    contracts = checks.whole("contracts", contracts)
    others_follow = checks.number("others_follow", others_follow, at_least=-1, at_most=1)
    weight = float(weights[sector])
    index_pct = shock_pct * (weight + others_follow * (1 - weight))
    points = price * index_pct / 100
    usd = points * contract.multiplier * contracts
    return SectorShock(sector, 100 * weight, index_pct, points, usd)


def _checked_weights(weights) -> pd.Series:
    checks.instance("weights", weights, pd.Series, "a Series by sector, such as sector_weights()")
    _refuse_twice("weights", weights.index)
    if weights.dtype.kind not in "iuf":
        raise TypeError(f"weights must hold numbers, got {weights.dtype}")
    check_complete("weights", weights)
    series.refuse_rows("weights", weights, weights < 0, "not be negative")
    total = math.fsum(weights)
    if abs(total - 1) > _WHOLE:
        hint = "; are these per cent? Divide by 100" if abs(total - 100) < 1 else ""
        raise ValueError(f"weights must sum to 1, got {total:.6g}{hint}")
    return weights.astype(float)


def _checked_returns(weights: pd.Series, returns_pct, sectors: pd.Index):
    _refuse_twice("returns_pct", sectors)
    unknown, missing = sectors.difference(weights.index), weights.index.difference(sectors)
    if len(unknown):
        raise ValueError(
            f"returns_pct must be for the sectors {checks.listed(weights.index)}, "
            f"got {unknown[0]!r}"
        )
    if len(missing):
        raise ValueError(f"returns_pct must have every sector, got nothing for {missing[0]!r}")
    numbers = returns_pct.to_numpy(dtype=float)
    if not np.isfinite(numbers).all() or (numbers < -100).any():
        raise ValueError("returns_pct must hold finite numbers, at least -100, for every sector")
    return returns_pct.astype(float)


def _refuse_twice(name: str, sectors: pd.Index) -> None:
    if sectors.has_duplicates:
        twice = sectors[sectors.duplicated()][0]
        raise ValueError(f"{name} must have each sector once, got {twice!r} twice")
