"""Page 00b: functions, loops, columns of numbers, and a mistake to mend."""

import numpy as np

from m2k_lessons.exercises.base import Case, Mend, Mistake, Write, register
from m2k_lessons.exercises.data_sets import series


def _in_dollars(points, contracts):
    return points * 5 * contracts


q1 = Write(
    "Write the function `in_dollars(points, contracts)`: what a move of `points` is worth, in "
    "dollars, to somebody who holds `contracts` M2K. One point of M2K is worth 5 dollars.",
    reference=_in_dollars,
    cases=[
        Case("ten points, one contract", lambda: (10.0, 1)),
        Case("a loss on three", lambda: (-4.5, 3)),
        Case("nothing held", lambda: (12.0, 0)),
        Case("a short position", lambda: (8.0, -2)),
    ],
    mistakes=[
        Mistake(
            lambda points, contracts: points * 5,
            "That is one contract, however many are held: multiply by `contracts`.",
        ),
        Mistake(
            lambda points, contracts: points * contracts,
            "Those are points. One point of M2K is worth 5 dollars on each contract.",
        ),
        Mistake(
            lambda points, contracts: abs(points * 5 * contracts),
            "A loss is negative: leave the numbers their signs.",
        ),
        Mistake(
            lambda points, contracts: points * 50 * contracts,
            "50 dollars a point is RTY, the contract that is ten times as large.",
        ),
    ],
    hints=[
        "Three numbers are multiplied with each other.",
        "After `return` stands `points * 5 * ` and one name more.",
    ],
    well_done="A function that others can call, with the signs left as they came.",
)


def _equity_after(profits_usd, deposit_usd):
    equity = []
    for profit in profits_usd:
        deposit_usd = deposit_usd + profit
        equity.append(deposit_usd)
    return equity


q2 = Write(
    "Write the function `equity_after(profits_usd, deposit_usd)`. It takes a list with the profit "
    "or loss of each trade and what the account held before the first one, and returns a list: "
    "what the account holds after each trade.",
    reference=_equity_after,
    cases=[
        Case("three trades", lambda: ([120.0, -80.0, 45.5], 2_000.0)),
        Case("a single loss", lambda: ([-310.0], 1_000.0)),
        Case("more lost than there was", lambda: ([-400.0, -300.0, 50.0], 500.0)),
        Case("no trade at all", lambda: ([], 750.0)),
    ],
    mistakes=[
        Mistake(
            lambda profits_usd, deposit_usd: [deposit_usd + profit for profit in profits_usd],
            "Each trade begins with what the one before has left, not with the deposit again.",
        ),
        Mistake(
            lambda profits_usd, deposit_usd: list(np.cumsum(profits_usd).tolist()),
            "That is what was won and lost so far. The deposit is in the account as well.",
        ),
        Mistake(
            lambda profits_usd, deposit_usd: deposit_usd + sum(profits_usd),
            "That is one number, the account at the end. Asked for is a list: one after each "
            "trade.",
        ),
        Mistake(
            lambda profits_usd, deposit_usd: [
                deposit_usd,
                *(deposit_usd + np.cumsum(profits_usd)).tolist(),
            ],
            "The first entry is the account before any trade. Begin with the one after the first.",
        ),
    ],
    hints=[
        "Walk through the list with `for`, and keep a number that changes with each trade.",
        "Before the loop `equity = []`; in it add the profit and `equity.append(...)`; after it "
        "`return equity`.",
    ],
    well_done="This loop is what an account does all day.",
)


def _days_up(close):
    return float((close.diff().dropna() > 0).mean())


def _days_up_broken(close):
    change = close.diff()
    return float((change > 0).mean())


q3 = Mend(
    "Mend the function `days_up(close)`. It is to give the share of days, from 0 to 1, on which "
    "the close was higher than the day before; the first day has none before it and does not "
    "count.",
    reference=_days_up,
    broken=_days_up_broken,
    cases=[
        Case("two of four", lambda: (series(2400.0, 2406.5, 2398.0, 2411.0, 2405.0),)),
        Case("every day", lambda: (series(2400.0, 2401.0, 2402.5),)),
        Case("a day without a change", lambda: (series(2400.0, 2400.0, 2399.0, 2404.0),)),
        Case("a long fall", lambda: (series(*(2400.0 - np.arange(30.0))),)),
    ],
    mistakes=[
        Mistake(
            lambda close: float((close.diff() > 0).mean()),
            "The first day has no day before it, and a comparison with nothing says no. Drop it "
            "before you take the mean: `dropna`.",
        ),
        Mistake(
            lambda close: float((close.diff().dropna() >= 0).mean()),
            "A day without a change is counted as one that rose: higher is `>`.",
        ),
        Mistake(
            lambda close: float((close.diff().dropna() > 0).sum()),
            "That is how many days. The share is the mean of yes and no.",
        ),
        Mistake(
            lambda close: float((close.diff().dropna() < 0).mean()),
            "Those are the days on which it fell.",
        ),
    ],
    hints=[
        "How many changes do five closes have, and by how many does `mean` divide?",
        "`close.diff().dropna()` has one row fewer than `close`.",
    ],
    well_done="Four closes have three changes: a missing first day is the commonest slip of all.",
)


def _largest_fall(equity_usd):
    highest, fall = equity_usd[0], 0.0
    for value in equity_usd:
        highest = max(highest, value)
        fall = max(fall, highest - value)
    return fall


q4 = Write(
    "Write the function `largest_fall(equity_usd)`. It takes a list of what an account held, day "
    "by day, and returns the largest fall from the highest value so far, in dollars: 0.0 for an "
    "account that never fell.",
    reference=_largest_fall,
    cases=[
        Case("up, down, up", lambda: ([1_000.0, 1_300.0, 900.0, 1_500.0, 1_350.0],)),
        Case("only up", lambda: ([500.0, 600.0, 600.0],)),
        Case("only down", lambda: ([800.0, 650.0, 400.0],)),
        Case("one day", lambda: ([1_000.0],)),
        Case("the high comes after the low", lambda: ([1_000.0, 700.0, 2_000.0, 1_900.0],)),
    ],
    mistakes=[
        Mistake(
            lambda equity_usd: float(max(equity_usd) - min(equity_usd)),
            "That is the highest less the lowest, and the lowest may have come first. A fall is "
            "counted from the highest value *so far*.",
        ),
        Mistake(
            lambda equity_usd: float(max(0.0, *(-np.diff(equity_usd)), 0.0)),
            "That is the largest loss of one day. A fall may take many days.",
        ),
        Mistake(
            lambda equity_usd: float(max(equity_usd[0] - min(equity_usd), 0.0)),
            "That counts from the first day. The account may have been higher since.",
        ),
        Mistake(
            lambda equity_usd: float((np.maximum.accumulate(equity_usd) - equity_usd)[-1]),
            "That is the fall at the end. The largest may have been made good since.",
        ),
    ],
    hints=[
        "Keep two numbers while you walk through the list: the highest value so far, and the "
        "largest fall so far.",
        "In the loop: `highest = max(highest, value)`, then `fall = max(fall, highest - value)`.",
    ],
    well_done="This is the drawdown of the later chapters.",
)

QUESTIONS = register("00b_python_you_will_meet", globals())
