"""Chapter 12: protective put, its cost, collar, Greeks in dollars, expiry, stop or put."""

from __future__ import annotations

import numpy as np

from m2k_lessons.contracts import M2K, RTY
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

g1 = Guess(
    "Of ten simulated years, in how many do the puts bring in more than they cost?",
    unit="years",
    scale=3.0,
)

g2 = Guess("In how many of the sixty pieces is the stop reached?", unit="pieces", scale=20.0)


def _most_to_lose(bought, strike, premium):
    fall_points = bought - strike
    return (fall_points + premium) * RTY.multiplier


q1 = Compute(
    "You hold 10 M2K bought at {bought:,.1f} and buy one RTY put with strike {strike:,.0f} for "
    "{premium} points. Compute the most that the two together can lose at expiry, in USD, before "
    "commissions. Give a positive number. "
    "Give it to the cent.",
    reference=_most_to_lose,
    given={
        "bought": Given(2400.0, steps(2380.0, 2440.0, 10.0)),
        "strike": Given(2250, steps(2200, 2270, 10)),
        "premium": Given(38.1, [31.4, 34.8, 42.6, 47.2]),
    },
    mistakes=[
        Mistake(
            lambda bought, strike, premium: (bought - strike) * 50,
            "That is the part of the fall that the put leaves to you. Its premium is gone as well.",
        ),
        Mistake(
            lambda bought, strike, premium: premium * 50,
            "That is the premium alone. Between your entry and the strike you lose on the futures "
            "too.",
        ),
        Mistake(
            lambda bought, strike, premium: (bought - strike + premium) * 5,
            "The put counts in RTY's $50 a point, and ten M2K make $50 a point together.",
        ),
        Mistake(
            lambda bought, strike, premium: (bought - strike) * 50 + premium * 5,
            "The premium is quoted for an RTY option: $50 a point, not $5.",
        ),
        Mistake(
            lambda bought, strike, premium: (bought - strike - premium) * 50,
            "The premium was paid, so it adds to the loss.",
        ),
        Mistake(
            lambda bought, strike, premium: bought * 50,
            "Without the put that would be the most. With it, the loss ends at the strike.",
        ),
    ],
    hints=[
        "How far can the price fall before the put pays for every further point?",
        "({bought:,.1f} − {strike}) points of fall and {premium} points of premium, at $50 each.",
    ],
    well_done="Known on the day of purchase, to the dollar: that is what the premium buys.",
    unit="USD",
)


def _cost_pct_a_year(premium, quote, days):
    share_of_market = premium / quote
    times_a_year = 365 / days
    return 100 * share_of_market * times_a_year


q2 = Compute(
    "A put with {days} days to expiry costs {premium} points, and the future stands at "
    "{quote:,.1f}. Compute what buying such puts all year costs when none of them pays, in "
    "percent of the market held, to one decimal or better.",
    reference=_cost_pct_a_year,
    given={
        "premium": Given(30.0, steps(22.0, 38.0, 1.0)),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 25.0)),
        "days": Given(91, [84, 98, 105]),
    },
    mistakes=[
        Mistake(
            lambda premium, quote, days: 100 * premium / quote,
            "That is one put. How many such terms fit into 365 days?",
        ),
        Mistake(
            lambda premium, quote, days: premium / quote * 365 / days,
            "That is the share as a decimal. In percent it is a hundred times as much.",
        ),
        Mistake(
            lambda premium, quote, days: 100 * premium / quote * days / 365,
            "A year is longer than the put's term: divide by {days} and multiply by 365.",
        ),
        Mistake(
            lambda premium, quote, days: premium * 365 / days,
            "Those are points a year. What share of {quote:,.1f} is that?",
        ),
        Mistake(
            lambda premium, quote, days: premium * 50 * 365 / days,
            "Those are dollars a year for one option. What share of the market held is that?",
        ),
        Mistake(
            lambda premium, quote, days: 100 * premium / quote * 252 / days,
            "The {days} days are calendar days, so a year has 365 of them.",
        ),
    ],
    hints=[
        "First the premium as a share of the price; then the number of terms in a year.",
        "100 × {premium} / {quote:,.1f} × 365 / {days}",
    ],
    well_done="Compare it with what the market itself brings in an ordinary year.",
    unit="percent",
    tolerance=0.05,
)


def _collar_result(bought, low, paid, high, received, ends):
    sold_at_most = min(ends, high)
    sold_at = max(sold_at_most, low)
    points = sold_at - bought - paid + received
    return points * RTY.multiplier


