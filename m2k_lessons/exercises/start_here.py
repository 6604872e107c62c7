"""Chapter 00: a first exercise, to see how exercises answer."""

from __future__ import annotations

from m2k_lessons.exercises.base import Choose, Compute, Given, Mistake, register


def _value_of_points(points):
    dollars_a_point = 5
    return points * dollars_a_point


q1 = Compute(
    "One point of M2K is worth 5 dollars. Compute what {points} points are worth, in USD.",
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

q2 = Choose(
    "Choose what is true about the prices in this course.",
    options={
        "a": "they are the prices of the last ten years",
        "b": "most of them are simulated, lie in the 2030s, and are labelled so",
        "c": "nobody can say where they come from",
    },
    right="b",
    feedback={
        "a": "No history is shipped with the course. Your own files can be read in, and two "
        "chapters use real economic data that is named as such.",
        "b": "So an estimate can be compared with the truth that the prices were drawn from.",
        "c": "Each data set comes with the parameters it was drawn from, its seed and a checksum.",
    },
)

QUESTIONS = register("00_start_here", globals())
