"""Lesson 02b."""

import numpy as np
import statsmodels.api as sm


def error_by_the_formula(stocks, index):
    slope = stocks.cov(index) / index.var()
    return (stocks - slope * index).std() / (index.std() * np.sqrt(len(index)))


def error_by_regression(stocks, index):
    """Least squares divides by two days less, since it estimates a slope and a level."""
    fitted = sm.OLS(stocks.to_numpy(), sm.add_constant(index.to_numpy())).fit()
    return fitted.bse[1] * np.sqrt((len(index) - 2) / len(index))


def error_without_days(stocks, index):
    slope = stocks.cov(index) / index.var()
    return (stocks - slope * index).std() / index.std()


def error_of_the_average(stocks, index):
    slope = stocks.cov(index) / index.var()
    return (stocks - slope * index).std() / np.sqrt(len(index))


def the_slope_itself(stocks, index):
    return np.polyfit(index, stocks, 1)[0]


SOLUTIONS = {
    "q4": (
        [error_by_the_formula, error_by_regression],
        {
            error_without_days: "The number of days is missing",
            error_of_the_average: "Divide by the standard deviation of the index",
            the_slope_itself: "That is the slope",
        },
    ),
}