q3 = Compute(
    "A collar: 10 M2K bought at {bought:,.1f}, one RTY put with strike {low:,} bought for {paid} "
    "points, one RTY call with strike {high:,} sold for {received} points. At expiry the future "
    "stands at {ends:,.1f}. Compute profit (above 0) or loss (below 0) of the whole, in USD, "
    "before commissions. "
    "Give it to the cent.",
    reference=_collar_result,
    given={
        "bought": Given(2400.0, [2400.0]),
        "low": Given(2300, [2280, 2310, 2320]),
        "paid": Given(49.5, [44.0, 46.5, 48.3, 51.2, 53.7]),
        "high": Given(2500, [2480, 2490, 2510, 2520]),
        "received": Given(35.3, [31.2, 32.7, 36.4, 38.1]),
        "ends": Given(2620.0, [2590.0, 2650.0, 2700.0]),
    },
    mistakes=[
        Mistake(
            lambda bought, low, paid, high, received, ends: (ends - bought - paid + received) * 50,
            "Above {high:,} the sold call takes every further point away from you.",
        ),
        Mistake(
            lambda bought, low, paid, high, received, ends: (high - bought) * 50,
            "The premiums are missing: {paid} points paid, {received} received.",
        ),
        Mistake(
            lambda bought, low, paid, high, received, ends: (high - bought - paid) * 50,
            "You also received {received} points for the call.",
        ),
        Mistake(
            lambda bought, low, paid, high, received, ends: (high - bought + paid - received) * 50,
            "The signs of the premiums are turned round: the put was bought, the call sold.",
        ),
        Mistake(
            lambda bought, low, paid, high, received, ends: (high - bought - paid + received) * 5,
            "Ten M2K, and one RTY option, are worth $50 a point.",
        ),
        Mistake(
            lambda bought, low, paid, high, received, ends: (high - ends + received) * 50,
            "That is the call alone. The ten M2K have gained, and the put has cost its premium.",
        ),
    ],
    hints=[
        "Above the call's strike, at which price are your ten M2K in effect sold?",
        "({high} − {bought:,.1f} − {paid} + {received}) points, at $50 each.",
    ],
    well_done="The same amount at every price above {high:,}: the ceiling of the collar.",
    unit="USD",
)


q4 = Choose(
    "You sold an RTY call as part of a collar on 10 M2K. On the Friday of expiry at 09:30 the "
    "future stands above its strike. Choose what happens to the call.",
    options={
        "a": "Its owner exercises it, you are assigned, and your account pays the difference to "
        "the strike.",
        "b": "Nothing: you may decide not to deliver, since an option is a right.",
        "c": "It expires worthless, because your futures are M2K and the call is on RTY.",
    },
    right="a",
    feedback={
        "a": "The right is the owner's, the duty yours. Your ten M2K have gained what the call "
        "costs, if you still hold them at that minute.",
        "b": "The right without obligation belongs to whoever *bought* the option. The seller "
        "received the premium for taking on the duty.",
        "c": "What you hold besides is no business of the option's owner. Ten M2K match one RTY "
        "in dollars, which is why the collar works.",
    },
)


def _new_value(worth, slope, fall, melt, days):
    from_price = slope * -fall
    from_time = melt * days
    return (worth + from_price + from_time) * RTY.multiplier


q5 = Compute(
    "A put is worth {worth} points. Its delta is {slope} and its theta {melt} points a day. The "
    "future falls by {fall} points, and {days} days pass. Compute the put's new value in USD as "
    "delta and theta estimate it. "
    "Give it to the cent.",
    reference=_new_value,
    given={
        "worth": Given(49.0, steps(42.0, 54.0, 2.0)),
        "slope": Given(-0.3, [-0.25, -0.28, -0.32, -0.35]),
        "fall": Given(20, [12, 14, 16, 18]),
        "melt": Given(-0.7, [-0.5, -0.6, -0.8]),
        "days": Given(5, [4, 6]),
    },
    mistakes=[
        Mistake(
            lambda worth, slope, fall, melt, days: (worth + slope * fall + melt * days) * 50,
            "The price *fell*: its change is −{fall} points, and a put gains from that.",
        ),
        Mistake(
            lambda worth, slope, fall, melt, days: worth - slope * fall + melt * days,
            "Those are points. An RTY option counts $50 for each.",
        ),
        Mistake(
            lambda worth, slope, fall, melt, days: (worth - slope * fall) * 50,
            "The {days} days are missing: time takes its part meanwhile.",
        ),
        Mistake(
            lambda worth, slope, fall, melt, days: (worth - slope * fall - melt * days) * 50,
            "Theta is below zero already: days make the option cheaper.",
        ),
        Mistake(
            lambda worth, slope, fall, melt, days: (worth - slope * fall + melt) * 50,
            "Theta is for one day; {days} pass.",
        ),
        Mistake(
            lambda worth, slope, fall, melt, days: (melt * days - slope * fall) * 50,
            "That is the change. What is the put worth after it?",
        ),
    ],
    hints=[
        "Points for the move (delta × change) and points for the days (theta × days).",
        "{worth} + ({slope}) × (−{fall}) + ({melt}) × {days}, times $50.",
    ],
    well_done="Good for small moves; for large ones delta itself changes, which is gamma.",
    unit="USD",
)


