"""From what the user gives to the arrays of the engine, or a refusal that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.backtest.account import Account
from m2k_lessons.backtest.bars import add_rolls, in_ticks, numbers, refuse, untradable
from m2k_lessons.contracts import Contract
from m2k_lessons.facts import fact, keys

FILLS = ("next_open", "next_close", "close")
UNITS_PER_USD = 10_000  # money is counted in hundredths of a cent

LATER = object()  # stands for a target that is not known yet

MOST_CONTRACTS = 100_000
MOST_CAPITAL_USD = 1_000_000_000
_MOST_MONEY = 2.0**61  # no sum of an account can leave 64 bits

# 0.29 * 100 is 28.999999999999996: such a product counts as the whole number it means.
_PRODUCT_NOISE = 1e-9


@dataclass(frozen=True)
class Instrument:
    """One contract of a run: its bars in ticks, its target position, and its terms."""

    symbol: str
    contract: Contract
    bars: pd.DataFrame
    prices: np.ndarray  # open, high, low, close, next roll, roll gap by bars, as in the kernels
    days: np.ndarray  # trade date of each bar, in days since 1970
    target: np.ndarray
    contracts: int | np.ndarray | Callable
    contracts_name: str
    tick_value: int
    commission: int
    slippage: int
    distances: np.ndarray  # stop and profit target by bars, or by 1, as in the kernels
    protection: int
    initial: int
    maintenance: int

    @property
    def closes(self) -> np.ndarray:
        return self.prices[3]

    @property
    def points(self) -> np.ndarray:
        """Change of the close from bar to bar, in ticks, without what a roll adds."""
        return np.diff(self.closes, prepend=self.closes[0]) - self.prices[5]

    def in_points(self, ticks):
        return ticks / self.contract._ticks_per_point


@dataclass(frozen=True)
class Settings:
    """What concerns the whole account, checked."""

    capital: int
    at_close: bool
    delay: int  # bars between the close that decides and the close that fills
    resize: bool
    roll_costs: bool


def instrument(
    symbol: str,
    bars,
    target,
    contract,
    *,
    names: Mapping[str, str],
    contracts,
    commission_usd,
    slippage_ticks,
    stop_points,
    take_profit_points,
    protection_points,
    margin,
    roll_gap_points,
) -> Instrument:
    """Check everything that belongs to one contract. `names` says how the user calls it.

    A sweep checks its bars before there is any `target`, and gives `LATER`.
    """
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    prices = in_ticks(names["bars"], bars, contract).T
    add_rolls(prices, names, bars, roll_gap_points, contract)
    initial, maintenance = _margin(names["margin"], margin, contract)
    found = Instrument(
        symbol=symbol,
        contract=contract,
        bars=bars,
        prices=prices,
        days=trade_days(bars.index),
        target=(
            np.zeros(0)
            if target is LATER
            else position_target(names["target"], target, names["bars"], bars.index)
        ),
        contracts_name=names["contracts"],
        contracts=_contracts(names["contracts"], contracts, names["bars"], bars.index),
        tick_value=_money(f"{symbol}'s tick value", contract.tick_value),
        commission=_commission(names["commission_usd"], commission_usd, contract),
        slippage=checks.whole(names["slippage_ticks"], slippage_ticks, at_least=0, at_most=10_000),
        distances=_distances(names, stop_points, take_profit_points, bars.index, contract),
        protection=_distance(names["protection_points"], protection_points, contract),
        initial=initial,
        maintenance=maintenance,
    )
    _check_size(found, names)
    return found


def settings(account: Account, instruments: list[Instrument]) -> Settings:
    """Check what concerns the whole account."""
    for name in ("resize", "roll_costs"):
        value = getattr(account, name)
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    capital = checks.number("capital", account.capital, above=0, at_most=MOST_CAPITAL_USD)
    amount = _money("capital", capital)
    smallest = min(instruments, key=lambda found: found.initial)
    if amount < smallest.initial:
        raise ValueError(
            f"capital must be at least the initial margin of one {smallest.symbol}, "
            f"{smallest.initial / UNITS_PER_USD:g} USD, got {account.capital!r}"
        )
    fill = checks.choice("fill", account.fill, FILLS)
    for found in instruments if fill == "next_open" else ():
        if reason := untradable(found.bars, found.prices):
            raise ValueError(
                f"fill must be 'next_close' or 'close' on these bars of {found.symbol}, got "
                f"'next_open': {reason}. (Where you know better: bars.attrs['opens'] = None)"
            )
    return Settings(
        capital=amount,
        at_close=fill != "next_open",
        delay=int(fill == "next_close"),
        resize=bool(account.resize),
        roll_costs=bool(account.roll_costs),
    )


def trade_days(index: pd.DatetimeIndex) -> np.ndarray:
    """Trade date of each bar, by the exchange's calendar, in days since 1970."""
    return sessions.trade_dates(index).to_numpy().astype("datetime64[D]").view(np.int64)


