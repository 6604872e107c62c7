"""Chapter 03."""

import pandas as pd


def costs_by_columns(trades, round_turn_usd):
    gross_usd = 5 * trades["number"] * (trades["sold_or_bought_back"] - trades["opened"])
    return gross_usd - round_turn_usd * trades["number"].abs()


def costs_by_rows(trades, round_turn_usd):
    found = []
    for row in trades.itertuples():
        points = row.sold_or_bought_back - row.opened
        found.append(5 * points * row.number - abs(row.number) * round_turn_usd)
    return pd.Series(found, index=trades.index, dtype=float)


def costs_signed(trades, round_turn_usd):
    points = trades["sold_or_bought_back"] - trades["opened"]
    return trades["number"] * (5 * points - round_turn_usd)


def costs_once(trades, round_turn_usd):
    points = trades["sold_or_bought_back"] - trades["opened"]
    return points * 5 * trades["number"] - round_turn_usd


def costs_in_points(trades, round_turn_usd):
    points = trades["sold_or_bought_back"] - trades["opened"]
    return points * trades["number"] - trades["number"].abs() * round_turn_usd


SOLUTIONS = {
    "q5": (
        [costs_by_columns, costs_by_rows],
        {
            costs_signed: "A short trade pays costs, too",
            costs_once: "Each contract pays one",
            costs_in_points: "The multiplier is missing",
        },
    ),
}