def _stop_less_put(opened, stop, premium):
    stop_points = 2400 - opened
    put_points = 2400 - stop + premium
    return (stop_points - put_points) * 10 * M2K.multiplier


q6 = Compute(
    "Two traders hold 10 M2K from 2,400. One has a stop at {stop:,}, the other an RTY put with "
    "that strike for {premium} points. A night's news opens the market at {opened:,.1f}, where "
    "the stop is filled, and the price stays there until expiry. Compute how much more the one "
    "with the stop has lost in the end, in USD, before commissions. "
    "Give it to the cent.",
    reference=_stop_less_put,
    given={
        "opened": Given(2130.0, steps(2090.0, 2150.0, 10.0)),
        "stop": Given(2300, [2290, 2310, 2320]),
        "premium": Given(49.5, [44.0, 46.0, 47.5, 51.0, 53.0]),
    },
    mistakes=[
        Mistake(
            lambda opened, stop, premium: (stop - opened) * 50,
            "That compares the two prices. The one with the put has paid a premium as well.",
        ),
        Mistake(
            lambda opened, stop, premium: (2400 - opened) * 50,
            "That is all that the stop lost. How much did the other one lose?",
        ),
        Mistake(
            lambda opened, stop, premium: (2400 - stop + premium) * 50,
            "That is what the one with the put lost. How much more did the stop lose?",
        ),
        Mistake(
            lambda opened, stop, premium: (stop - opened - premium) * 5,
            "There are ten contracts at $5 a point, so $50.",
        ),
        Mistake(
            lambda opened, stop, premium: (stop - opened + premium) * 50,
            "The premium is a loss of the one with the put: it makes the difference smaller.",
        ),
        Mistake(
            lambda opened, stop, premium: -premium * 50,
            "That would hold if the stop were filled at its price. It is filled at the opening.",
        ),
    ],
    hints=[
        "The stop loses 2,400 − {opened:,.1f} points. What does the put leave to lose?",
        "({stop} − {opened:,.1f} − {premium}) × 10 × 5.",
    ],
    well_done="Without such a night the comparison ends the other way round, by the premium.",
    unit="USD",
)


def _collar_usd(prices, bought, low, paid, high, received):
    """Profit or loss of ten M2K with a collar at expiry, in USD, for each price."""
    kept = prices.clip(lower=low, upper=high)
    return (kept - bought - paid + received) * 50


q7 = Write(
    "Write the function `collar_usd(prices, bought, low, paid, high, received)`. It takes a Series "
    "of prices at expiry, the price at which 10 M2K were bought, strike and premium of the RTY put "
    "bought (`low`, `paid`), and strike and premium of the RTY call sold (`high`, `received`), all "
    "in points. It returns a Series with the same index: the profit or loss of the whole, in USD, "
    "before commissions.",
    reference=_collar_usd,
    cases=[
        Case(
            "prices from 2,200 to 2,600",
            lambda: (series(*range(2200, 2601, 25)), 2400.0, 2300.0, 49.5, 2500.0, 35.3),
        ),
        Case(
            "prices at the strikes",
            lambda: (series(2300, 2500), 2400.0, 2300.0, 49.5, 2500.0, 35.3),
        ),
        Case("without premiums", lambda: (series(2000, 2400, 2800), 2390, 2250, 0, 2450, 0)),
    ],
    mistakes=[
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices - bought - paid + received) * 50
            ),
            "Neither option pays there. Below `low` the put does, and above `high` the call takes.",
        ),
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices.clip(lower=low) - bought - paid + received) * 50
            ),
            "Above `high` the sold call takes every further point away.",
        ),
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices.clip(upper=high) - bought - paid + received) * 50
            ),
            "Below `low` the put pays every further point back.",
        ),
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices.clip(low, high) - bought + paid - received) * 50
            ),
            "The signs of the premiums are turned round: the put was bought, the call sold.",
        ),
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices.clip(low, high) - bought) * 50
            ),
            "The premiums are missing: one was paid, the other received.",
        ),
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices.clip(low, high) - bought - paid + received) * 5
            ),
            "Ten M2K, and one RTY option, are worth $50 a point.",
        ),
        Mistake(
            lambda prices, bought, low, paid, high, received: (
                (prices - bought) * 5
                + ((low - prices).clip(lower=0) - (prices - high).clip(lower=0) - paid + received)
                * 50
            ),
            "There are ten M2K: they make $50 a point together, as one RTY option does.",
        ),
    ],
    hints=[
        "Between the strikes only the futures move. What stands still below the one and above the "
        "other?",
        "`prices.clip(low, high)` is the price at which the ten M2K are in effect sold.",
    ],
    well_done="A floor and a ceiling, with the market in between.",
)


