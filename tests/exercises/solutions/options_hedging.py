"""Chapter 12."""

import numpy as np


def collar_by_clip(prices, bought, low, paid, high, received):
    return 50 * (prices.clip(low, high) - bought + received - paid)


def collar_by_parts(prices, bought, low, paid, high, received):
    futures = (prices - bought) * 5 * 10
    put = (np.maximum(low - prices, 0) - paid) * 50
    call = (received - np.maximum(prices - high, 0)) * 50
    return futures + put + call


def collar_without_call(prices, bought, low, paid, high, received):
    return 50 * (prices.clip(lower=low) - bought + received - paid)


def collar_turned(prices, bought, low, paid, high, received):
    return 50 * (prices.clip(low, high) - bought - received + paid)


def collar_of_one_micro(prices, bought, low, paid, high, received):
    return 5 * (prices.clip(low, high) - bought + received - paid)


def put_by_numpy(call, forward, strike, years, rate):
    return call + (strike - forward) * np.exp(-rate * years)


def put_by_present_values(call, forward, strike, years, rate):
    discount = 1 / np.exp(rate * years)
    return call - discount * forward + discount * strike


def put_undiscounted(call, forward, strike, years, rate):
    return call - forward + strike


def put_of_a_share(call, forward, strike, years, rate):
    return call - forward + strike * np.exp(-rate * years)


def put_turned(call, forward, strike, years, rate):
    return call + (forward - strike) * np.exp(-rate * years)


SOLUTIONS = {
    "q7": (
        [collar_by_clip, collar_by_parts],
        {
            collar_without_call: "every further point away",
            collar_turned: "signs of the premiums",
            collar_of_one_micro: "$50 a point",
        },
    ),
    "q8": (
        [put_by_numpy, put_by_present_values],
        {
            put_undiscounted: "Discount it to today",
            put_of_a_share: "options on a share",
            put_turned: "The sign is turned round",
        },
    ),
}
