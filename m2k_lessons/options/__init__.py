"""Options on futures: value, Greeks, implied volatility, early exercise, and legs in dollars.

No option on M2K was found; the one to use is on RTY, and one of it covers ten M2K.

Prices, strikes and premiums are in index points, time in years of 365 days, rates and
volatilities in decimals a year: 0.04 and 0.22 for 4 % and 22 %. The pricing functions take
numbers, arrays and Series, broadcast them, and give back the same kind of thing. What a docstring
does not accept, and shapes or indexes that do not match, raise a `TypeError` or a `ValueError`
that names the argument.
"""

from m2k_lessons.options.arguments import DAYS_A_YEAR, M2K_PER_OPTION, OPTION
from m2k_lessons.options.contract import (
    Cover,
    ProtectionCost,
    cost_of_protection,
    option_tick,
    options_to_cover,
)
from m2k_lessons.options.early_exercise import american
from m2k_lessons.options.european import Greeks, black76, greeks, parity_gap
from m2k_lessons.options.hedge import (
    KINDS,
    QUARTERLY_TIME,
    HedgeReplay,
    expiries,
    quote,
    replay_protective_put,
)
from m2k_lessons.options.implied import implied_volatility
from m2k_lessons.options.positions import (
    Leg,
    collar,
    covered_call,
    long_call,
    payoff,
    premium_usd,
    profit,
    protective_put,
    value,
)
