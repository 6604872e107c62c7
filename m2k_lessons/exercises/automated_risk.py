"""Chapter 14: Kelly and its parts, what an estimate does to it, volatility, the risk engine."""

from __future__ import annotations

import numpy as np

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
from m2k_lessons.exercises.data_sets import course_closes, series


def _at_risk(win_pct, odds, account_usd):
    p = win_pct / 100
    fraction = (odds * p - (1 - p)) / odds
    return max(fraction, 0.0) * account_usd


g1 = Guess(
    "Of a hundred accounts that bet full Kelly with a known edge, how many are halved at some "
    "time?",
    unit="of a hundred",
    scale=30.0,
)

g2 = Guess(
    "The daily limit is 400 dollars, and the engine looks once an hour. What does the worst day "
    "lose?",
    unit="dollars",
    scale=300.0,
)

q1 = Compute(
    "A rule wins {win_pct} % of its trades. A win is {odds} times as large as a loss, and both "
    "numbers are known for certain. The account holds {account_usd:,} dollars. Compute how many "
    "dollars the Kelly formula puts at risk on one trade. "
    "Give the nearest dollar or better.",
    reference=_at_risk,
    given={
        "win_pct": Given(45, steps(43, 50, 1)),
        "odds": Given(1.5, [1.4, 1.6, 1.7]),
        "account_usd": Given(30_000, steps(24_000, 42_000, 3_000)),
    },
    mistakes=[
        Mistake(
            lambda win_pct, odds, account_usd: (
                (odds * win_pct / 100 - 1 + win_pct / 100) * account_usd
            ),
            "That is b·p − q. It still has to be divided by the odds, b.",
        ),
        Mistake(
            lambda win_pct, odds, account_usd: max(2 * win_pct / 100 - 1, 0.0) * account_usd,
            "That is the formula for even odds. Here a win is {odds} times a loss.",
        ),
        Mistake(
            lambda win_pct, odds, account_usd: (odds * win_pct / 100 - 1 + win_pct / 100) / odds,
            "That is the fraction of the account. The question asks for dollars.",
        ),
        Mistake(
            lambda win_pct, odds, account_usd: (
                100 * (odds * win_pct / 100 - 1 + win_pct / 100) / odds
            ),
            "That is the fraction in percent. The question asks for dollars.",
        ),
    ],
    hints=[
        "p is the chance of a win as a fraction, q is 1 − p, b is the odds.",
        "({odds} × p − q) ÷ {odds}, with p = {win_pct} ÷ 100, times {account_usd:,}.",
    ],
    well_done="${answer:,.0f}, all of which may be lost. It is neither the margin nor the market "
    "held.",
    unit="USD",
    tolerance=0.5,
)


def _leverage(win_pct, gain_pct, loss_pct):
    p = win_pct / 100
    return p / (loss_pct / 100) - (1 - p) / (gain_pct / 100)


q2 = Compute(
    "Each trade of a rule gains {gain_pct} % of the market held with a chance of {win_pct} %, or "
    "else loses {loss_pct} % of it. Compute the Kelly answer: the market held, as a multiple of "
    "the account. "
    "Give two decimals or better.",
    reference=_leverage,
    given={
        "win_pct": Given(50, steps(49, 54, 1)),
        "gain_pct": Given(2.5, [2.4, 2.6, 2.7, 2.8]),
        "loss_pct": Given(2.0, [1.9, 2.1, 2.2]),
    },
    mistakes=[
        Mistake(
            lambda win_pct, gain_pct, loss_pct: (
                win_pct / 100 - (1 - win_pct / 100) * loss_pct / gain_pct
            ),
            "That is the share of the account at risk. Divide it by what one dollar of market "
            "loses.",
        ),
        Mistake(
            lambda win_pct, gain_pct, loss_pct: (
                win_pct / gain_pct - (1 - win_pct / 100) / (loss_pct / 100)
            ),
            "Win and loss have changed places: the chance of a win stands over the loss.",
        ),
        Mistake(
            lambda win_pct, gain_pct, loss_pct: (
                win_pct / 100 / loss_pct - (1 - win_pct / 100) / gain_pct
            ),
            "The percentages went in as whole numbers: {loss_pct} % is {loss_pct} ÷ 100.",
        ),
    ],
    hints=[
        "The general form is p ÷ loss − q ÷ win.",
        "p ÷ ({loss_pct} ÷ 100) − q ÷ ({gain_pct} ÷ 100), with p = {win_pct} ÷ 100.",
    ],
    well_done="{answer:.2f} times the account, if the chance were known. It never is.",
)


