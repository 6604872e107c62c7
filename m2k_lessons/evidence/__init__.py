"""Is it more than luck? Tests for a rule that was chosen, and for the many it was chosen from.

**How many were tried** is an argument of every test here, and it has no default. Twenty
worthless rules have a best one, and what is luck in it looks like skill. A trial is each rule and
each setting whose result was looked at, also by eye, also last week.

What they have in common
    *Result.* A `TestResult` with numbers, and with a `summary` in words: `print(result)`. It says
    how many returns went in (`n`), of which time (`period`), and what was assumed (`assumptions`).

    *p-value.* How often a worthless rule does as well by luck alone. `p_value` is for a single
    attempt, `p_value_adjusted` for the best of all trials. Where the trials themselves are not at
    hand, the second is `1 - (1 - p_value) ** trials` (Šidák): right for trials that have nothing
    to do with each other, too strict for those that resemble each other.

    *Returns.* One number per period, as fractions or in dollars, of strategies that pay for what
    they trade: `strategy_returns(result)`. They are excess returns, as those of futures are.

    *Sharpe ratios* are annual, from simple deviations (n - 1); `periods_per_year` says how.

    *Seed.* The same seed gives the same numbers.

    *Refused*, by a ValueError or TypeError that names argument and value: returns with a missing
    value, fewer than 10 of them, all the same, on another index than what stands beside them;
    trials that are not the number of columns; arguments outside what is accepted.

No test can tell a rule with an edge from one that was shown the future: prove that first, with
`backtest.assert_no_lookahead`.
"""

from m2k_lessons.evidence.bootstrap import BootstrapSharpe, bootstrap_sharpe
from m2k_lessons.evidence.folds import (
    CombinatorialPurgedFolds,
    PurgedKFold,
    combinatorial_purged_folds,
    purged_kfold,
)
from m2k_lessons.evidence.labels import label_uniqueness, triple_barrier
from m2k_lessons.evidence.lengths import (
    BacktestLength,
    TrackRecordLength,
    minimum_backtest_length,
    minimum_track_record,
)
from m2k_lessons.evidence.overfitting import Overfitting, probability_of_backtest_overfitting
from m2k_lessons.evidence.permutation import PermutationTest, permutation_test
from m2k_lessons.evidence.result import TestResult
from m2k_lessons.evidence.returns import strategy_returns, trial_returns
from m2k_lessons.evidence.sharpe import (
    DeflatedSharpe,
    ProbabilisticSharpe,
    TrackRecord,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
    track_record,
)
from m2k_lessons.evidence.snooping import RealityCheck, reality_check, spa_test


def __getattr__(name: str):
    # `search` stands above this package and imports it, so it is fetched when it is asked for.
    if name in ("Search", "search"):
        from m2k_lessons import search

        return getattr(search, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