def _put_from_call(call, forward, strike, years, rate):
    """Price of a European put on a future, from the call of the same strike, in points."""
    return call - np.exp(-rate * years) * (forward - strike)


q8 = Write(
    "Write the function `put_from_call(call, forward, strike, years, rate)`. It takes the price of "
    "a European call on a future, the future's price, the strike, the years to expiry and the "
    "interest rate a year, continuously compounded, 0.04 for 4 %. By put-call parity a call less "
    "a put of the same strike is worth `forward` less `strike`, discounted from expiry to today. "
    "Return the put's price, a number, in points.",
    reference=_put_from_call,
    cases=[
        Case("a call out of the money", lambda: (35.3, 2400.0, 2500.0, 0.25, 0.04)),
        Case("a call at the money", lambda: (62.0, 2400.0, 2400.0, 0.25, 0.04)),
        Case("a long and deep one", lambda: (410.0, 2400.0, 2000.0, 2.0, 0.05)),
        Case("the moment of expiry", lambda: (100.0, 2400.0, 2300.0, 0.0, 0.04)),
        Case("no interest", lambda: (80.0, 2400.0, 2380.0, 0.5, 0.0)),
    ],
    mistakes=[
        Mistake(
            lambda call, forward, strike, years, rate: call - (forward - strike),
            "The difference is paid at expiry. Discount it to today.",
        ),
        Mistake(
            lambda call, forward, strike, years, rate: (
                call + np.exp(-rate * years) * (forward - strike)
            ),
            "The sign is turned round: where the future stands above the strike, the put is worth "
            "less than the call.",
        ),
        Mistake(
            lambda call, forward, strike, years, rate: (
                call - forward + strike * np.exp(-rate * years)
            ),
            "That is the parity of options on a share, which is paid for today. A future is not: "
            "both its price and the strike are discounted.",
        ),
        Mistake(
            lambda call, forward, strike, years, rate: (
                call - np.exp(rate * years) * (forward - strike)
            ),
            "That adds interest. To discount, the exponent has a minus.",
        ),
        Mistake(
            lambda call, forward, strike, years, rate: (
                call - (forward - strike) / (1 + rate * years)
            ),
            "That is simple interest. Continuously compounded, a dollar in `years` is worth "
            "exp(−rate × years) today.",
        ),
        Mistake(
            lambda call, forward, strike, years, rate: (
                (call - forward + strike) * np.exp(-rate * years)
            ),
            "The call's price is today's already: discount only the future less the strike.",
        ),
    ],
    hints=[
        "Call − put = discount × (forward − strike). Solve it for the put.",
        "The discount is `np.exp(-rate * years)`.",
    ],
    well_done="Where it doesn't hold, somebody else is already trading it.",
)

quiz = Choose(
    "A friend says: “With puts I can only lose the premium. So buying puts on my futures makes me "
    "money in the long run: small costs, large payments.” Choose the best reply.",
    options={
        "a": "True: over enough years the large payments outweigh the premiums.",
        "b": "False: large payments are in the price already; on average protection costs "
        "something, and what it buys is a floor.",
        "c": "False: puts hardly ever pay, so they are always wasted money.",
    },
    right="b",
    feedback={
        "a": "Only if the sellers asked too little. They ask for what they expect to pay, and "
        "something for the risk and the spread.",
        "b": "Insurance is bought to survive a bad year, or to hold on through it, and is paid for "
        "in the others. Nor is the premium all: the futures lose down to the strike as well.",
        "c": "A put that expires worthless was no more wasted than the insurance of a house that "
        "didn't burn. The question is whether the floor is worth its price to you.",
    },
)

QUESTIONS = register("12_options_hedging", globals())
