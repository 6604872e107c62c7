"""Page 08b: nested forecasts, errors of related neighbours, power, the best of several."""

from __future__ import annotations

import numpy as np

from m2k_lessons.exercises.base import (
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mistake,
    Write,
    register,
    steps,
)
from m2k_lessons.exercises.data_sets import series


def _mean_gain(number, line_errors, average_errors, between):
    return (average_errors - line_errors + between) / number


q1 = Compute(
    "In {number} forecasts the squared errors of a line add up to {line_errors:,} and those of the "
    "plain average to {average_errors:,}. The squared differences between the two forecasts add up "
    "to {between}. Compute the mean gain of Clark and West for a forecast, to three decimals or "
    "better.",
    reference=_mean_gain,
    given={
        "number": Given(141, [121, 131, 151]),
        "line_errors": Given(4_310, steps(4_300, 4_350, 10)),
        "average_errors": Given(4_250, steps(4_230, 4_260, 10)),
        "between": Given(95, steps(125, 180, 5)),
    },
    mistakes=[
        Mistake(
            lambda number, line_errors, average_errors, between: (
                (average_errors - line_errors) / number
            ),
            "That is the gain of Diebold and Mariano. The price of estimating is not given back.",
        ),
        Mistake(
            lambda number, line_errors, average_errors, between: (
                (average_errors - line_errors - between) / number
            ),
            "The squared differences are given *back*: add them.",
        ),
        Mistake(
            lambda number, line_errors, average_errors, between: (
                (line_errors - average_errors + between) / number
            ),
            "A gain is the average's squared error less the line's. You have it the other way "
            "round.",
        ),
        Mistake(
            lambda number, line_errors, average_errors, between: (
                average_errors - line_errors + between
            ),
            "That is the sum over all forecasts. Divide by their number.",
        ),
        Mistake(
            lambda number, line_errors, average_errors, between: (
                (average_errors - line_errors + between) / average_errors
            ),
            "That is a share, like an R². The mean gain is divided by the number of forecasts.",
        ),
    ],
    hints=[
        "Three sums: the average's squared errors, less the line's, and something given back.",
        "({average_errors} − {line_errors} + {between}) / {number}",
    ],
    well_done="The line lost to the average, and the figure may speak all the same.",
    tolerance=0.0005,
)


def _t(gain):
    return gain.mean() / (gain.std() / len(gain) ** 0.5)


def _clark_west_t(actual, line, average):
    """Clark and West's mean gain over its plain standard error."""
    gain = (actual - average) ** 2 - (actual - line) ** 2 + (average - line) ** 2
    return gain.mean() / (gain.std() / len(gain) ** 0.5)


def _forecasts(number, seed, slope=0.5):
    rng = np.random.default_rng(seed)
    figure = rng.normal(size=number)
    actual = series(*(0.5 + slope * figure + rng.normal(size=number)), name="premium")
    line = series(*(0.4 + (slope + 0.2) * figure), name="line")
    return actual, line, actual * 0 + 0.45


q2 = Write(
    "Write the function `clark_west_t(actual, line, average)`. It takes three Series with the same "
    "index: what came, and the forecasts of the line and of the plain average. It returns one "
    "number: the mean gain, the price of estimating given back, over its plain standard error, "
    "the sample deviation over the square root of the number.",
    reference=_clark_west_t,
    cases=[
        Case("a hundred forecasts of a figure that speaks", lambda: _forecasts(100, 1)),
        Case("an empty figure", lambda: _forecasts(60, 2, slope=0.0)),
        Case("three forecasts", lambda: (series(1, 2, 4), series(1.5, 2.5, 3), series(2, 2, 2))),
    ],
    mistakes=[
        Mistake(
            lambda actual, line, average: _t((actual - average) ** 2 - (actual - line) ** 2),
            "That is Diebold and Mariano's: the price of estimating is not given back.",
        ),
        Mistake(
            lambda actual, line, average: _t(
                (actual - average) ** 2 - (actual - line) ** 2 - (average - line) ** 2
            ),
            "The squared difference of the forecasts is given *back*: add it.",
        ),
        Mistake(
            lambda actual, line, average: (
                -_t((actual - average) ** 2 - (actual - line) ** 2 - (average - line) ** 2)
            ),
            "A gain is the average's squared error less the line's, not the other way round.",
        ),
        Mistake(
            lambda actual, line, average: (
                _clark_west_t(actual, line, average) * (len(actual) / (len(actual) - 1)) ** 0.5
            ),
            "That divides by the population deviation. `std()` without `ddof=0` is the sample's.",
        ),
        Mistake(
            lambda actual, line, average: _clark_west_t(actual, line, average) / len(actual) ** 0.5,
            "That is divided by the deviation of one gain. The error of the mean is smaller by "
            "the square root of their number.",
        ),
        Mistake(
            lambda actual, line, average: 2 * ((actual - average) * (line - average)).mean(),
            "That is the mean gain. How many of its standard errors is it?",
        ),
    ],
    hints=[
        "First a Series with three terms, the gain of each forecast.",
        "`gain.mean() / (gain.std() / len(gain) ** 0.5)`",
    ],
    well_done="The package allows for related neighbours as well; the idea is the same.",
    tolerance=1e-7,
)


