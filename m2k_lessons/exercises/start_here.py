"""Chapter 00: a first exercise, to see how exercises answer."""

from __future__ import annotations

from m2k_lessons.exercises.base import Choose, Compute, Given, Mistake, register, steps


def _value_of_points(points):
    dollars_a_point = 5
    return points * dollars_a_point


example = Compute(
    "One point of M2K is worth five dollars. Compute what {points} points are worth, in USD.",
    reference=_value_of_points,
    given={"points": Given(3, [3])},  # the page answers it with everybody's numbers
    mistakes=[
        Mistake(lambda points: points, "Those are the points. Each of them is worth $5."),
        Mistake(lambda points: points / 5, "Upside down: more points are worth more dollars."),
        Mistake(lambda points: points * 50, "$50 a point is the big sister, RTY. M2K is $5."),
    ],
    hints=["If one point is worth $5, two points are worth $10.", "{points} × 5."],
    well_done="{points} points are ${answer}.",
    unit="USD",
)


def _value_of_contracts(points, number):
    dollars_a_point = 5
    return points * dollars_a_point * number


q1 = Compute(
    "Now for {number} contracts: compute what {points} points are worth on all of them, in USD.",
    reference=_value_of_contracts,
    given={"points": Given(7, steps(4, 19, 1)), "number": Given(2, [3, 5, 6, 7, 8, 9])},
    mistakes=[
        Mistake(lambda points, number: points * 5, "That is one contract. There are {number}."),
        Mistake(lambda points, number: points * number, "Those are points. Each is worth $5."),
        Mistake(lambda points, number: points * 50 * number, "$50 a point is RTY. M2K is $5."),
    ],
    hints=["First one contract, then as often as there are contracts.", "{points} × 5 × {number}."],
    well_done="{points} points on {number} contracts are ${answer}.",
    unit="USD",
)

q2 = Choose(
    "Choose what is true about the prices in this course.",
    options={
        "a": "they are the prices of the last ten years",
        "b": "most of them are simulated, lie in the 2030s, and are labelled so",
        "c": "nobody can say where they come from",
    },
    right="b",
    feedback={
        "a": "The contracts' prices lie in the 2030s. Records of real markets come with the "
        "course, too: they are named as such, and your own files can be read in.",
        "b": "So an estimate can be compared with the truth that the prices were drawn from.",
        "c": "Each data set comes with the parameters it was drawn from, its seed and a checksum.",
    },
)

QUESTIONS = register("00_start_here", globals())