def target_positions(found: Instrument) -> np.ndarray:
    """The whole contracts to hold by the target of each close, where the size is known."""
    return held(found.target, found.contracts)


def held(target, contracts):
    """Whole contracts: `target * contracts` without its fraction.

    >>> held(np.array([0.29, -0.5]), np.array([100, 3]))
    array([29, -1])
    """
    exact = np.asarray(target) * contracts
    return (exact + np.copysign(_PRODUCT_NOISE, exact)).astype(np.int64)  # cuts the fraction off


def sized(found: Instrument, equity_usd: float, bar: int) -> int:
    """Ask the user's function how many contracts make a full position."""
    time = found.bars.index[bar]
    assert callable(found.contracts)
    answer = found.contracts(equity_usd, float(found.bars["close"].iat[bar]), time)
    asked = f"what {found.contracts_name} returns for {time}"
    return checks.whole(asked, answer, at_least=0, at_most=MOST_CONTRACTS)


# ---------------------------------------------------------------- target and size


def position_target(name: str, target, bars_name: str, index: pd.DatetimeIndex) -> np.ndarray:
    if isinstance(target, pd.Series) and pd.api.types.is_bool_dtype(target.dtype):
        target = target.astype("Float64" if target.hasnans else float)
    values = _aligned(name, target, bars_name, index)
    if not (np.abs(values) <= 1).all():
        refuse(
            ~np.isfinite(values),
            f"{name} must be a number in each row (0 while a strategy knows nothing yet)",
            target,
        )
        refuse(np.abs(values) > 1, f"{name} must lie in [-1, 1]", target)
    return values


def _contracts(name: str, contracts, bars_name: str, index: pd.DatetimeIndex):
    if isinstance(contracts, pd.Series):
        values = _aligned(name, contracts, bars_name, index)
        wrong = ~np.isfinite(values) | (values < 0) | (values > MOST_CONTRACTS)
        wrong |= values != np.rint(values)
        refuse(wrong, f"{name} must be whole numbers from 0 to {MOST_CONTRACTS}", contracts)
        return values.astype(np.int64)
    if callable(contracts):
        return contracts
    if not isinstance(contracts, Real):
        raise TypeError(
            f"{name} must be a whole number, a Series of them, or a function of "
            f"(equity_usd, price, time), got {contracts!r}"
        )
    return checks.whole(name, contracts, at_least=1, at_most=MOST_CONTRACTS)


def _aligned(name: str, series, bars_name: str, index: pd.DatetimeIndex) -> np.ndarray:
    if not isinstance(series, pd.Series):
        raise TypeError(f"{name} must be a Series on the index of {bars_name}, got {series!r}")
    if not series.index.equals(index):
        raise ValueError(
            f"{name} must have the index of {bars_name}, {span(index)}; got {span(series.index)}"
        )
    return numbers(name, series)


def span(index) -> str:
    if len(index) == 0:
        return "no rows"
    zone = getattr(index, "tz", None)
    return f"{len(index)} rows from {index[0]} to {index[-1]} ({zone or 'no time zone'})"


# ---------------------------------------------------------------- terms


def _commission(name: str, commission_usd, contract: Contract) -> int:
    if commission_usd is None:
        commission_usd = _known(name, f"course.commission.{contract.symbol}")
    return _money(name, checks.number(name, commission_usd, at_least=0, at_most=10_000))


