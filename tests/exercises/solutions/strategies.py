"""Chapter 05."""

import numpy as np
import pandas as pd


def threshold_by_loop(close, buy_above, sell_below):
    held = 0.0
    out = close * 0.0
    for day in range(len(close)):
        if close.iloc[day] > buy_above:
            held = 1.0
        if close.iloc[day] < sell_below:
            held = 0.0
        out.iloc[day] = held
    return out


def threshold_filled_forward(close, buy_above, sell_below):
    decided = pd.Series(np.nan, index=close.index)
    decided[close > buy_above] = 1.0
    decided[close < sell_below] = 0.0
    return decided.ffill().fillna(0.0)


def threshold_without_memory(close, buy_above, sell_below):
    return (close > buy_above) * 1.0


def threshold_never_out(close, buy_above, sell_below):
    held, out = 0.0, []
    for price in close:
        if price > buy_above:
            held = 1.0
        out.append(held)
    return pd.Series(out, index=close.index)


def threshold_at_the_price(close, buy_above, sell_below):
    held, out = 0.0, []
    for price in close:
        if price >= buy_above:
            held = 1.0
        elif price <= sell_below:
            held = 0.0
        out.append(held)
    return pd.Series(out, index=close.index)


def costs_in_two_lines(close, position, side_usd):
    before = position.shift(fill_value=0.0)
    return before * (close - close.shift()).fillna(0) * 5 - (position - before).abs() * side_usd


def costs_by_loop(close, position, side_usd):
    held, last, days = 0.0, close.iloc[0], []
    for price, wanted in zip(close, position, strict=False):
        days.append(held * (price - last) * 5 - abs(wanted - held) * side_usd)
        held, last = wanted, price
    return pd.Series(days, index=close.index)


def costs_unshifted(close, position, side_usd):
    traded = position.diff().fillna(position).abs()
    return position * close.diff().fillna(0) * 5 - traded * side_usd


def costs_first_free(close, position, side_usd):
    gain = position.shift().fillna(0) * close.diff().fillna(0) * 5
    return gain - position.diff().abs().fillna(0) * side_usd


def costs_once(close, position, side_usd):
    gain = position.shift().fillna(0) * close.diff().fillna(0) * 5
    return gain - (position != position.shift().fillna(0)) * side_usd


SOLUTIONS = {
    "q8": (
        [threshold_by_loop, threshold_filled_forward],
        {
            threshold_without_memory: "it has to be remembered",
            threshold_never_out: "never gets out again",
            threshold_at_the_price: "Above and below, not equal",
        },
    ),
    "q9": (
        [costs_in_two_lines, costs_by_loop],
        {
            costs_unshifted: "The shift is missing",
            costs_first_free: "first purchase is free",
            costs_once: "two contracts are traded",
        },
    ),
}
