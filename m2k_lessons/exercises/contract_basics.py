"""Chapter 01: points, ticks and dollars; leverage; mark to market; codes; basis and roll."""

from __future__ import annotations

import numpy as np

from m2k_lessons.contracts import M2K
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
from m2k_lessons.facts import fact

INITIAL = fact("margin.initial.M2K").value
MAINTENANCE = fact("margin.maintenance.M2K").value


g1 = Guess(
    "The simulated M2K stands near 2,500 points all through 2030. On how many of a hundred days "
    "does it close more than 30 points above or below the close before?",
    unit="of a hundred days",
    scale=20,
)

g2 = Guess(
    "Over ten years of such rolls, how many dollars of profit does the glued chart invent for "
    "somebody who always holds one M2K?",
    unit="USD",
    scale=2_000,
)


def _pnl_of_a_short(sold_at, bought_at, number):
    points = bought_at - sold_at
    return points * M2K.multiplier * -number


q1 = Compute(
    "Compute the profit or loss, in USD, of a trader who sells {number} M2K short at "
    "{sold_at:,.1f} and buys them back at {bought_at:,.1f}. A loss is negative. "
    "Give it to the cent.",
    reference=_pnl_of_a_short,
    given={
        "sold_at": Given(2415.0, [2395.0, 2402.5, 2421.0, 2433.5]),
        "bought_at": Given(2427.6, [2439.1, 2441.8, 2447.3, 2452.4]),
        "number": Given(3, [2, 4, 6, 7]),
    },
    mistakes=[
        Mistake(
            lambda sold_at, bought_at, number: (bought_at - sold_at) * 5 * number,
            "The size is right, the sign is not: a short position loses when the price rises.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: -(bought_at - sold_at) * number,
            "Those are points. One point of M2K is worth $5 on each contract.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: (bought_at - sold_at) * number,
            "Those are points, and without the minus: each point is worth $5 on each contract, "
            "and a short position loses when the price rises.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: -(bought_at - sold_at) * 5,
            "That is the loss on one contract; the trader is short {number}.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: (bought_at - sold_at) * 5,
            "That is one contract, and a gain; the trader is short {number}, and the price rose.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: sold_at - bought_at,
            "Those are the points of one contract. A point is $5, and {number} were sold.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: bought_at - sold_at,
            "Those are the points of one contract, and without the minus. A point is $5, and the "
            "trader is short {number}.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: -(bought_at - sold_at) * 50 * number,
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: (bought_at - sold_at) * 50 * number,
            "$50 a point is RTY, and the sign is turned: a short position loses when the price "
            "rises.",
        ),
        Mistake(
            lambda sold_at, bought_at, number: -(bought_at - sold_at) * 0.5 * number,
            "$0.50 is what one tick is worth, and a point is ten ticks.",
        ),
    ],
    hints=[
        "How many points did the price move, and is that good or bad for somebody who is short?",
        "Points, times dollars a point, times contracts; short counts as minus {number}.",
    ],
    well_done="The price rose against {number} short contracts.",
    unit="USD",
)


def _leverage(price, number, account_usd):
    notional_usd = price * M2K.multiplier * number
    return notional_usd / account_usd