def _error_with_two_lags(number, squares, one_apart, two_apart):
    total = squares + 2 * (2 / 3 * one_apart + 1 / 3 * two_apart)
    return (total / (number * (number - 1))) ** 0.5


q3 = Compute(
    "The scores of {number} quarters, less their mean, have a sum of squares of {squares:,}. The "
    "products of neighbours one quarter apart add up to {one_apart:,}, those two quarters apart to "
    "{two_apart:,}. Compute the standard error of the scores' mean with two lags, to three "
    "decimals or better.",
    reference=_error_with_two_lags,
    given={
        "number": Given(200, [180, 190, 210, 220]),
        "squares": Given(3_600, steps(3_000, 4_500, 100)),
        "one_apart": Given(900, steps(700, 1_200, 50)),
        "two_apart": Given(300, steps(200, 500, 50)),
    },
    mistakes=[
        Mistake(
            lambda number, squares, one_apart, two_apart: (
                (squares / (number * (number - 1))) ** 0.5
            ),
            "That leaves the neighbours out: it is the error with no lags.",
        ),
        Mistake(
            lambda number, squares, one_apart, two_apart: (
                ((squares + 2 * (one_apart + two_apart)) / (number * (number - 1))) ** 0.5
            ),
            "The products have weights: 1 − k/(L + 1), so two thirds and one third for two lags.",
        ),
        Mistake(
            lambda number, squares, one_apart, two_apart: (
                ((squares + 2 / 3 * one_apart + 1 / 3 * two_apart) / (number * (number - 1))) ** 0.5
            ),
            "Each pair of neighbours counts twice, once from either side: the factor 2 is missing.",
        ),
        Mistake(
            lambda number, squares, one_apart, two_apart: (
                ((squares + 2 * (one_apart / 2)) / (number * (number - 1))) ** 0.5
            ),
            "That is one lag. With two, the weights are two thirds and one third.",
        ),
        Mistake(
            lambda number, squares, one_apart, two_apart: (
                ((squares + 2 * (2 / 3 * one_apart + 1 / 3 * two_apart)) / (number - 1)) ** 0.5
            ),
            "That is a deviation of single quarters. The error of their mean is smaller by the "
            "square root of their number.",
        ),
        Mistake(
            lambda number, squares, one_apart, two_apart: (
                (squares + 2 * (2 / 3 * one_apart + 1 / 3 * two_apart)) / (number * (number - 1))
            ),
            "That is the square of the error. Take the root.",
        ),
    ],
    hints=[
        "The formula of loop 2 with L = 2. Which weights do the two sums of products get?",
        "√(({squares} + 2 × (2/3 × {one_apart} + 1/3 × {two_apart})) / ({number} × "
        "({number} − 1)))",
    ],
    well_done="Neighbours that are alike make the mean less certain than it looks.",
    tolerance=0.0005,
)


def _empty_share_pct(tested, true, found_pct):
    empty = 0.05 * (tested - true)
    return 100 * empty / (empty + found_pct / 100 * true)