def _chance_pct(left_pct, part):
    return 100 * (left_pct / 100) ** (2 / part - 1)


q3 = Compute(
    "An account bets {part} of the Kelly fraction, and its edge is known exactly. Compute the "
    "chance, in percent, that it ever falls to {left_pct} % of its start, by the formula of "
    "continuous time. Give one decimal or better.",
    reference=_chance_pct,
    given={
        "left_pct": Given(70, steps(55, 80, 1)),
        "part": Given(0.5, [0.4, 0.6, 0.7, 0.8]),
    },
    mistakes=[
        Mistake(
            lambda left_pct, part: float(left_pct),
            "That is full Kelly. A smaller bet makes such a fall rarer.",
        ),
        Mistake(
            lambda left_pct, part: (left_pct / 100) ** (2 / part - 1),
            "That is the chance as a fraction of 1. The question asks for percent.",
        ),
        Mistake(
            lambda left_pct, part: 100 * (1 - left_pct / 100) ** (2 / part - 1),
            "The x of the formula is what is left, not what is lost.",
        ),
        Mistake(
            lambda left_pct, part: 100 * (left_pct / 100) ** (2 / part),
            "The exponent is 2 ÷ c − 1: one is missing.",
        ),
    ],
    hints=[
        "x is {left_pct} ÷ 100, and c is {part}.",
        "100 × ({left_pct} ÷ 100) to the power of (2 ÷ {part} − 1)",
    ],
    well_done="{answer:.1f} in 100 such accounts see it, with an edge known exactly.",
    unit="%",
    tolerance=0.06,
)


