"""Page 00b."""

import numpy as np


def dollars_in_one_line(points, contracts):
    return 5 * points * contracts


def dollars_step_by_step(points, contracts):
    usd_a_point = 5 * contracts
    return usd_a_point * points


def dollars_of_one(points, contracts):
    return points * 5


def dollars_in_points(points, contracts):
    return points * contracts


def dollars_without_sign(points, contracts):
    return abs(points) * 5 * abs(contracts)


def dollars_of_the_large_one(points, contracts):
    return 50 * contracts * points


def equity_by_a_loop(profits_usd, deposit_usd):
    held, after = deposit_usd, []
    for profit in profits_usd:
        held += profit
        after.append(held)
    return after


def equity_by_sums(profits_usd, deposit_usd):
    return [deposit_usd + sum(profits_usd[: n + 1]) for n in range(len(profits_usd))]


def equity_from_the_deposit_each_time(profits_usd, deposit_usd):
    return [profit + deposit_usd for profit in profits_usd]


def equity_without_the_deposit(profits_usd, deposit_usd):
    return [sum(profits_usd[: n + 1]) for n in range(len(profits_usd))]


def equity_at_the_end(profits_usd, deposit_usd):
    return deposit_usd + sum(profits_usd)


def equity_with_the_deposit_first(profits_usd, deposit_usd):
    after = [deposit_usd]
    for profit in profits_usd:
        after.append(after[-1] + profit)
    return after


def up_by_dropna(close):
    return (close.diff().dropna() > 0).mean()


def up_by_a_loop(close):
    values = close.tolist()
    pairs = list(zip(values[:-1], values[1:], strict=True))
    return sum(later > earlier for earlier, later in pairs) / len(pairs)


def up_of_all_rows(close):
    return (close > close.shift()).mean()


def up_or_equal(close):
    return (close.diff().dropna() >= 0).mean()


def up_in_days(close):
    return int((close.diff() > 0).sum())


def down_instead(close):
    return (close.diff().dropna() < 0).mean()


def fall_by_accumulating(equity_usd):
    return float((np.maximum.accumulate(equity_usd) - equity_usd).max())


def fall_by_pairs(equity_usd):
    falls = [
        equity_usd[i] - equity_usd[j]
        for i in range(len(equity_usd))
        for j in range(i, len(equity_usd))
    ]
    return max(falls)


def fall_from_high_to_low(equity_usd):
    return max(equity_usd) - min(equity_usd)


def fall_of_one_day(equity_usd):
    return max([0.0, *(a - b for a, b in zip(equity_usd[:-1], equity_usd[1:], strict=True))])


def fall_from_the_first_day(equity_usd):
    return max(equity_usd[0] - value for value in equity_usd)


SOLUTIONS = {
    "q1": (
        [dollars_in_one_line, dollars_step_by_step],
        {
            dollars_of_one: "multiply by `contracts`",
            dollars_in_points: "Those are points",
            dollars_without_sign: "leave the numbers their signs",
            dollars_of_the_large_one: "50 dollars a point is RTY",
        },
    ),
    "q2": (
        [equity_by_a_loop, equity_by_sums],
        {
            equity_from_the_deposit_each_time: "not with the deposit again",
            equity_without_the_deposit: "The deposit is in the account",
            equity_at_the_end: "one number",
            equity_with_the_deposit_first: "Begin with the one after the first",
        },
    ),
    "q3": (
        [up_by_dropna, up_by_a_loop],
        {
            up_of_all_rows: "The first day has no day before it",
            up_or_equal: "higher is `>`",
            up_in_days: "That is how many days",
            down_instead: "on which it fell",
        },
    ),
    "q4": (
        [fall_by_accumulating, fall_by_pairs],
        {
            fall_from_high_to_low: "the lowest may have come first",
            fall_of_one_day: "the largest loss of one day",
            fall_from_the_first_day: "counts from the first day",
        },
    ),
}