q4 = Compute(
    "You test {tested} figures, of which {true} truly forecast. The test reports 5 in a hundred "
    "empty figures and {found_pct} in a hundred true ones. Of the figures that it reports, compute "
    "what share is empty, in percent, to one decimal or better: the expected number of empty ones "
    "reported over the expected number reported in all.",
    reference=_empty_share_pct,
    given={
        "tested": Given(20, [30, 40, 50, 60]),
        "true": Given(2, [1, 3, 4]),
        "found_pct": Given(80, [50, 60, 70, 90]),
    },
    mistakes=[
        Mistake(
            lambda tested, true, found_pct: (
                100 * 0.05 * tested / (0.05 * tested + found_pct / 100 * true)
            ),
            "Only {tested} − {true} of the figures are empty; the true ones are not reported by "
            "mistake.",
        ),
        Mistake(
            lambda tested, true, found_pct: (
                100 * 0.05 * (tested - true) / (0.05 * (tested - true) + true)
            ),
            "That finds every true figure. The test finds {found_pct} in a hundred.",
        ),
        Mistake(
            lambda tested, true, found_pct: (
                100 * (found_pct / 100 * true) / (0.05 * (tested - true) + found_pct / 100 * true)
            ),
            "That is the share of true ones among those reported. The question is about the rest.",
        ),
        Mistake(
            lambda tested, true, found_pct: 100 * (tested - true) / tested,
            "That is the share of empty ones among all figures, reported or not.",
        ),
    ],
    hints=[
        "How many of the empty figures are reported, on average? And how many of the true ones?",
        "Empty: 0.05 × ({tested} − {true}). True: {found_pct} / 100 × {true}. Then the share.",
    ],
    well_done="A 5 % test can be wrong far more often than one time in twenty that it speaks.",
    unit="%",
    tolerance=0.05,
)


def _search_p(real, shuffled):
    """Share of searches, the real one among them, that are at least as extreme as the real one."""
    return (1 + sum(other <= real for other in shuffled)) / (1 + len(shuffled))


q5 = Write(
    "Write the function `search_p(real, shuffled)`. It takes the smallest p-value of the real "
    "search, a number, and a list with the smallest p-value of each shuffled search. It returns "
    "the share of searches, the real one among them, whose smallest p-value is at most the real "
    "one's.",
    reference=_search_p,
    cases=[
        Case("nine shuffles", lambda: (0.1, [0.3, 0.05, 0.2, 0.08, 0.6, 0.4, 0.11, 0.7, 0.09])),
        Case("a tie", lambda: (0.1, [0.1, 0.2, 0.3])),
        Case("none as small", lambda: (0.001, [0.1, 0.2, 0.3, 0.4])),
        Case("all as small", lambda: (0.9, [0.1, 0.2, 0.3, 0.4])),
    ],
    mistakes=[
        Mistake(
            lambda real, shuffled: sum(other <= real for other in shuffled) / len(shuffled),
            "The real search is one of the searches: it belongs to both counts, so the share is "
            "never zero.",
        ),
        Mistake(
            lambda real, shuffled: (
                (1 + sum(other < real for other in shuffled)) / (1 + len(shuffled))
            ),
            "*At most*: a shuffled search that is exactly as small counts, too.",
        ),
        Mistake(
            lambda real, shuffled: (
                (1 + sum(other >= real for other in shuffled)) / (1 + len(shuffled))
            ),
            "Small p-values are the striking ones: count those at most the real one.",
        ),
        Mistake(
            lambda real, shuffled: 1 + sum(other <= real for other in shuffled),
            "That is the number of searches. What share of all of them is it?",
        ),
    ],
    hints=[
        "How many of the list are at most `real`? Then count the real search as well.",
        "One more than that number, over one more than the length of the list.",
    ],
    well_done="The search is judged as a whole, so its winner gets no discount.",
    tolerance=1e-9,
)

g1 = Guess(
    "A line learns from three empty figures, in records of 202 quarters. In how many of a hundred "
    "do its forecasts lose to the plain average?",
    unit="of a hundred",
    scale=15,
)

g2 = Guess(
    "A figure truly explains 5 % of what it forecasts. In how many of a hundred such records does "
    "the 95 % interval of the out-of-sample R² lie wholly above zero?",
    unit="of a hundred",
    scale=40,
)

quiz = Choose(
    "A friend says: “The p-value is 0.02, so the chance that the signal is worthless is 2 %.” "
    "Choose the best reply.",
    options={
        "a": "True: that is what a p-value means.",
        "b": "True only for the best of several candidates.",
        "c": "False: it is the chance of such a result if the signal is worthless, and many "
        "worthless ones are tried.",
    },
    right="c",
    feedback={
        "a": "It starts from a signal that *is* worthless, and says how often that looks so good. "
        "How many of the signals tried are worthless is another matter.",
        "b": "For the best of several it is worse: the smallest of many p-values is small by "
        "choice.",
        "c": "Q4 has the sum: more than a third of the figures reported can be empty.",
    },
)

QUESTIONS = register("08b_further_fundamentals", globals())
