"""Chapter 01."""

import pandas as pd

from m2k_lessons.contracts import M2K


def balance_from_the_opening(settlements, bought, number, deposit_usd):
    return deposit_usd + (settlements - bought) * M2K.multiplier * number


def balance_evening_by_evening(settlements, bought, number, deposit_usd):
    balance, before, balances = deposit_usd, bought, []
    for price in settlements:
        balance += (price - before) * 5 * number
        before = price
        balances.append(balance)
    return pd.Series(balances, index=settlements.index)


def balance_without_the_first(settlements, bought, number, deposit_usd):
    return deposit_usd + settlements.diff().fillna(0).cumsum() * 5 * number


def balance_in_points(settlements, bought, number, deposit_usd):
    return deposit_usd + (settlements - bought) * number


def balance_paid_twice(settlements, bought, number, deposit_usd):
    return deposit_usd + ((settlements - bought) * 5 * number).cumsum()


def balance_never_short(settlements, bought, number, deposit_usd):
    return deposit_usd + (settlements - bought) * 5 * abs(number)


SOLUTIONS = {
    "q7": (
        [balance_from_the_opening, balance_evening_by_evening],
        {
            balance_without_the_first: "The first evening pays, too",
            balance_in_points: "points as dollars",
            balance_paid_twice: "again every evening",
            balance_never_short: "leave `number` its sign",
        },
    ),
}
