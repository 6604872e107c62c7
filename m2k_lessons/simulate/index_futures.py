"""Futures on a simulated index: contracts, rolls, carry and volume, on the contract's tick."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from m2k_lessons import contracts
from m2k_lessons.simulate import trading_volume

PRICES = ("open", "high", "low", "close")

# Contracts a day in an average market: the level for RTY is of the size seen in 2018 to 2026,
# the others are arbitrary.
_AVERAGE_VOLUME = {"M2K": 60_000, "RTY": 150_000, "MES": 900_000, "ES": 1_400_000}
_BASIS_NOISE = 0.6e-4  # of the price, three months before expiry; shrinks to nothing at expiry
_SPREAD_NOISE = 0.2e-4  # between two expiries of one index, of the price


def frames(truth, symbol, standard, days, path, stream, index):
    """All futures frames of one index, and its rolls."""
    contract = contracts.get_contract(symbol)
    codes, roll_days, last_days = _quarters(symbol, days)
    front = np.searchsorted(roll_days, days, side="right")
    expiring = np.searchsorted(last_days, days, side="left")
    basis_stream, spread_stream, volume_stream = stream.spawn(3)
    basis = _BASIS_NOISE * basis_stream.standard_normal((len(days), 2))
    spread = _SPREAD_NOISE * spread_stream.standard_normal((len(days), 2))

    def bars(held: np.ndarray) -> dict[str, np.ndarray]:
        remaining = (last_days[held] - days).astype(float)
        noise = basis + spread * (held - expiring)[:, None]
        noise = noise * np.sqrt(remaining / 91)[:, None]
        carried = np.exp(truth.carry * remaining / 365)
        ticks = {}
        for column, of in {"open": 0, "close": 1, "high": None, "low": None}.items():
            shift = noise.mean(axis=1) if of is None else noise[:, of]
            price = path[column] * carried * (1 + shift)
            ticks[column] = contract.ticks(contract.round_to_tick(price))
        settled = remaining == 0
        for column in ("high", "low", "close"):
            ticks[column] = np.where(settled, ticks["open"], ticks[column])
        ticks["high"] = np.maximum.reduce([ticks["high"], ticks["open"], ticks["close"]])
        ticks["low"] = np.minimum.reduce([ticks["low"], ticks["open"], ticks["close"]])
        return ticks

    def frame(ticks, volume, held=None) -> pd.DataFrame:
        # Whole ticks over ticks per point: the float nearest to the decimal price.
        data = {column: ticks[column] / contract._ticks_per_point for column in PRICES}
        data["volume"] = volume
        if held is not None:
            data["contract"] = np.asarray(codes)[held]
        return pd.DataFrame(data, index=index)

    held_bars, next_bars, expiring_bars = bars(front), bars(front + 1), bars(expiring)
    micro, big = _volumes(truth, symbol, standard, path, volume_stream)
    leaving = _share_of_next(days, roll_days[front])
    arriving = np.where(front > 0, _share_of_next(days, roll_days[np.maximum(front, 1) - 1]), 1.0)
    at_front, at_next = (1 - leaving) * arriving, leaving
    at_expiring = np.where(expiring == front, at_front, 1 - arriving)

    rolled = np.flatnonzero(np.diff(front)) + 1
    gaps = next_bars["close"][rolled - 1] - held_bars["close"][rolled - 1]
    later = np.zeros(len(days), dtype=np.int64)
    np.add.at(later, rolled - 1, gaps)
    later = np.cumsum(later[::-1])[::-1]
    continuous = {column: held_bars[column] + later for column in PRICES}
    if continuous["low"].min() <= 0:
        raise ValueError(
            "rate and dividend_yield in truth must leave back-adjusted prices above 0, "
            f"got {truth.rate!r} and {truth.dividend_yield!r} over {truth.years!r} years"
        )
    by_name = {
        symbol: frame(held_bars, _whole(micro * at_front), front),
        f"{symbol}_next": frame(next_bars, _whole(micro * at_next), front + 1),
        f"{symbol}_expiring": frame(expiring_bars, _whole(micro * at_expiring), expiring),
        f"{symbol}_continuous": frame(continuous, _whole(micro * at_front)),
        standard: frame(held_bars, _whole(big * at_front), front),
    }
    by_name[standard]["contract"] = [
        standard + code.removeprefix(symbol) for code in by_name[standard]["contract"]
    ]
    rolls = pd.DataFrame(
        {
            "symbol": pd.array([symbol] * len(rolled), dtype="str"),
            "from_contract": pd.array(np.asarray(codes)[front[rolled] - 1], dtype="str"),
            "to_contract": pd.array(np.asarray(codes)[front[rolled]], dtype="str"),
            "gap_points": gaps / contract._ticks_per_point,
        },
        index=index[rolled],
    )
    return by_name, rolls


def _quarters(symbol: str, days: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Codes, roll days and last trading days of all contracts a history needs, oldest first."""
    first, last = days[0].item(), days[-1].item()
    codes = []
    for year in range(first.year, last.year + 2):
        for month in contracts.MONTH_LETTERS:
            if (year, month) >= (first.year, first.month):
                codes.append(contracts.contract_code(symbol, year, month))
    rolls = np.array([contracts.roll_day(code) for code in codes], dtype="datetime64[D]")
    ends = np.array([contracts.last_trading_day(code) for code in codes], dtype="datetime64[D]")
    return codes, rolls, ends


def _share_of_next(days: np.ndarray, roll_days: np.ndarray) -> np.ndarray:
    """Part of the volume that is in the later of two contracts; a half on the roll day."""
    before = (roll_days - days).astype(float)
    return np.clip(1 / (1 + np.exp(np.clip(before, -60, 60) / 1.5)), 0.01, 0.99)


def _volumes(truth, symbol, standard, path, stream):
    """Contracts a day, micro and standard: busier on days of wide range, with a slow wave."""
    shared, own = stream.spawn(2)
    day, *noise = own.standard_normal((len(path["close"]), 3)).T
    variance = {"M2K": truth._variance_small, "MES": truth._variance_large}[symbol]
    busy = truth.volume_noise * day + trading_volume.log_activity(
        shared,
        path,
        math.sqrt(variance) / 100,
        on_range=truth.volume_on_range,
        on_return=truth.volume_on_return,
        wave=truth.volume_wave,
        kept=truth.volume_kept,
    )
    return (
        _AVERAGE_VOLUME[symbol] * np.exp(busy + 0.06 * noise[0]),
        _AVERAGE_VOLUME[standard] * np.exp(busy + 0.04 * noise[1]),
    )


def _whole(volume: np.ndarray) -> np.ndarray:
    return np.rint(volume).astype(np.int64)