q2 = Compute(
    "Compute the leverage of {number} M2K at {price:,.1f} in an account of {account_usd:,} "
    "dollars, to one decimal or better.",
    reference=_leverage,
    given={
        "price": Given(2400.0, steps(2310.0, 2450.0, 20.0)),
        "number": Given(3, [2, 4, 5, 6]),
        "account_usd": Given(8_000, [6_000, 7_000, 9_000, 10_000, 12_000]),
    },
    mistakes=[
        Mistake(
            lambda price, number, account_usd: price * number / account_usd,
            "The multiplier is missing: one contract holds price × $5 of the index.",
        ),
        Mistake(
            lambda price, number, account_usd: price * 5 / account_usd,
            "That is the leverage of one contract; the account holds {number}.",
        ),
        Mistake(
            lambda price, number, account_usd: price * 5 * number,
            "That is the notional value. Leverage divides it by the account.",
        ),
        Mistake(
            lambda price, number, account_usd: account_usd / (price * 5 * number),
            "Upside down: leverage is the market value held, divided by the account.",
        ),
        Mistake(
            lambda price, number, account_usd: price * 5 / INITIAL,
            "That divides by the margin. A loss comes out of the whole account, so divide by that.",
        ),
        Mistake(
            lambda price, number, account_usd: price * 50 * number / account_usd,
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
    ],
    hints=[
        "First the notional value of the whole position, in dollars.",
        "Leverage = price × 5 × {number} / {account_usd:,}.",
    ],
    well_done="A 1 % move of the index is a {answer:.1f} % move of this account.",
    tolerance=0.05,
)


def _day_of_the_call(deposit_usd, number, maintenance_usd, moves):
    balances_usd = deposit_usd + np.cumsum(moves) * M2K.multiplier * number
    too_low = balances_usd < number * maintenance_usd
    return int(too_low.argmax()) + 1  # argmax finds the first True and counts from 0


q3 = Compute(
    "An account of {deposit_usd:,} dollars is long {number} M2K. The settlement price changes by "
    "the points in `moves`, from Monday to Friday. Maintenance margin is {maintenance_usd:,} "
    "dollars a contract. Compute on which day, 1 for Monday to 5 for Friday, the balance first "
    "falls below maintenance margin.",
    reference=_day_of_the_call,
    given={
        "deposit_usd": Given(4_000, [4_000]),
        "number": Given(4, [4]),
        "maintenance_usd": Given(MAINTENANCE, [MAINTENANCE]),
        "moves": Given(
            (14.2, -21.4, -6.3, -17.0, 6.0),
            [
                (-10.7, 6.1, -19.3, -11.7, -13.8),
                (-15.0, 9.8, -19.9, -15.2, -12.7),
                (-19.3, 16.0, -19.4, -14.2, 2.1),
                (-17.1, -11.5, -20.4, -5.8, -17.9),
                (-17.3, -21.5, -21.9, -7.1, 4.6),
                (-17.4, -11.0, -18.8, 7.6, 12.8),
                (-13.3, -13.6, -5.9, 11.9, 5.7),
                (-12.8, -12.9, -6.9, -5.1, 9.6),
                (-10.1, -16.9, -11.2, 13.3, 0.4),
            ],
        ),
    },
    mistakes=[
        Mistake(
            lambda deposit_usd, number, maintenance_usd, moves: _day_of_the_call(
                deposit_usd, number, INITIAL, moves
            ),
            "That is when the balance falls below *initial* margin, which is only needed to open "
            "a position. To keep it, maintenance margin is enough.",
        ),
        Mistake(
            lambda deposit_usd, number, maintenance_usd, moves: int(np.argmin(moves)) + 1,
            "That is the worst day. The call comes when all days together have used up the room.",
        ),
        Mistake(
            lambda deposit_usd, number, maintenance_usd, moves: 5,
            "By Friday it is over: look for the *first* evening on which the balance is too low.",
        ),
    ],
    hints=[
        "moves.cumsum() gives the points won or lost since the start, evening by evening.",
        "The account may lose {deposit_usd:,} less {number} × {maintenance_usd}, in dollars; one "
        "point is worth 5 × {number} dollars.",
    ],
    well_done="That evening the broker asks for money.",
    whole=True,
)

q4 = Choose(
    "Choose what M2KU27 is.",
    options={
        "a": "the Micro E-mini Russell 2000 future that expires in June 2027",
        "b": "the Micro E-mini Russell 2000 future that expires in September 2027",
        "c": "the 27th weekly contract of the current year",
    },
    right="b",
    feedback={
        "a": "June is M. The four quarters are H, M, U, Z: March, June, September, December.",
        "b": "U is September, 27 is the year, and it expires on the third Friday, 17 September.",
        "c": "The last two digits are the year, and M2K futures come in quarters, not weeks.",
    },
)


def _last_payment(bought, yesterday, final, number):
    return (final - yesterday) * M2K.multiplier * number


q5 = Compute(
    "A trader bought {number} M2K at {bought:,.1f} and holds them into expiry. Thursday's "
    "settlement price was {yesterday:,.1f}; Friday's final settlement is {final:,.2f}. Compute "
    "the cash, in USD, that reaches the account on Friday. "
    "Give it to the cent.",
    reference=_last_payment,
    given={
        "bought": Given(2350.0, steps(2335.0, 2365.0, 2.5)),
        "yesterday": Given(2391.2, steps(2383.2, 2395.2, 1.5)),
        "final": Given(2397.65, steps(2397.35, 2409.35, 1.5)),
        "number": Given(2, [3, 4, 6, 7]),
    },
    mistakes=[
        Mistake(
            lambda bought, yesterday, final, number: (final - bought) * 5 * number,
            "That is the profit of the whole trade. All of it up to Thursday's settlement has "
            "been paid on earlier evenings; only the last step is still to come.",
        ),
        Mistake(
            lambda bought, yesterday, final, number: final * 5 * number,
            "Nobody pays the value of the index. Cash settlement pays the last change in price.",
        ),
        Mistake(
            lambda bought, yesterday, final, number: (final - yesterday) * 5,
            "That is one contract; the trader holds {number}.",
        ),
        Mistake(
            lambda bought, yesterday, final, number: (final - yesterday) * number,
            "Those are points. One point is worth $5.",
        ),
        Mistake(
            lambda bought, yesterday, final, number: final - yesterday,
            "Those are the points of one contract. One point is worth $5, and there are {number}.",
        ),
        Mistake(
            lambda bought, yesterday, final, number: (final - yesterday) * 50 * number,
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
    ],
    hints=[
        "What has already been paid, evening by evening, up to Thursday?",
        "Only {final:,.2f} − {yesterday:,.1f} is left to pay, on {number} contracts.",
    ],
    well_done="No shares change hands; the position is gone.",
    unit="USD",
)


def _after_the_roll(bought, sold, bought_next, price_now, number):
    front_points = sold - bought
    next_points = price_now - bought_next
    return (front_points + next_points) * M2K.multiplier * number


_GAP = (
    "That counts the gap between the two months as profit. Nobody paid it: it is the carry of "
    "three more months. Add up the two trades one by one."
)

q6 = Compute(
    "A trader buys {number} M2K of the front month at {bought:,.1f}. On the roll day they sell "
    "it at {sold:,.1f} and buy the next month at {bought_next:,.1f}; today that trades at "
    "{price_now:,.1f}. Compute the profit so far, in USD, before costs. "
    "Give it to the cent.",
    reference=_after_the_roll,
    given={
        "bought": Given(2380.0, steps(2365.3, 2389.3, 2.0)),
        "sold": Given(2404.3, steps(2396.2, 2412.2, 2.0)),
        "bought_next": Given(2420.1, steps(2414.1, 2426.1, 2.0)),
        "price_now": Given(2431.5, steps(2428.5, 2446.5, 2.0)),
        "number": Given(2, [3, 4, 6]),
    },
    mistakes=[
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (price_now - bought) * 5 * number,
            _GAP,
        ),
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (price_now - bought) * 5, _GAP
        ),
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (
                (price_now - bought_next) * 5 * number
            ),
            "That is the second trade only. The front month was sold with a profit, too.",
        ),
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (sold - bought) * 5 * number,
            "That is the first trade only. The next month has moved since.",
        ),
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (
                (sold - bought + price_now - bought_next) * number
            ),
            "Those are points. One point is worth $5.",
        ),
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (
                sold - bought + price_now - bought_next
            ),
            "Those are the points of one contract. One point is worth $5, and there are {number}.",
        ),
        Mistake(
            lambda bought, sold, bought_next, price_now, number: (
                (sold - bought + price_now - bought_next) * 5
            ),
            "That is one contract; the trader holds {number}.",
        ),
    ],
    hints=[
        "A roll is two trades: one closes, another opens.",
        "({sold:,.1f} − {bought:,.1f}) + ({price_now:,.1f} − {bought_next:,.1f}), in points.",
    ],
    well_done="The gap between the months is in neither trade.",
    unit="USD",
)


