"""Lesson 03b: closing a position in parts, what it changes and how sure that is."""

from __future__ import annotations

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
from m2k_lessons.exercises.micro_vs_standard import COSTS

g1 = Guess(
    "In how many of a hundred trades of ten days does some close lie 40 points or more ahead?",
    unit="of a hundred trades",
    scale=25,
)

g2 = Guess(
    "How many dollars a trade does the plan in parts earn more than the RTY, on average? Less is "
    "negative.",
    unit="USD",
    scale=250,
)


def _micros_less_standard(early, early_points, last_points, micro_usd, standard_usd):
    parts_usd = 5 * (early * early_points + (10 - early) * last_points) - 10 * micro_usd
    whole_usd = 50 * last_points - standard_usd
    return parts_usd - whole_usd


q1 = Compute(
    "Two traders buy at the same price: one buys 10 M2K, the other 1 RTY. The first sells {early} "
    "micros {early_points:.1f} points above that price and the others {last_points:.1f} points "
    "above it. The second sells the RTY {last_points:.1f} points above it. A round turn costs "
    "{micro_usd:.2f} dollars for an M2K and {standard_usd:.2f} for the RTY. Compute how many USD "
    "more the first trader is left with than the second, to the cent; less is negative.",
    reference=_micros_less_standard,
    given={
        "early": Given(4, [3, 6, 7]),
        "early_points": Given(21.0, steps(18.0, 25.0, 0.5)),
        "last_points": Given(36.5, steps(31.0, 43.0, 0.5)),
        **COSTS,
    },
    mistakes=[
        Mistake(
            lambda early, early_points, last_points, micro_usd, standard_usd: (
                5 * early * (early_points - last_points)
            ),
            "That is before costs. Ten micros cost more to get in and out of than one RTY.",
        ),
        Mistake(
            lambda early, early_points, last_points, micro_usd, standard_usd: (
                5 * early * (early_points - last_points) + 10 * micro_usd - standard_usd
            ),
            "The micros cost more than the RTY, so the difference in costs lowers the result.",
        ),
        Mistake(
            lambda early, early_points, last_points, micro_usd, standard_usd: (
                5 * (early * early_points + (10 - early) * last_points) - 10 * micro_usd
            ),
            "That is what the first trader is left with. Take away what the second is left with.",
        ),
        Mistake(
            lambda early, early_points, last_points, micro_usd, standard_usd: (
                5 * early * (early_points - last_points) - micro_usd + standard_usd
            ),
            "Every one of the ten micros pays for a round turn.",
        ),
        Mistake(
            lambda early, early_points, last_points, micro_usd, standard_usd: (
                50 * early * (early_points - last_points) - 10 * micro_usd + standard_usd
            ),
            "$50 a point is RTY. The {early} contracts that were sold early are micros, at $5.",
        ),
        Mistake(
            lambda early, early_points, last_points, micro_usd, standard_usd: (
                standard_usd - 10 * micro_usd
            ),
            "Those are the costs. The {early} micros sold early also miss the rest of the rise.",
        ),
    ],
    hints=[
        "Only the {early} micros that were sold early end differently from the RTY. How many "
        "points did they give away?",
        "{early} × 5 × ({early_points:.1f} − {last_points:.1f}), less 10 × {micro_usd:.2f}, plus "
        "{standard_usd:.2f}.",
    ],
    well_done="The early sale gave away the rest of the rise, and ten micros cost more to trade.",
    unit="USD",
)


def _points_in_parts(gained, target):
    """Points of a position half of which is sold at the first close that reaches the target."""
    reached = gained[gained >= target]
    half_at = reached.iloc[0] if len(reached) else gained.iloc[-1]
    return 0.5 * half_at + 0.5 * gained.iloc[-1]


