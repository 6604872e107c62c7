"""Chapter 08."""

import numpy as np


def known_by_mask(figures, day):
    before = figures.loc[figures["published"] < day]
    if len(before) == 0:
        return np.nan
    return before.loc[before["quarter_end"].idxmax(), "value"]


def known_by_loop(figures, day):
    newest, value = None, float("nan")
    for row in figures.itertuples():
        if row.published < day and (newest is None or row.quarter_end > newest):
            newest, value = row.quarter_end, row.value
    return value


def known_by_quarter(figures, day):
    before = figures[figures["quarter_end"] < day]
    return before.sort_values("quarter_end")["value"].iloc[-1]


def known_on_the_day(figures, day):
    before = figures[figures["published"] <= day].sort_values("quarter_end")
    return before["value"].iloc[-1] if len(before) else np.nan


def known_newest(figures, day):
    return figures.sort_values("quarter_end")["value"].iloc[-1]


def r2_by_arrays(actual, forecast):
    means = actual.expanding().mean().to_numpy()[:-1]
    y = actual.to_numpy()[1:]
    f = forecast.to_numpy()[1:]
    return 100 - 100 * ((y - f) ** 2).sum() / ((y - means) ** 2).sum()


def r2_by_loop(actual, forecast):
    model = plain = 0.0
    for day in range(1, len(actual)):
        model += (actual.iloc[day] - forecast.iloc[day]) ** 2
        plain += (actual.iloc[day] - actual.iloc[:day].mean()) ** 2
    return 100 * (1 - model / plain)


def r2_of_the_whole(actual, forecast):
    model = ((actual - forecast) ** 2)[1:].sum()
    return 100 * (1 - model / ((actual - actual.mean()) ** 2)[1:].sum())


def r2_unshifted(actual, forecast):
    model = ((actual - forecast) ** 2)[1:].sum()
    return 100 * (1 - model / ((actual - actual.expanding().mean()) ** 2)[1:].sum())


def r2_as_fraction(actual, forecast):
    return r2_by_arrays(actual, forecast) / 100


SOLUTIONS = {
    "q7": (
        [known_by_mask, known_by_loop],
        {
            known_by_quarter: "came out weeks later",
            known_on_the_day: "*Before* that day",
            known_newest: "whatever the day",
        },
    ),
    "q8": (
        [r2_by_arrays, r2_by_loop],
        {
            r2_of_the_whole: "nobody knew at the time",
            r2_unshifted: "shift by one",
            r2_as_fraction: "wants percent",
        },
    ),
}