def _mark_to_market(settlements, bought, number, deposit_usd):
    """Balance after each settlement, in USD."""
    before = settlements.shift().fillna(bought)
    paid_usd = (settlements - before) * M2K.multiplier * number
    return deposit_usd + paid_usd.cumsum()


q7 = Write(
    "Write the function `mark_to_market(settlements, bought, number, deposit_usd)`. It takes a "
    "Series of settlement prices, one a day, of a position of `number` M2K (below zero for short) "
    "opened at the price `bought` before the first of them, in an account that held `deposit_usd` "
    "dollars. It returns a Series with the same index: the balance, in USD, after each settlement.",
    reference=_mark_to_market,
    cases=[
        Case(
            "a week that falls and comes back",
            lambda: (series(2414.2, 2392.8, 2386.5, 2369.5, 2401.0), 2400.0, 4, 4_000),
        ),
        Case(
            "a short position",
            lambda: (series(2391.0, 2402.5, 2398.1, 2405.6), 2400.0, -2, 3_000),
        ),
        Case("a single day", lambda: (series(2410.0), 2405.5, 1, 1_000)),
        Case("prices that don't move", lambda: (series(2400.0, 2400.0), 2400.0, 3, 2_500)),
    ],
    mistakes=[
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + (settlements.diff().fillna(0.0) * 5 * number).cumsum()
            ),
            "The first evening pays, too: the difference between its settlement and the price at "
            "which the position was opened.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + (settlements.diff() * 5 * number).cumsum()
            ),
            "The first evening has no settlement before it, so `diff` has nothing there. It pays "
            "the difference from the price at which the position was opened.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + (settlements - bought) * number
            ),
            "That counts points as dollars: a point of M2K is $5 a contract.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + (settlements - bought) * 50 * number
            ),
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + ((settlements - bought) * 5 * number).cumsum()
            ),
            "That pays the whole move since the opening again every evening. Each evening only "
            "the change since the last settlement is paid.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + (settlements - settlements.shift().fillna(bought)) * 5 * number
            ),
            "That is the deposit and one evening's payment. A balance has all payments so far in "
            "it: add them up with `cumsum`.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (settlements - bought) * 5 * number,
            "That is what has been won or lost. The deposit is in the balance as well.",
        ),
        Mistake(
            lambda settlements, bought, number, deposit_usd: (
                deposit_usd + (settlements - bought) * 5 * abs(number)
            ),
            "A short position gains when the price falls: leave `number` its sign.",
        ),
    ],
    hints=[
        "What is paid on an evening: the settlement price less the one before it. Which price "
        "comes before the first?",
        "`settlements.shift()` is the price of the day before, and `.fillna(bought)` fills the "
        "first. Times $5 and `number`; `.cumsum()` adds up.",
    ],
    well_done="Every evening settles the change since the last one, and nothing else.",
)

quiz = Choose(
    f"A friend says: “I pay {INITIAL:,} dollars of margin for an M2K, so that is the most I can "
    "lose.” Choose the best reply.",
    options={
        "a": "True: the broker closes the position when the margin is used up.",
        "b": "True for a long position; only a short one can lose more.",
        "c": "False: margin is a deposit, and the position can lose more than it.",
    },
    right="c",
    feedback={
        "a": "The broker may close it, at the price there is by then. If the market opens far "
        "below, the loss is larger than the deposit, and the difference is owed.",
        "b": "A long M2K could in principle lose its whole notional value, many times its margin.",
        "c": "Margin is a performance bond: it shows that you can pay, it does not limit what "
        "you may owe.",
    },
)

QUESTIONS = register("01_contract_basics", globals())
