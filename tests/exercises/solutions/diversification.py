"""Chapter 16."""

import numpy as np
import pandas as pd


def band_by_values(returns, goal, band):
    first, second, shares = goal, 1 - goal, []
    for day in returns.itertuples(index=False):
        first, second = first * (1 + day[0]), second * (1 + day[1])
        whole = first + second
        if abs(first / whole - goal) > band:
            first, second = goal * whole, (1 - goal) * whole
        shares.append(first / whole)
    return pd.Series(shares, index=returns.index)


def band_by_ratio(returns, goal, band):
    share = pd.Series(index=returns.index, dtype=float)
    last = goal
    for day, row in returns.iterrows():
        odds = last / (1 - last) * (1 + row.iloc[0]) / (1 + row.iloc[1])
        last = odds / (1 + odds)
        last = goal if abs(last - goal) > band else last
        share[day] = last
    return share


def band_never(returns, goal, band):
    growth = (1 + returns).cumprod()
    first = goal * growth.iloc[:, 0]
    return first / (first + (1 - goal) * growth.iloc[:, 1])


def band_daily(returns, goal, band):
    return pd.Series(float(goal), index=returns.index)


def band_to_the_edge(returns, goal, band):
    share, shares = goal, []
    for first, second in returns.to_numpy():
        grown = share * (1 + first)
        share = grown / (grown + (1 - share) * (1 + second))
        share = min(max(share, goal - band), goal + band)
        shares.append(share)
    return pd.Series(shares, index=returns.index)


def risk_by_matrix(weights, covariance):
    whole = weights.dot(covariance).dot(weights)
    return weights.mul(covariance.dot(weights)).div(whole)


def risk_by_loop(weights, covariance):
    parts = {}
    for name in weights.index:
        parts[name] = sum(
            weights[name] * weights[other] * covariance.loc[name, other] for other in weights.index
        )
    return pd.Series(parts) / sum(parts.values())


def risk_of_money(weights, covariance):
    return weights / weights.sum()


def risk_unrelated(weights, covariance):
    own = weights**2 * np.diag(covariance)
    return own / own.sum()


def risk_not_divided(weights, covariance):
    return weights * covariance.dot(weights)


SOLUTIONS = {
    "q8": (
        [band_by_values, band_by_ratio],
        {
            band_never: "never rebalances",
            band_daily: "rebalances every day",
            band_to_the_edge: "edge of the band",
        },
    ),
    "q9": (
        [risk_by_matrix, risk_by_loop],
        {
            risk_of_money: "share of the money",
            risk_unrelated: "as unrelated",
            risk_not_divided: "Divide them by the whole",
        },
    ),
}
