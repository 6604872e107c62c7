"""A sample: a question whose answer is a number, other for each learner."""

from m2k_lessons.contracts import M2K
from m2k_lessons.exercises.base import Compute, Given, Mistake, steps

MAINTENANCE_USD = 1_000


def _points_to_the_call(deposit_usd, number, maintenance_usd):
    room_usd = deposit_usd - number * maintenance_usd
    return room_usd / (M2K.multiplier * number)


points_to_the_call = Compute(
    "An account of {deposit_usd:,} dollars is long {number} M2K. Maintenance margin is "
    "{maintenance_usd:,} dollars a contract. Compute by how many points the price may fall before "
    "the balance meets the maintenance margin, to one decimal.",
    reference=_points_to_the_call,
    given={
        "deposit_usd": Given(8_000, steps(7_000, 11_900, 350)),
        "number": Given(3, [3, 4, 6]),
        "maintenance_usd": Given(MAINTENANCE_USD, [MAINTENANCE_USD]),
    },
    mistakes=[
        Mistake(
            lambda deposit_usd, number, maintenance_usd: deposit_usd / (5 * number),
            "That empties the account. The call comes while the margin is still there.",
        ),
        Mistake(
            lambda deposit_usd, number, maintenance_usd: (
                (deposit_usd - number * maintenance_usd) / number
            ),
            "Those are dollars a contract. A point of M2K is $5.",
        ),
        Mistake(
            lambda deposit_usd, number, maintenance_usd: (
                (deposit_usd - maintenance_usd) / (5 * number)
            ),
            "That holds the margin of one contract, and the account has {number}.",
        ),
    ],
    unit="points",
    tolerance=0.05,
)

POINTS = {"points_to_the_call": 2}