def _margin(name: str, margin, contract: Contract) -> tuple[int, int]:
    """Initial and maintenance margin per contract."""
    if margin is None:
        pair = [
            _known(name, f"margin.{kind}.{contract.symbol}") for kind in ("initial", "maintenance")
        ]
    elif isinstance(margin, tuple):
        if len(margin) != 2:
            raise ValueError(f"{name} must be one number or (initial, maintenance), got {margin!r}")
        pair = [checks.number(name, usd, at_least=0, at_most=1_000_000) for usd in margin]
        if pair[1] > pair[0]:
            raise ValueError(f"{name} must have initial >= maintenance, got {margin!r}")
    else:
        initial = checks.number(name, margin, at_least=0, at_most=1_000_000)
        pair = [initial, round(initial / fact("margin.initial_over_maintenance").value, 2)]
    return _money(name, pair[0]), _money(name, pair[1])


def _known(name: str, key: str):
    if key not in keys():
        raise ValueError(f"{name} must be given: facts.toml has no {key!r}")
    return fact(key).value


def _distance(name: str, points, contract: Contract) -> int:
    if points is None:
        return 0
    return int(contract.ticks(checks.number(name, points, above=0, at_most=1_000_000)))


def _distances(names, stop_points, take_profit_points, index, contract: Contract) -> np.ndarray:
    """Stop and profit target in ticks, as the kernels have them."""
    rows = []
    given = (("stop_points", stop_points), ("take_profit_points", take_profit_points))
    for argument, points in given:
        name = names[argument]
        if not isinstance(points, pd.Series):
            rows.append(np.array([_distance(name, points, contract)]))
            continue
        values = _aligned(name, points, names["bars"], index)
        unknown = np.isnan(values)
        wrong = ~unknown & ~((values > 0) & (values <= 1_000_000))
        refuse(wrong, f"{name} must lie above 0 and at most at 1000000", points)
        ticks = np.rint(np.where(unknown, 1.0, values) * contract._ticks_per_point)
        rows.append(np.where(unknown, -1, np.maximum(ticks, 1)))
    table = np.empty((2, max(map(len, rows))), np.int64)
    table[0], table[1] = rows
    return table


def check_known(instruments: list[Instrument], bar: int, delay: int = 0) -> None:
    """Refuse a run that opened a trade without knowing how far its stop or profit target is."""
    if bar >= 0:
        raise ValueError(
            "stop_points and take_profit_points must be known where a trade is opened, got NaN "
            f"for the order of {instruments[0].bars.index[bar - delay]} (row {bar - delay})"
        )


def _check_size(found: Instrument, names: Mapping[str, str]) -> None:
    """Refuse prices and sizes whose sums of money could leave 64 bits."""
    opens, highs, _, closes = found.prices[:4]
    way = float(np.abs(closes - opens).sum() + np.abs(opens[1:] - closes[:-1]).sum())
    way += float(np.abs(found.prices[5]).sum() + 4 * found.slippage * len(opens))
    ticks = 2 * way + float(highs.max())
    most = MOST_CONTRACTS
    if not callable(found.contracts):
        most = int(np.max(found.contracts))
    each = ticks * found.tick_value + 4 * found.commission * len(opens)
    if each * most > _MOST_MONEY:
        raise ValueError(
            f"{names['bars']} and {names['contracts']} must keep the money that {found.symbol} can "
            f"win or lose within 64 bits of hundredths of a cent, got {each * most:.3g} of them "
            f"with {most:,} contracts at up to {found.in_points(int(highs.max())):,g} points"
        )


def _money(name: str, usd: float) -> int:
    units = round(usd * UNITS_PER_USD)
    if abs(units - usd * UNITS_PER_USD) > 1e-3:
        raise ValueError(f"{name} must be a whole number of hundredths of a cent, got {usd!r}")
    return units


def per_symbol(name: str, given: Any, symbols: list[str]) -> dict[str, Any]:
    """One value for each symbol, from one value for all or a mapping by symbol."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(symbols, given)
    if set(given) != set(symbols):
        raise ValueError(
            f"{name} must have one entry for each of {', '.join(map(repr, symbols))}, "
            f"got {', '.join(map(repr, given)) or 'none'}"
        )
    return dict(given)