q2 = Write(
    "Write the function `points_in_parts(gained, target)`. It takes a Series with the points that "
    "a trade stands ahead at each close, in order, and the target in points. Half of the position "
    "is sold at the first close that is `target` points or more ahead, the rest at the last close; "
    "without such a close, all of it at the last. Return the points gained by the whole position, "
    "a number: the average of its two halves.",
    reference=_points_in_parts,
    cases=[
        Case(
            "a trade that reaches the target and comes back",
            lambda: (series(15.0, 43.5, 20.0), 40.0),
        ),
        Case("a trade that reaches it twice", lambda: (series(41.5, 12.0, 55.0, 60.0), 40.0)),
        Case("a close exactly at the target", lambda: (series(10.0, 40.0, -8.0), 40.0)),
        Case("a trade that never reaches it", lambda: (series(5.0, -12.0, -30.5), 40.0)),
        Case("a target that only the last close reaches", lambda: (series(3.0, 9.0, 21.0), 20.0)),
        Case("a trade of one day", lambda: (series(44.0), 40.0)),
    ],
    mistakes=[
        Mistake(
            lambda gained, target: (
                0.5 * (target if (gained >= target).any() else gained.iloc[-1])
                + 0.5 * gained.iloc[-1]
            ),
            "That sells at the target itself. The plan sells at the first *close* that reaches it, "
            "which may lie beyond.",
        ),
        Mistake(
            lambda gained, target: (
                0.5 * (gained.max() if (gained >= target).any() else gained.iloc[-1])
                + 0.5 * gained.iloc[-1]
            ),
            "That sells at the best close of the trade, which nobody knows on that day. Take the "
            "first one that reaches the target.",
        ),
        Mistake(
            lambda gained, target: gained.iloc[-1],
            "That holds everything to the last close.",
        ),
        Mistake(
            lambda gained, target: (
                gained[gained >= target].iloc[0] if (gained >= target).any() else gained.iloc[-1]
            ),
            "That sells everything at the target. Half of it stays to the last close.",
        ),
        Mistake(
            lambda gained, target: (
                0.5
                * (gained[gained > target].iloc[0] if (gained > target).any() else gained.iloc[-1])
                + 0.5 * gained.iloc[-1]
            ),
            "A close exactly at the target counts, too: `>=`.",
        ),
        Mistake(
            lambda gained, target: (
                0.5 * (gained[gained >= target].iloc[0] if (gained >= target).any() else 0)
                + 0.5 * gained.iloc[-1]
            ),
            "Without such a close the first half is sold at the last close as well; it does not "
            "vanish.",
        ),
    ],
    hints=[
        "`reached = gained[gained >= target]` keeps the closes that reach the target. What if "
        "there are none?",
        "`half_at = reached.iloc[0] if len(reached) else gained.iloc[-1]`; then the average of "
        "`half_at` and `gained.iloc[-1]`.",
    ],
    well_done="Each close decides with what is known on its own day.",
    tolerance=1e-9,
)

q3 = Choose(
    "Over many trades, a trader who sold half at a profit target won more often, and had a smaller "
    "spread of results, than one who held everything to the end. Choose what that shows.",
    options={
        "a": "Selling in parts earns more: a higher share of winners means a higher average.",
        "b": "Selling in parts changes the shape: more small gains, fewer large ones. It says "
        "nothing about the average.",
        "c": "Selling in parts protects: the worst trades lose only half as much.",
    },
    right="b",
    feedback={
        "a": "Winners can be many and small. The average counts how much they win, and the large "
        "wins were cut short.",
        "b": "Where past moves do not tell the next direction, being smaller after a rise takes "
        "away risk and the reward for it alike.",
        "c": "A trade that falls from the start never reaches the target. It is still held whole "
        "at the bottom and loses just as much.",
    },
)

quiz = Choose(
    "A friend says: “Once half is sold at a profit, I play with the market's money: the rest of "
    "the trade can't cost me anything.” Choose the best reply.",
    options={
        "a": "True: what was earned with the first half pays for the second.",
        "b": "False: the rest gains and loses the same dollars a point as any other position.",
        "c": "True as long as the stop of the second half lies at the entry.",
    },
    right="b",
    feedback={
        "a": "The profit of the first half is yours, like every other dollar in the account. What "
        "the second half loses comes out of the account.",
        "b": "Where the position was opened is history. The question each evening is whether you "
        "want five micros of this market now.",
        "c": "From the day of the sale on it can still lose everything that it stood ahead, and a "
        "gap goes past the stop.",
    },
)

QUESTIONS = register("03b_further_scaling_out", globals())