def _contracts_today(account_usd, target_pct, volatility_pct, price):
    market_usd = account_usd * target_pct / volatility_pct
    return int(market_usd // (price * 5))


q4 = Compute(
    "An account of {account_usd:,} dollars is to move {target_pct} % a year. M2K stands at "
    "{price:,}, and its volatility is now {volatility_pct} % a year. Compute how many M2K the "
    "volatility target allows.",
    reference=_contracts_today,
    given={
        "account_usd": Given(90_000, steps(84_000, 600_000, 4_000)),
        "target_pct": Given(15, [12, 14, 16]),
        "volatility_pct": Given(24, [20, 22, 26, 28]),
        "price": Given(2400, steps(2380, 2420, 10)),
    },
    mistakes=[
        Mistake(
            lambda account_usd, target_pct, volatility_pct, price: (
                account_usd * target_pct / volatility_pct / (price * 5)
            ),
            "Contracts come whole: round down.",
        ),
        Mistake(
            lambda account_usd, target_pct, volatility_pct, price: (
                account_usd * target_pct / volatility_pct // (price * 5) + 1
            ),
            "Rounded up, the account would move more than its target. Round down.",
        ),
        Mistake(
            lambda account_usd, target_pct, volatility_pct, price: account_usd // (price * 5),
            "That is the whole account in the market, at a volatility of {volatility_pct} %.",
        ),
        Mistake(
            lambda account_usd, target_pct, volatility_pct, price: int(
                account_usd * target_pct / volatility_pct // price
            ),
            "The multiplier is missing: one M2K holds 5 × {price:,} dollars of market.",
        ),
        Mistake(
            lambda account_usd, target_pct, volatility_pct, price: int(
                account_usd * volatility_pct / target_pct // (price * 5)
            ),
            "Upside down: when the market moves more than the target, you hold less than the "
            "account.",
        ),
    ],
    hints=[
        "First the dollars of market: account × target ÷ volatility.",
        "{account_usd:,} × {target_pct} ÷ {volatility_pct} // ({price:,} × 5)",
    ],
    well_done="{answer} M2K, until the volatility changes.",
    whole=True,
    unit="M2K",
)


def _allowed(account_usd, wish, stop_points, price):
    by_risk = int(account_usd // 100 // (stop_points * 5))
    by_market = int(2 * account_usd // (price * 5))
    return -min(by_risk, by_market, -wish)


q5 = Compute(
    "A strategy wants {wish} M2K (short). The account holds {account_usd:,} dollars, M2K stands "
    "at {price:,}. The limits: 1 % of the account at a stop {stop_points} points away, costs left "
    "out, and market value of at most 2 times the account. Compute the position that a risk "
    "engine allows, with its sign.",
    reference=_allowed,
    given={
        "account_usd": Given(24_000, steps(24_000, 260_000, 2_000)),
        "wish": Given(-9, [-48, -55, -60]),
        "stop_points": Given(8, [6, 7, 9, 10]),
        "price": Given(2400, steps(2400, 2440, 10)),
    },
    mistakes=[
        Mistake(
            lambda account_usd, wish, stop_points, price: min(
                account_usd // 100 // (stop_points * 5), 2 * account_usd // (price * 5)
            ),
            "The size is right. A short position stays short: the engine never changes sides.",
        ),
        Mistake(
            lambda account_usd, wish, stop_points, price: (
                -max(account_usd // 100 // (stop_points * 5), 2 * account_usd // (price * 5))
            ),
            "One of the two limits is broken by that. The smaller one decides.",
        ),
        Mistake(
            lambda account_usd, wish, stop_points, price: wish,
            "That is what the strategy wants. Does each limit hold for it?",
        ),
        Mistake(
            lambda account_usd, wish, stop_points, price: -(account_usd // (price * 5)),
            "That is the market value of one account. The limit allows two.",
        ),
        Mistake(
            lambda account_usd, wish, stop_points, price: 0,
            "Zero is allowed, but it cuts more than the limits ask for.",
        ),
    ],
    hints=[
        "Work out what each limit allows, in whole contracts, and take the smallest.",
        "{account_usd:,} ÷ 100 // ({stop_points} × 5), and 2 × {account_usd:,} // ({price:,} × 5)",
    ],
    well_done="{answer} M2K: the smallest of all answers, on the side the strategy wants.",
    whole=True,
    unit="M2K",
)

q6 = Choose(
    "A risk engine with a daily loss limit of 500 dollars looks at the account at the end of each "
    "hour. Choose what it can promise.",
    options={
        "a": "The account never loses more than 500 dollars in a day.",
        "b": "After the first look that sees a loss of 500 or more, it asks for no position until "
        "the next trade date.",
        "c": "It closes each position at the moment the loss reaches 500 dollars.",
    },
    right="b",
    feedback={
        "a": "The loss goes on between two looks, and until the order that closes is filled. What "
        "it is by then, the market says.",
        "b": "The limit says when the program stops, not how much has been lost by then.",
        "c": "It looks once an hour. What happens in between, it sees afterwards.",
    },
)


def _capped(wanted, equity_usd, price, times):
    """Contracts allowed: market value at most `times` the equity, on the side that is wanted."""
    most = (times * equity_usd // (price * 5)).clip(lower=0)
    return wanted.clip(lower=-most, upper=most)


def _account():
    close = course_closes(200)
    wanted = (10 * np.sign(close.diff()).fillna(0.0)).rename("wanted")
    equity = series(*(30_000 + 40 * np.arange(200) * np.sin(np.arange(200)))).set_axis(close.index)
    return wanted, equity, close, 2.0


q7 = Write(
    "Write the function `capped(wanted, equity_usd, price, times)`. It takes three Series with the "
    "same index, the M2K that a strategy wants (whole, below zero for short), the equity in "
    "dollars and the price, and a number. It returns a Series of whole contracts: what is wanted, "
    "but never so many, long or short, that their market value is more than `times` the equity. "
    "An equity below zero allows none.",
    reference=_capped,
    cases=[
        Case("two hundred days", _account),
        Case(
            "long, short and small wishes",
            lambda: (series(9, -9, 1, 0), *[series(*[25_000.0] * 4)], series(*[2400.0] * 4), 2.0),
        ),
        Case(
            "a cap that is met exactly",
            lambda: (series(5, -5), series(24_000.0, 24_000.0), series(2400.0, 2400.0), 2.0),
        ),
        Case(
            "an equity below zero",
            lambda: (series(3, -3), series(-500.0, -500.0), series(2400.0, 2400.0), 2.0),
        ),
    ],
    mistakes=[
        Mistake(
            lambda wanted, equity_usd, price, times: np.minimum(
                wanted, (times * equity_usd // (price * 5)).clip(lower=0)
            ),
            "That caps the long side only. A short position has a market value, too.",
        ),
        Mistake(
            lambda wanted, equity_usd, price, times: np.minimum(
                wanted.abs(), (times * equity_usd // (price * 5)).clip(lower=0)
            ),
            "The side is lost: what is wanted short stays short.",
        ),
        Mistake(
            lambda wanted, equity_usd, price, times: wanted.clip(
                lower=-(times * equity_usd / (price * 5)).clip(lower=0),
                upper=(times * equity_usd / (price * 5)).clip(lower=0),
            ),
            "Contracts come whole: round the cap down.",
        ),
        Mistake(
            lambda wanted, equity_usd, price, times: wanted.clip(
                lower=-(times * equity_usd // price).clip(lower=0),
                upper=(times * equity_usd // price).clip(lower=0),
            ),
            "The multiplier is missing: one M2K holds price × $5 of the market.",
        ),
        Mistake(
            lambda wanted, equity_usd, price, times: wanted.clip(
                lower=-(equity_usd // (price * 5)).clip(lower=0),
                upper=(equity_usd // (price * 5)).clip(lower=0),
            ),
            "`times` is missing: that allows the equity once.",
        ),
        Mistake(
            lambda wanted, equity_usd, price, times: wanted.where(
                wanted.abs() * price * 5 <= times * equity_usd, 0.0
            ),
            "Too many wanted are cut to what is allowed, not to nothing.",
        ),
    ],
    hints=[
        "How many whole contracts does the cap allow on each day? And how do you keep the side?",
        "`most = times * equity_usd // (price * 5)`, at least 0; then "
        "`wanted.clip(lower=-most, upper=most)`.",
    ],
    well_done="It never enlarges a position, and never turns it round.",
)


def _kelly_of_results(results):
    """Kelly fraction by p − q / b from the results of trades, in R; at least 0."""
    wins, losses = results[results > 0], results[results < 0]
    if wins.empty or losses.empty:
        return np.nan
    p = len(wins) / (len(wins) + len(losses))
    odds = wins.mean() / -losses.mean()
    return max(0.0, p - (1 - p) / odds)


q8 = Write(
    "Write the function `kelly_of_results(results)`. It takes a Series with the results of trades "
    "and returns the Kelly fraction p − q / b, a number, and 0 where that is below 0. p is the "
    "share of winners among the trades that won or lost, q the share of losers, and b the average "
    "win over the average loss. Trades that came out at 0 don't count. Without a winner or "
    "without a loser b can't be measured: return `np.nan`.",
    reference=_kelly_of_results,
    cases=[
        Case("ten trades", lambda: (series(2, -1, -1, 3, -1, 0, 1.5, -1, 2.5, -0.8),)),
        Case("a rule that loses", lambda: (series(1, -1, -2, 0.5, -1),)),
        Case("winners only", lambda: (series(1, 2, 0.5),)),
        Case("even odds", lambda: (series(1, -1, 1, 1, -1),)),
    ],
    mistakes=[
        Mistake(
            lambda results: _kelly(results, floor=-np.inf),
            "Below 0 the formula says to take the other side. A rule that loses gets 0.",
        ),
        Mistake(
            lambda results: _kelly(results, count_zero=True),
            "Trades that came out at 0 are counted among the losers there. They don't count.",
        ),
        Mistake(
            lambda results: _kelly(results, upside_down=True),
            "The odds are upside down: the average win over the average loss.",
        ),
        Mistake(
            lambda results: _kelly(results, times_odds=True),
            "That is b·p − q. It still has to be divided by the odds, b.",
        ),
        Mistake(
            lambda results: results[results > 0].count() / results[results != 0].count(),
            "That is the share of winners. It is half of the story: how much do they win?",
        ),
        Mistake(
            lambda results: 2 * results[results > 0].count() / results[results != 0].count() - 1,
            "That is the formula for even odds, p − q.",
        ),
    ],
    hints=[
        "Split the results: `results[results > 0]` and `results[results < 0]`.",
        "b = wins.mean() / -losses.mean(); p from the two lengths; `max(0.0, p - (1 - p) / b)`.",
    ],
    well_done="Ten trades measure neither p nor b: full Kelly on an estimate bets too much.",
)


def _kelly(results, floor=0.0, count_zero=False, upside_down=False, times_odds=False):
    wins, losses = results[results > 0], results[results < 0]
    if wins.empty or losses.empty:
        return np.nan
    p = len(wins) / (len(results) if count_zero else len(wins) + len(losses))
    odds = wins.mean() / -losses.mean()
    odds = 1 / odds if upside_down else odds
    found = p - (1 - p) / odds
    return max(floor, found * odds if times_odds else found)


quiz = Choose(
    "A friend says: “My program has no fear and no greed, and every risk rule is built in. So it "
    "can't go wrong the way I did.” Choose the best reply.",
    options={
        "a": "Right: most losses come from feelings, and a program has none.",
        "b": "Right, as long as each rule has been tested on past prices.",
        "c": "It will keep the rules. Whether the rules are right, and the numbers in them, is "
        "another question.",
    },
    right="c",
    feedback={
        "a": "It has none. But a wrong probability makes it bet too much with the same calm, every "
        "time, and faster than you would.",
        "b": "A test on past prices can be passed by luck, and the chance of a win that it "
        "measures is an estimate, too.",
        "c": "Discipline takes away one kind of error. A rule that loses, kept without fail, "
        "loses without fail.",
    },
)

QUESTIONS = register("14_automated_risk", globals())
