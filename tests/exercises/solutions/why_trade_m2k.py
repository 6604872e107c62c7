"""Chapter 02."""

import numpy as np


def beta_by_pandas(stocks, index):
    y, x = stocks.pct_change(), index.pct_change()
    return y.cov(x) / x.var()


def beta_by_regression(stocks, index):
    x = index.pct_change().to_numpy()[1:]
    y = stocks.pct_change().to_numpy()[1:]
    return np.polyfit(x, y, 1)[0]


def beta_turned(stocks, index):
    y, x = stocks.pct_change(), index.pct_change()
    return y.cov(x) / y.var()


def beta_of_prices(stocks, index):
    return np.polyfit(index, stocks, 1)[0]


def beta_as_correlation(stocks, index):
    return np.corrcoef(stocks.pct_change()[1:], index.pct_change()[1:])[0, 1]


SOLUTIONS = {
    "q7": (
        [beta_by_pandas, beta_by_regression],
        {
            beta_turned: "The other way round",
            beta_of_prices: "Those are prices",
            beta_as_correlation: "That is the correlation",
        },
    ),
}
