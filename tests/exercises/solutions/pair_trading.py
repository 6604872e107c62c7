"""Chapter 11."""

import numpy as np
import pandas as pd


def zscore_by_window(spread):
    window = spread.rolling(window=60, min_periods=60)
    return (spread - window.mean()).div(window.std())


def zscore_by_loop(spread):
    values, found = spread.to_numpy(), np.full(len(spread), np.nan)
    for day in range(59, len(values)):
        part = values[day - 59 : day + 1]
        found[day] = (values[day] - part.mean()) / part.std(ddof=1)
    return pd.Series(found, index=spread.index)


def zscore_unmended(spread):
    return (spread - spread.mean()) / spread.std()


def zscore_half_mended(spread):
    return (spread - spread.rolling(60).mean()) / spread.std()


def zscore_of_a_population(spread):
    return (spread - spread.rolling(60).mean()) / spread.rolling(60).std(ddof=0)


def contracts_by_min(ratio, most):
    pairs = [(m2k, max(1, round(m2k * ratio))) for m2k in range(1, most + 1)]
    return min(pairs, key=lambda pair: round(abs(pair[1] / pair[0] - ratio), 9))


def contracts_by_arrays(ratio, most):
    m2k = np.arange(1, most + 1)
    mes = np.maximum(1, np.rint(m2k * ratio))
    best = np.argmin(np.round(np.abs(mes / m2k - ratio), 9))
    return [m2k[best], mes[best]]


def contracts_of_one(ratio, most):
    return 1, max(1, round(ratio))


def contracts_of_most(ratio, most):
    return most, max(1, round(most * ratio))


def contracts_turned(ratio, most):
    m2k, mes = contracts_by_min(ratio, most)
    return mes, m2k


SOLUTIONS = {
    "q7": (
        [zscore_by_window, zscore_by_loop],
        {
            zscore_unmended: "still what was printed",
            zscore_half_mended: "the deviation is not",
            zscore_of_a_population: "divides by 59",
        },
    ),
    "q8": (
        [contracts_by_min, contracts_by_arrays],
        {
            contracts_of_one: "for one M2K only",
            contracts_of_most: "as many M2K as may be",
            contracts_turned: "The M2K come first",
        },
    ),
}
