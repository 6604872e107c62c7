"""A sample: a question with options, in another order for each learner."""

from m2k_lessons.exercises.base import Choose

after_two_hundred_pairs = Choose(
    "Somebody tests two hundred pairs of unrelated markets for cointegration at the level of 5 %. "
    "Twelve pass. Choose what follows.",
    options={
        "a": "About 95 % of the twelve, eleven or so, are truly tied together.",
        "b": "Nothing beyond luck: about ten would pass if no pair were tied together.",
        "c": "The test is broken, since unrelated markets must never pass it.",
        "d": "The twelve are safe to trade once each is tested again on the same prices.",
    },
    right="b",
    feedback={
        "a": "The level is the share of unrelated pairs that pass, not of passing pairs that are "
        "unrelated.",
        "b": "Five per cent of two hundred is ten, and twelve lies within a standard error of it.",
        "c": "A level of 5 % says that one unrelated pair in twenty does pass.",
        "d": "The same prices give the same result. Only prices that were not looked at can tell.",
    },
)
